"""Before any data moves: can the upstream be reached, does it answer us, and can the lake be trusted?

Each check says what was found, how long it took and what helps. Nothing is left behind in the lake.
"""

from __future__ import annotations

import datetime as dt
import os
import shutil
import socket
import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from nba_season_backfill.backfill.choosing import open_source
from nba_season_backfill.backfill.discovery import season_list_requests
from nba_season_backfill.backfill.opening import open_lake, store_error
from nba_season_backfill.datasets.base import Assessment
from nba_season_backfill.lake.lease import read_lease
from nba_season_backfill.lake.probe import probe_conditional_writes
from nba_season_backfill.lake.raw import RawArchive
from nba_season_backfill.lake.store import ObjectStore, StoreError
from nba_season_backfill.season import Season, SeasonType
from nba_season_backfill.settings import BackfillSettings
from nba_season_backfill.source.verdict import VerdictKind, judge

__all__ = ["Check", "Health", "diagnose", "exit_code_of", "preflight"]

_SKEW_ALLOWED_SECONDS = 60.0
# A season's raw bodies and tables, rounded up.
_SEASON_BYTES = 500_000_000


class Health(StrEnum):
    """How a check came out."""

    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Check:
    """One finding. ``exit_code`` is what a run would end with because of it (0 when it would not)."""

    name: str
    health: Health
    detail: str
    hint: str = ""
    seconds: float = 0.0
    exit_code: int = 0

    def to_document(self) -> dict[str, Any]:
        """As JSON."""
        return asdict(self)


def exit_code_of(checks: list[Check]) -> int:
    """The first failure decides."""
    return next((check.exit_code for check in checks if check.health is Health.FAILED), 0)


def diagnose(settings: BackfillSettings, season: Season) -> Iterator[Check]:
    """Every check in turn, each as soon as it is known."""
    yield from _upstream(settings, season)
    yield from _lake(settings, season)


def preflight(settings: BackfillSettings, store: ObjectStore) -> Iterator[Check]:
    """What a run checks by itself before any data moves: all but the tiny request, which its first list is."""
    if settings.source == "nba":
        yield from _way_upstream(settings)
    yield _timed(lambda: _clock(store))
    if settings.s3_bucket is None:
        yield _disk(settings.output)


def _timed(check: Callable[[], Check]) -> Check:
    started = time.monotonic()
    found = check()
    return Check(
        found.name, found.health, found.detail, found.hint, round(time.monotonic() - started, 3), found.exit_code
    )


def _upstream(settings: BackfillSettings, season: Season) -> Iterator[Check]:
    if settings.source == "archive":
        yield Check("upstream", Health.SKIPPED, "--source archive asks nobody")
        return
    if settings.source == "nba":
        for check in _way_upstream(settings):
            yield check
            if check.health is Health.FAILED:
                return
    yield _timed(lambda: _tiny_request(settings, season))


def _way_upstream(settings: BackfillSettings) -> Iterator[Check]:
    """The name and the encryption, where no proxy stands in between."""
    if settings.proxy is not None:
        yield Check("proxy", Health.OK, "requests leave through the proxy that was named; its host looks names up")
        return
    url = urlsplit(settings.base_url)
    host, port = url.hostname or "", url.port or (443 if url.scheme == "https" else 80)
    name = _timed(lambda: _dns(host, port))
    yield name
    if name.health is not Health.FAILED and url.scheme == "https":
        yield _timed(lambda: _tls(host, port, settings.connect_timeout_seconds))


def _dns(host: str, port: int) -> Check:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError as error:
        return Check(
            "dns", Health.FAILED, f"{host} cannot be looked up: {error}", "check the network and the name", exit_code=69
        )
    addresses = sorted({str(entry[4][0]) for entry in found})
    return Check("dns", Health.OK, f"{host} is {', '.join(addresses[:3])}")


def _tls(host: str, port: int, timeout_seconds: float) -> Check:
    try:
        with (
            socket.create_connection((host, port), timeout=timeout_seconds) as plain,
            ssl.create_default_context().wrap_socket(plain, server_hostname=host) as secured,
        ):
            return Check("tls", Health.OK, f"{host}:{port} speaks {secured.version()}")
    except ssl.SSLError as error:
        hint = "a proxy in between? its certificate must be known to this machine"
        return Check("tls", Health.FAILED, f"{host}:{port}: {error.reason}", hint, exit_code=69)
    except OSError as error:
        return Check("tls", Health.FAILED, f"{host}:{port}: {error}", "check the network", exit_code=69)


def _tiny_request(settings: BackfillSettings, season: Season) -> Check:
    """The smallest useful question: the game log of the Cup final, two rows at most."""
    with ExitStack() as stack:
        source = open_source(settings, season, RawArchive(open_lake(settings)), stack)
        request = season_list_requests(Season(max(2023, season.start_year)), [SeasonType.IST])[0]
        answer = source.fetch(request)
        verdict = judge(answer, None, lambda _payload: Assessment("ok"))
    took = f"{answer.latency_seconds:.1f} s"
    if verdict.kind in (VerdictKind.OK, VerdictKind.ABSENT):
        return Check("upstream", Health.OK, f"{source.name} answered in {took}, {len(answer.body)} bytes of JSON")
    if verdict.rule == "silence":
        return Check(
            "upstream",
            Health.FAILED,
            f"no answer in {took}: this is how the NBA blocks cloud addresses",
            "try from a home or office connection, wait an hour, or set NBA_API_PROXY",
            exit_code=69,
        )
    return Check(
        "upstream",
        Health.FAILED,
        f"{verdict.kind.value} after {took}: {verdict.explanation}",
        exit_code=_code(verdict.kind),
    )


def _code(kind: VerdictKind) -> int:
    return {VerdictKind.BLOCKED: 69, VerdictKind.THROTTLED: 75, VerdictKind.TRANSIENT: 75}.get(kind, 65)


def _lake(settings: BackfillSettings, season: Season) -> Iterator[Check]:
    try:
        store = open_lake(settings)
    except StoreError as error:
        yield _store_failure("lake", error)
        return
    try:
        honest = _timed(lambda: _writable(settings, store))
        yield honest
        if honest.health is Health.FAILED:
            return
        yield _timed(lambda: _clock(store))
        if settings.s3_bucket is None:
            yield _disk(settings.output)
        yield _timed(lambda: _lease(store, f"season-{season}"))
    finally:
        store.close()


def _store_failure(name: str, error: StoreError) -> Check:
    failure = store_error(error)
    return Check(name, Health.FAILED, failure.message, failure.hint, exit_code=failure.exit_code)


def _writable(settings: BackfillSettings, store: ObjectStore) -> Check:
    try:
        found = probe_conditional_writes(store)
    except StoreError as error:
        return _store_failure("lake", error)
    if found.honest:
        return Check("lake", Health.OK, f"{store.url} can be written and honours conditional writes")
    detail = f"{store.url} ignores conditional writes ({found.detail})"
    if settings.single_writer:
        return Check("lake", Health.WARNING, detail, "--single-writer was given: never run two at once")
    return Check("lake", Health.FAILED, detail, "use another store, or --single-writer", exit_code=78)


def _clock(store: ObjectStore) -> Check:
    skew_seconds = (dt.datetime.now(dt.UTC) - store.now()).total_seconds()
    if abs(skew_seconds) <= _SKEW_ALLOWED_SECONDS:
        return Check("clock", Health.OK, f"this clock and the store's are {abs(skew_seconds):.0f} s apart")
    detail = f"this clock is {abs(skew_seconds):.0f} s {'ahead of' if skew_seconds > 0 else 'behind'} the store's"
    return Check("clock", Health.WARNING, detail, "set the clock: signatures of requests to S3 depend on it")


def _disk(folder: Path) -> Check:
    # Not Path.exists, which raises for a name that is too long.
    there = next(at for at in (folder.absolute(), *folder.absolute().parents) if os.path.exists(at))  # noqa: PTH110
    free = shutil.disk_usage(there).free
    if free >= _SEASON_BYTES:
        return Check("disk", Health.OK, f"{free / 1e9:.1f} GB free at {there}")
    return Check("disk", Health.WARNING, f"only {free / 1e6:.0f} MB free at {there}", "a season needs up to 500 MB")


def _lease(store: ObjectStore, name: str) -> Check:
    try:
        held = read_lease(store, name)
    except StoreError as error:
        return _store_failure("lease", error)
    if held is None or not held.held_at(store.now()):
        return Check("lease", Health.OK, f"nobody else is at work on {name}")
    return Check(
        "lease", Health.WARNING, f"{name} is held by {held.holder} until {held.expires_at:%H:%M:%S} UTC", "wait for it"
    )

"""A season of three games in memory, and stores and sources that fail at the k-th operation."""

from __future__ import annotations

import contextlib
import datetime as dt
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson
import pytest

from hoopstat_observability import configure_logging
from nba_season_backfill.backfill.choosing import utc_now
from nba_season_backfill.lake.memory import MemoryStore
from nba_season_backfill.lake.store import ObjectInfo, ObjectRange, PreconditionFailed, StoredObject, StoreError
from nba_season_backfill.source.base import Answer, Failure, FailureKind, StatsRequest
from nba_stats_emulator import Emulator

FAULTS = ("killed_before", "killed_after", "response_lost", "duplicated", "error_500", "timeout")
GAMES = ("0022400061", "0022400062", "0022400063")


class SimulatedKill(BaseException):
    """The process is gone: not an Exception, so that nothing in it can be caught by mistake."""


@dataclass
class Trap:
    """One fault at the k-th operation, counted over everything that shares the trap. ``at`` 0 = never."""

    fault: str = ""
    at: int = 0
    count: int = 0
    sprung: bool = False
    dead: bool = False
    lock: threading.Lock = field(default_factory=threading.Lock)

    def step(self) -> str:
        """Count an operation; the fault it suffers, if any."""
        with self.lock:
            if self.dead:
                raise SimulatedKill
            self.count += 1
            if self.count != self.at:
                return ""
            self.sprung = True
            if self.fault == "killed_before":
                self.dead = True
                raise SimulatedKill
            return self.fault

    def die(self) -> None:
        """The process ends right here."""
        with self.lock:
            self.dead = True
        raise SimulatedKill


class FaultyStore:
    """A store whose k-th operation fails as the trap says; a dead process does nothing more."""

    def __init__(self, inner: MemoryStore, trap: Trap) -> None:
        self._inner = inner
        self._trap = trap

    @property
    def url(self) -> str:
        return self._inner.url

    def _do(self, name: str, key: str, *arguments: Any, **keywords: Any) -> Any:
        fault = self._trap.step()
        operation = getattr(self._inner, name)
        if fault in ("error_500", "timeout"):
            raise StoreError(f"{key}: {fault}", kind="unreachable", key=key)
        result = operation(key, *arguments, **keywords)
        if fault == "killed_after":
            self._trap.die()
        if fault == "response_lost":
            raise StoreError(f"{key}: the answer was lost", kind="unreachable", key=key)
        if fault == "duplicated":
            with contextlib.suppress(PreconditionFailed):
                operation(key, *arguments, **keywords)
        return result

    def get(self, key: str, *, if_match: str | None = None) -> StoredObject:
        return self._do("get", key, if_match=if_match)  # type: ignore[no-any-return]  # as the inner store's

    def get_range(self, key: str, start: int, end: int | None = None, *, if_match: str | None = None) -> ObjectRange:
        return self._do("get_range", key, start, end, if_match=if_match)  # type: ignore[no-any-return]  # as the inner's

    def head(self, key: str) -> ObjectInfo:
        return self._do("head", key)  # type: ignore[no-any-return]  # as the inner store's

    def put(self, key: str, body: bytes, *, metadata: Mapping[str, str] | None = None) -> ObjectInfo:
        return self._do("put", key, body, metadata=metadata)  # type: ignore[no-any-return]  # as the inner store's

    def put_if_absent(self, key: str, body: bytes, *, metadata: Mapping[str, str] | None = None) -> ObjectInfo:
        return self._do("put_if_absent", key, body, metadata=metadata)  # type: ignore[no-any-return]  # as the inner's

    def put_if_match(
        self, key: str, body: bytes, etag: str, *, metadata: Mapping[str, str] | None = None
    ) -> ObjectInfo:
        return self._do("put_if_match", key, body, etag, metadata=metadata)  # type: ignore[no-any-return]  # as above

    def list(self, prefix: str = "") -> Iterator[ObjectInfo]:
        found = self._do("list", prefix)
        return iter(list(found))

    def delete(self, key: str) -> None:
        self._do("delete", key)

    def now(self) -> dt.datetime:
        return self._inner.now()

    def close(self) -> None:
        self._inner.close()


class RecordedSource:
    """Answers from memory, fails as the trap says, and remembers what it was asked."""

    name = "recorded"

    def __init__(self, bodies: Mapping[tuple[str, str], bytes], trap: Trap) -> None:
        self._bodies = bodies
        self._trap = trap
        self.asked: list[tuple[str, str]] = []

    def fetch(self, request: StatsRequest, *, session_generation: int = 0) -> Answer:
        del session_generation
        fault = self._trap.step()
        self.asked.append((request.endpoint, request.subject))
        if fault in ("response_lost", "timeout"):
            failure = Failure(FailureKind.READ_TIMEOUT, fault)
            return Answer(request, "http://127.0.0.1/", utc_now(), 0.0, failure=failure)
        if fault == "killed_after":
            self._trap.die()
        if fault == "error_500":
            return Answer(request, "http://127.0.0.1/", utc_now(), 0.0, status=500, body=b'{"Message":"x"}')
        body = self._bodies[request.endpoint, request.subject]
        headers = {"content-type": "application/json"}
        return Answer(request, "http://127.0.0.1/", utc_now(), 0.0, status=200, headers=headers, body=body)

    def close(self) -> None:
        return


class MovableClock:
    """A store's clock that a test moves, so that a dead run's lease runs out."""

    def __init__(self) -> None:
        self.moved = dt.timedelta(0)

    def __call__(self) -> dt.datetime:
        return dt.datetime.now(dt.UTC) + self.moved

    def let_leases_run_out(self) -> None:
        self.moved += dt.timedelta(minutes=5)


@pytest.fixture(autouse=True, scope="session")
def _quiet() -> None:
    """Thousands of runs have nothing to say."""
    configure_logging(level="CRITICAL", format="json")


@pytest.fixture(scope="session")
def bodies() -> Mapping[tuple[str, str], bytes]:
    """Every answer of a season that has three games: (endpoint, subject) -> body. Simulated."""
    import requests

    with Emulator() as emulator:

        def ask(endpoint: str, **parameters: str) -> Any:
            return requests.get(f"{emulator.base_url}/stats/{endpoint}", params=parameters, timeout=30).json()

        log = ask("leaguegamelog", LeagueID="00", Season="2024-25", SeasonType="Regular Season", PlayerOrTeam="T",
                  Counter="0", Sorter="DATE", Direction="ASC")  # fmt: skip
        result = log["resultSets"][0]
        game_column = result["headers"].index("GAME_ID")
        result["rowSet"] = [row for row in result["rowSet"] if row[game_column] in GAMES]
        schedule = ask("scheduleleaguev2", LeagueID="00", Season="2024-25")
        for day in schedule["leagueSchedule"]["gameDates"]:
            day["games"] = [game for game in day["games"] if game["gameId"] in GAMES]
        players = ask("playerindex", LeagueID="00", Season="2024-25")
        players["resultSets"][0]["rowSet"] = players["resultSets"][0]["rowSet"][:20]
        found: dict[tuple[str, str], bytes] = {
            ("leaguegamelog", "regular-season"): orjson.dumps(log),
            ("scheduleleaguev2", "season"): orjson.dumps(schedule),
            ("playerindex", "season"): orjson.dumps(players),
        }
        box = {"EndPeriod": "0", "EndRange": "0", "RangeType": "0", "StartPeriod": "0", "StartRange": "0"}
        for game in GAMES:
            for endpoint in ("boxscoretraditionalv3", "boxscoreadvancedv3", "playbyplayv3"):
                found[endpoint, game] = orjson.dumps(ask(endpoint, GameID=game, **box))
        return found

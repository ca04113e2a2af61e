"""What a person does about the quarantine: look, ask again, or take a body as it is."""

from __future__ import annotations

import contextlib
import datetime as dt
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import orjson

from nba_season_backfill.backfill.choosing import find_archived, utc_now
from nba_season_backfill.backfill.job import run_season
from nba_season_backfill.backfill.manner import Manner
from nba_season_backfill.backfill.observer import Observer
from nba_season_backfill.backfill.opening import lake_identity, load_checkpoint, open_lake, store_error
from nba_season_backfill.backfill.orders import Orders
from nba_season_backfill.backfill.stopping import Stop
from nba_season_backfill.backfill.summary import Summary
from nba_season_backfill.checkpoint import Checkpoint, UnitStatus
from nba_season_backfill.datasets import DATASETS, TABLES
from nba_season_backfill.datasets.base import Assessment, Dataset, Expectation
from nba_season_backfill.errors import ContractViolated, UsageError
from nba_season_backfill.lake import layout
from nba_season_backfill.lake.quarantine import Quarantine, QuarantineEntry
from nba_season_backfill.lake.raw import RawArchive
from nba_season_backfill.lake.store import ObjectMissing, ObjectStore, StoreError
from nba_season_backfill.season import GameId, Season
from nba_season_backfill.settings import BackfillSettings
from nba_season_backfill.source.archive import ArchiveSource
from nba_season_backfill.source.base import StatsRequest, StatsSource

__all__ = ["accept_body", "list_quarantine", "retry_bodies", "show_bodies"]


@dataclass(frozen=True, slots=True)
class _Opened:
    store: ObjectStore
    quarantine: Quarantine
    checkpoint: Checkpoint | None


@contextmanager
def _opened(
    settings: BackfillSettings, season: Season, store: ObjectStore | None = None, stop: Stop | None = None
) -> Iterator[_Opened]:
    own = store is None
    opened = store if store is not None else open_lake(settings, stop)
    try:
        identity = lake_identity(opened, season.league, create=False)
        checkpoint = load_checkpoint(settings, opened, season, season.league, identity).checkpoint
        yield _Opened(opened, Quarantine(opened), checkpoint)
    except StoreError as error:
        raise store_error(error) from error
    finally:
        if own:
            opened.close()


def _dataset_of(entry: QuarantineEntry) -> str:
    named = entry.metadata.get("dataset")
    if named in DATASETS:
        return str(named)
    return next((name for name, dataset in DATASETS.items() if dataset.endpoint == entry.endpoint), entry.endpoint)


def _document(entry: QuarantineEntry, checkpoint: Checkpoint | None) -> dict[str, Any]:
    dataset = _dataset_of(entry)
    record = checkpoint.unit(entry.subject, dataset) if checkpoint is not None else None
    stored = record is not None and record.status is UnitStatus.OK
    if entry.acceptance is not None:
        state = "accepted" if stored and record is not None and record.raw == entry.sha256 else "to be stored"
    else:
        # What was stored before stays as it was; what came later and passed took its place.
        state = "another answer is stored" if stored else "open"
    return {
        "game_id": entry.subject,
        "dataset": dataset,
        "state": state,
        "reason": entry.reason,
        "sha256": entry.sha256,
        "fetched_at": entry.metadata.get("fetched_at"),
        "run_id": entry.metadata.get("run_id"),
        "bytes_stored": entry.size,
        "accepted": entry.acceptance.reason if entry.acceptance is not None else None,
        "accepted_at": entry.acceptance.accepted_at if entry.acceptance is not None else None,
        "key": entry.key,
    }


def list_quarantine(settings: BackfillSettings, season: Season) -> dict[str, Any]:
    """Every refused body of a season with its reason and what became of it, and the objects that were set aside."""
    with _opened(settings, season) as opened:
        entries = [_document(entry, opened.checkpoint) for entry in opened.quarantine.entries(str(season))]
        return {
            "season": str(season),
            "lake": opened.store.url,
            "open": sum(entry["state"] == "open" for entry in entries),
            "bodies": entries,
            "objects": sorted(key for key in opened.quarantine.objects() if f"season={season}/" in key),
        }


def show_bodies(settings: BackfillSettings, game_id: GameId, dataset: str | None) -> list[dict[str, Any]]:
    """The refused bodies of a game, what this version says of each, and the body itself (parsed).

    Raises:
        UsageError: there is none.
    """
    with _opened(settings, game_id.season) as opened:
        shown = []
        for entry in _entries(opened, game_id, dataset):
            body = opened.quarantine.body(entry)
            found = _assess(DATASETS[_dataset_of(entry)], game_id, body)
            shown.append(
                {
                    **_document(entry, opened.checkpoint),
                    "judged_now": found.kind,
                    "problems": list(found.problems),
                    "can_be_accepted": not _unfit(found),
                    "rows": {name: table.num_rows for name, table in found.tables.items()},
                    "body": orjson.loads(body),
                }
            )
        return shown


def _entries(opened: _Opened, game_id: GameId, dataset: str | None) -> list[QuarantineEntry]:
    entries = opened.quarantine.entries(str(game_id.season), game_id.text)
    found = [entry for entry in entries if dataset is None or _dataset_of(entry) == dataset]
    if not found:
        about = f" {dataset}" if dataset else ""
        raise UsageError(
            f"{opened.store.url}: nothing of game {game_id}{about} is in the quarantine",
            hint="`nba-backfill quarantine list` shows what is",
        )
    return sorted(found, key=lambda entry: (entry.metadata.get("fetched_at", ""), entry.sha256))


def _assess(dataset: Dataset, game_id: GameId, body: bytes) -> Assessment:
    return dataset.assess(orjson.loads(body), Expectation(game_id.text, game_id.season))


def _unfit(found: Assessment) -> str:
    """Why a body cannot be made into rows, whatever a person thinks of it; empty when it can."""
    if not found.tables:
        return "; ".join(found.problems) or found.kind
    for name, table in found.tables.items():
        columns = [table.column(column).to_pylist() for column in TABLES[name].key]
        twice = [key for key, count in Counter(zip(*columns, strict=True)).items() if count > 1]
        if twice:
            return f"{name}: two rows have the key {twice[0]}"
    return ""


def retry_bodies(
    settings: BackfillSettings,
    game_id: GameId,
    dataset: str | None,
    *,
    at_once: bool,
    run_id: str,
    observer: Observer | None = None,
    stop: Stop | None = None,
    store: ObjectStore | None = None,
    source: StatsSource | None = None,
    now: Callable[[], dt.datetime] = utc_now,
) -> Summary:
    """Forget what was refused, and what was decided about it: the next run asks again, or this one does at once.

    Raises:
        UsageError: nothing of the game is in the quarantine.
        BackfillError: as a run.
    """
    season = game_id.season
    with _opened(settings, season, store, stop) as opened:
        entries = _entries(opened, game_id, dataset)
        units = frozenset((game_id.text, _dataset_of(entry)) for entry in entries)
        accepted = frozenset(
            unit
            for entry in entries
            if (unit := (game_id.text, _dataset_of(entry))) and _stored_as(opened.checkpoint, unit) == entry.sha256
        )
        month = _month(opened.checkpoint, game_id)
        rows = frozenset(
            (table.name, month, game_id.text) for _game, name in accepted for table in DATASETS[name].tables if month
        )
        for entry in entries:
            opened.quarantine.release(entry)
        if at_once:
            orders = Orders(ask=units, forget=accepted, leave=rows)
        else:
            failed = frozenset(unit for unit in units if _failed(opened.checkpoint, unit))
            orders = Orders(forget=accepted | failed, leave=rows)
            source = ArchiveSource(lambda request: find_archived(RawArchive(opened.store), request))
            settings = settings.model_copy(update={"source": "archive"})
        return run_season(
            settings, season, run_id=run_id, observer=observer, stop=stop, store=opened.store, source=source,
            manner=Manner(orders=orders),
            now=now,
        )  # fmt: skip


def _stored_as(checkpoint: Checkpoint | None, unit: tuple[str, str]) -> str | None:
    record = checkpoint.unit(*unit) if checkpoint is not None else None
    return record.raw if record is not None and record.status is UnitStatus.OK else None


def _failed(checkpoint: Checkpoint | None, unit: tuple[str, str]) -> bool:
    record = checkpoint.unit(*unit) if checkpoint is not None else None
    return record is not None and record.status is UnitStatus.FAILED


def _month(checkpoint: Checkpoint | None, game_id: GameId) -> int:
    date = checkpoint.dates.get(game_id.text) if checkpoint is not None else None
    return int(date[5:7]) if date else 0


def accept_body(
    settings: BackfillSettings,
    game_id: GameId,
    dataset: str,
    *,
    reason: str,
    sha256: str | None = None,
    run_id: str,
    observer: Observer | None = None,
    stop: Stop | None = None,
    store: ObjectStore | None = None,
    now: Callable[[], dt.datetime] = utc_now,
) -> Summary:
    """Take a refused body as it is: its rows are stored, and the reason is kept with it.

    Without one in the quarantine, the body that is stored now is meant: its audit findings count no more.

    Args:
        settings: with ``source`` ``archive``: nothing is asked for.
        sha256: which body, or how its hash begins, where several were refused; else the newest.

    Raises:
        UsageError: there is no such body.
        ContractViolated: it cannot be made into rows at all.
        BackfillError: as a run.
    """
    season = game_id.season
    with _opened(settings, season, store, stop) as opened:
        entry = _to_accept(opened, game_id, dataset, reason, sha256, run_id)
        body = opened.quarantine.body(entry)
        unfit = _unfit(_assess(DATASETS[dataset], game_id, body))
        if unfit:
            raise ContractViolated(
                f"game {game_id}, {dataset}: the body cannot be made into rows ({unfit})",
                hint="`nba-backfill quarantine retry` asks for another one; a newer version may be able to read it",
            )
        opened.quarantine.accept(entry, reason=reason, run_id=run_id, now=now())
        unit = (game_id.text, dataset)
        derive = frozenset() if _stored_as(opened.checkpoint, unit) == entry.sha256 else frozenset({unit})
        archive = RawArchive(opened.store)

        def find(request: StatsRequest) -> tuple[bytes, dt.datetime, str] | None:
            if (request.endpoint, request.subject) != (entry.endpoint, entry.subject):
                return find_archived(archive, request)
            fetched_at = entry.metadata.get("fetched_at")
            moment = dt.datetime.fromisoformat(fetched_at) if fetched_at else entry.stored_at
            return body, moment, entry.metadata.get("url", "")

        return run_season(
            settings, season, run_id=run_id, observer=observer, stop=stop, store=opened.store,
            source=ArchiveSource(find), manner=Manner(orders=Orders(derive=derive)),
            now=now,
        )  # fmt: skip


def _to_accept(
    opened: _Opened, game_id: GameId, dataset: str, reason: str, sha256: str | None, run_id: str
) -> QuarantineEntry:
    found: Sequence[QuarantineEntry] = ()
    with contextlib.suppress(UsageError):
        found = [entry for entry in _entries(opened, game_id, dataset) if entry.sha256.startswith(sha256 or "")]
    open_ = [entry for entry in found if entry.acceptance is None]
    if found:
        return (open_ or found)[-1]
    raw = _stored_as(opened.checkpoint, (game_id.text, dataset))
    if raw is None or not raw.startswith(sha256 or ""):
        raise UsageError(
            f"{opened.store.url}: no such body of game {game_id}, {dataset}, was refused or is stored",
            hint="`nba-backfill quarantine list` shows what was refused",
        )
    endpoint, season = DATASETS[dataset].endpoint, str(game_id.season)
    try:
        body = RawArchive(opened.store).get(layout.raw_key(endpoint, season, game_id.text, raw))
    except ObjectMissing:
        raise UsageError(
            f"game {game_id}, {dataset}: its body is not in the archive", hint="`nba-backfill audit --repair`"
        ) from None
    opened.quarantine.put(
        endpoint, season, game_id.text, body, reason=f"stored, yet doubted: {reason}", dataset=dataset, run_id=run_id
    )
    return next(each for each in _entries(opened, game_id, dataset) if each.sha256 == raw)

"""The pulse of a season in a lake, for people and for probes. Nothing is written, nobody is asked."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from hoopstat_observability import ContextThreadPoolExecutor
from nba_season_backfill.backfill.choosing import utc_now
from nba_season_backfill.backfill.opening import lake_identity, load_checkpoint, open_lake, store_error
from nba_season_backfill.backfill.process import is_lost
from nba_season_backfill.backfill.pulse import Seen, take_pulse
from nba_season_backfill.checkpoint import SEASON_LEVEL, Checkpoint, UnitStatus
from nba_season_backfill.daily.watermark import Watermark
from nba_season_backfill.errors import UsageError
from nba_season_backfill.lake import layout
from nba_season_backfill.lake.flight import RUNNING, month_of, read_record, recent_runs
from nba_season_backfill.lake.lease import LeaseRecord, read_lease
from nba_season_backfill.lake.store import ObjectInfo, ObjectMissing, ObjectStore, StoreError
from nba_season_backfill.season import EASTERN, Season
from nba_season_backfill.settings import BackfillSettings

__all__ = ["flight_record", "latest_runs", "run_document", "status_document", "status_text"]

_RUNS_SHOWN = 5
_OPEN_SHOWN = 20


def status_document(
    settings: BackfillSettings, season: Season, *, now: Callable[[], dt.datetime] = utc_now
) -> dict[str, Any]:
    """The season's pulse as JSON: whether it is fresh, what is stored and what not, the last runs, who is at work.

    A few reads, side by side; nothing is written.

    Raises:
        CheckpointUnusable, StoreUnusable: as a run would.
    """
    store = open_lake(settings)
    clock = now()
    moment = _moment(settings, clock)
    try:
        with ContextThreadPoolExecutor(4, thread_name_prefix="status") as readers:
            recent = readers.submit(_recent_runs, store, clock, _RUNS_SHOWN, (str(season),))
            leases = [
                readers.submit(read_lease, store, name)
                for name in (f"season-{season}", f"host-{settings.upstream_host}-{settings.egress}")
            ]
            identity = lake_identity(store, season.league, create=False)
            opened = load_checkpoint(settings, store, season, season.league, identity)
            runs = recent.result()
            held = [lease for lease in (each.result() for each in leases) if lease is not None and not lease.released]
            store_now = store.now()
    except StoreError as error:
        raise store_error(error) from error
    finally:
        store.close()
    ended = {row["run_id"] for row in runs if row["outcome"] != RUNNING}
    checkpoint = opened.checkpoint
    watermark = Watermark.from_document(checkpoint.watermark if checkpoint is not None else None)
    open_units = _open_units(checkpoint)
    pulse = take_pulse(
        Seen(
            season,
            moment,
            settings.stale_after,
            exists=checkpoint is not None,
            watermark=watermark,
            runs=runs,
            at_work=_at_work(held, f"season-{season}", store_now, ended),
            open_units=len(open_units),
            success_at=_success_at(checkpoint),
        )
    )
    document: dict[str, Any] = {
        "season": str(season),
        "lake": store.url,
        "checkpoint": opened.where,
        "exists": checkpoint is not None,
        "fresh": pulse.fresh,
        "up_to_date_at": _iso(pulse.up_to_date_at),
        "freshness_hours": pulse.freshness_hours,
        "stale_after_hours": round(settings.stale_after.total_seconds() / 3600, 1),
        "season_over": pulse.season_over,
        "next_action": pulse.next_action,
        "watermark": watermark.to_document(),
        "leases": [_lease(lease, store_now, ended) for lease in held],
        "last_runs": [run_document(row) for row in runs],
    }
    if checkpoint is None:
        return document
    return document | {
        "created_at": checkpoint.created_at,
        "recovered_from_generation": opened.recovered_from,
        "games": len(checkpoint.dates),
        "datasets": {name: dict(counts) for name, counts in sorted(checkpoint.counts().items())},
        "coverage": _coverage(checkpoint, runs),
        "open": open_units,
        "last_run": checkpoint.statistics,
    }


def run_document(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row of ``pipeline-audit`` as JSON, with the key of the run's flight record."""
    document = {name: _iso(value) if isinstance(value, dt.datetime) else value for name, value in row.items()}
    return document | {"record": layout.run_key(row["started_at"].date(), row["run_id"])}


def latest_runs(
    settings: BackfillSettings, *, most: int, seasons: Collection[str] | None = None
) -> list[dict[str, Any]]:
    """The latest runs in the lake, the newest first, of some seasons or of all: as ``run_document`` gives them.

    Raises:
        StoreUnusable: the lake cannot be read.
    """
    store = open_lake(settings)
    try:
        return [run_document(row) for row in _recent_runs(store, utc_now(), most, seasons)]
    except StoreError as error:
        raise store_error(error) from error
    finally:
        store.close()


def flight_record(settings: BackfillSettings, run_id: str) -> dict[str, Any]:
    """One run's record, whole. A part of its id is enough where it names one run only.

    Raises:
        UsageError: there is no such run, or more than one.
        StoreUnusable: the lake cannot be read.
    """
    store = open_lake(settings)
    try:
        return read_record(store, run_id)
    except ObjectMissing as error:
        raise UsageError(str(error), hint="`nba-backfill runs` lists them") from None
    except StoreError as error:
        raise store_error(error) from error
    finally:
        store.close()


def _recent_runs(
    store: ObjectStore, now: dt.datetime, most: int, seasons: Collection[str] | None
) -> list[dict[str, Any]]:
    def gone(info: ObjectInfo, record: Mapping[str, Any]) -> bool:
        return is_lost(record.get("process") or {}, (store.now() - info.last_modified).total_seconds())

    return recent_runs(store, month_of(now), most=most, seasons=seasons, is_gone=gone)


def _moment(settings: BackfillSettings, now: dt.datetime) -> dt.datetime:
    """The moment that is looked at: now, or noon in New York of the day that was given as today."""
    if settings.today is None:
        return now
    return dt.datetime.combine(settings.today, dt.time(12), EASTERN).astimezone(dt.UTC)


def _open_units(checkpoint: Checkpoint | None) -> list[dict[str, Any]]:
    if checkpoint is None:
        return []
    return [
        {"game_id": subject, "dataset": dataset, "status": record.status.value, "attempts": record.attempts}
        | ({"error": record.error} if record.error else {})
        | ({"believed_until": record.believed_until} if record.believed_until else {})
        for subject, dataset, record in checkpoint.units()
        if record.status is UnitStatus.FAILED or record.suspicious
    ]


def _success_at(checkpoint: Checkpoint | None) -> dt.datetime | None:
    """When a run last committed with nothing left: for lakes from before runs were recorded."""
    said = checkpoint.statistics if checkpoint is not None else {}
    if not said.get("updated_at") or said.get("units_left") or said.get("units_failed"):
        return None
    return dt.datetime.fromisoformat(said["updated_at"])


def _coverage(checkpoint: Checkpoint, runs: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """dataset -> answers stored and absent, of how many that are known to be wanted."""
    known = [(row["games_selected"] or 0) - (row["games_not_final"] or 0) for row in runs if row["command"] == "run"]
    games = max([len(checkpoint.dates), *known[:1]])
    season_level = {dataset for subject, dataset, _ in checkpoint.units() if subject == SEASON_LEVEL}
    found = {}
    for dataset, counts in sorted(checkpoint.counts().items()):
        stored, absent = counts[UnitStatus.OK], counts[UnitStatus.ABSENT]
        wanted = max(1 if dataset in season_level else games, counts.total())
        ratio = (stored + absent) / wanted if wanted else 1.0
        # Not rounded up: 1 means all of it.
        found[dataset] = {"stored": stored, "absent": absent, "of": wanted, "ratio": int(ratio * 10_000) / 10_000}
    return found


def _at_work(held: Sequence[LeaseRecord], name: str, now: dt.datetime, ended: Collection[str]) -> str | None:
    lease = next((lease for lease in held if lease.name == name and _is_held(lease, now, ended)), None)
    return f"run {lease.run_id} ({lease.holder})" if lease is not None else None


def _is_held(lease: LeaseRecord, now: dt.datetime, ended: Collection[str]) -> bool:
    """A run that was killed leaves its lease, and is known to be gone long before that runs out."""
    return lease.held_at(now) and lease.run_id not in ended


def _lease(lease: LeaseRecord, now: dt.datetime, ended: Collection[str]) -> dict[str, Any]:
    return {
        "name": lease.name,
        "run_id": lease.run_id,
        "holder": lease.holder,
        "since": _iso(lease.acquired_at),
        "expires": _iso(lease.expires_at),
        "held": _is_held(lease, now, ended),
        "token": lease.token,
    }


def _iso(moment: dt.datetime | None) -> str | None:
    return moment.astimezone(dt.UTC).isoformat(timespec="seconds") if moment is not None else None


def status_text(document: Mapping[str, Any]) -> str:
    """The same in lines."""
    rows = [("season", f"{document['season']}  ({'fresh' if document['fresh'] else 'STALE'})")]
    rows.append(("lake", document["lake"]))
    if not document["exists"]:
        rows.append(("checkpoint", "none yet: nothing has been fetched for this season"))
    else:
        rows += _stored_lines(document)
    for lease in document["leases"]:
        who = f"{'held' if lease['held'] else 'left behind'} by {lease['holder']}, run {lease['run_id']}"
        rows.append(("lease", f"{lease['name']}: {who}, since {lease['since']}, expires {lease['expires']}"))
    for run in document["last_runs"]:
        code = "" if run["exit_code"] is None else f" ({run['exit_code']})"
        done = f", games done: {run['games_done']}" if run["games_done"] else ""
        rows.append(("run", f"{run['run_id']} {run['command']}: {run['outcome']}{code}, {run['started_at']}{done}"))
    rows.append(("next", document["next_action"]))
    return "\n".join(f"{name:10}  {value}".rstrip() for name, value in rows)


def _stored_lines(document: Mapping[str, Any]) -> list[tuple[str, str]]:
    watermark = document["watermark"]
    rows = [("checkpoint", document["checkpoint"])]
    if watermark["date"]:
        held = f", held by {', '.join(watermark['held_by'])}" if watermark["held_by"] else ""
        rows.append(("watermark", f"{watermark['date']} (US Eastern): every game up to then is complete{held}"))
    if document["freshness_hours"] is not None:
        limit = "the season is over" if document["season_over"] else f"stale after {document['stale_after_hours']:g} h"
        rows.append(("freshness", f"{document['freshness_hours']:g} h; {limit}"))
    rows.append(("games", f"{document['games']} with at least one answer"))
    for name, counts in document["datasets"].items():
        said = ", ".join(f"{number} {status}" for status, number in sorted(counts.items()))
        coverage = document["coverage"][name]
        rows.append(("", f"{name}: {said} ({coverage['ratio'] * 100:.4g} % of {coverage['of']})"))
    rows += [
        ("open", f"{unit['game_id']} {unit['dataset']}: {unit['status']} {unit.get('error', '')}")
        for unit in document["open"][:_OPEN_SHOWN]
    ]
    if len(document["open"]) > _OPEN_SHOWN:
        left = len(document["open"]) - _OPEN_SHOWN
        rows.append(("open", f"... and {left} more (--output-format json lists them)"))
    return rows

"""The runs that a report shows: the last one from its flight record, those before it from the table of runs."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

import orjson

from nba_season_backfill.lake import layout
from nba_season_backfill.lake.flight import audited_months, read_audit
from nba_season_backfill.lake.store import ObjectMissing, ObjectStore
from nba_season_backfill.report.facts import PastRun, RunFacts

__all__ = ["history_of", "last_run", "read_run"]

# Runs over other seasons lie between; a season whose last run is older than so many others has none to show.
_MOST_LOOKED_AT = 60
_MOST_PAST = 12
_MOST_MARKS = 60


def last_run(store: ObjectStore, season: str, run_id: str | None) -> RunFacts | None:
    """The season's last run, or the one that is named; None where there is no record of it.

    Raises:
        StoreError: the store cannot be read.
    """
    keys = sorted((info.key for info in store.list(layout.runs_prefix())), reverse=True)
    if run_id is not None:
        keys = [key for key in keys if key.endswith(f"/{run_id}.json")]
    for key in keys[:_MOST_LOOKED_AT]:
        try:
            record = orjson.loads(store.get(key).body)
        except (ObjectMissing, orjson.JSONDecodeError):
            continue
        if isinstance(record, dict) and record.get("season") == season:
            return read_run(record)
    return None


def read_run(record: Mapping[str, Any]) -> RunFacts:
    """A flight record as facts. What an older or newer version does not write is taken as nothing."""
    timeline, progress, plan = (_object(record.get(name)) for name in ("timeline", "progress", "plan"))
    config, summary = _object(record.get("config")), _object(record.get("summary"))
    errors = record.get("errors") or [{}]
    marks = [mark for mark in timeline.get("marks") or [] if isinstance(mark, dict)][:_MOST_MARKS]
    paced = record.get("source") == "nba"
    return RunFacts(
        run_id=str(record.get("run_id", "")),
        command=str(record.get("command", "run")),
        source=str(record.get("source", "")),
        state=str(record.get("state", "")),
        outcome=str(record.get("outcome") or record.get("state") or ""),
        exit_code=record.get("exit_code"),
        message=str(record.get("message") or ""),
        hint=str(_object(errors[0]).get("hint") or ""),
        started_at=_moment(record.get("started_at")) or dt.datetime.fromtimestamp(0, dt.UTC),
        ended_at=_moment(record.get("ended_at") or record.get("updated_at")),
        columns=tuple(map(str, timeline.get("columns") or ())),
        points=[tuple(map(float, point)) for point in timeline.get("points") or ()],
        marks=[(float(mark.get("seconds", 0)), str(mark.get("what", ""))) for mark in marks],
        requests=int(progress.get("requests", 0)),
        requests_by_verdict={str(name): int(n) for name, n in _object(progress.get("requests_by_verdict")).items()},
        waited_seconds=float(progress.get("waited_seconds", 0)),
        games_done=int(progress.get("games_done", 0)),
        games_to_do=int(plan.get("games_to_do", 0)),
        request_budget=int(config.get("request_budget") or 0) if paced else 0,
        interval_seconds=float(plan.get("interval_seconds", 0)),
        warnings=[str(text) for text in summary.get("warnings") or ()],
        versions={str(name): str(version) for name, version in _object(record.get("versions")).items()},
        config=config,
    )


def history_of(store: ObjectStore, season: str) -> list[PastRun]:
    """The last runs over the season, newest first.

    Raises:
        StoreError: the store cannot be read.
    """
    rows = [row for month in audited_months(store)[:2] for row in read_audit(store, month).rows.values()]
    found = sorted((row for row in rows if row["season"] == season), key=lambda row: row["started_at"], reverse=True)
    return [
        PastRun(
            run_id=row["run_id"],
            command=row["command"] or "",
            started_at=row["started_at"],
            seconds=row["duration_in_seconds"],
            outcome=row["outcome"] or "",
            exit_code=row["exit_code"],
            games_done=row["games_done"] or 0,
            requests=row["requests"] or 0,
        )
        for row in found[:_MOST_PAST]
    ]


def _object(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _moment(value: object) -> dt.datetime | None:
    return dt.datetime.fromisoformat(value) if isinstance(value, str) else None

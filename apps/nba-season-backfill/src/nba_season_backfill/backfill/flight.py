"""The flight recorder: what a run is, does and comes to, written beside it and never in its way.

A thread of its own writes the record when the run starts, once a minute while it lasts, and when it ends; it also
closes what killed runs left open. Nothing that goes wrong there ends or delays the run: it is said once, at the end.
"""

from __future__ import annotations

import datetime as dt
import importlib.metadata
import platform
import re
import threading
import time
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from hoopstat_observability import RunIds, carry_context, get_logger, redact
from nba_season_backfill import __version__
from nba_season_backfill.backfill.choosing import utc_now
from nba_season_backfill.backfill.observer import NoObserver
from nba_season_backfill.backfill.opening import open_lake
from nba_season_backfill.backfill.process import is_lost, this_process
from nba_season_backfill.backfill.summary import Summary
from nba_season_backfill.backfill.timeline import Timeline
from nba_season_backfill.errors import BackfillError
from nba_season_backfill.lake import layout
from nba_season_backfill.lake.flight import RECORD_FORMAT, close_records, month_before, month_of, write_record
from nba_season_backfill.lake.store import ObjectInfo, ObjectStore
from nba_season_backfill.pace import Pacer
from nba_season_backfill.plan import Plan
from nba_season_backfill.schedule import Game
from nba_season_backfill.settings import BackfillSettings

__all__ = ["Flight", "Past"]

_LOG = get_logger("nba_season_backfill.flight")

_BEAT_SECONDS = 60.0
_MOST_ITEMS = 200
_MOST_CHARACTERS = 20_000


@dataclass(frozen=True, slots=True)
class Past:
    """The runs before this one. ``failed_runs_in_a_row`` counts back from now; ``new_fields`` were told of before."""

    failed_runs_in_a_row: int = 0
    new_fields: frozenset[str] = frozenset()


class Flight(NoObserver):
    """One run's record. An observer of it: cheap, and safe to be told by any thread.

    Args:
        command: what the run is called in the record (``run``, ``repair``).
        store: where the record goes; not given: a lake of its own is opened from the settings, in the thread.
        beat_seconds: the record is written that often while the run lasts.
    """

    def __init__(
        self,
        settings: BackfillSettings,
        ids: RunIds,
        *,
        command: str = "run",
        store: ObjectStore | None = None,
        beat_seconds: float = _BEAT_SECONDS,
        now: Callable[[], dt.datetime] = utc_now,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.started_at = now()
        self.ended_at: dt.datetime | None = None
        self.ids = ids
        self.command = command
        self.settings = settings
        self._now = now
        self._store = store
        self._beat_seconds = beat_seconds
        self._timeline = Timeline(monotonic)
        self._pacer: Pacer | None = None
        self._plan: Plan | None = None
        self._end: dict[str, Any] | None = None
        self._past: Past | None = None
        self._problem = ""
        self._ending = threading.Event()
        self.landed = threading.Event()

    @property
    def key(self) -> str:
        """The record's key in the lake."""
        return layout.run_key(self.started_at.date(), self.ids.run_id)

    @property
    def problem(self) -> str:
        """Why the record is not complete, once the run has ended; empty when it is."""
        return self._problem

    def begin(self) -> None:
        """Start recording."""
        threading.Thread(target=carry_context(self._fly), name="flight", daemon=True).start()

    def end(self, summary: Summary | None, error: BackfillError | None) -> None:
        """Say how the run ended, and have it written. Returns at once; ``landed`` is set when it is done."""
        self.ended_at = self._now()
        self._timeline.sample()
        cause = error.__cause__ if error is not None and error.exit_code == 1 else None
        document: dict[str, Any] = {
            "state": "ended",
            # Only the answers tell what a base URL stands for.
            "simulated": self.settings.source == "sample" or (summary is not None and summary.simulated),
            "ended_at": _iso(self.ended_at),
            "outcome": summary.outcome if summary is not None else "complete" if error is None else "failed",
            "exit_code": error.exit_code if error is not None else 0,
            "message": error.message if error is not None else summary.message if summary is not None else "",
            "summary": _bounded(summary.to_document()) if summary is not None else None,
            "errors": [] if error is None else [_error(error, cause or error)],
        }
        self._end = document
        self._ending.set()

    @property
    def past(self) -> Past | None:
        """The runs before this one; None as long as they are not known."""
        return self._past

    def timeline(self) -> dict[str, Any]:
        """The run over time; see ``Timeline.to_document``."""
        return self._timeline.to_document()

    # As an observer of the run.

    def pacing(self, pacer: Pacer) -> None:
        """From here on the pace is part of the timeline."""
        self._pacer = pacer
        self._timeline.follow(lambda: pacer.stats)

    def planned(self, plan: Plan) -> None:
        """The work is known."""
        self._plan = plan

    def judged(self, endpoint: str, verdict: str) -> None:
        """An answer."""
        del endpoint
        self._timeline.judged(verdict)

    def game_done(self, game: Game, games_left: int) -> None:
        """A game is settled."""
        del game, games_left
        self._timeline.game_done()

    def said(self, message: str) -> None:
        """A notice."""
        self._timeline.mark(str(redact(message)))

    # In the thread.

    def _fly(self) -> None:
        store = self._store
        try:
            store = store if store is not None else open_lake(self.settings)
            self._try(lambda: self._take_off(store))
            while not self._ending.wait(self._beat_seconds):
                self._timeline.sample()
                self._try(lambda: write_record(store, self._record()))
            self._problem = self._try(lambda: self._land(store))
        except Exception as error:  # noqa: BLE001  # the boundary of a thread: a record is worth less than the run
            self._problem = _why(error)
        finally:
            self.landed.set()
            if store is not None and store is not self._store:
                # The process may be ending around this thread, and with it what a store closes with.
                self._try(store.close)

    def _try(self, work: Callable[[], object]) -> str:
        """Do it; why it failed, or nothing. The next one is tried all the same: stores come back."""
        try:
            work()
        except Exception as error:  # noqa: BLE001  # as above
            _LOG.debug("flight_record_failed", reason=_why(error))
            return _why(error)
        return ""

    def _take_off(self, store: ObjectStore) -> None:
        write_record(store, self._record())
        self._close(store)

    def _land(self, store: ObjectStore) -> None:
        record = self._record()
        write_record(store, record)
        self._close(store, own=record)

    def _close(self, store: ObjectStore, own: Mapping[str, Any] | None = None) -> None:
        def gone(info: ObjectInfo, record: Mapping[str, Any]) -> bool:
            return is_lost(record.get("process") or {}, (store.now() - info.last_modified).total_seconds())

        this_month = month_of(self.started_at)
        rows: list[Mapping[str, Any]] = []
        for month in (month_before(this_month), this_month):
            closed = close_records(store, month, closed_by=self.ids.run_id, is_gone=gone, own=own)
            rows += [row for row in closed.values() if row["run_id"] != self.ids.run_id]
        self._past = _past(rows, str(self.settings.season))

    def _record(self) -> dict[str, Any]:
        settings = self.settings
        stats = self._pacer.stats if self._pacer is not None else None
        verdicts = self._timeline.counts()
        document: dict[str, Any] = {
            "format": RECORD_FORMAT,
            "run_id": self.ids.run_id,
            "correlation_id": self.ids.correlation_id,
            "command": self.command,
            "season": settings.season,
            "source": settings.source,
            "simulated": settings.source == "sample",
            "state": "running",
            "started_at": _iso(self.started_at),
            "updated_at": _iso(self._now()),
            "ended_at": None,
            "process": this_process(),
            "versions": _versions(),
            "config": settings.snapshot(),
            "config_fingerprint": settings.fingerprint(settings.FINGERPRINTED),
            "plan": _plan(self._plan, settings) if self._plan is not None else {},
            "progress": {
                "games_done": self._timeline.games_done,
                "requests": sum(verdicts.values()),
                "requests_by_verdict": verdicts,
                "waited_seconds": round(stats.waited_seconds, 1) if stats is not None else 0.0,
            },
            "timeline": self._timeline.to_document(),
        }
        # As JSON first: a sequence that is not a list is no container to the redaction.
        return dict(redact(orjson.loads(orjson.dumps(document | (self._end or {}), default=str))))


def _plan(plan: Plan, settings: BackfillSettings) -> dict[str, Any]:
    interval_seconds = settings.effective_interval_seconds
    return {
        "games_selected": plan.selected_games,
        "games_to_do": plan.games_to_do,
        "units": len(plan.units),
        "units_committed": plan.committed_units,
        "units_absent": plan.absent_units,
        "games_not_final": dict(plan.not_final),
        "season_requests": plan.season_requests,
        "missing_ids": list(plan.missing_ids[:_MOST_ITEMS]),
        "interval_seconds": interval_seconds,
        "seconds": round(plan.seconds(interval_seconds, 0 if settings.pace_off else settings.request_budget), 1),
    }


def _past(rows: list[Mapping[str, Any]], season: str) -> Past:
    """What came before, in the season, of runs that asked somebody and were not in another's way."""
    found = [row for row in rows if row["season"] == season and row["source"] != "archive"]
    found = sorted((row for row in found if row["outcome"] != "skipped"), key=lambda row: row["ended_at"])
    failed = 0
    for row in reversed(found):
        if row["exit_code"] == 0:
            break
        failed += 1
    return Past(failed, frozenset(path for row in found for path in row["new_fields"] or ()))


def _error(error: BackfillError, cause: BaseException) -> dict[str, Any]:
    trace = "".join(traceback.format_exception(cause))
    return {
        "type": type(cause).__name__,
        "message": error.message,
        "hint": error.hint,
        "exit_code": error.exit_code,
        # Its end says most.
        "traceback": str(redact(trace))[-_MOST_CHARACTERS:],
    }


def _bounded(document: dict[str, Any]) -> dict[str, Any]:
    """A summary in which no list is too long; how many were left out is said."""
    left_out = {}
    for name in ("failures", "findings", "warnings"):
        items = document.get(name) or []
        if len(items) > _MOST_ITEMS:
            left_out[name] = len(items) - _MOST_ITEMS
            document[name] = items[:_MOST_ITEMS]
    return document | ({"left_out": left_out} if left_out else {})


def _versions() -> dict[str, str]:
    found = {"nba-season-backfill": __version__, "python": platform.python_version(), "platform": platform.platform()}
    try:
        needed = importlib.metadata.requires("nba-season-backfill") or []
    except importlib.metadata.PackageNotFoundError:
        return found
    for name in sorted({re.split(r"[^A-Za-z0-9._-]", text.strip())[0] for text in needed if "extra ==" not in text}):
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def _why(error: Exception) -> str:
    return str(redact(" ".join(str(error).split())))[:500] or type(error).__name__


def _iso(moment: dt.datetime) -> str:
    return moment.astimezone(dt.UTC).isoformat(timespec="milliseconds")

"""The commit: what was judged becomes rows, then partitions, then the checkpoint. In that order, always.

Between two commits everything the ledger holds can be lost without harm: the bodies are in the archive, and merging
rows by game id makes doing it again a no-op. A commit is a snapshot that a thread of the ledger's own writes while the
next games are worked on; commits never overtake each other, and what went wrong with one is raised by the next call.
"""

from __future__ import annotations

import datetime as dt
import math
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import replace
from typing import Any

import orjson
import pyarrow as pa

from hoopstat_observability import ContextThreadPoolExecutor, get_logger, performance_context
from nba_season_backfill.backfill.exchange import Reply
from nba_season_backfill.backfill.quarantine import quarantine_reply
from nba_season_backfill.backfill.revisions import Revisions
from nba_season_backfill.backfill.summary import Failed, Summary
from nba_season_backfill.checkpoint import SEASON_LEVEL, Checkpoint, UnitRecord, UnitStatus
from nba_season_backfill.datasets.base import Assessment
from nba_season_backfill.datasets.stat_corrections import STAT_CORRECTIONS
from nba_season_backfill.lake.bronze import BronzeWriter, Flush
from nba_season_backfill.lake.quarantine import Quarantine
from nba_season_backfill.lake.state import StateFile
from nba_season_backfill.plan import Unit
from nba_season_backfill.schedule import Game

__all__ = ["MOST_UNFLUSHED", "Ledger"]

_LOG = get_logger("nba_season_backfill.ledger")

MOST_UNFLUSHED = 900
"""Partitions are written when so many answers' rows wait for it, whatever the time: memory has an end."""

# A final game without content, in a season for which the dataset exists, may only be late: ask again soon.
_SUSPICIOUS_ABSENCE = dt.timedelta(hours=6)


class Ledger:
    """Turns judged replies into rows and checkpoint lines, and commits them.

    Args:
        held: called before each commit; raises Fenced when the season's lease is no longer ours.
        flush_seconds: partitions are not written more often than that, but at the end, and when much is waiting.
        revisions: what makes stat corrections of an answer that is not what was stored; without it none are kept.
        quarantine: where bodies go that broke their contract; without it they are in the archive only.
    """

    def __init__(
        self,
        checkpoint: Checkpoint,
        state: StateFile,
        bronze: BronzeWriter,
        summary: Summary,
        *,
        run_id: str,
        held: Callable[[], int],
        snapshot: Callable[[], Mapping[str, Any]],
        flush_seconds: float = 0.0,
        revisions: Revisions | None = None,
        quarantine: Quarantine | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.settled: set[tuple[str, str]] = set()
        """(game id, dataset) of what was stored, or found absent, by this run."""
        self._checkpoint = checkpoint
        self._state = state
        self._bronze = bronze
        self._summary = summary
        self._run_id = run_id
        self._held = held
        self._snapshot = snapshot
        self._flush_seconds = flush_seconds
        self._revisions = revisions
        self._quarantine = quarantine
        self._closing: Callable[[], None] = lambda: None
        self._monotonic = monotonic
        self._flushed_at = monotonic()
        self._unflushed: list[tuple[Unit, UnitRecord]] = []
        self._replacing = False
        self._dirty = False
        self._writer = ContextThreadPoolExecutor(1, thread_name_prefix="commit")
        self._writing: Future[None] | None = None

    def stored(self, unit: Unit, reply: Reply, *, attempts: int) -> None:
        """The unit's body passed every check: its rows go to their partitions, its line to the checkpoint."""
        assert reply.verdict.assessment is not None
        assert reply.raw_sha256 is not None
        assessment = reply.verdict.assessment
        game = unit.game
        before = self._checkpoint.unit(game.game_id.text, unit.dataset.name)
        for name, table in assessment.tables.items():
            self._bronze.add(name, game.month, game.game_id.text, table, reply.raw_sha256)
            self._count_rows(name, table)
        self._summary.validated(unit.dataset.name, assessment.quality)
        if assessment.unknown_fields:
            self._drift(unit.dataset.name, assessment.unknown_fields)
        known: dict[str, Any] = {"rows": {name: table.num_rows for name, table in assessment.tables.items()}}
        if self._revisions is not None:
            revision = self._revisions.settle(unit, reply, before)
            known |= {"revision": revision.number, "raw_before": revision.raw_before}
        self._unflushed.append((unit, self._record(UnitStatus.OK, reply, attempts, before)(**known)))
        self._replacing |= before is not None and before.status is UnitStatus.OK and before.raw != reply.raw_sha256
        self._put(unit, self._record(UnitStatus.ARCHIVED, reply, attempts, before)(**known))
        self._summary.units_stored += 1
        self.settled.add((unit.game.game_id.text, unit.dataset.name))
        if game.month not in self._summary.to_audit:
            self._summary.to_audit.append(game.month)

    def absent(self, unit: Unit, reply: Reply, *, attempts: int) -> None:
        """A well-formed answer without content: remembered for a while, never rows."""
        suspicious = bool(reply.verdict.assessment is not None and reply.verdict.assessment.problems)
        believed_for = _SUSPICIOUS_ABSENCE if suspicious else reply.verdict.believed_for
        until = None if believed_for is None else (reply.fetched_at + believed_for).isoformat(timespec="seconds")
        before = self._checkpoint.unit(unit.game.game_id.text, unit.dataset.name)
        if before is not None and before.status is UnitStatus.OK:
            # What was stored once is not taken away by an empty answer; it is only said.
            self.failed(unit, reply, attempts=attempts, reason="the upstream no longer has what is stored here")
            return
        record = self._record(UnitStatus.ABSENT, reply, attempts, before)
        self._put(unit, record(believed_until=until, suspicious=suspicious))
        self._summary.units_absent += 1
        self.settled.add((unit.game.game_id.text, unit.dataset.name))
        if suspicious:
            self._summary.failures.append(
                Failed(unit.game.game_id.text, unit.dataset.name, "absent", reply.verdict.explanation)
            )

    def failed(self, unit: Unit, reply: Reply, *, attempts: int, reason: str | None = None) -> None:
        """The unit is not stored; a later run asks again. What was stored before stays as it was."""
        reason = reason or f"{reply.verdict.rule}: {reply.verdict.explanation}"
        before = self._checkpoint.unit(unit.game.game_id.text, unit.dataset.name)
        self._summary.units_failed += 1
        if reply.verdict.assessment is not None:
            self._summary.validated(unit.dataset.name, reply.verdict.assessment.quality)
        self._summary.failures.append(
            Failed(unit.game.game_id.text, unit.dataset.name, reply.verdict.kind.value, reason)
        )
        _LOG.error(
            "unit_failed",
            game_id=unit.game.game_id.text,
            dataset=unit.dataset.name,
            reason=reason,
            attempts=attempts,
        )
        if self._quarantine is not None and quarantine_reply(self._quarantine, unit, reply, reason, self._run_id):
            self._summary.quarantined += 1
        if before is not None and before.status is UnitStatus.OK:
            return
        record = self._record(UnitStatus.FAILED, reply, attempts, before)
        self._put(unit, record(error=reason))

    def note(self, dataset: str, assessment: Assessment) -> None:
        """What the checks over one share of a season's dataset counted, and the fields they did not know."""
        self._summary.validated(dataset, assessment.quality)
        if assessment.unknown_fields:
            self._drift(dataset, assessment.unknown_fields)

    def season_tables(
        self, dataset: str, tables: Mapping[str, pa.Table], newest: Reply, raws: Mapping[str, str]
    ) -> None:
        """A dataset of the whole season: its tables are replaced.

        Args:
            newest: the newest of the answers that the tables were made from.
            raws: ``endpoint/subject`` -> body of each of them.
        """
        for name, table in tables.items():
            self._bronze.replace(name, None, table, list(raws.values()))
            self._count_rows(name, table)
        places = [place.rpartition("/")[2] for place in raws]
        alone = next(iter(raws.values())) if places == [SEASON_LEVEL] else None
        record = UnitRecord(
            UnitStatus.OK,
            newest.fetched_at.isoformat(timespec="seconds"),
            raw=alone,
            raws={} if alone is not None else dict(raws),
            rows={name: table.num_rows for name, table in tables.items()},
            attempts=len(raws),
        )
        before = self._checkpoint.unit(SEASON_LEVEL, dataset)
        if before is not None:
            changed = before.status is UnitStatus.OK and (before.raw, before.raws) != (record.raw, record.raws)
            record = replace(
                record, revision=before.revision + int(changed), attempts=before.attempts + record.attempts
            )
        self._checkpoint.record(SEASON_LEVEL, dataset, record)
        self._dirty = True
        # The checkpoint says "ok" of it at once, so the next commit must write it.
        self._flushed_at = -math.inf

    def games_table(self, name: str, by_month: Mapping[int, pa.Table], *, whole: bool, again: bool = False) -> None:
        """The season's list of games; months that did not change are not written again.

        Args:
            whole: it has every game of the season: a month without one is taken away.
            again: it was put before, in this run.
        """
        for month, table in by_month.items():
            self._bronze.replace(name, month, table, [])
            if not again:
                self._count_rows(name, table)
        if whole and not again and by_month:
            for month in self._bronze.months(name):
                if month not in by_month:
                    self._bronze.drop(name, month)

    def relocate(self, games: Iterable[Game]) -> int:
        """Rows of games whose date changed go to the month of their new date; how many games."""
        moved = 0
        for game in games:
            game_id, date = game.game_id.text, self._checkpoint.dates.get(game.game_id.text)
            if date is None or date == game.game_date.isoformat():
                continue
            for table in sorted({*self._checkpoint.tables_of(game_id), STAT_CORRECTIONS.name}):
                self._bronze.move(table, game_id, int(date[5:7]), game.month)
            self._checkpoint.dates[game_id] = game.game_date.isoformat()
            self._dirty = True
            moved += 1
            _LOG.info("game_moved", game_id=game_id, old_date=date, new_date=game.game_date.isoformat())
        if moved:
            # At once: no checkpoint may say the new date while the rows are in the month of the old one.
            self.commit(everything=True)
            self.wait()
        return moved

    def before_the_end(self, closing: Callable[[], None]) -> None:
        """Call this when everything is settled, before the last commit: what it changes is part of that."""
        self._closing = closing

    def commit(self, *, everything: bool = False) -> None:
        """Begin to write what was settled so far: the partitions, then the checkpoint.

        Commits that follow each other within ``flush_seconds`` (without a pace) leave the partitions to a later one:
        until then the checkpoint says ``archived`` of those units, which is true, and a crash derives them again. Where
        rows replace others, it says so before they do: a crash in between must not leave new rows under an old line.

        Raises:
            Fenced, StoreError: the commit before this one failed; nothing more is written.
        """
        self.wait()
        # Games come in order of date: what nothing was added to since it was written is over.
        self._bronze.let_go()
        flush = announced = None
        due = self._monotonic() - self._flushed_at >= self._flush_seconds or len(self._unflushed) >= MOST_UNFLUSHED
        if everything or due:
            flush = self._bronze.prepare()
            if self._replacing:
                announced = self._checkpoint.to_json()
                self._replacing = False
            for unit, record in self._unflushed:
                self._put(unit, record)
            self._unflushed = []
            self._flushed_at = self._monotonic()
        content = None
        if self._dirty:
            self._checkpoint.statistics, self._checkpoint.pace = self._statistics()
            # Serialised now: the checkpoint goes on changing while this state of it is written.
            content = self._checkpoint.to_json()
            self._dirty = False
        if flush is not None or content is not None:
            self._writing = self._writer.submit(self._write, flush, content, announced)

    def wait(self) -> None:
        """Until the commit that was begun is done. Raises what went wrong with it."""
        writing, self._writing = self._writing, None
        if writing is not None:
            writing.result()

    def finish(self) -> None:
        """Commit what is left, and wait until it is done."""
        self._closing()
        self.commit(everything=True)
        self.wait()

    def close(self) -> None:
        """End the writing thread. What was begun is completed, but what went wrong with it is not raised."""
        self._writer.shutdown(wait=True)

    def _write(self, flush: Flush | None, content: bytes | None, announced: bytes | None = None) -> None:
        token = self._held()
        if announced is not None:
            self._state.commit(orjson.Fragment(announced), token=token, run_id=self._run_id)
        with performance_context("commit") as measured:
            written = flush.write(self._held) if flush is not None else []
            measured.records_processed = sum(partition.rows for partition in written)
            self._summary.table_bytes += sum(partition.size for partition in written)
            if content is None:
                return
            self._held()
            self._state.commit(orjson.Fragment(content), token=token, run_id=self._run_id)
            self._summary.commits += 1

    def touch(self) -> None:
        """Make the next commit write the checkpoint even if no unit changed (a first one, new statistics)."""
        self._dirty = True

    def _statistics(self) -> tuple[dict[str, Any], Mapping[str, Any] | None]:
        snapshot = dict(self._snapshot())
        pace = snapshot.pop("pace", None)
        return snapshot, pace

    def _put(self, unit: Unit, record: UnitRecord) -> None:
        self._checkpoint.record(unit.game.game_id.text, unit.dataset.name, record, game_date=unit.game.game_date)
        self._dirty = True

    def _record(
        self, status: UnitStatus, reply: Reply, attempts: int, before: UnitRecord | None
    ) -> Callable[..., UnitRecord]:
        revision = 1
        if before is not None:
            attempts += before.attempts
            changed = before.status is UnitStatus.OK and before.raw != reply.raw_sha256
            revision = before.revision + (1 if changed else 0)

        def make(**more: Any) -> UnitRecord:
            return UnitRecord(
                status=status,
                judged_at=reply.fetched_at.isoformat(timespec="seconds"),
                raw=reply.raw_sha256,
                attempts=attempts,
                **{"revision": revision, **more},
            )

        return make

    def _count_rows(self, name: str, table: pa.Table) -> None:
        self._summary.rows_by_table[name] = self._summary.rows_by_table.get(name, 0) + table.num_rows

    def _drift(self, dataset: str, unknown_fields: Sequence[str]) -> None:
        known = self._summary.drift.setdefault(dataset, [])
        new = [path for path in unknown_fields if path not in known]
        if new:
            known += new
            _LOG.warning("schema_drift", dataset=dataset, new_fields=new)

"""What an answer changes in what was stored: the next revision of a unit, and its rows in ``stat-corrections``.

Both are made from two archived bodies, the one before and the one after, and from nothing that a crash could lose: made
again, they come out the same.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import orjson
import pyarrow as pa
import pyarrow.compute as pc

from hoopstat_observability import get_logger
from nba_season_backfill.backfill.exchange import Reply
from nba_season_backfill.backfill.summary import Summary
from nba_season_backfill.checkpoint import UnitRecord, UnitStatus
from nba_season_backfill.datasets.base import Expectation
from nba_season_backfill.datasets.stat_corrections import STAT_CORRECTIONS, Change, changes_between, corrections_table
from nba_season_backfill.lake import layout
from nba_season_backfill.lake.bronze import BronzeWriter
from nba_season_backfill.lake.raw import RawArchive
from nba_season_backfill.lake.store import ObjectMissing, StoreError
from nba_season_backfill.plan import Unit

__all__ = ["Revision", "Revisions"]

_LOG = get_logger("nba_season_backfill.revisions")

_WHAT = ["dataset", "change", "row_key", "field", "old_value", "new_value", "raw_before"]


@dataclass(frozen=True, slots=True)
class Revision:
    """Which content of a unit this is (1 = the first), and the hash of the body that the one before came from."""

    number: int = 1
    raw_before: str | None = None


@dataclass(frozen=True, slots=True)
class _Step:
    """From one body to the next: which revision that made, when it was seen, and by which run."""

    number: int
    raw_before: str
    raw_after: str
    detected_at: dt.datetime
    run_id: str


class Revisions:
    """Tells corrections from answers that only look different, and writes down what changed.

    Args:
        from_history: where the checkpoint knows nothing of a unit, all its archived bodies are gone through: so that a
            checkpoint made anew from the archive says what the lost one did.
    """

    def __init__(
        self, archive: RawArchive, bronze: BronzeWriter, summary: Summary, *, run_id: str, from_history: bool = False
    ) -> None:
        self._archive = archive
        self._bronze = bronze
        self._summary = summary
        self._run_id = run_id
        self._from_history = from_history

    def settle(self, unit: Unit, reply: Reply, before: UnitRecord | None) -> Revision:
        """The revision that an accepted answer is of its unit; its changes are put into ``stat-corrections``.

        The same content under another hash (bodies carry the time they were made at) is no new revision.
        """
        assert reply.verdict.assessment is not None
        assert reply.raw_sha256 is not None
        if before is None:
            return self._history(unit, reply.raw_sha256) if self._from_history else Revision()
        kept = Revision(before.revision, before.raw_before)
        if before.status is UnitStatus.OK and before.raw not in (None, reply.raw_sha256):
            raw_before, number = before.raw, before.revision + 1
        elif before.status is UnitStatus.ARCHIVED and before.raw_before is not None:
            # Judged before a crash: whether its changes were written is not known, and they are the same again.
            raw_before, number = before.raw_before, before.revision
        else:
            return kept
        assert raw_before is not None
        old = self._rows_of(unit, raw_before)
        if old is None:
            return kept
        changes = list(changes_between(old, reply.verdict.assessment.tables, unit.dataset.tables))
        if not changes:
            return kept
        step = _Step(number, raw_before, reply.raw_sha256, reply.fetched_at, self._run_id)
        self._write(unit, changes, step)
        return Revision(number, raw_before)

    def _history(self, unit: Unit, raw_sha256: str) -> Revision:
        """The revision that a body is, by all that were archived up to it."""
        game, revision = unit.game, Revision()
        last: tuple[str, Mapping[str, pa.Table]] | None = None
        for ref in reversed(self._archive.find(unit.dataset.endpoint, str(game.season), game.game_id.text)):
            rows = self._rows_of(unit, ref.sha256)
            if rows is None:
                continue
            changes = list(changes_between(last[1], rows, unit.dataset.tables)) if last is not None else []
            if last is not None and changes:
                run_id = ref.metadata.get("run_id", self._run_id)
                revision = Revision(revision.number + 1, last[0])
                self._write(unit, changes, _Step(revision.number, last[0], ref.sha256, ref.fetched_at, run_id))
            last = (ref.sha256, rows)
            if ref.sha256 == raw_sha256:
                break
        return revision

    def _rows_of(self, unit: Unit, raw_sha256: str) -> Mapping[str, pa.Table] | None:
        """The rows that an archived body gives; None, said aloud, where it is gone."""
        game = unit.game
        key = layout.raw_key(unit.dataset.endpoint, str(game.season), game.game_id.text, raw_sha256)
        try:
            body = self._archive.get(key)
        except StoreError as error:
            if error.kind != "corrupt" and not isinstance(error, ObjectMissing):
                raise
            _LOG.warning("correction_without_before", game_id=game.game_id.text, key=key, reason=str(error))
            return None
        # Only what the game is: its score may be what was corrected.
        assessment = unit.dataset.assess(orjson.loads(body), Expectation(game.game_id.text, game.season))
        return assessment.tables if assessment.kind == "ok" else None

    def _write(self, unit: Unit, changes: Sequence[Change], step: _Step) -> None:
        game, name, number = unit.game, STAT_CORRECTIONS.name, step.number
        rows = corrections_table(
            game.game_id.text,
            changes,
            revision=number,
            detected_at=step.detected_at,
            run_id=step.run_id,
            raw_before=step.raw_before,
            raw_after=step.raw_after,
        )
        self._summary.corrections += len(changes)
        found = self._bronze.rows(name, game.month, game.game_id.text)
        if found is not None:
            known = found[0]
            tables = pa.array([table.name for table in unit.dataset.tables])
            same = pc.and_(pc.is_in(known.column("dataset"), tables), pc.equal(known.column("revision"), number))
            if known.filter(same).select(_WHAT).equals(rows.select(_WHAT)):
                # Written before a crash, by the run that found them.
                return
            rows = pa.concat_tables([known.filter(pc.invert(same)), rows])
        self._bronze.add(name, game.month, game.game_id.text, rows, step.raw_after)
        _LOG.warning(
            "stats_corrected",
            game_id=game.game_id.text,
            dataset=unit.dataset.name,
            revision=number,
            changes=len(changes),
            first=f"{changes[0].row_key} {changes[0].field}: {changes[0].old} -> {changes[0].new}",
        )

"""What an answer changes in what was stored: the next revision of a unit, and its rows in ``stat-corrections``.

Both are made from two archived bodies, the one before and the one after, and from nothing that a crash could lose: made
again, they come out the same.
"""

from __future__ import annotations

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


class Revisions:
    """Tells corrections from answers that only look different, and writes down what changed."""

    def __init__(self, archive: RawArchive, bronze: BronzeWriter, summary: Summary, *, run_id: str) -> None:
        self._archive = archive
        self._bronze = bronze
        self._summary = summary
        self._run_id = run_id

    def settle(self, unit: Unit, reply: Reply, before: UnitRecord | None) -> Revision:
        """The revision that an accepted answer is of its unit; its changes are put into ``stat-corrections``.

        The same content under another hash (bodies carry the time they were made at) is no new revision.
        """
        if before is None:
            return Revision()
        kept = Revision(before.revision, before.raw_before)
        if before.status is UnitStatus.OK and before.raw not in (None, reply.raw_sha256):
            raw_before, number = before.raw, before.revision + 1
        elif before.status is UnitStatus.ARCHIVED and before.raw_before is not None:
            # Judged before a crash: whether its changes were written is not known, and they are the same again.
            raw_before, number = before.raw_before, before.revision
        else:
            return kept
        assert raw_before is not None
        assert reply.verdict.assessment is not None
        old = self._rows_of(unit, raw_before)
        if old is None:
            return kept
        changes = list(changes_between(old, reply.verdict.assessment.tables, unit.dataset.tables))
        if not changes:
            return kept
        self._write(unit, reply, changes, number, raw_before)
        return Revision(number, raw_before)

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

    def _write(self, unit: Unit, reply: Reply, changes: Sequence[Change], number: int, raw_before: str) -> None:
        game, name = unit.game, STAT_CORRECTIONS.name
        assert reply.raw_sha256 is not None
        rows = corrections_table(
            game.game_id.text,
            changes,
            revision=number,
            detected_at=reply.fetched_at,
            run_id=self._run_id,
            raw_before=raw_before,
            raw_after=reply.raw_sha256,
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
        self._bronze.add(name, game.month, game.game_id.text, rows, reply.raw_sha256)
        _LOG.warning(
            "stats_corrected",
            game_id=game.game_id.text,
            dataset=unit.dataset.name,
            revision=number,
            changes=len(changes),
            first=f"{changes[0].row_key} {changes[0].field}: {changes[0].old} -> {changes[0].new}",
        )

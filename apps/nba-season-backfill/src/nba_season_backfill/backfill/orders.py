"""What an audit orders: exactly which units are derived or asked for again, which rows and objects go."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from hoopstat_observability import get_logger
from nba_season_backfill.backfill.ledger import Ledger
from nba_season_backfill.checkpoint import Checkpoint, UnitStatus
from nba_season_backfill.datasets import DATASETS
from nba_season_backfill.datasets.base import Dataset
from nba_season_backfill.lake.bronze import BronzeWriter
from nba_season_backfill.lake.quarantine import Quarantine
from nba_season_backfill.lake.store import ObjectStore
from nba_season_backfill.plan import Plan, Selection
from nba_season_backfill.season import GameId

__all__ = ["Orders", "set_aside"]

_LOG = get_logger("nba_season_backfill.orders")

Units = frozenset[tuple[str, str]]


def set_aside(store: ObjectStore, keys: Sequence[str]) -> None:
    """Move objects into the quarantine. The checkpoint must have stopped vouching for what they held."""
    quarantine = Quarantine(store)
    for key in keys:
        kept = quarantine.set_aside(key)
        _LOG.warning("object_set_aside", key=key, kept_as=kept)


@dataclass(frozen=True, slots=True)
class Orders:
    """A run that mends, and does nothing else.

    Args:
        derive: (game id, dataset) whose rows are made again: from the archive where its body passes, else from a new
            answer.
        ask: (game id, dataset) that are asked for anew, whatever the archive has.
        forget: (game id or ``season``, dataset) whose line goes out of the checkpoint.
        leave: (table, month, game id) whose rows go out of that partition.
        set_aside: keys of objects that go into the quarantine.
    """

    derive: Units = frozenset()
    ask: Units = frozenset()
    forget: Units = frozenset()
    leave: frozenset[tuple[str, int, str]] = frozenset()
    set_aside: tuple[str, ...] = ()

    @property
    def units(self) -> Units:
        """Every (game id, dataset) that this run works on."""
        return self.derive | self.ask

    def selection(self) -> Selection:
        """The games of those units, and no others."""
        games = sorted({game_id for game_id, _dataset in self.units})
        return Selection(season_types=(), game_ids=tuple(GameId(game_id) for game_id in games))

    def datasets(self) -> tuple[Dataset, ...]:
        """Their datasets, in the usual order."""
        wanted = {dataset for _game_id, dataset in self.units}
        return tuple(dataset for name, dataset in DATASETS.items() if name in wanted)

    def prepare(self, store: ObjectStore, checkpoint: Checkpoint, bronze: BronzeWriter, ledger: Ledger) -> None:
        """Take out what is wrong. The checkpoint stops vouching for it first: then any run goes on after a crash."""
        for subject, dataset in sorted(self.derive):
            record = checkpoint.unit(subject, dataset)
            if record is not None and record.status is UnitStatus.OK:
                # Its revision and what it was before stay known: to derive again is no correction.
                checkpoint.record(subject, dataset, replace(record, status=UnitStatus.ARCHIVED))
            elif record is not None and record.status is UnitStatus.ABSENT:
                # That there is nothing is not believed any longer.
                checkpoint.forget([(subject, dataset)])
        checkpoint.forget(self.forget)
        if self.derive or self.forget:
            ledger.touch()
            ledger.commit(everything=True)
            ledger.wait()
        set_aside(store, self.set_aside)
        for table, month, game_id in sorted(self.leave):
            bronze.leave(table, month, game_id)
        if self.leave:
            ledger.commit(everything=True)
            ledger.wait()

    def narrow(self, plan: Plan) -> Plan:
        """Of a plan over those games, these units only."""
        mine = tuple(unit for unit in plan.units if (unit.game.game_id.text, unit.dataset.name) in self.units)
        return replace(plan, units=mine)

"""In what manner a season is gone through: all of it, a morning's part of it, or from the archive alone."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Protocol

from nba_season_backfill.backfill.discovery import Discovery
from nba_season_backfill.backfill.exchange import Exchange
from nba_season_backfill.backfill.orders import Orders
from nba_season_backfill.backfill.summary import Summary
from nba_season_backfill.checkpoint import Checkpoint
from nba_season_backfill.lake.bronze import BronzeWriter
from nba_season_backfill.lake.raw import RawArchive
from nba_season_backfill.plan import Selection

__all__ = ["Increment", "Manner"]


class Increment(Protocol):
    """What makes a run one of every morning: it looks at some days of the season only, and twice at the last ones."""

    def moment(self, now: dt.datetime) -> dt.datetime:
        """That time of day, on the US Eastern date that the run is of."""

    def discover(self, exchange: Exchange, archive: RawArchive, checkpoint: Checkpoint, *, tries: int) -> Discovery:
        """Every game of the season, asking only for the lists that can have changed."""

    def narrow(
        self, wanted: Selection, found: Discovery, checkpoint: Checkpoint, bronze: BronzeWriter, summary: Summary
    ) -> tuple[Selection, frozenset[tuple[str, str]]]:
        """The games of those days, and the units (game id, dataset) among them that are to be asked for again."""


@dataclass(frozen=True, slots=True)
class Manner:
    """In what way a season is gone through.

    ``recover``: go on from a good generation, or from nothing, where the checkpoint is damaged. ``again``: datasets
    whose rows are derived anew from the archive (``rebuild``); empty means what is not yet stored. ``doubtful``: units
    (game id or ``season``, dataset) that are taken as not stored (``repair``). ``set_aside``: keys of partitions that
    cannot be read and go into the quarantine; what they held is among the doubtful. ``increment``: what is looked at
    (``daily``); None for all of the season. ``orders``: exactly what an audit found, and nothing else.
    """

    recover: bool = False
    again: tuple[str, ...] = ()
    doubtful: frozenset[tuple[str, str]] = frozenset()
    set_aside: tuple[str, ...] = ()
    increment: Increment | None = None
    orders: Orders | None = None

    @property
    def from_archive_only(self) -> bool:
        """Whether what is not in the archive is somebody else's business."""
        return self.recover or bool(self.again)

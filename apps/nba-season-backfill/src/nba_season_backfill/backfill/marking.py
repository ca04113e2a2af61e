"""What a run leaves behind besides answers: the table of games, and the watermark worked out from the checkpoint."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from nba_season_backfill.backfill.discovery import Discovery
from nba_season_backfill.backfill.ledger import Ledger
from nba_season_backfill.backfill.summary import Summary
from nba_season_backfill.checkpoint import Checkpoint, UnitStatus
from nba_season_backfill.daily.watermark import find_watermark
from nba_season_backfill.datasets import GAMES_TABLE, games_table
from nba_season_backfill.datasets.base import Dataset
from nba_season_backfill.plan import Selection
from nba_season_backfill.schedule import Game
from nba_season_backfill.season import EASTERN

__all__ = ["RunEnd", "mark"]


@dataclass(frozen=True, slots=True)
class RunEnd:
    """What is written of the season as a whole: the games at the beginning, what became of them at the end.

    ``moment`` is the time of the day that the run is of. ``source`` is where the answers come from.
    """

    checkpoint: Checkpoint
    ledger: Ledger
    summary: Summary
    found: Discovery
    datasets: Sequence[Dataset]
    wanted: Selection
    moment: dt.datetime
    source: str

    @property
    def all_listed(self) -> bool:
        """Whether every list could be had, so that what is in none does not exist."""
        return not self.found.warnings

    def put_games(self, *, again: bool = False) -> None:
        """The table of games, month by month."""
        tables = games_table(self.found.games, self.checkpoint.revision_of)
        self.ledger.games_table(GAMES_TABLE.name, tables, whole=self.all_listed, again=again)

    def settle(self) -> None:
        """Before the last commit: the games' revisions, and the watermark."""
        if self.summary.corrections:
            self.put_games(again=True)
        if self.source != "archive" and self.all_listed:
            today = self.moment.astimezone(EASTERN).date()
            if mark(self.checkpoint, self.found.games, self.datasets, self.wanted, today):
                self.ledger.touch()
        self.summary.watermark = (self.checkpoint.watermark or {}).get("date")


def mark(
    checkpoint: Checkpoint, games: Sequence[Game], datasets: Sequence[Dataset], wanted: Selection, today: dt.date
) -> bool:
    """Put the watermark into the checkpoint; whether it changed.

    A run that was asked for some games only (dates, ids, a limit) says nothing about the season, and leaves it.

    Args:
        games: every game of the season.
        datasets: those that a game must have to be complete.
        today: the US Eastern date.
    """
    if wanted.start_date or wanted.end_date or wanted.game_ids or wanted.limit is not None or not datasets:
        return False

    def stored(game: Game) -> bool:
        return all(_settled(checkpoint, game, dataset) for dataset in datasets)

    found = find_watermark([game for game in games if wanted.picks(game)], stored, today).to_document()
    found["datasets"] = [dataset.name for dataset in datasets]
    found["season_types"] = [season_type.value for season_type in wanted.season_types]
    changed = checkpoint.watermark != found
    checkpoint.watermark = found
    return changed


def _settled(checkpoint: Checkpoint, game: Game, dataset: Dataset) -> bool:
    if not dataset.offers(game.season, game.game_id.kind):
        return True
    record = checkpoint.unit(game.game_id.text, dataset.name)
    if record is None:
        return False
    # ``archived`` becomes ``ok`` with the commit that this watermark is part of.
    if record.status in (UnitStatus.OK, UnitStatus.ARCHIVED):
        return True
    return record.status is UnitStatus.ABSENT and not record.suspicious

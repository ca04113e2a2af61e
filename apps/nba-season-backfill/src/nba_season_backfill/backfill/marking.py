"""Where the watermark is worked out from what the checkpoint says, and put into it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from nba_season_backfill.checkpoint import Checkpoint, UnitStatus
from nba_season_backfill.daily.watermark import find_watermark
from nba_season_backfill.datasets.base import Dataset
from nba_season_backfill.plan import Selection
from nba_season_backfill.schedule import Game

__all__ = ["mark"]


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
    if game.season < dataset.first_season:
        return True
    record = checkpoint.unit(game.game_id.text, dataset.name)
    if record is None:
        return False
    # ``archived`` becomes ``ok`` with the commit that this watermark is part of.
    if record.status in (UnitStatus.OK, UnitStatus.ARCHIVED):
        return True
    return record.status is UnitStatus.ABSENT and not record.suspicious

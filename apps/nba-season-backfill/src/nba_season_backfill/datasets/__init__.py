"""The datasets: one module each, one line in the registry. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from nba_season_backfill.datasets.base import Dataset, Table
from nba_season_backfill.datasets.box_scores_advanced import BOX_SCORES_ADVANCED
from nba_season_backfill.datasets.box_scores_traditional import BOX_SCORES_TRADITIONAL
from nba_season_backfill.datasets.games import GAMES_TABLE, games_table
from nba_season_backfill.datasets.play_by_play import PLAY_BY_PLAY
from nba_season_backfill.datasets.players import PLAYERS

__all__ = ["DATASETS", "GAMES_TABLE", "TABLES", "games_table"]

DATASETS: Mapping[str, Dataset] = {
    dataset.name: dataset for dataset in (BOX_SCORES_TRADITIONAL, BOX_SCORES_ADVANCED, PLAY_BY_PLAY, PLAYERS)
}
"""name -> dataset, in the order in which they are asked for."""

TABLES: Mapping[str, Table] = {
    table.name: table for table in (*(table for dataset in DATASETS.values() for table in dataset.tables), GAMES_TABLE)
}
"""name -> table of the lake."""

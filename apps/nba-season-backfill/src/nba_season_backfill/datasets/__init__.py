"""The datasets: one module each, one line in the registry. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from nba_season_backfill.datasets.base import Dataset, SeasonDataset, Table
from nba_season_backfill.datasets.box_scores_advanced import BOX_SCORES_ADVANCED
from nba_season_backfill.datasets.box_scores_defensive import BOX_SCORES_DEFENSIVE
from nba_season_backfill.datasets.box_scores_four_factors import BOX_SCORES_FOUR_FACTORS
from nba_season_backfill.datasets.box_scores_hustle import BOX_SCORES_HUSTLE
from nba_season_backfill.datasets.box_scores_matchups import BOX_SCORES_MATCHUPS
from nba_season_backfill.datasets.box_scores_misc import BOX_SCORES_MISC
from nba_season_backfill.datasets.box_scores_player_track import BOX_SCORES_PLAYER_TRACK
from nba_season_backfill.datasets.box_scores_scoring import BOX_SCORES_SCORING
from nba_season_backfill.datasets.box_scores_traditional import BOX_SCORES_TRADITIONAL
from nba_season_backfill.datasets.box_scores_usage import BOX_SCORES_USAGE
from nba_season_backfill.datasets.game_logs import PLAYER_GAME_LOGS, TEAM_GAME_LOGS
from nba_season_backfill.datasets.game_rotation import GAME_ROTATION
from nba_season_backfill.datasets.games import GAMES_TABLE, games_table
from nba_season_backfill.datasets.play_by_play import PLAY_BY_PLAY
from nba_season_backfill.datasets.players import PLAYER_INDEX, PLAYERS
from nba_season_backfill.datasets.rosters import ROSTERS
from nba_season_backfill.datasets.shot_chart import SHOT_CHART
from nba_season_backfill.datasets.stat_corrections import STAT_CORRECTIONS
from nba_season_backfill.datasets.summary import SUMMARY
from nba_season_backfill.datasets.teams import TEAMS
from nba_season_backfill.datasets.win_probability import WIN_PROBABILITY

__all__ = ["DATASETS", "GAMES_TABLE", "SEASON_DATASETS", "TABLES", "games_table"]

DATASETS: Mapping[str, Dataset] = {
    dataset.name: dataset
    for dataset in (
        BOX_SCORES_TRADITIONAL,
        BOX_SCORES_ADVANCED,
        BOX_SCORES_FOUR_FACTORS,
        BOX_SCORES_MISC,
        BOX_SCORES_SCORING,
        BOX_SCORES_USAGE,
        BOX_SCORES_PLAYER_TRACK,
        BOX_SCORES_HUSTLE,
        BOX_SCORES_DEFENSIVE,
        BOX_SCORES_MATCHUPS,
        SUMMARY,
        PLAY_BY_PLAY,
        GAME_ROTATION,
        SHOT_CHART,
        WIN_PROBABILITY,
        PLAYERS,
    )
}
"""name -> dataset, in the order in which they are asked for."""

SEASON_DATASETS: Mapping[str, SeasonDataset] = {
    dataset.name: dataset for dataset in (PLAYER_INDEX, PLAYER_GAME_LOGS, TEAM_GAME_LOGS, TEAMS, ROSTERS)
}
"""name -> dataset of a whole season, in the order in which they are asked for."""

TABLES: Mapping[str, Table] = {
    table.name: table
    for table in (
        *(table for dataset in DATASETS.values() for table in dataset.tables),
        *(table for season_dataset in SEASON_DATASETS.values() for table in season_dataset.tables),
        GAMES_TABLE,
        STAT_CORRECTIONS,
    )
}
"""name -> table of the lake."""

"""``boxscorescoringv3``: where points came from and who assisted them, as shares, for every player and team."""

from __future__ import annotations

from nba_season_backfill.datasets.base import Dataset
from nba_season_backfill.datasets.box_scores import BoxScoreShape, game_parameters
from nba_season_backfill.datasets.measures import share
from nba_season_backfill.season import Season

__all__ = ["BOX_SCORES_SCORING"]

SHAPE = BoxScoreShape(
    "box-scores-scoring",
    "boxScoreScoring",
    {
        "percentageFieldGoalsAttempted2pt": share("Share of field goal attempts that were two-pointers, 0 to 1."),
        "percentageFieldGoalsAttempted3pt": share("Share of field goal attempts that were three-pointers, 0 to 1."),
        "percentagePoints2pt": share("Share of points from two-pointers, 0 to 1."),
        "percentagePointsMidrange2pt": share("Share of points from mid-range two-pointers, 0 to 1."),
        "percentagePoints3pt": share("Share of points from three-pointers, 0 to 1."),
        "percentagePointsFastBreak": share("Share of points from fast breaks, 0 to 1."),
        "percentagePointsFreeThrow": share("Share of points from free throws, 0 to 1."),
        "percentagePointsOffTurnovers": share("Share of points off turnovers, 0 to 1."),
        "percentagePointsPaint": share("Share of points in the paint, 0 to 1."),
        "percentageAssisted2pt": share("Share of made two-pointers that were assisted, 0 to 1."),
        "percentageUnassisted2pt": share("Share of made two-pointers that were not assisted, 0 to 1."),
        "percentageAssisted3pt": share("Share of made three-pointers that were assisted, 0 to 1."),
        "percentageUnassisted3pt": share("Share of made three-pointers that were not assisted, 0 to 1."),
        "percentageAssistedFGM": share("Share of made field goals that were assisted, 0 to 1."),
        "percentageUnassistedFGM": share("Share of made field goals that were not assisted, 0 to 1."),
    },
)

BOX_SCORES_SCORING = Dataset(
    name="box-scores-scoring",
    endpoint="boxscorescoringv3",
    root="boxScoreScoring",
    first_season=Season(1996),
    tables=SHAPE.tables,
    parameters=game_parameters("boxscorescoringv3", "BoxScoreScoringV3"),
    assess=SHAPE.assess,
)

"""``boxscoremiscv3``: points by how they came about, blocks and fouls taken, for every player and team of a game."""

from __future__ import annotations

from nba_season_backfill.datasets.base import Dataset
from nba_season_backfill.datasets.box_scores import BoxScoreShape, game_parameters
from nba_season_backfill.datasets.measures import count
from nba_season_backfill.season import Season

__all__ = ["BOX_SCORES_MISC"]

SHAPE = BoxScoreShape(
    "box-scores-misc",
    "boxScoreMisc",
    {
        "pointsOffTurnovers": count("Points off turnovers.", 60, 80),
        "pointsSecondChance": count("Second-chance points.", 60, 80),
        "pointsFastBreak": count("Fast-break points.", 60, 80),
        "pointsPaint": count("Points in the paint.", 100, 140),
        "oppPointsOffTurnovers": count("The opponent's points off turnovers while on the court.", 80, 80),
        "oppPointsSecondChance": count("The opponent's second-chance points while on the court.", 80, 80),
        "oppPointsFastBreak": count("The opponent's fast-break points while on the court.", 80, 80),
        "oppPointsPaint": count("The opponent's points in the paint while on the court.", 140, 140),
        "blocks": count("Blocks.", 20, 35),
        "blocksAgainst": count("Own shots that were blocked.", 20, 35),
        "foulsPersonal": count("Personal fouls.", 9, 70),
        "foulsDrawn": count("Personal fouls drawn.", 40, 80),
    },
)

BOX_SCORES_MISC = Dataset(
    name="box-scores-misc",
    endpoint="boxscoremiscv3",
    root="boxScoreMisc",
    first_season=Season(1996),
    tables=SHAPE.tables,
    parameters=game_parameters("boxscoremiscv3", "BoxScoreMiscV3"),
    assess=SHAPE.assess,
)

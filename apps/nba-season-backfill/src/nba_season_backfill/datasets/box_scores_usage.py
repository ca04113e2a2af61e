"""``boxscoreusagev3``: a player's share of what the team did while on the court. Team lines are 1 throughout."""

from __future__ import annotations

from nba_season_backfill.datasets.base import Dataset
from nba_season_backfill.datasets.box_scores import BoxScoreShape, game_parameters
from nba_season_backfill.datasets.measures import share
from nba_season_backfill.season import Season

__all__ = ["BOX_SCORES_USAGE"]

_OF_TEAM = "Share of the team's {} while on the court, 0 to 1."

SHAPE = BoxScoreShape(
    "box-scores-usage",
    "boxScoreUsage",
    {
        "usagePercentage": share("Share of the team's possessions used while on the court, 0 to 1."),
        "percentageFieldGoalsMade": share(_OF_TEAM.format("field goals made")),
        "percentageFieldGoalsAttempted": share(_OF_TEAM.format("field goals attempted")),
        "percentageThreePointersMade": share(_OF_TEAM.format("three-pointers made")),
        "percentageThreePointersAttempted": share(_OF_TEAM.format("three-pointers attempted")),
        "percentageFreeThrowsMade": share(_OF_TEAM.format("free throws made")),
        "percentageFreeThrowsAttempted": share(_OF_TEAM.format("free throws attempted")),
        "percentageReboundsOffensive": share(_OF_TEAM.format("offensive rebounds")),
        "percentageReboundsDefensive": share(_OF_TEAM.format("defensive rebounds")),
        "percentageReboundsTotal": share(_OF_TEAM.format("rebounds")),
        "percentageAssists": share(_OF_TEAM.format("assists")),
        "percentageTurnovers": share(_OF_TEAM.format("turnovers")),
        "percentageSteals": share(_OF_TEAM.format("steals")),
        "percentageBlocks": share(_OF_TEAM.format("blocks")),
        "percentageBlocksAllowed": share(_OF_TEAM.format("shots that were blocked")),
        "percentagePersonalFouls": share(_OF_TEAM.format("personal fouls")),
        "percentagePersonalFoulsDrawn": share(_OF_TEAM.format("personal fouls drawn")),
        "percentagePoints": share(_OF_TEAM.format("points")),
    },
)

BOX_SCORES_USAGE = Dataset(
    name="box-scores-usage",
    endpoint="boxscoreusagev3",
    root="boxScoreUsage",
    first_season=Season(1996),
    tables=SHAPE.tables,
    parameters=game_parameters("boxscoreusagev3", "BoxScoreUsageV3"),
    assess=SHAPE.assess,
)

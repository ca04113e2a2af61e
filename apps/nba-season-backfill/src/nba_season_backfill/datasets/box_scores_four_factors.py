"""``boxscorefourfactorsv3``: shooting, free throws, turnovers and rebounds as shares, own and the opponent's."""

from __future__ import annotations

from nba_season_backfill.datasets.base import Dataset
from nba_season_backfill.datasets.box_scores import BoxScoreShape, game_parameters
from nba_season_backfill.datasets.measures import real, share
from nba_season_backfill.season import Season

__all__ = ["BOX_SCORES_FOUR_FACTORS"]

SHAPE = BoxScoreShape(
    "box-scores-four-factors",
    "boxScoreFourFactors",
    {
        "effectiveFieldGoalPercentage": share("Field goal share with threes counted one and a half times.", 1.5),
        "freeThrowAttemptRate": real("Free throws attempted per field goal attempted.", 0.0),
        "teamTurnoverPercentage": share("The team's turnovers per possession while on the court, 0 to 1."),
        "offensiveReboundPercentage": share("Share of available offensive rebounds, 0 to 1."),
        "oppEffectiveFieldGoalPercentage": share("The opponent's effective field goal share.", 1.5),
        "oppFreeThrowAttemptRate": real("The opponent's free throws attempted per field goal attempted.", 0.0),
        "oppTeamTurnoverPercentage": share("The opponent's turnovers per possession, 0 to 1."),
        "oppOffensiveReboundPercentage": share("The opponent's share of available offensive rebounds, 0 to 1."),
    },
)

BOX_SCORES_FOUR_FACTORS = Dataset(
    name="box-scores-four-factors",
    endpoint="boxscorefourfactorsv3",
    root="boxScoreFourFactors",
    first_season=Season(1996),
    tables=SHAPE.tables,
    parameters=game_parameters("boxscorefourfactorsv3", "BoxScoreFourFactorsV3"),
    assess=SHAPE.assess,
)

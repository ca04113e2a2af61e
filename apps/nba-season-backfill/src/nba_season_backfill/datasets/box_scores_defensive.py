"""``boxscoredefensivev2``: what opponents did against each defender. The upstream's team lines are empty: no table."""

from __future__ import annotations

from nba_season_backfill.datasets.base import Dataset
from nba_season_backfill.datasets.box_scores import BoxScoreShape, game_parameters
from nba_season_backfill.datasets.measures import count, real, share
from nba_season_backfill.season import Season

__all__ = ["BOX_SCORES_DEFENSIVE"]

SHAPE = BoxScoreShape(
    "box-scores-defensive",
    "boxScoreDefensive",
    {
        "partialPossessions": real("Possessions defended, in parts.", 0.0, 250.0),
        "switchesOn": count("Switches onto an opponent.", 200),
        "playerPoints": count("Points of the opponents defended.", 120),
        "defensiveRebounds": count("Defensive rebounds.", 50),
        "matchupAssists": count("Assists of the opponents defended.", 35),
        "matchupTurnovers": count("Turnovers of the opponents defended.", 20),
        "steals": count("Steals.", 15),
        "blocks": count("Blocks.", 20),
        "matchupFieldGoalsMade": count("Field goals made by the opponents defended.", 50),
        "matchupFieldGoalsAttempted": count("Field goals attempted by the opponents defended.", 90),
        "matchupFieldGoalPercentage": share("Of those, made of attempted, 0 to 1."),
        "matchupThreePointersMade": count("Three-pointers made by the opponents defended.", 30),
        "matchupThreePointersAttempted": count("Three-pointers attempted by the opponents defended.", 60),
        "matchupThreePointerPercentage": share("Of those, made of attempted, 0 to 1."),
    },
    minutes="matchupMinutes",
    teams=False,
    tracked=True,
)

BOX_SCORES_DEFENSIVE = Dataset(
    name="box-scores-defensive",
    endpoint="boxscoredefensivev2",
    root="boxScoreDefensive",
    # Who guards whom is told since 2017-18.
    first_season=Season(2017),
    tables=SHAPE.tables,
    parameters=game_parameters("boxscoredefensivev2", "BoxScoreDefensiveV2"),
    assess=SHAPE.assess,
)

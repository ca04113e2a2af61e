"""``boxscoreplayertrackv3``: what the cameras saw: distance, speed, touches, passes, contested shots."""

from __future__ import annotations

from nba_season_backfill.datasets.base import Dataset
from nba_season_backfill.datasets.box_scores import BoxScoreShape, game_parameters
from nba_season_backfill.datasets.measures import count, real, share
from nba_season_backfill.season import Season

__all__ = ["BOX_SCORES_PLAYER_TRACK"]

SHAPE = BoxScoreShape(
    "box-scores-player-track",
    "boxScorePlayerTrack",
    {
        "speed": real("Average speed in miles per hour.", 0.0, 15.0),
        "distance": real("Distance in miles.", 0.0, 6.0, team_high=40.0),
        "reboundChancesOffensive": count("Times within reach of an offensive rebound.", 40, 120),
        "reboundChancesDefensive": count("Times within reach of a defensive rebound.", 60, 160),
        "reboundChancesTotal": count("Times within reach of a rebound.", 80, 240),
        "touches": count("Touches of the ball.", 250, 900),
        "secondaryAssists": count("Passes to a player who assisted at once.", 15, 30),
        "freeThrowAssists": count("Passes to a player who was fouled in the shot and made a free throw.", 15, 30),
        "passes": count("Passes made.", 200, 700),
        "assists": count("Assists.", 35, 65),
        "contestedFieldGoalsMade": count("Contested field goals made.", 40, 80),
        "contestedFieldGoalsAttempted": count("Contested field goals attempted.", 70, 160),
        "contestedFieldGoalPercentage": share("Contested field goals made of attempted, 0 to 1."),
        "uncontestedFieldGoalsMade": count("Uncontested field goals made.", 40, 80),
        "uncontestedFieldGoalsAttempted": count("Uncontested field goals attempted.", 70, 160),
        "uncontestedFieldGoalsPercentage": share("Uncontested field goals made of attempted, 0 to 1."),
        "fieldGoalPercentage": share("Field goals made of attempted, 0 to 1."),
        "defendedAtRimFieldGoalsMade": count("Field goals made at the rim against this defender.", 40, 80),
        "defendedAtRimFieldGoalsAttempted": count("Field goals attempted at the rim against this defender.", 60, 120),
        "defendedAtRimFieldGoalPercentage": share("Of those, made of attempted, 0 to 1."),
    },
    team_lacks=frozenset({"speed"}),
    tracked=True,
)

BOX_SCORES_PLAYER_TRACK = Dataset(
    name="box-scores-player-track",
    endpoint="boxscoreplayertrackv3",
    root="boxScorePlayerTrack",
    # Cameras hang in every arena since 2013-14.
    first_season=Season(2013),
    tables=SHAPE.tables,
    parameters=game_parameters("boxscoreplayertrackv3", "BoxScorePlayerTrackV3"),
    assess=SHAPE.assess,
)

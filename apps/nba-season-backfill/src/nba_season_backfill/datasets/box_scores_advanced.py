"""``boxscoreadvancedv3``: ratings, shares and pace, for every player and team of a game."""

from __future__ import annotations

import pyarrow as pa

from nba_season_backfill.datasets.base import Dataset
from nba_season_backfill.datasets.box_scores import BoxScoreShape, game_parameters
from nba_season_backfill.season import Season

__all__ = ["BOX_SCORES_ADVANCED"]

_REAL = pa.float64()

SHAPE = BoxScoreShape(
    "box-scores-advanced",
    "boxScoreAdvanced",
    {
        "estimatedOffensiveRating": (
            _REAL,
            "Offensive rating, estimated. Team lines: five times the rating (650.0 for 130.0), as received.",
        ),
        "offensiveRating": (_REAL, "Points scored per 100 possessions."),
        "estimatedDefensiveRating": (_REAL, "Defensive rating, estimated; team lines: five times it, as received."),
        "defensiveRating": (_REAL, "Points allowed per 100 possessions."),
        "estimatedNetRating": (_REAL, "Net rating, estimated; team lines: five times it, as received."),
        "netRating": (_REAL, "Offensive minus defensive rating."),
        "assistPercentage": (_REAL, "Share of team-mates' field goals assisted, 0 to 1."),
        "assistToTurnover": (_REAL, "Assists per turnover."),
        "assistRatio": (_REAL, "Assists per 100 possessions used."),
        "offensiveReboundPercentage": (_REAL, "Share of available offensive rebounds, 0 to 1."),
        "defensiveReboundPercentage": (_REAL, "Share of available defensive rebounds, 0 to 1."),
        "reboundPercentage": (_REAL, "Share of available rebounds, 0 to 1."),
        "turnoverRatio": (_REAL, "Turnovers per 100 possessions used."),
        "effectiveFieldGoalPercentage": (_REAL, "Field goal share with threes counted one and a half times."),
        "trueShootingPercentage": (_REAL, "Points per two shooting chances, free throws included."),
        "usagePercentage": (_REAL, "Share of the team's possessions used while on the court, 0 to 1."),
        "estimatedUsagePercentage": (_REAL, "Usage, estimated."),
        "estimatedPace": (_REAL, "Pace, estimated; team lines: a fifth of it (17.9 for 89.5), as received."),
        "pace": (_REAL, "Possessions per 48 minutes."),
        "pacePer40": (_REAL, "Possessions per 40 minutes."),
        "possessions": (_REAL, "Possessions."),
        "PIE": (_REAL, "Player impact estimate: share of the game's events."),
    },
    team_statistics={"estimatedTeamTurnoverPercentage": (_REAL, "Turnovers per 100 possessions, estimated.")},
)

BOX_SCORES_ADVANCED = Dataset(
    name="box-scores-advanced",
    endpoint="boxscoreadvancedv3",
    root="boxScoreAdvanced",
    first_season=Season(1996),
    tables=(SHAPE.players, SHAPE.teams),
    parameters=game_parameters("boxscoreadvancedv3", "BoxScoreAdvancedV3"),
    assess=SHAPE.assess,
)

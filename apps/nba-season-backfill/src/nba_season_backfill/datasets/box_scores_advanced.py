"""``boxscoreadvancedv3``: ratings, shares and pace, for every player and team of a game."""

from __future__ import annotations

from nba_season_backfill.datasets.base import Dataset
from nba_season_backfill.datasets.box_scores import BoxScoreShape, game_parameters
from nba_season_backfill.datasets.measures import rating, real, share
from nba_season_backfill.season import Season

__all__ = ["BOX_SCORES_ADVANCED"]

SHAPE = BoxScoreShape(
    "box-scores-advanced",
    "boxScoreAdvanced",
    {
        "estimatedOffensiveRating": rating(
            "Offensive rating, estimated. Team lines: five times the rating (650.0 for 130.0), as received.", times=5
        ),
        "offensiveRating": rating("Points scored per 100 possessions."),
        "estimatedDefensiveRating": rating(
            "Defensive rating, estimated; team lines: five times it, as received.", times=5
        ),
        "defensiveRating": rating("Points allowed per 100 possessions."),
        "estimatedNetRating": real(
            "Net rating, estimated; team lines: five times it, as received.",
            -400.0,
            400.0,
            team_low=-2000.0,
            team_high=2000.0,
        ),
        "netRating": real("Offensive minus defensive rating.", -400.0, 400.0),
        "assistPercentage": share("Share of team-mates' field goals assisted, 0 to 1."),
        "assistToTurnover": real("Assists per turnover.", 0.0),
        "assistRatio": real("Assists per 100 possessions used.", 0.0),
        "offensiveReboundPercentage": share("Share of available offensive rebounds, 0 to 1."),
        "defensiveReboundPercentage": share("Share of available defensive rebounds, 0 to 1."),
        "reboundPercentage": share("Share of available rebounds, 0 to 1."),
        "turnoverRatio": real("Turnovers per 100 possessions used.", 0.0),
        "effectiveFieldGoalPercentage": share("Field goal share with threes counted one and a half times.", 1.5),
        "trueShootingPercentage": share("Points per two shooting chances, free throws included.", 1.5),
        "usagePercentage": share("Share of the team's possessions used while on the court, 0 to 1."),
        "estimatedUsagePercentage": share("Usage, estimated."),
        "estimatedPace": real("Pace, estimated; team lines: a fifth of it (17.9 for 89.5), as received.", 0.0),
        "pace": real("Possessions per 48 minutes.", 0.0),
        "pacePer40": real("Possessions per 40 minutes.", 0.0),
        "possessions": real("Possessions.", 0.0),
        "PIE": real("Player impact estimate: share of the game's events.", -5.0, 5.0),
    },
    team_statistics={"estimatedTeamTurnoverPercentage": real("Turnovers per 100 possessions, estimated.", 0.0)},
)

BOX_SCORES_ADVANCED = Dataset(
    name="box-scores-advanced",
    endpoint="boxscoreadvancedv3",
    root="boxScoreAdvanced",
    first_season=Season(1996),
    tables=SHAPE.tables,
    parameters=game_parameters("boxscoreadvancedv3", "BoxScoreAdvancedV3"),
    assess=SHAPE.assess,
)

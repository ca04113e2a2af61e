"""``boxscorehustlev2``: contested shots, deflections, loose balls, screens and box-outs, for players who played."""

from __future__ import annotations

from nba_season_backfill.datasets.base import Dataset
from nba_season_backfill.datasets.box_scores import BoxScoreShape, game_parameters
from nba_season_backfill.datasets.measures import count
from nba_season_backfill.season import GameKind, Season

__all__ = ["BOX_SCORES_HUSTLE"]

SHAPE = BoxScoreShape(
    "box-scores-hustle",
    "boxScoreHustle",
    {
        "points": count("Points.", 120, 200),
        "contestedShots": count("Shots contested.", 50, 130),
        "contestedShots2pt": count("Two-pointers contested.", 45, 100),
        "contestedShots3pt": count("Three-pointers contested.", 35, 80),
        "deflections": count("Passes deflected.", 25, 60),
        "chargesDrawn": count("Charges drawn.", 10, 15),
        "screenAssists": count("Screens that led to a made field goal.", 25, 50),
        "screenAssistPoints": count("Points from those field goals.", 60, 120),
        "looseBallsRecoveredOffensive": count("Loose balls recovered on offense.", 20, 30),
        "looseBallsRecoveredDefensive": count("Loose balls recovered on defense.", 20, 30),
        "looseBallsRecoveredTotal": count("Loose balls recovered.", 25, 45),
        "offensiveBoxOuts": count("Box-outs on offense.", 25, 45),
        "defensiveBoxOuts": count("Box-outs on defense.", 35, 80),
        "boxOutPlayerTeamRebounds": count("Box-outs after which the team had the rebound.", 35, 80),
        "boxOutPlayerRebounds": count("Box-outs after which the player had the rebound.", 30, 60),
        "boxOuts": count("Box-outs.", 45, 100),
    },
    tracked=True,
)

BOX_SCORES_HUSTLE = Dataset(
    name="box-scores-hustle",
    endpoint="boxscorehustlev2",
    root="boxScoreHustle",
    # Counted first in the 2016 playoffs, and in every game since the season after.
    first_season=Season(2015),
    first_kinds=frozenset({GameKind.PLAYOFFS}),
    tables=SHAPE.tables,
    parameters=game_parameters("boxscorehustlev2", "BoxScoreHustleV2"),
    assess=SHAPE.assess,
)

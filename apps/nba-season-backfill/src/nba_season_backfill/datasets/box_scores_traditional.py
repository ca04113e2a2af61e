"""``boxscoretraditionalv3``: points, shots, rebounds and the rest, for every player and team of a game."""

from __future__ import annotations

import pyarrow as pa

from nba_season_backfill.datasets.base import Dataset, Expectation
from nba_season_backfill.datasets.box_scores import BoxScoreShape, game_parameters
from nba_season_backfill.datasets.measures import count, real, share
from nba_season_backfill.season import Season

__all__ = ["BOX_SCORES_TRADITIONAL"]


def _check(players: pa.Table, teams: pa.Table, known: Expectation) -> list[str]:
    """Players' points add up to the team's, and the team's are the known final score."""
    sums: dict[int, int] = {}
    for team, points in zip(players.column("team_id").to_pylist(), players.column("points").to_pylist(), strict=True):
        sums[team] = sums.get(team, 0) + (points or 0)
    known_scores = {known.home_team_id: known.home_score, known.away_team_id: known.away_score}
    problems = []
    for team, tricode, points in zip(
        *(teams.column(name).to_pylist() for name in ("team_id", "team_tricode", "points")), strict=True
    ):
        if points != sums.get(team):
            problems.append(f"{tricode}: players have {sums.get(team)} points, the team {points}")
        score = known_scores.get(team)
        if score is not None and points != score:
            problems.append(f"{tricode}: {points} points, the final score says {score}")
    return problems


SHAPE = BoxScoreShape(
    "box-scores-traditional",
    "boxScoreTraditional",
    {
        "fieldGoalsMade": count("Field goals made.", 40, 80),
        "fieldGoalsAttempted": count("Field goals attempted.", 70, 160),
        "fieldGoalsPercentage": share("Field goals made of attempted, 0 to 1."),
        "threePointersMade": count("Three-pointers made.", 20, 45),
        "threePointersAttempted": count("Three-pointers attempted.", 35, 90),
        "threePointersPercentage": share("Three-pointers made of attempted, 0 to 1."),
        "freeThrowsMade": count("Free throws made.", 35, 70),
        "freeThrowsAttempted": count("Free throws attempted.", 45, 90),
        "freeThrowsPercentage": share("Free throws made of attempted, 0 to 1."),
        "reboundsOffensive": count("Offensive rebounds.", 25, 60),
        "reboundsDefensive": count("Defensive rebounds.", 50, 90),
        "reboundsTotal": count("Rebounds.", 60, 115),
        "assists": count("Assists.", 35, 65),
        "steals": count("Steals.", 15, 35),
        "blocks": count("Blocks.", 20, 35),
        "turnovers": count("Turnovers.", 20, 50),
        "foulsPersonal": count("Personal fouls.", 9, 70),
        "points": count("Points.", 120, 200),
        "plusMinusPoints": real("Points scored minus points allowed while on the court.", -80.0, 80.0),
    },
    splits=("starters", "bench"),
    split_lacks=frozenset({"plusMinusPoints"}),
    check=_check,
)

BOX_SCORES_TRADITIONAL = Dataset(
    name="box-scores-traditional",
    endpoint="boxscoretraditionalv3",
    root="boxScoreTraditional",
    first_season=Season(1946),
    tables=SHAPE.tables,
    parameters=game_parameters("boxscoretraditionalv3", "BoxScoreTraditionalV3"),
    assess=SHAPE.assess,
)

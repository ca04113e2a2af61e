"""``boxscoretraditionalv3``: points, shots, rebounds and the rest, for every player and team of a game."""

from __future__ import annotations

import pyarrow as pa

from nba_season_backfill.datasets.base import Dataset, Expectation
from nba_season_backfill.datasets.box_scores import BoxScoreShape, game_parameters
from nba_season_backfill.season import Season

__all__ = ["BOX_SCORES_TRADITIONAL"]

_INT, _REAL = pa.int32(), pa.float64()


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
        "fieldGoalsMade": (_INT, "Field goals made."),
        "fieldGoalsAttempted": (_INT, "Field goals attempted."),
        "fieldGoalsPercentage": (_REAL, "Field goals made of attempted, 0 to 1."),
        "threePointersMade": (_INT, "Three-pointers made."),
        "threePointersAttempted": (_INT, "Three-pointers attempted."),
        "threePointersPercentage": (_REAL, "Three-pointers made of attempted, 0 to 1."),
        "freeThrowsMade": (_INT, "Free throws made."),
        "freeThrowsAttempted": (_INT, "Free throws attempted."),
        "freeThrowsPercentage": (_REAL, "Free throws made of attempted, 0 to 1."),
        "reboundsOffensive": (_INT, "Offensive rebounds."),
        "reboundsDefensive": (_INT, "Defensive rebounds."),
        "reboundsTotal": (_INT, "Rebounds."),
        "assists": (_INT, "Assists."),
        "steals": (_INT, "Steals."),
        "blocks": (_INT, "Blocks."),
        "turnovers": (_INT, "Turnovers."),
        "foulsPersonal": (_INT, "Personal fouls."),
        "points": (_INT, "Points."),
        "plusMinusPoints": (_REAL, "Points scored minus points allowed while on the court."),
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
    tables=(SHAPE.players, SHAPE.teams),
    parameters=game_parameters("boxscoretraditionalv3", "BoxScoreTraditionalV3"),
    assess=SHAPE.assess,
)

"""The game logs of a whole season (``--bulk``) are held against the lists and against each other."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import pyarrow as pa
import pytest

from nba_season_backfill.audit.bulk import GameLogs
from nba_season_backfill.audit.lists import Lists, read_totals
from nba_season_backfill.schedule import Game, GameState
from nba_season_backfill.season import GameId, Season, SeasonType

SEASON = Season(2024)
HOME, AWAY = 1610612738, 1610612752
GAMES = ("0022400061", "0022400062")
Rows = list[dict[str, Any]]


def _team(game_id: str, team: int, points: int) -> dict[str, Any]:
    return {"game_id": game_id, "team_id": team, "pts": points, "fgm": 40, "reb": 44, "ast": 25}


def _lists() -> Lists:
    games = [
        Game(
            GameId(game_id), SEASON, SeasonType.REGULAR_SEASON, dt.date(2024, 10, 22), GameState.FINAL, "as it was",
            home_team_id=HOME, home_score=110, away_team_id=AWAY, away_score=100,
        )
        for game_id in GAMES
    ]  # fmt: skip
    headers = ["GAME_ID", "TEAM_ID", "PTS", "FGM", "REB", "AST"]
    rows = [[game, team, points, 40, 44, 25] for game in GAMES for team, points in ((HOME, 110), (AWAY, 100))]
    totals = read_totals([{"resultSets": [{"headers": headers, "rowSet": rows}]}])
    return Lists(SEASON, games, (SeasonType.REGULAR_SEASON,), dt.date(2024, 11, 1), totals=totals)


def _checked(teams: Rows, players: Rows) -> set[tuple[str, str, str, str]]:
    logs = GameLogs()
    logs.keep("team-game-logs", "team-game-logs/season=2024-25/part-0.parquet", pa.Table.from_pylist(teams))
    logs.keep("player-game-logs", "player-game-logs/season=2024-25/part-0.parquet", pa.Table.from_pylist(players))
    return {(each.kind.value, each.game_id, each.table, each.column) for each in logs.check(_lists())}


def _rows() -> tuple[Rows, Rows]:
    teams = [_team(game, team, points) for game in GAMES for team, points in ((HOME, 110), (AWAY, 100))]
    players = []
    for row in teams:
        half = {name: value // 2 for name, value in row.items() if name not in ("game_id", "team_id")}
        rest = {name: row[name] - value for name, value in half.items()}
        players += [{**row, **half, "player_id": 1}, {**row, **rest, "player_id": 2}]
    return teams, players


def test_logs_that_agree_are_clean() -> None:
    """Two rows a game, the lists' scores and totals, and players who add up: nothing is found."""
    assert _checked(*_rows()) == set()


def _score(teams: Rows, players: Rows) -> None:
    teams[0]["pts"] += 1


def _assists(teams: Rows, players: Rows) -> None:
    teams[1]["ast"] -= 1


def _player(teams: Rows, players: Rows) -> None:
    players[3]["reb"] += 2


def _lost_player(teams: Rows, players: Rows) -> None:
    del players[0]


def _lost_team(teams: Rows, players: Rows) -> None:
    del teams[0]


def _lost_game(teams: Rows, players: Rows) -> None:
    del teams[:2]


def _stranger(teams: Rows, players: Rows) -> None:
    teams.append(_team("0022499999", HOME, 1))


@pytest.mark.parametrize(
    ("plant", "expected"),
    [
        (_score, ("score_differs", GAMES[0], "team-game-logs", "points")),
        (_assists, ("total_differs", GAMES[0], "team-game-logs", "assists")),
        (_player, ("sum_differs", GAMES[0], "team-game-logs", "rebounds_total")),
        (_lost_player, ("sum_differs", GAMES[0], "team-game-logs", "points")),
        (_lost_team, ("team_rows", GAMES[0], "team-game-logs", "")),
        (_lost_game, ("rows_missing", GAMES[0], "team-game-logs", "")),
        (_stranger, ("rows_unaccounted", "0022499999", "team-game-logs", "")),
    ],
)
def test_a_defect_in_the_logs_is_named(
    plant: Callable[[Rows, Rows], None], expected: tuple[str, str, str, str]
) -> None:
    """A score, a total, a player's value or row, a team, a game, a stranger: each is found by name."""
    teams, players = _rows()
    plant(teams, players)
    assert expected in _checked(teams, players)

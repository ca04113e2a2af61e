"""Questions about a team: from the schedule, which has every score. Five requests for its last ten games."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

import pyarrow as pa

from nba_season_backfill.query.answers import Answer
from nba_season_backfill.query.errors import NameUnknown
from nba_season_backfill.query.games import of_team, team_of
from nba_season_backfill.query.names import Team
from nba_season_backfill.query.partitions import Partition
from nba_season_backfill.query.reader import Reader, ends_in_autumn, in_playing_order
from nba_season_backfill.season import SeasonType

__all__ = ["team_games", "team_stats"]

_GAMES, _ADVANCED = "games", "box-scores-advanced-teams"
_COLUMNS = (
    "game_id",
    "season_type",
    "game_date",
    "state",
    "tipoff_utc",
    "home_team_id",
    "home_tricode",
    "home_team_name",
    "home_score",
    "away_team_id",
    "away_tricode",
    "away_team_name",
    "away_score",
    "neutral_site",
    "label",
)
_LEAGUE_GAMES = frozenset({SeasonType.REGULAR_SEASON, SeasonType.IST, SeasonType.PLAY_IN, SeasonType.PLAYOFFS})
_RESULT = pa.schema(
    [
        ("game_id", pa.string()),
        ("season", pa.string()),
        ("season_type", pa.string()),
        ("game_date", pa.date32()),
        ("team_id", pa.int64()),
        ("team_tricode", pa.string()),
        ("opponent_team_id", pa.int64()),
        ("opponent_tricode", pa.string()),
        ("opponent_name", pa.string()),
        ("is_home", pa.bool_()),
        ("neutral_site", pa.bool_()),
        ("won", pa.bool_()),
        ("points", pa.int32()),
        ("opponent_points", pa.int32()),
        ("label", pa.string()),
    ]
)
# A team plays about fourteen games a month; a season's last months are played by few.
_GAMES_A_MONTH = 10
_MONTHS_OF_FEW = 3


def team_games(
    reader: Reader, team: str, season: str | None, last: int | None, season_type: str | None, today: dt.date
) -> Answer:
    """See ``Lake.team_games``."""
    newest, partitions = reader.of_season(_GAMES, season)
    _, rows = _games_of(reader, team, newest, partitions, last, season_type, today)
    return Answer(pa.Table.from_pylist(rows, schema=_RESULT), reader.explanation.ended())


def team_stats(reader: Reader, team: str, season: str | None, season_type: str, today: dt.date) -> Answer:
    """See ``Lake.team_stats``."""
    newest, partitions = reader.of_season(_GAMES, season)
    found, rows = _games_of(reader, team, newest, partitions, None, season_type, today)
    ids = {row["game_id"] for row in rows}
    columns = ["game_id", "team_id", "minutes_seconds", "possessions"]
    lines = [
        line for table in reader.scan(reader.partitions(_ADVANCED, newest), columns, ids) for line in table.to_pylist()
    ]
    document = {
        "team_id": found.team_id,
        "team_tricode": found.tricode,
        "team_name": found.name,
        "season": newest,
        "season_type": season_type,
        **_record(rows),
        **_ratings(rows, lines, found.team_id),
    }
    return Answer(pa.Table.from_pylist([document], schema=_STATS), reader.explanation.ended())


def _games_of(
    reader: Reader,
    team: str,
    season: str,
    partitions: Sequence[Partition],
    last: int | None,
    season_type: str | None,
    today: dt.date,
) -> tuple[Team, list[dict[str, Any]]]:
    """The team and its final games, in playing order: the newest months first, until there are ``last`` games."""
    begun = [partition for partition in in_playing_order(partitions) if partition.first_day <= today]
    begun = begun or list(partitions)
    batch = -(-last // _GAMES_A_MONTH) + _MONTHS_OF_FEW if last is not None else len(begun)
    if ends_in_autumn(partitions):
        # October has the season's first games and its last: no month is the newest.
        batch = len(begun)
    tables: list[pa.Table] = []
    while True:
        reading, begun = begun[-batch:], begun[:-batch] if batch < len(begun) else []
        tables = [*reader.scan(reading, _COLUMNS), *tables]
        try:
            found = team_of(reader, tables, team, season)
        except NameUnknown:
            if not begun:
                raise
            continue
        rows = [row for table in tables for row in _rows(table, found, season, season_type)]
        if not begun or (last is not None and len(rows) >= last):
            reader.explanation.passed_over(len(partitions) - len(tables))
            rows = list({row["game_id"]: row for row in rows}.values())
            rows.sort(key=lambda row: (row["game_date"], row["game_id"]))
            return found, rows[-last:] if last is not None else rows


def _rows(table: pa.Table, team: Team, season: str, season_type: str | None) -> list[dict[str, Any]]:
    rows = []
    for game in table.filter(of_team(table, team)).to_pylist():
        wanted = game["season_type"] == season_type if season_type is not None else game["season_type"] in _LEAGUE_GAMES
        if not wanted or game["state"] != "final" or game["home_score"] is None or game["away_score"] is None:
            continue
        home = game["home_team_id"] == team.team_id
        us, them = ("home", "away") if home else ("away", "home")
        rows.append(
            {
                "game_id": game["game_id"],
                "season": season,
                "season_type": game["season_type"],
                "game_date": game["game_date"],
                "team_id": team.team_id,
                "team_tricode": game[f"{us}_tricode"],
                "opponent_team_id": game[f"{them}_team_id"],
                "opponent_tricode": game[f"{them}_tricode"],
                "opponent_name": game[f"{them}_team_name"],
                "is_home": home,
                "neutral_site": game["neutral_site"],
                "won": game[f"{us}_score"] > game[f"{them}_score"],
                "points": game[f"{us}_score"],
                "opponent_points": game[f"{them}_score"],
                "label": game["label"],
            }
        )
    return rows


_STATS = pa.schema(
    [
        ("team_id", pa.int64()),
        ("team_tricode", pa.string()),
        ("team_name", pa.string()),
        ("season", pa.string()),
        ("season_type", pa.string()),
        *((name, pa.int32()) for name in ("games", "wins", "losses")),
        ("win_percentage", pa.float64()),
        *((name, pa.int32()) for name in ("home_wins", "home_losses", "away_wins", "away_losses")),
        *((name, pa.float64()) for name in ("points_for", "points_against", "point_differential")),
        ("last_10", pa.string()),
        ("streak", pa.string()),
        *((name, pa.float64()) for name in ("pace", "offensive_rating", "defensive_rating", "net_rating")),
        ("rated_games", pa.int32()),
    ]
)


def _record(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    games, won = len(rows), [row["won"] for row in rows]
    home = [row["won"] for row in rows if row["is_home"]]
    away = [row["won"] for row in rows if not row["is_home"]]
    scored, allowed = (sum(row[name] for row in rows) for name in ("points", "opponent_points"))
    streak = 0
    while streak < games and won[-1 - streak] == won[-1]:
        streak += 1
    return {
        "games": games,
        "wins": sum(won),
        "losses": games - sum(won),
        "win_percentage": _ratio(sum(won), games, 3),
        "home_wins": sum(home),
        "home_losses": len(home) - sum(home),
        "away_wins": sum(away),
        "away_losses": len(away) - sum(away),
        "points_for": _ratio(scored, games, 1),
        "points_against": _ratio(allowed, games, 1),
        "point_differential": _ratio(scored - allowed, games, 1),
        "last_10": f"{sum(won[-10:])}-{len(won[-10:]) - sum(won[-10:])}",
        "streak": f"{'W' if won[-1] else 'L'}{streak}" if won else "",
    }


def _ratings(rows: Sequence[dict[str, Any]], lines: Sequence[dict[str, Any]], team_id: int) -> dict[str, Any]:
    """Over all possessions together, not an average of the games' ratings: long games count for more."""
    results = {row["game_id"]: row for row in rows}
    ours: dict[str, dict[str, Any]] = {}
    theirs: dict[str, dict[str, Any]] = {}
    for line in lines:
        if line["possessions"] and line["minutes_seconds"]:
            (ours if line["team_id"] == team_id else theirs)[line["game_id"]] = line
    rated = sorted(ours.keys() & theirs.keys())
    own = sum(ours[game]["possessions"] for game in rated)
    other = sum(theirs[game]["possessions"] for game in rated)
    # Five players a side: the team's seconds are five times the game's.
    minutes = sum(ours[game]["minutes_seconds"] for game in rated) / 5 / 60
    offensive = _ratio(100 * sum(results[game]["points"] for game in rated), own, 1)
    defensive = _ratio(100 * sum(results[game]["opponent_points"] for game in rated), other, 1)
    net = None if offensive is None or defensive is None else round(offensive - defensive, 1)
    return {
        "pace": _ratio(48 * (own + other) / 2, minutes, 1),
        "offensive_rating": offensive,
        "defensive_rating": defensive,
        "net_rating": net,
        "rated_games": len(rated),
    }


def _ratio(part: float, whole: float, digits: int) -> float | None:
    return round(part / whole, digits) if whole else None

"""The season's games: from the game log and the schedule, reconciled. Every kind and every state."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import pyarrow as pa

from nba_season_backfill.datasets.base import Table
from nba_season_backfill.datasets.columns import Column, schema_of

__all__ = ["GAMES_TABLE", "games_table"]

_INT, _LONG, _TEXT, _BOOL = pa.int32(), pa.int64(), pa.string(), pa.bool_()

_COLUMNS = (
    Column("game_id", _TEXT, "The game: ten digits, leading zeros kept.", "gameId", required=True),
    Column("season_type", _TEXT, "Regular Season, Playoffs, PlayIn, IST, Pre Season or All Star.", required=True),
    Column("game_date", pa.date32(), "US Eastern date of the game.", "gameDateEst", required=True),
    Column(
        "state", _TEXT, "final, scheduled, live, postponed, cancelled, if_necessary_not_played, undecided, unknown."
    ),
    Column("state_reason", _TEXT, "Which list says so, and where they disagree."),
    # Microseconds: Parquet has no seconds, and readers should find the declared type.
    Column("tipoff_utc", pa.timestamp("us", tz="UTC"), "Tip-off; null when not known.", "gameDateTimeUTC"),
    Column("home_team_id", _LONG, "Home team; null while undecided.", "homeTeam.teamId"),
    Column("home_tricode", _TEXT, "Home team's three letters.", "homeTeam.teamTricode"),
    Column("home_team_name", _TEXT, "Home team's city and name.", "homeTeam.teamCity, teamName"),
    Column("home_score", _INT, "Home team's final score; null until final.", "PTS, homeTeam.score"),
    Column("away_team_id", _LONG, "Away team; null while undecided.", "awayTeam.teamId"),
    Column("away_tricode", _TEXT, "Away team's three letters.", "awayTeam.teamTricode"),
    Column("away_team_name", _TEXT, "Away team's city and name.", "awayTeam.teamCity, teamName"),
    Column("away_score", _INT, "Away team's final score; null until final.", "PTS, awayTeam.score"),
    Column("neutral_site", _BOOL, "Neither team's own arena; null when only the game log knows.", "isNeutral"),
    Column("if_necessary", _BOOL, "A playoff game that may not be needed.", "ifNecessary"),
    Column("label", _TEXT, "For instance NBA Finals, Emirates NBA Cup.", "gameLabel"),
    Column("sub_label", _TEXT, "For instance Game 7.", "gameSubLabel"),
    Column("series_text", _TEXT, "State of the series, in words.", "seriesText"),
    Column("series_game_number", _TEXT, "Number of the game in its series.", "seriesGameNumber"),
    Column("game_subtype", _TEXT, "For instance in-season-knockout.", "gameSubtype"),
    Column("status_text", _TEXT, "The schedule's own words: Final/OT, 7:30 pm ET, TBD.", "gameStatusText"),
    Column("arena_name", _TEXT, "Arena.", "arenaName"),
    Column("arena_city", _TEXT, "Arena's city.", "arenaCity"),
    Column("arena_state", _TEXT, "Arena's state or country.", "arenaState"),
    Column(
        "revision",
        _INT,
        "How many different contents were stored of the game; 1 unless corrected (see `stat-corrections`).",
        required=True,
    ),
)
GAMES_TABLE = Table("games", schema_of(_COLUMNS), ())
_PLAIN = {"season_type": "value", "state": "value"}


class _Game(Protocol):
    """What the schedule knows of a game: every column under its own name, and its month."""

    @property
    def month(self) -> int: ...


def games_table(games: Sequence[_Game], revision_of: Callable[[str], int] = lambda _: 1) -> Mapping[int, pa.Table]:
    """month -> the games of that month, one row each, in order of their ids.

    Args:
        revision_of: game id -> how many different contents were stored of it.
    """
    by_month: dict[int, list[_Game]] = defaultdict(list)
    for game in games:
        by_month[game.month].append(game)
    return {month: _table(rows, revision_of) for month, rows in sorted(by_month.items())}


def _table(games: Sequence[_Game], revision_of: Callable[[str], int]) -> pa.Table:
    ordered = sorted(games, key=lambda game: str(game.game_id))  # type: ignore[attr-defined]  # columns are attributes
    arrays = [
        pa.array([_value(game, column.name, revision_of) for game in ordered], column.type) for column in _COLUMNS
    ]
    return pa.Table.from_arrays(arrays, schema=GAMES_TABLE.schema)


def _value(game: Any, name: str, revision_of: Callable[[str], int]) -> Any:
    if name == "game_id":
        return str(game.game_id)
    if name == "revision":
        return revision_of(str(game.game_id))
    if name == "state_reason":
        return game.reason
    value = getattr(game, name)
    return value.value if name in _PLAIN else value

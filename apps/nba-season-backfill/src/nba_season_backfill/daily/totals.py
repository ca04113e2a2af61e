"""The totals of the bulk game logs beside those that are stored: which games the upstream has corrected. Pure.

One request has every line of a week. What can be compared is compared as it is (points, rebounds, ...); what the two
lists count differently (a team's turnovers, minutes to the second) is only compared with what the log said before.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson
import pyarrow as pa

from nba_season_backfill.schedule import log_rows

__all__ = ["Disagreement", "Line", "Memory", "Totals", "Who", "compare", "read_totals", "stored_totals"]

Who = tuple[int, int]
Line = Mapping[str, int | float | None]
Totals = Mapping[str, Mapping[Who, Line]]
"""game id -> (team id, player id; 0 for the team's own line) -> the log's column -> its value."""

_COLUMNS = {
    "FGM": "field_goals_made",
    "FGA": "field_goals_attempted",
    "FG3M": "three_pointers_made",
    "FG3A": "three_pointers_attempted",
    "FTM": "free_throws_made",
    "FTA": "free_throws_attempted",
    "OREB": "rebounds_offensive",
    "DREB": "rebounds_defensive",
    "REB": "rebounds_total",
    "AST": "assists",
    "STL": "steals",
    "BLK": "blocks",
    "TOV": "turnovers",
    "PF": "fouls_personal",
    "PTS": "points",
    "PLUS_MINUS": "plus_minus_points",
}
# In the log a team's turnovers include those of nobody in particular; in the box score they do not.
_NOT_OF_TEAMS = frozenset({"TOV"})
_REMEMBERED = ("MIN", *_COLUMNS)
# The log may be corrected before the box score is: a game that goes on to disagree is asked for again so often.
_TRIES = 3


def read_totals(payload: Mapping[str, Any], *, players: bool, since: dt.date) -> Totals:
    """The totals in a ``leaguegamelog`` answer, of games from that date on.

    Raises:
        ValueError: the answer is not a game log.
    """
    totals: dict[str, dict[Who, Line]] = {}
    for row in log_rows(payload):
        try:
            if dt.date.fromisoformat(str(row["GAME_DATE"])[:10]) < since:
                continue
            who = (int(row["TEAM_ID"]), int(row["PLAYER_ID"]) if players else 0)
            totals.setdefault(str(row["GAME_ID"]), {})[who] = {name: _number(row[name]) for name in _REMEMBERED}
        except KeyError as error:
            raise ValueError(f"leaguegamelog: column {error} is missing") from None
    return totals


def _number(value: object) -> int | float | None:
    if value is None or (isinstance(value, (int, float)) and not isinstance(value, bool)):
        return value
    raise ValueError(f"leaguegamelog: {value!r:.40} is not a number")


def stored_totals(players: pa.Table, teams: pa.Table) -> Mapping[Who, Line]:
    """The same totals from a game's rows in the two tables of its box score; players who did not play are left out."""
    found: dict[Who, Line] = {}
    for row in teams.select(["team_id", *_COLUMNS.values()]).to_pylist():
        found[row["team_id"], 0] = {theirs: row[ours] for theirs, ours in _COLUMNS.items()}
    wanted = ["team_id", "person_id", "did_not_play", *_COLUMNS.values()]
    for row in players.select(wanted).to_pylist():
        if not row["did_not_play"]:
            found[row["team_id"], row["person_id"]] = {theirs: row[ours] for theirs, ours in _COLUMNS.items()}
    return found


@dataclass(frozen=True, slots=True)
class Memory:
    """What is kept of a game in the checkpoint: the digest of what the log said, and how often it was asked again."""

    digest: str
    asked: int = 0


@dataclass(frozen=True, slots=True)
class Disagreement:
    """A game of which the log says something else than what is stored, or than it said before; the first of what."""

    game_id: str
    what: str
    memory: Memory
    give_up: bool


def compare(
    logged: Totals,
    stored: Callable[[str], Mapping[Who, Line] | None],
    remembered: Mapping[str, Memory],
    game_ids: Iterable[str],
) -> tuple[list[Disagreement], dict[str, Memory]]:
    """(the games that disagree, what to remember of those that do not).

    Args:
        logged: lines of teams and players.
        stored: game id -> the totals of its rows, or None when they are not there.
        game_ids: the games to compare; one of which the log has not both teams and players of both is passed over.
    """
    found, agreed = [], {}
    for game_id in game_ids:
        lines, rows = logged.get(game_id, {}), stored(game_id)
        if rows is None or any(len({team for team, who in lines if bool(who) is kind}) != 2 for kind in (True, False)):
            continue
        digest, before = _digest(lines), remembered.get(game_id)
        what = _difference(lines, rows)
        same = before is not None and before.digest == digest
        asked = before.asked if before is not None and same else 0
        if what is None and before is not None and not same and not before.asked:
            # Something that the two lists count differently, a player's minutes for instance.
            what = "the game log says something else than it did"
        if what is None:
            agreed[game_id] = Memory(digest)
        else:
            found.append(Disagreement(game_id, what, Memory(digest, asked + 1), give_up=asked >= _TRIES))
    return found, agreed


def _difference(lines: Mapping[Who, Line], rows: Mapping[Who, Line]) -> str | None:
    """The first thing in which they differ, in words; None if in nothing."""
    for who in sorted(lines.keys() ^ rows.keys()):
        return f"{_name(who)}: {'not stored' if who in lines else 'not in the game log'}"
    for who in sorted(lines):
        for column in _COLUMNS:
            theirs, ours = lines[who][column], rows[who][column]
            if who[1] == 0 and column in _NOT_OF_TEAMS:
                continue
            if theirs is not None and theirs != ours:
                return f"{_name(who)}: {column} {theirs}, stored {ours}"
    return None


def _name(who: Who) -> str:
    return f"player {who[1]}" if who[1] else f"team {who[0]}"


def _digest(lines: Mapping[Who, Line]) -> str:
    document = [[*who, *(lines[who][column] for column in _REMEMBERED)] for who in sorted(lines)]
    return hashlib.sha256(orjson.dumps(document)).hexdigest()[:16]

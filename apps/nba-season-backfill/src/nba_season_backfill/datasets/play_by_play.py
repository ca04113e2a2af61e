"""``playbyplayv3``: every action of a game, in order."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise
from typing import Any

import pyarrow as pa

from nba_season_backfill.datasets.base import Assessment, Dataset, Expectation, Payload, Table, violation
from nba_season_backfill.datasets.box_scores import game_parameters
from nba_season_backfill.datasets.columns import Column, ContractBroken, build_table, schema_of, unknown_keys
from nba_season_backfill.season import Season

__all__ = ["PLAY_BY_PLAY"]

_INT, _LONG, _REAL, _TEXT = pa.int32(), pa.int64(), pa.float64(), pa.string()

_COLUMNS = (
    Column("game_id", _TEXT, "The game: ten digits, leading zeros kept.", required=True),
    Column("action_id", _INT, "The action's place in the game: unique, increasing.", "actionId", required=True),
    Column(
        "action_number",
        _INT,
        "The upstream's number of the event. Not unique: a block or steal shares its shot's or turnover's.",
        "actionNumber",
        required=True,
    ),
    Column("period", _INT, "1 to 4, overtimes from 5.", "period", required=True),
    Column("clock", _TEXT, "Time left in the period as received (ISO 8601).", "clock", required=True),
    Column("clock_seconds_left", _REAL, "Time left in the period, in seconds, to the hundredth.", required=True),
    Column("team_id", _LONG, "The acting team; 0 where there is none.", "teamId"),
    Column("team_tricode", _TEXT, "The acting team's three letters; may be empty.", "teamTricode"),
    Column("person_id", _LONG, "The acting player; 0 where there is none.", "personId"),
    Column("player_name", _TEXT, "The acting player's family name; may be empty.", "playerName"),
    Column("player_name_i", _TEXT, "Initial and family name; may be empty.", "playerNameI"),
    Column("x_legacy", _INT, "Shot location across the court, tenths of feet from the basket.", "xLegacy"),
    Column("y_legacy", _INT, "Shot location along the court, tenths of feet from the basket.", "yLegacy"),
    Column("shot_distance", _INT, "Shot distance in feet.", "shotDistance"),
    Column("shot_result", _TEXT, "Made, Missed, or empty.", "shotResult"),
    Column("is_field_goal", _INT, "1 for a field goal attempt, else 0.", "isFieldGoal"),
    Column("score_home", _INT, "Home score after the action; null where the upstream leaves it empty."),
    Column("score_away", _INT, "Away score after the action; null where the upstream leaves it empty."),
    Column("points_total", _INT, "The player's points so far, on scoring actions.", "pointsTotal"),
    Column("location", _TEXT, "h, v or empty: the acting team's side.", "location"),
    Column("description", _TEXT, "The action in words.", "description"),
    Column("action_type", _TEXT, "Kind of action; may be empty in old seasons.", "actionType"),
    Column("sub_type", _TEXT, "Finer kind of action.", "subType"),
    Column("video_available", _INT, "1 if there is a video.", "videoAvailable"),
    Column("shot_value", _INT, "2 or 3 for field goals, else 0.", "shotValue"),
)
_SCHEMA = schema_of(_COLUMNS)
_KEYS = frozenset(column.source for column in _COLUMNS if column.source) | {"scoreHome", "scoreAway"}
_ROOT_KEYS = frozenset({"gameId", "videoAvailable", "actions"})
_CLOCK = re.compile(r"PT(\d+)M(\d+)(?:\.(\d+))?S")
TABLE = Table("play-by-play", _SCHEMA, ("action_id",))


@lru_cache(maxsize=65_536)
def _seconds_left(clock: str) -> float | None:
    """The same few thousand clock texts come again in every game."""
    match = _CLOCK.fullmatch(clock)
    return float(f"{int(match[1]) * 60 + int(match[2])}.{match[3] or 0}") if match is not None else None


def _clock_seconds(clocks: Sequence[Any]) -> list[float]:
    seconds: list[float] = []
    for number, clock in enumerate(clocks):
        left = _seconds_left(clock) if isinstance(clock, str) else None
        if left is None:
            raise ContractBroken(f"game.actions[{number}].clock: got {clock!r:.40}, want a time such as PT11M33.00S")
        seconds.append(left)
    return seconds


def _scores(actions: Sequence[dict[str, Any]], key: str) -> list[int | None]:
    """Scores come as text, empty on most rows; a number that is no number is refused."""
    scores: list[int | None] = []
    for number, action in enumerate(actions):
        value = action.get(key, 0)
        if value in ("", None):
            scores.append(None)
        elif isinstance(value, str) and value.isdigit():
            scores.append(int(value))
        else:
            raise ContractBroken(f"game.actions[{number}].{key}: got {action.get(key)!r:.40}, want digits or nothing")
    return scores


def _last(scores: Sequence[int | None]) -> int | None:
    return next((score for score in reversed(scores) if score is not None), None)


def _assess(payload: Payload, known: Expectation) -> Assessment:
    root = payload.get("game")
    if not isinstance(root, dict):
        return violation("game: missing or null")
    if root.get("gameId") != known.game_id:
        return violation(f"game.gameId: got {root.get('gameId')!r}, asked for {known.game_id}")
    actions = root.get("actions")
    if not isinstance(actions, list) or not all(isinstance(action, dict) for action in actions):
        return violation("game.actions: not a list of objects")
    if not actions:
        expected = known.final and bool(known.home_score) and known.season >= PLAY_BY_PLAY.first_season
        return Assessment("absent", problems=("a final game without actions",) if expected else ())
    try:
        home, away = _scores(actions, "scoreHome"), _scores(actions, "scoreAway")
        derived: dict[str, Sequence[Any]] = {
            "game_id": [known.game_id] * len(actions),
            "clock_seconds_left": _clock_seconds([action.get("clock") for action in actions]),
            "score_home": home,
            "score_away": away,
        }
        table = build_table(_SCHEMA, _COLUMNS, actions, derived, "game.actions")
    except ContractBroken as broken:
        return violation(str(broken))
    problems = _order(actions) + _final_score(_last(home), _last(away), known)
    if problems:
        return violation(*problems)
    unknown = [f"game.{key}" for key in sorted(root.keys() - _ROOT_KEYS)]
    unknown += unknown_keys(actions, _KEYS, "game.actions")
    return Assessment("ok", tables={TABLE.name: table}, unknown_fields=tuple(unknown))


def _order(actions: Sequence[dict[str, Any]]) -> list[str]:
    ids = [action["actionId"] for action in actions]
    if any(later <= earlier for earlier, later in pairwise(ids)):
        return ["game.actions: actionId does not increase"]
    if min(action["period"] for action in actions) < 1:
        return ["game.actions: a period below 1"]
    return []


def _final_score(home: int | None, away: int | None, known: Expectation) -> list[str]:
    """The last running score is the final one; at neutral sites the sides may be swapped."""
    if known.home_score is None or known.away_score is None or home is None or away is None:
        return []
    if sorted((home, away)) == sorted((known.home_score, known.away_score)):
        return []
    return [f"game.actions: the last score is {home}-{away}, the final one {known.home_score}-{known.away_score}"]


PLAY_BY_PLAY = Dataset(
    name="play-by-play",
    endpoint="playbyplayv3",
    root="game",
    first_season=Season(1996),
    tables=(TABLE,),
    parameters=game_parameters("playbyplayv3", "PlayByPlayV3"),
    assess=_assess,
)

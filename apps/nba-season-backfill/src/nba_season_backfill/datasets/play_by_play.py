"""``playbyplayv3``: every action of a game, in order."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any, TypeVar

import pyarrow as pa

from nba_season_backfill.datasets.base import (
    Assessment,
    Dataset,
    Expectation,
    Payload,
    Table,
    broken_contract,
    quality_of,
    violation,
)
from nba_season_backfill.datasets.box_scores import game_parameters
from nba_season_backfill.datasets.columns import (
    Column,
    ContractBroken,
    Outliers,
    build_table,
    schema_of,
    unknown_keys,
)
from nba_season_backfill.season import Season

__all__ = ["PLAY_BY_PLAY"]

_Value = TypeVar("_Value")
_MISSING = object()
_INT, _LONG, _REAL, _TEXT = pa.int32(), pa.int64(), pa.float64(), pa.string()

_COLUMNS = (
    Column("game_id", _TEXT, "The game: ten digits, leading zeros kept.", path="gameId", required=True),
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
    # A double, not a decimal: every reader computes with it, and the text beside it is exact.
    Column(
        "clock_seconds_left",
        _REAL,
        "Time left in the period, in seconds, to the hundredth.",
        path="actions[].clock",
        required=True,
        low=0.0,
        high=720.0,
    ),
    Column("team_id", _LONG, "The acting team; 0 where there is none.", "teamId"),
    Column("team_tricode", _TEXT, "The acting team's three letters; may be empty.", "teamTricode"),
    Column("person_id", _LONG, "The acting player; 0 where there is none.", "personId"),
    Column("player_name", _TEXT, "The acting player's family name; may be empty.", "playerName"),
    Column("player_name_i", _TEXT, "Initial and family name; may be empty.", "playerNameI"),
    Column("x_legacy", _INT, "Shot location across the court, tenths of feet from the basket.", "xLegacy"),
    Column("y_legacy", _INT, "Shot location along the court, tenths of feet from the basket.", "yLegacy"),
    Column("shot_distance", _INT, "Shot distance in feet.", "shotDistance", low=0, high=94),
    Column("shot_result", _TEXT, "Made, Missed, or empty.", "shotResult"),
    Column("is_field_goal", _INT, "1 for a field goal attempt, else 0.", "isFieldGoal", low=0, high=1),
    Column(
        "score_home",
        _INT,
        "Home score after the action; null where the upstream leaves it empty.",
        path="actions[].scoreHome",
        low=0,
        high=200,
    ),
    Column(
        "score_away",
        _INT,
        "Away score after the action; null where the upstream leaves it empty.",
        path="actions[].scoreAway",
        low=0,
        high=200,
    ),
    Column(
        "points_total", _INT, "Points of both teams so far, on scoring actions; else 0.", "pointsTotal", low=0, high=400
    ),
    Column("location", _TEXT, "h, v or empty: the acting team's side.", "location"),
    Column("description", _TEXT, "The action in words.", "description"),
    Column("action_type", _TEXT, "Kind of action; may be empty in old seasons.", "actionType"),
    Column("sub_type", _TEXT, "Finer kind of action.", "subType"),
    Column("video_available", _INT, "1 if there is a video.", "videoAvailable"),
    Column("shot_value", _INT, "2 or 3 for field goals, else 0.", "shotValue", low=0, high=3),
)
_SCHEMA = schema_of(_COLUMNS, "actions[]")
_KEYS = frozenset(column.source for column in _COLUMNS if column.source) | {"scoreHome", "scoreAway"}
_ROOT_KEYS = frozenset({"gameId", "videoAvailable", "actions"})
# Digits are bounded: what is longer is no time and no score, and Python refuses to read it as a number at all.
_CLOCK = re.compile(r"PT(\d{1,4})M(\d{1,2})(?:\.(\d{1,9}))?S", re.ASCII)
_SCORE = re.compile(r"\d{1,9}", re.ASCII)
# The longest game had six overtimes.
_MOST_PERIODS = 20
TABLE = Table("play-by-play", _SCHEMA, ("action_id",))


def _where(number: int) -> str:
    return f"game.actions[{number}]"


def _texts(
    actions: Sequence[Mapping[str, Any]], key: str, read: Callable[[str], _Value | None], want: str, *, empty: bool
) -> list[_Value | None]:
    """What a column of texts means; each different text is read once.

    Args:
        read: None for a text of another form, which is refused.
        empty: whether an empty text or null may stand there; it means null.
    """
    values = [action.get(key, _MISSING) for action in actions]
    meanings: dict[Any, _Value | None] = {"": None, None: None} if empty else {}
    try:
        for text in set(values):
            if type(text) is str and (meaning := read(text)) is not None:
                meanings[text] = meaning
        return list(map(meanings.__getitem__, values))
    except (KeyError, TypeError):

        def is_read(value: Any) -> bool:
            return (empty and value in ("", None)) or (type(value) is str and read(value) is not None)

        number = next(number for number, value in enumerate(values) if not is_read(value))
        found = "missing" if values[number] is _MISSING else f"got {values[number]!a:.40}"
        gone = values[number] is _MISSING
        message = f"{_where(number)}.{key}: {found}, want {want}"
        raise ContractBroken(message, missing=int(gone), type_errors=int(not gone)) from None


@lru_cache(maxsize=65_536)
def _seconds_left(clock: str) -> float | None:
    """The same few thousand clock texts come again in every game."""
    match = _CLOCK.fullmatch(clock)
    return float(f"{int(match[1]) * 60 + int(match[2])}.{match[3] or 0}") if match is not None else None


def _score(text: str) -> int | None:
    return int(text) if _SCORE.fullmatch(text) is not None else None


def _scores(actions: Sequence[Mapping[str, Any]], key: str) -> list[int | None]:
    """Scores come as text, empty on most rows; a number that is no number is refused."""
    return _texts(actions, key, _score, "digits or nothing", empty=True)


def _last(scores: Sequence[int | None]) -> int | None:
    return next((score for score in reversed(scores) if score is not None), None)


def _assess(payload: Payload, known: Expectation) -> Assessment:
    root = payload.get("game") if isinstance(payload, dict) else None
    if not isinstance(root, dict):
        return violation("game: missing or null")
    if root.get("gameId") != known.game_id:
        return violation(f"game.gameId: got {root.get('gameId')!r}, asked for {known.game_id}")
    actions = root.get("actions")
    if not isinstance(actions, list) or not set(map(type, actions)) <= {dict}:
        return violation("game.actions: not a list of objects")
    if not actions:
        expected = known.final and bool(known.home_score) and known.season >= PLAY_BY_PLAY.first_season
        return Assessment("absent", problems=("a final game without actions",) if expected else ())
    try:
        home, away = _scores(actions, "scoreHome"), _scores(actions, "scoreAway")
        derived: dict[str, Sequence[Any]] = {
            "game_id": [known.game_id] * len(actions),
            "clock_seconds_left": _texts(actions, "clock", _seconds_left, "a time such as PT11M33.00S", empty=False),
            "score_home": home,
            "score_away": away,
        }
        outliers = Outliers()
        table = build_table(_SCHEMA, _COLUMNS, actions, derived, _where, outliers)
    except ContractBroken as broken:
        return broken_contract(broken)
    problems = _order(actions) + _teams(actions, known) + _final_score(_last(home), _last(away), known)
    if problems:
        return violation(*problems, tables={TABLE.name: table})
    unknown = [f"game.{key}" for key in sorted(root.keys() - _ROOT_KEYS)]
    # Every known field is there by now: only a row that has more of them can have an unknown one.
    if sum(map(len, actions)) > len(actions) * len(_KEYS):
        unknown += unknown_keys(actions, _KEYS, "game.actions")
    tables = {TABLE.name: table}
    return Assessment("ok", tables=tables, unknown_fields=tuple(unknown), quality=quality_of(tables, outliers))


def _order(actions: Sequence[Mapping[str, Any]]) -> list[str]:
    ids = [action["actionId"] for action in actions]
    if any(map(operator.le, ids[1:], ids)):
        return ["game.actions: actionId does not increase"]
    periods = {action["period"] for action in actions}
    first, last = int(min(periods)), int(max(periods))
    if first < 1 or last > _MOST_PERIODS:
        return [f"game.actions: a period {first if first < 1 else last}"]
    # The running score hides a period that is gone: the ones after it carry it on.
    gone = set(range(1, last + 1)) - periods
    return [f"game.actions: no action of period {min(gone)}, yet some of {last}"] if gone else []


def _teams(actions: Sequence[Mapping[str, Any]], known: Expectation) -> list[str]:
    """Both teams act in a final game."""
    if not known.final:
        return []
    acting = {action["teamId"] for action in actions}
    return [
        f"game.actions: none is of team {team}"
        for team in (known.home_team_id, known.away_team_id)
        if team is not None and team not in acting
    ]


def _final_score(home: int | None, away: int | None, known: Expectation) -> list[str]:
    """The last running score is the final one; at neutral sites the sides may be swapped."""
    if not known.final or known.home_score is None or known.away_score is None:
        return []
    if home is not None and away is not None and {home, away} == {known.home_score, known.away_score}:
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

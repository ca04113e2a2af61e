"""``boxscoresummaryv3``: a game's circumstances: arena, attendance, officials, line score, inactives, broadcasters."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa

from nba_season_backfill.datasets.base import (
    Assessment,
    Dataset,
    Expectation,
    Payload,
    broken_contract,
    quality_of,
    violation,
)
from nba_season_backfill.datasets.columns import ContractBroken, Outliers, build_table, unknown_keys
from nba_season_backfill.datasets.sides import Side, both_sides, game_parameters, identity, root_of, without_content
from nba_season_backfill.datasets.summary_tables import (
    ARENA_KEYS,
    BROADCASTERS,
    CHARTS,
    GAME,
    INACTIVES,
    MEETINGS,
    OFFICIALS,
    PERIODS,
    PLAYERS,
    ROOT_KEYS,
    TEAM_OF_MEETING_KEYS,
    TEAMS,
    Part,
)
from nba_season_backfill.season import Season

__all__ = ["SUMMARY"]

_ROOT = "boxScoreSummary"
# The first game was played in 1946; the upstream writes years 1 and 1900 for a time that is not known.
_LAST_PLACEHOLDER_YEAR = 1900
_CHARTS = {"pregameCharts": "pregame", "postgameCharts": "postgame"}


def _assess(payload: Payload, known: Expectation) -> Assessment:
    try:
        return _judged(payload, known)
    except ContractBroken as broken:
        return broken_contract(broken)


def _judged(payload: Payload, known: Expectation) -> Assessment:
    root = root_of(payload, _ROOT, known)
    if without_content(root, "players", "periods"):
        doubtful = known.final and known.home_score
        return Assessment("absent", problems=("a final game without content",) if doubtful else ())
    sides = both_sides(root, _ROOT)
    problems = identity(_ROOT, {side.team["teamId"] for side in sides}, known) or _scores(sides, known)
    if problems:
        return violation(*problems)
    rows = _Rows(known.game_id)
    rows.add(GAME, _game(root), _ROOT, game_time_utc=_moment(root, _ROOT))
    for number, official in _listed(root, "officials", _ROOT):
        rows.add(OFFICIALS, official, f"{_ROOT}.officials[{number}]", official_order=number)
    for side in sides:
        _side(rows, side)
    _broadcasters(rows, root)
    _meetings(rows, root)
    _charts(rows, root, sides)
    outliers = Outliers()
    tables = rows.tables(outliers)
    unknown = sorted(f"{_ROOT}.{key}" for key in root.keys() - ROOT_KEYS) + rows.unknown(root)
    return Assessment("ok", tables=tables, unknown_fields=tuple(unknown), quality=quality_of(tables, outliers))


class _Rows:
    """The rows of one answer's tables, collected part by part."""

    def __init__(self, game_id: str) -> None:
        self._game_id = game_id
        self._rows: dict[str, list[Mapping[str, Any]]] = {part.table.name: [] for part in _PARTS}
        self._derived: dict[str, list[dict[str, Any]]] = {part.table.name: [] for part in _PARTS}
        self._where: dict[str, list[str]] = {part.table.name: [] for part in _PARTS}

    def add(self, part: Part, row: Mapping[str, Any], where: str, **derived: Any) -> None:
        """One row: what the answer has, and what is ours."""
        name = part.table.name
        self._rows[name].append(row)
        self._derived[name].append({"game_id": self._game_id, **derived})
        self._where[name].append(where)

    def tables(self, outliers: Outliers) -> dict[str, pa.Table]:
        """All tables, those without rows too."""
        return {part.table.name: self._table(part, outliers) for part in _PARTS}

    def _table(self, part: Part, outliers: Outliers) -> pa.Table:
        name = part.table.name
        rows = self._rows[name]
        if not rows:
            return part.table.schema.empty_table()
        own = [column.name for column in part.columns if not column.source]
        derived = {column: [each.get(column) for each in self._derived[name]] for column in own}
        return build_table(part.table.schema, part.columns, rows, derived, self._where[name].__getitem__, outliers)

    def unknown(self, root: Mapping[str, Any]) -> list[str]:
        """Paths of fields that no table declares."""
        found: list[str] = []
        for part in _PARTS:
            if part is not GAME:
                found += unknown_keys(self._rows[part.table.name], part.keys, f"{_ROOT}.{part.path}")
        found += unknown_keys(
            [root["arena"]] if isinstance(root.get("arena"), dict) else [], ARENA_KEYS, f"{_ROOT}.arena"
        )
        teams = [row[side] for row in self._rows[MEETINGS.table.name] for side in ("homeTeam", "awayTeam")]
        found += unknown_keys(teams, TEAM_OF_MEETING_KEYS, f"{_ROOT}.{MEETINGS.path}.team")
        charts = [row["statistics"] for row in self._rows[CHARTS.table.name]]
        return found + unknown_keys(charts, CHARTS.inner, f"{_ROOT}.{CHARTS.path}.statistics")


def _game(root: Mapping[str, Any]) -> Mapping[str, Any]:
    """The game's own row; an arena that is null has null fields."""
    arena = root.get("arena")
    if arena is None and "arena" in root:
        return {**root, "arena": dict.fromkeys(ARENA_KEYS)}
    if not isinstance(arena, dict):
        raise ContractBroken(f"{_ROOT}.arena: missing, want an object", missing=1)
    return root


def _listed(parent: Mapping[str, Any], key: str, where: str) -> Sequence[tuple[int, Mapping[str, Any]]]:
    """The objects of a list; null is none. They are numbered in the order received."""
    values = parent.get(key)
    if values is None and key in parent:
        return ()
    if not isinstance(values, list) or not set(map(type, values)) <= {dict}:
        raise ContractBroken(f"{where}.{key}: not a list of objects", missing=int(key not in parent))
    return list(enumerate(values))


def _object(parent: Mapping[str, Any], key: str, where: str) -> Mapping[str, Any] | None:
    """An object that old seasons lack."""
    value = parent.get(key)
    if value is None or isinstance(value, dict):
        return value
    raise ContractBroken(f"{where}.{key}: got {value!r:.60}, want an object", type_errors=1)


def _side(rows: _Rows, side: Side) -> None:
    team_id = side.team["teamId"]
    rows.add(TEAMS, side.team, side.where, is_home=side.name == "home")
    for number, period in _listed(side.team, "periods", side.where):
        rows.add(PERIODS, period, f"{side.where}.periods[{number}]", team_id=team_id)
    for number, player in enumerate(side.players):
        rows.add(PLAYERS, player, f"{side.where}.players[{number}]", team_id=team_id, player_order=number)
    for number, player in _listed(side.team, "inactives", side.where):
        where = f"{side.where}.inactives[{number}]"
        rows.add(INACTIVES, player, where, team_id=team_id, inactive_order=number)


def _broadcasters(rows: _Rows, root: Mapping[str, Any]) -> None:
    lists = _object(root, "broadcasters", _ROOT) or {}
    # Every kind is taken, also one that comes new: its name is a value here.
    for kind in sorted(lists):
        for number, each in _listed(lists, kind, f"{_ROOT}.broadcasters"):
            where = f"{_ROOT}.broadcasters.{kind}[{number}]"
            rows.add(BROADCASTERS, each, where, kind=kind.removesuffix("Broadcasters"), broadcaster_order=number)


def _meetings(rows: _Rows, root: Mapping[str, Any]) -> None:
    where = f"{_ROOT}.lastFiveMeetings"
    meetings = _object(root, "lastFiveMeetings", _ROOT)
    listed = _listed(meetings, "meetings", where) if meetings else ()
    for number, meeting in listed:
        at = f"{where}.meetings[{number}]"
        for side in ("homeTeam", "awayTeam"):
            if not isinstance(meeting.get(side), dict):
                raise ContractBroken(f"{at}.{side}: missing or null", missing=1)
        rows.add(MEETINGS, meeting, at, meeting_order=number, game_time_utc=_moment(meeting, at))


def _moment(row: Mapping[str, Any], where: str) -> dt.datetime | None:
    """``gameTimeUTC``; null where a placeholder stands (years 1 and 1900)."""
    text = row.get("gameTimeUTC")
    if text is None or text == "":
        if "gameTimeUTC" in row:
            return None
        raise ContractBroken(f"{where}.gameTimeUTC: missing, want string", missing=1)
    try:
        moment = dt.datetime.fromisoformat(text)
    except (TypeError, ValueError):
        found = f"got {text!r:.40}, want a time such as 2025-01-25T17:00:00Z"
        raise ContractBroken(f"{where}.gameTimeUTC: {found}", type_errors=1) from None
    if moment.utcoffset() is None:
        raise ContractBroken(f"{where}.gameTimeUTC: got {text!r:.40}, want a time in UTC", type_errors=1)
    return moment.astimezone(dt.UTC) if moment.year > _LAST_PLACEHOLDER_YEAR else None


def _charts(rows: _Rows, root: Mapping[str, Any], sides: Sequence[Side]) -> None:
    for side in sides:
        for key, moment in sorted(_CHARTS.items(), key=lambda item: item[1]):
            charts = _object(root, key, _ROOT)
            where = f"{_ROOT}.{key}.{side.name}Team"
            chart = _object(charts, f"{side.name}Team", f"{_ROOT}.{key}") if charts else None
            if not chart or not chart.get("statistics"):
                continue
            if not isinstance(chart["statistics"], dict):
                raise ContractBroken(f"{where}.statistics: not an object", type_errors=1)
            rows.add(CHARTS, chart, where, moment=moment)


def _scores(sides: Sequence[Side], known: Expectation) -> list[str]:
    """The summary's score is the final one, by team."""
    if not known.final:
        return []
    scores = {known.home_team_id: known.home_score, known.away_team_id: known.away_score}
    return [
        f"{side.where}.score: got {side.team.get('score')!r:.40}, the final score says {scores[side.team['teamId']]}"
        for side in sides
        if scores.get(side.team["teamId"]) is not None and side.team.get("score") != scores[side.team["teamId"]]
    ]


_PARTS = (GAME, TEAMS, PERIODS, OFFICIALS, PLAYERS, INACTIVES, BROADCASTERS, MEETINGS, CHARTS)

SUMMARY = Dataset(
    name="summary",
    endpoint="boxscoresummaryv3",
    root=_ROOT,
    first_season=Season(1946),
    tables=tuple(part.table for part in _PARTS),
    parameters=game_parameters("boxscoresummaryv3", "BoxScoreSummaryV3"),
    assess=_assess,
)

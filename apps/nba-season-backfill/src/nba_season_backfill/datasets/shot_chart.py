"""``shotchartdetail``: every field goal attempt of a game with its place on the court.

The answer's second table, league averages, is of no game: it stays in the archive.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

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
from nba_season_backfill.datasets.columns import Column, ContractBroken, Outliers, schema_of
from nba_season_backfill.datasets.result_sets import result_set, set_table, unknown_headers
from nba_season_backfill.datasets.sides import game_parameters
from nba_season_backfill.season import GameId, Season, SeasonType

__all__ = ["SHOT_CHART"]

_INT, _LONG, _TEXT = pa.int32(), pa.int64(), pa.string()
_SET = "Shot_Chart_Detail"

_COLUMNS = (
    Column("game_id", _TEXT, "The game: ten digits, leading zeros kept.", "GAME_ID", required=True),
    Column(
        "game_event_id",
        _INT,
        "The attempt's number in the play-by-play (its action_number).",
        "GAME_EVENT_ID",
        required=True,
    ),
    Column("grid_type", _TEXT, "Always Shot Chart Detail.", "GRID_TYPE"),
    Column("player_id", _LONG, "The player.", "PLAYER_ID", required=True),
    Column("player_name", _TEXT, "The player's name.", "PLAYER_NAME"),
    Column("team_id", _LONG, "The player's team.", "TEAM_ID", required=True),
    Column("team_name", _TEXT, "The team's city and name.", "TEAM_NAME"),
    Column("period", _INT, "1 to 4, overtimes from 5.", "PERIOD", required=True, low=1, high=10),
    Column("minutes_remaining", _INT, "Whole minutes left in the period.", "MINUTES_REMAINING", low=0, high=12),
    Column("seconds_remaining", _INT, "Seconds left in that minute.", "SECONDS_REMAINING", low=0, high=59),
    Column("event_type", _TEXT, "Made Shot or Missed Shot.", "EVENT_TYPE"),
    Column("action_type", _TEXT, "Kind of shot, for instance Driving Layup Shot.", "ACTION_TYPE"),
    Column("shot_type", _TEXT, "2PT Field Goal or 3PT Field Goal.", "SHOT_TYPE"),
    Column("shot_zone_basic", _TEXT, "Zone, for instance Restricted Area.", "SHOT_ZONE_BASIC"),
    Column("shot_zone_area", _TEXT, "Side of the court, for instance Left Side(L).", "SHOT_ZONE_AREA"),
    Column("shot_zone_range", _TEXT, "Distance in steps, for instance 8-16 ft.", "SHOT_ZONE_RANGE"),
    Column("shot_distance", _INT, "Distance in feet.", "SHOT_DISTANCE", low=0, high=94),
    Column("loc_x", _INT, "Place across the court, tenths of feet from the basket.", "LOC_X", low=-260, high=260),
    Column("loc_y", _INT, "Place along the court, tenths of feet from the basket.", "LOC_Y", low=-60, high=900),
    Column("shot_attempted_flag", _INT, "Always 1.", "SHOT_ATTEMPTED_FLAG", low=0, high=1),
    Column("shot_made_flag", _INT, "1 if made, else 0.", "SHOT_MADE_FLAG", required=True, low=0, high=1),
    Column("game_date", pa.date32(), "US Eastern date of the game.", path=f"{_SET}.rowSet[].GAME_DATE"),
    Column("htm", _TEXT, "Home team's three letters.", "HTM"),
    Column("vtm", _TEXT, "Away team's three letters.", "VTM"),
)
TABLE = Table("shot-chart", schema_of(_COLUMNS, f"{_SET}.rowSet[]"), ("game_event_id",))


def _assess(payload: Payload, known: Expectation) -> Assessment:
    try:
        return _judged(payload, known)
    except ContractBroken as broken:
        return broken_contract(broken)


def _judged(payload: Payload, known: Expectation) -> Assessment:
    found = result_set(payload, _SET)
    if not found.row_count:
        expected = known.final and bool(known.home_score)
        return Assessment("absent", problems=("a final game without shots",) if expected else ())
    others = found.distinct("GAME_ID") - {known.game_id}
    if others:
        return violation(f"{_SET}.GAME_ID: got {others.pop()!r:.60}, asked for {known.game_id}")
    events = found.column("GAME_EVENT_ID")
    if set(map(type, events)) == {int} and any(first > second for first, second in pairwise(events)):
        found = found.rows_in_order(sorted(range(found.row_count), key=events.__getitem__))
    outliers = Outliers()
    derived: dict[str, Sequence[Any]] = {"game_date": _dates(found.column("GAME_DATE"))}
    tables = {TABLE.name: set_table(TABLE.schema, _COLUMNS, found, derived, outliers)}
    problems = _problems(found.column("GAME_EVENT_ID"), found.distinct("TEAM_ID"), known)
    if problems:
        return violation(*problems, tables=tables)
    unknown = unknown_headers(found, _COLUMNS, "GAME_DATE")
    return Assessment("ok", tables=tables, unknown_fields=tuple(unknown), quality=quality_of(tables, outliers))


def _problems(events: Sequence[Any], teams: set[Any], known: Expectation) -> list[str]:
    if len(set(events)) < len(events):
        return [f"{_SET}.GAME_EVENT_ID: two shots have one number"]
    if not known.final:
        return []
    wanted = {known.home_team_id, known.away_team_id}
    if None not in wanted and teams != wanted:
        return [f"{_SET}.TEAM_ID: shots of {sorted(teams)}, not of both {sorted(str(team) for team in wanted)}"]
    return [] if len(teams) == 2 else [f"{_SET}.TEAM_ID: shots of {len(teams)} teams"]


def _dates(texts: Sequence[Any]) -> list[dt.date | None]:
    """``20251022``; one game has one date."""
    meaning: dict[Any, dt.date | None] = {None: None, "": None}
    for number, text in enumerate(texts):
        if type(text) not in (str, type(None)):
            raise ContractBroken(f"{_SET}.rowSet[{number}].GAME_DATE: got {text!r:.40}, want string", type_errors=1)
        if text not in meaning:
            try:
                meaning[text] = dt.datetime.strptime(text, "%Y%m%d").replace(tzinfo=dt.UTC).date()
            except ValueError:
                raise ContractBroken(
                    f"{_SET}.rowSet[{number}].GAME_DATE: got {text!a:.40}, want a date such as 20251022", type_errors=1
                ) from None
    return [meaning[text] for text in texts]


_ANY_GAME = game_parameters("shotchartdetail", "ShotChartDetail", team_id=0, player_id=0, context_measure_simple="FGA")


def _parameters(game_id: str) -> Mapping[str, str]:
    """All shots of the game. Its season type must be named: under another one the answer is empty."""
    kind = GameId(game_id).kind
    return {**_ANY_GAME(game_id), "SeasonType": next(each for each in SeasonType if each.kind is kind).value}


SHOT_CHART = Dataset(
    name="shot-chart",
    endpoint="shotchartdetail",
    root=None,
    first_season=Season(1996),
    tables=(TABLE,),
    parameters=_parameters,
    assess=_assess,
)

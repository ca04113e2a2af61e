"""``playerindex``: everybody on a roster in a season, from one request."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

import pyarrow as pa

from nba_season_backfill.datasets.base import Assessment, Dataset, Expectation, Payload, Table, violation
from nba_season_backfill.datasets.columns import Column, ContractBroken, build_table, schema_of, unknown_keys
from nba_season_backfill.season import Season

__all__ = ["PLAYERS"]

_INT, _LONG, _REAL, _TEXT = pa.int32(), pa.int64(), pa.float64(), pa.string()

_COLUMNS = (
    Column("person_id", _LONG, "The player.", "PERSON_ID", required=True),
    Column("player_last_name", _TEXT, "Family name.", "PLAYER_LAST_NAME"),
    Column("player_first_name", _TEXT, "First name.", "PLAYER_FIRST_NAME"),
    Column("player_slug", _TEXT, "The player's name in URLs.", "PLAYER_SLUG"),
    Column("team_id", _LONG, "The team; 0 for a player without one.", "TEAM_ID"),
    Column("team_slug", _TEXT, "The team's name in URLs.", "TEAM_SLUG"),
    Column("is_defunct", _INT, "1 if the team no longer exists.", "IS_DEFUNCT"),
    Column("team_city", _TEXT, "The team's city.", "TEAM_CITY"),
    Column("team_name", _TEXT, "The team's name.", "TEAM_NAME"),
    Column("team_abbreviation", _TEXT, "The team's three letters.", "TEAM_ABBREVIATION"),
    Column("jersey_number", _TEXT, "Jersey number.", "JERSEY_NUMBER"),
    Column("position", _TEXT, "Position: G, F, C or a pair.", "POSITION"),
    Column("height", _TEXT, "Height in feet and inches (6-8).", "HEIGHT"),
    Column("weight", _TEXT, "Weight in pounds.", "WEIGHT"),
    Column("college", _TEXT, "College, school or club before the NBA.", "COLLEGE"),
    Column("country", _TEXT, "Country.", "COUNTRY"),
    Column("draft_year", _INT, "Draft year; null if undrafted.", "DRAFT_YEAR"),
    Column("draft_round", _INT, "Draft round; null if undrafted.", "DRAFT_ROUND"),
    Column("draft_number", _INT, "Draft pick; null if undrafted.", "DRAFT_NUMBER"),
    Column("roster_status", _REAL, "1.0 if on a roster.", "ROSTER_STATUS"),
    Column("from_year", _TEXT, "First season's start year.", "FROM_YEAR"),
    Column("to_year", _TEXT, "Last season's start year.", "TO_YEAR"),
    Column("pts", _REAL, "Points a game in the timeframe.", "PTS"),
    Column("reb", _REAL, "Rebounds a game in the timeframe.", "REB"),
    Column("ast", _REAL, "Assists a game in the timeframe.", "AST"),
    Column("stats_timeframe", _TEXT, "What the averages are of: Season or Career.", "STATS_TIMEFRAME"),
    Column("supplemental_status", _INT, "Given by newer answers only.", "SUPPLEMENTAL_STATUS", optional=True),
)
TABLE = Table("players", schema_of(_COLUMNS), ("person_id",), per_game=False)
_KEYS = frozenset(column.source for column in _COLUMNS)


def _assess(payload: Payload, known: Expectation) -> Assessment:
    del known
    results = payload.get("resultSets") if isinstance(payload, dict) else None
    found = next(
        (
            result
            for result in (results if isinstance(results, list) else ())
            if isinstance(result, dict) and result.get("name") == "PlayerIndex"
        ),
        None,
    )
    if found is None:
        return violation("resultSets: no PlayerIndex")
    headers, rows = found.get("headers"), found.get("rowSet")
    if not isinstance(headers, list) or not isinstance(rows, list):
        return violation("PlayerIndex: headers or rowSet missing")
    if not all(isinstance(header, str) for header in headers) or len(set(headers)) != len(headers):
        return violation("PlayerIndex.headers: not a list of different names")
    if not rows:
        return Assessment("absent")
    if any(not isinstance(row, list) or len(row) != len(headers) for row in rows):
        return violation(f"PlayerIndex.rowSet: a row has not {len(headers)} values")
    records: list[dict[str, Any]] = [dict(zip(headers, row, strict=True)) for row in rows]
    try:
        table = build_table(TABLE.schema, _COLUMNS, records, {}, lambda number: f"PlayerIndex.rowSet[{number}]")
    except ContractBroken as broken:
        return violation(str(broken))
    people = [record["PERSON_ID"] for record in records]
    if len(set(people)) != len(people):
        return violation("PlayerIndex.rowSet: a player stands there twice")
    unknown = tuple(unknown_keys(records[:1], _KEYS, "PlayerIndex"))
    return Assessment("ok", tables={TABLE.name: table.sort_by("person_id")}, unknown_fields=unknown)


@cache
def _template() -> dict[str, str]:
    from nba_api.stats.endpoints.playerindex import PlayerIndex

    return {name: str(value) for name, value in PlayerIndex(get_request=False).parameters.items()}


def _parameters(season: str) -> Mapping[str, str]:
    return {**_template(), "Season": season}


PLAYERS = Dataset(
    name="players",
    endpoint="playerindex",
    root=None,
    first_season=Season(1946),
    tables=(TABLE,),
    parameters=_parameters,
    assess=_assess,
)

"""``playerindex``: everybody on a roster in a season, from one request."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache

import pyarrow as pa

from nba_season_backfill.datasets.base import (
    Assessment,
    Dataset,
    Expectation,
    Payload,
    SeasonDataset,
    SeasonRequest,
    Table,
    broken_contract,
    quality_of,
    violation,
)
from nba_season_backfill.datasets.columns import Column, ContractBroken, Outliers, schema_of
from nba_season_backfill.datasets.result_sets import result_set, set_table, unknown_headers
from nba_season_backfill.season import Season, SeasonType

__all__ = ["PLAYERS", "PLAYER_INDEX"]

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
    Column("pts", _REAL, "Points a game in the timeframe.", "PTS", low=0.0, high=60.0),
    Column("reb", _REAL, "Rebounds a game in the timeframe.", "REB", low=0.0, high=40.0),
    Column("ast", _REAL, "Assists a game in the timeframe.", "AST", low=0.0, high=30.0),
    Column("stats_timeframe", _TEXT, "What the averages are of: Season or Career.", "STATS_TIMEFRAME"),
    Column("supplemental_status", _INT, "Given by newer answers only.", "SUPPLEMENTAL_STATUS", optional=True),
)
TABLE = Table("players", schema_of(_COLUMNS, "PlayerIndex.rowSet[]"), ("person_id",), per_game=False)


def _assess(payload: Payload, known: Expectation) -> Assessment:
    del known
    try:
        return _judged(payload)
    except ContractBroken as broken:
        return broken_contract(broken)


def _judged(payload: Payload) -> Assessment:
    found = result_set(payload, "PlayerIndex")
    if not found.row_count:
        return Assessment("absent")
    outliers = Outliers()
    rows = set_table(TABLE.schema, _COLUMNS, found, {}, outliers)
    people = found.column("PERSON_ID")
    if len(set(people)) != len(people):
        return violation("PlayerIndex.rowSet: a player stands there twice")
    tables = {TABLE.name: rows.sort_by("person_id")}
    unknown = tuple(unknown_headers(found, _COLUMNS))
    return Assessment("ok", tables=tables, unknown_fields=unknown, quality=quality_of(tables, outliers))


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


def _requests(
    season: Season, season_types: Sequence[SeasonType], league: str, team_ids: Sequence[int]
) -> list[SeasonRequest]:
    del season_types, team_ids
    parameters = {**_parameters(str(season)), "LeagueID": league}
    return [SeasonRequest(PLAYERS.endpoint, parameters, "season", TABLE.name)]


def _assess_season(payload: Payload, request: SeasonRequest, season: Season) -> Assessment:
    del request
    return _assess(payload, Expectation("", season))


PLAYER_INDEX = SeasonDataset(
    name=PLAYERS.name,
    endpoint=PLAYERS.endpoint,
    first_season=PLAYERS.first_season,
    tables=PLAYERS.tables,
    requests=_requests,
    assess=_assess_season,
)

"""The season's teams, from ``leaguegamelog`` (name and record by season type) and ``commonteamyears`` (all franchises).

The game log's request is the one that finds the season's games: answered once, it serves both.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from functools import cache
from typing import Any

import pyarrow as pa

from nba_season_backfill.datasets.base import (
    Assessment,
    Payload,
    SeasonDataset,
    SeasonRequest,
    Table,
    broken_contract,
    part_of_season,
    quality_of,
    violation,
)
from nba_season_backfill.datasets.columns import Column, ContractBroken, Outliers, schema_of
from nba_season_backfill.datasets.result_sets import ResultSet, result_set, set_table, unknown_headers
from nba_season_backfill.season import Season, SeasonType

__all__ = ["TEAMS"]

_INT, _LONG, _TEXT = pa.int32(), pa.int64(), pa.string()
_LOG = "LeagueGameLog"

_COLUMNS = (
    Column("season_type", _TEXT, "Regular Season, Playoffs, PlayIn, IST, Pre Season or All Star.", required=True),
    Column("team_id", _LONG, "The team.", "TEAM_ID", required=True),
    Column("team_abbreviation", _TEXT, "The team's three letters, as of its last game.", "TEAM_ABBREVIATION"),
    Column("team_name", _TEXT, "The team's city and name, as of its last game.", "TEAM_NAME"),
    Column("games", _INT, "Games in the log.", path=f"{_LOG}.rowSet[]", required=True, low=1, high=100),
    Column("wins", _INT, "Games won.", path=f"{_LOG}.rowSet[].WL", required=True, low=0, high=100),
    Column("losses", _INT, "Games lost.", path=f"{_LOG}.rowSet[].WL", required=True, low=0, high=100),
    Column("first_game_date", pa.date32(), "US Eastern date of the first game.", path=f"{_LOG}.rowSet[].GAME_DATE"),
    Column("last_game_date", pa.date32(), "US Eastern date of the last game.", path=f"{_LOG}.rowSet[].GAME_DATE"),
)
TABLE = Table("teams", schema_of(_COLUMNS, f"{_LOG}.rowSet[]"), ("season_type", "team_id"), per_game=False)

_YEARS_COLUMNS = (
    Column("team_id", _LONG, "The team.", "TEAM_ID", required=True),
    Column("league_id", _TEXT, "The league: 00 NBA.", "LEAGUE_ID"),
    Column("min_year", _TEXT, "First season's start year.", "MIN_YEAR"),
    Column("max_year", _TEXT, "Last season's start year.", "MAX_YEAR"),
    Column("abbreviation", _TEXT, "The team's three letters; null for teams that are no more.", "ABBREVIATION"),
)
YEARS_TABLE = Table("teams-years", schema_of(_YEARS_COLUMNS, "TeamYears.rowSet[]"), ("team_id",), per_game=False)


@cache
def _years_template() -> dict[str, str]:
    from nba_api.stats.endpoints.commonteamyears import CommonTeamYears

    return {name: str(value) for name, value in CommonTeamYears(get_request=False).parameters.items()}


def _requests(
    season: Season, season_types: Sequence[SeasonType], league: str, team_ids: Sequence[int]
) -> list[SeasonRequest]:
    from nba_api.stats.endpoints.leaguegamelog import LeagueGameLog

    del team_ids
    requests = [SeasonRequest("commonteamyears", {**_years_template(), "LeagueID": league}, "season", YEARS_TABLE.name)]
    for season_type in season_types:
        if not season.has(season_type):
            continue
        log = LeagueGameLog(
            season=str(season),
            season_type_all_star=season_type.value,
            league_id=league,
            player_or_team_abbreviation="T",
            get_request=False,
        )
        parameters = {name: str(value) for name, value in log.parameters.items() if value is not None}
        requests.append(SeasonRequest(log.endpoint, parameters, part_of_season(season_type), TABLE.name))
    return requests


def _assess(payload: Payload, request: SeasonRequest, season: Season) -> Assessment:
    try:
        return _years(payload) if request.table == YEARS_TABLE.name else _teams(payload, request, season)
    except ContractBroken as broken:
        return broken_contract(broken)


def _years(payload: Payload) -> Assessment:
    found = result_set(payload, "TeamYears")
    if not found.row_count:
        return Assessment("absent")
    outliers = Outliers()
    rows = set_table(YEARS_TABLE.schema, _YEARS_COLUMNS, found, {}, outliers)
    teams = found.column("TEAM_ID")
    if len(set(teams)) != len(teams):
        return violation("TeamYears.rowSet: a team stands there twice")
    tables = {YEARS_TABLE.name: rows.sort_by("team_id")}
    unknown = tuple(unknown_headers(found, _YEARS_COLUMNS))
    return Assessment("ok", tables=tables, unknown_fields=unknown, quality=quality_of(tables, outliers))


def _teams(payload: Payload, request: SeasonRequest, season: Season) -> Assessment:
    found = result_set(payload, _LOG)
    if not found.row_count:
        return Assessment("absent")
    # The first digit tells the season type, the others the year.
    seasons = {str(text)[1:] for text in found.distinct("SEASON_ID")} - {str(season.start_year)}
    if seasons:
        return violation(f"{_LOG}.SEASON_ID: got {seasons.pop()!r:.40}, asked for {season.start_year}")
    odd = found.distinct("WL") - {"W", "L", None}
    if odd:
        return violation(f"{_LOG}.WL: got {odd.pop()!r:.40}, want W or L")
    lines = _by_team(found)
    order = sorted(lines, key=lambda team: team)
    last = {team: lines[team][-1][1] for team in order}
    derived: dict[str, Sequence[Any]] = {
        "season_type": [request.parameters["SeasonType"]] * len(order),
        "games": [len(lines[team]) for team in order],
        "wins": [sum(found.column("WL")[row] == "W" for _date, row in lines[team]) for team in order],
        "losses": [sum(found.column("WL")[row] == "L" for _date, row in lines[team]) for team in order],
        "first_game_date": [lines[team][0][0] for team in order],
        "last_game_date": [lines[team][-1][0] for team in order],
    }
    outliers = Outliers()
    named = ResultSet(
        found.name,
        found.headers,
        len(order),
        {
            column.source: [found.column(column.source)[last[team]] for team in order]
            for column in _COLUMNS
            if column.source
        },
    )
    tables = {TABLE.name: set_table(TABLE.schema, _COLUMNS, named, derived, outliers)}
    return Assessment("ok", tables=tables, quality=quality_of(tables, outliers))


def _by_team(found: ResultSet) -> dict[int, list[tuple[dt.date, int]]]:
    """Team -> (date, row) of each of its games, in order of date."""
    lines: dict[int, list[tuple[dt.date, int]]] = {}
    for row, (team, text) in enumerate(zip(found.column("TEAM_ID"), found.column("GAME_DATE"), strict=True)):
        if type(team) is not int or team <= 0:
            problem = f"{found.where(row)}.TEAM_ID: got {team!r:.40}, want a team"
            raise ContractBroken(problem, missing=int(team is None), type_errors=int(team is not None))
        try:
            lines.setdefault(team, []).append((dt.date.fromisoformat(text), row))
        except (TypeError, ValueError):
            found_text = f"got {text!r:.40}, want a date such as 2025-03-15"
            raise ContractBroken(f"{found.where(row)}.GAME_DATE: {found_text}", type_errors=1) from None
    return {team: sorted(games) for team, games in lines.items()}


TEAMS = SeasonDataset(
    name="teams",
    endpoint="leaguegamelog",
    first_season=Season(1946),
    tables=(TABLE, YEARS_TABLE),
    requests=_requests,
    assess=_assess,
)

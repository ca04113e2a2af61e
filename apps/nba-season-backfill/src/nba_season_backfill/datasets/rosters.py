"""``commonteamroster``: a team's players and coaches in a season; one request a team."""

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
    quality_of,
    violation,
)
from nba_season_backfill.datasets.columns import Column, ContractBroken, Outliers, schema_of
from nba_season_backfill.datasets.result_sets import result_set, set_table, unknown_headers
from nba_season_backfill.season import Season, SeasonType

__all__ = ["ROSTERS"]

_INT, _LONG, _REAL, _TEXT = pa.int32(), pa.int64(), pa.float64(), pa.string()
_SET = "CommonTeamRoster"

_COLUMNS = (
    Column("team_id", _LONG, "The team.", "TeamID", required=True),
    Column("roster_season", _TEXT, "The season's start year.", "SEASON"),
    Column("league_id", _TEXT, "The league: 00 NBA.", "LeagueID"),
    Column("player_id", _LONG, "The player.", "PLAYER_ID", required=True),
    Column("player", _TEXT, "The player's name.", "PLAYER"),
    Column("nickname", _TEXT, "The player's first name.", "NICKNAME", optional=True),
    Column("player_slug", _TEXT, "The player's name in URLs.", "PLAYER_SLUG"),
    Column("num", _TEXT, "Jersey number.", "NUM"),
    Column("position", _TEXT, "Position: G, F, C or a pair.", "POSITION"),
    Column("height", _TEXT, "Height in feet and inches (6-8).", "HEIGHT"),
    Column("weight", _TEXT, "Weight in pounds.", "WEIGHT"),
    Column("birth_date", _TEXT, "Date of birth as received.", "BIRTH_DATE"),
    Column(
        "born_on", pa.date32(), "Date of birth; null where it is of another form.", path=f"{_SET}.rowSet[].BIRTH_DATE"
    ),
    Column("age", _REAL, "Age in years in that season.", "AGE", low=17.0, high=50.0),
    Column("exp", _TEXT, "Seasons before this one; R for a rookie.", "EXP"),
    Column("school", _TEXT, "College, school or club before the NBA.", "SCHOOL"),
    Column("how_acquired", _TEXT, "How the team got the player.", "HOW_ACQUIRED", optional=True),
)
_COACHES_COLUMNS = (
    Column("team_id", _LONG, "The team.", "TEAM_ID", required=True),
    Column("roster_season", _TEXT, "The season's start year.", "SEASON"),
    Column("coach_id", _LONG, "The coach.", "COACH_ID", required=True),
    Column("first_name", _TEXT, "First name.", "FIRST_NAME"),
    Column("last_name", _TEXT, "Family name.", "LAST_NAME"),
    Column("coach_name", _TEXT, "Name.", "COACH_NAME"),
    Column("is_assistant", _REAL, "1 for a head coach; other numbers for other roles.", "IS_ASSISTANT"),
    Column("coach_type", _TEXT, "Head Coach, Assistant Coach, Trainer and so on.", "COACH_TYPE", required=True),
    Column("sort_sequence", _REAL, "Place in the upstream's own order.", "SORT_SEQUENCE"),
    Column("sub_sort_sequence", _REAL, "Place below it.", "SUB_SORT_SEQUENCE", optional=True),
)
TABLE = Table("rosters", schema_of(_COLUMNS, f"{_SET}.rowSet[]"), ("team_id", "player_id"), per_game=False)
COACHES_TABLE = Table(
    "rosters-coaches",
    schema_of(_COACHES_COLUMNS, "Coaches.rowSet[]"),
    ("team_id", "coach_id", "coach_type"),
    per_game=False,
)


@cache
def _template() -> dict[str, str]:
    from nba_api.stats.endpoints.commonteamroster import CommonTeamRoster

    return {name: str(value) for name, value in CommonTeamRoster(team_id=0, get_request=False).parameters.items()}


def _requests(
    season: Season, season_types: Sequence[SeasonType], league: str, team_ids: Sequence[int]
) -> list[SeasonRequest]:
    del season_types
    fixed = {**_template(), "Season": str(season), "LeagueID": league}
    return [
        SeasonRequest("commonteamroster", {**fixed, "TeamID": str(team)}, str(team), TABLE.name)
        for team in sorted(team_ids)
    ]


def _assess(payload: Payload, request: SeasonRequest, season: Season) -> Assessment:
    try:
        return _judged(payload, request, season)
    except ContractBroken as broken:
        return broken_contract(broken)


def _judged(payload: Payload, request: SeasonRequest, season: Season) -> Assessment:
    players = result_set(payload, _SET)
    coaches = result_set(payload, "Coaches", optional=True)
    if not players.row_count:
        return Assessment("absent")
    wanted = int(request.parameters["TeamID"])
    for found, header in ((players, "TeamID"), (coaches, "TEAM_ID")):
        if not found.row_count:
            continue
        others = found.distinct(header) - {wanted}
        if others:
            return violation(f"{found.name}.{header}: got {others.pop()!r:.40}, asked for {wanted}")
        years = set(map(str, found.distinct("SEASON"))) - {str(season.start_year)}
        if years:
            return violation(f"{found.name}.SEASON: got {years.pop()!r:.40}, asked for {season.start_year}")
    outliers = Outliers()
    born: dict[str, Sequence[Any]] = {"born_on": [_born(text) for text in players.column("BIRTH_DATE")]}
    tables = {}
    for table, columns, found, derived in (
        (TABLE, _COLUMNS, players, born),
        (COACHES_TABLE, _COACHES_COLUMNS, coaches, {}),
    ):
        rows = set_table(table.schema, columns, found, derived, outliers)
        key = list(table.key)
        if rows.group_by(key).aggregate([]).num_rows != rows.num_rows:
            return violation(f"{found.name}.rowSet: two rows have the same {', '.join(key)}")
        tables[table.name] = rows.sort_by([(column, "ascending") for column in key])
    unknown = unknown_headers(players, _COLUMNS) + unknown_headers(coaches, _COACHES_COLUMNS)
    return Assessment("ok", tables=tables, unknown_fields=tuple(unknown), quality=quality_of(tables, outliers))


def _born(text: Any) -> dt.date | None:
    """``JUL 28, 1999``."""
    if type(text) is not str:
        return None
    try:
        return dt.datetime.strptime(text, "%b %d, %Y").replace(tzinfo=dt.UTC).date()
    except ValueError:
        return None


ROSTERS = SeasonDataset(
    name="rosters",
    endpoint="commonteamroster",
    first_season=Season(1946),
    tables=(TABLE, COACHES_TABLE),
    requests=_requests,
    assess=_assess,
)

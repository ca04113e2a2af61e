"""``gamerotation``: who was on the court from when to when; a row for each stint of each player."""

from __future__ import annotations

from collections.abc import Sequence
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
from nba_season_backfill.datasets.result_sets import ResultSet, result_set, set_table, unknown_headers
from nba_season_backfill.datasets.sides import game_parameters, identity
from nba_season_backfill.season import Season

__all__ = ["GAME_ROTATION"]

_INT, _LONG, _REAL, _TEXT = pa.int32(), pa.int64(), pa.float64(), pa.string()
# 78 minutes, in tenths of seconds: six overtimes are the most there ever were.
_LONGEST = 48_000.0

_COLUMNS = (
    Column("game_id", _TEXT, "The game: ten digits, leading zeros kept.", "GAME_ID", required=True),
    Column("team_id", _LONG, "The team.", "TEAM_ID", required=True),
    Column("is_home", pa.bool_(), "Whether the answer has the team on the home side.", required=True),
    Column("stint_order", _INT, "Place in the team's list as received, from 0.", required=True),
    Column("team_city", _TEXT, "The team's city.", "TEAM_CITY"),
    Column("team_name", _TEXT, "The team's name.", "TEAM_NAME"),
    Column("person_id", _LONG, "The player.", "PERSON_ID", required=True),
    Column("player_first", _TEXT, "First name.", "PLAYER_FIRST"),
    Column("player_last", _TEXT, "Family name.", "PLAYER_LAST"),
    Column(
        "in_time_real",
        _REAL,
        "Game time at which the player came in, in tenths of seconds from the start.",
        "IN_TIME_REAL",
        required=True,
        low=0.0,
        high=_LONGEST,
    ),
    Column(
        "out_time_real",
        _REAL,
        "Game time at which the player went out, in tenths of seconds from the start.",
        "OUT_TIME_REAL",
        required=True,
        low=0.0,
        high=_LONGEST,
    ),
    Column("player_pts", _INT, "The player's points in the stint.", "PLAYER_PTS", low=0, high=100),
    Column("pt_diff", _REAL, "Points scored minus points allowed in the stint.", "PT_DIFF", low=-80.0, high=80.0),
    Column(
        "usg_pct", _REAL, "Share of the team's possessions used in the stint, 0 to 1.", "USG_PCT", low=0.0, high=1.0
    ),
)
TABLE = Table("game-rotation", schema_of(_COLUMNS, "AwayTeam, HomeTeam: rowSet[]"), ("team_id", "stint_order"))


def _assess(payload: Payload, known: Expectation) -> Assessment:
    try:
        return _judged(payload, known)
    except ContractBroken as broken:
        return broken_contract(broken)


def _judged(payload: Payload, known: Expectation) -> Assessment:
    home, away = result_set(payload, "HomeTeam"), result_set(payload, "AwayTeam")
    if not home.row_count and not away.row_count:
        expected = known.final and bool(known.home_score)
        return Assessment("absent", problems=("a final game without stints",) if expected else ())
    sides = [(found, found is home) for found in (home, away) if found.row_count]
    teams: dict[int, str] = {}
    for found, _is_home in sides:
        teams[_team(found, known)] = found.name
    if len(sides) < 2:
        gone = {"HomeTeam", "AwayTeam"} - set(teams.values())
        return violation(f"{gone.pop()}.rowSet: no stints")
    problems = identity("gamerotation", set(teams), known)
    if problems:
        return violation(*problems)
    outliers = Outliers()
    parts = []
    for found, is_home in sorted(sides, key=lambda side: int(side[0].column("TEAM_ID")[0])):
        number = found.row_count
        derived: dict[str, Sequence[Any]] = {"is_home": [is_home] * number, "stint_order": list(range(number))}
        parts.append(set_table(TABLE.schema, _COLUMNS, found, derived, outliers))
        for stint, (start, end) in enumerate(
            zip(found.column("IN_TIME_REAL"), found.column("OUT_TIME_REAL"), strict=True)
        ):
            if end < start:
                return violation(f"{found.where(stint)}.OUT_TIME_REAL: {end} lies before {start}")
    tables = {TABLE.name: pa.concat_tables(parts).combine_chunks()}
    unknown = unknown_headers(away, _COLUMNS)
    return Assessment("ok", tables=tables, unknown_fields=tuple(unknown), quality=quality_of(tables, outliers))


def _team(found: ResultSet, known: Expectation) -> int:
    """The one team that all rows of a side are of."""
    games = found.distinct("GAME_ID") - {known.game_id}
    if games:
        raise ContractBroken(f"{found.name}.GAME_ID: got {games.pop()!r:.60}, asked for {known.game_id}")
    teams = found.distinct("TEAM_ID")
    team = teams.pop()
    if teams or type(team) is not int or team <= 0:
        raise ContractBroken(
            f"{found.name}.TEAM_ID: got {team!r:.60}{' and others' if teams else ''}, want one team",
            missing=team is None,
        )
    return team


GAME_ROTATION = Dataset(
    name="game-rotation",
    endpoint="gamerotation",
    root=None,
    # Made from substitutions: as old as the play-by-play.
    first_season=Season(1996),
    tables=(TABLE,),
    parameters=game_parameters("gamerotation", "GameRotation"),
    assess=_assess,
)

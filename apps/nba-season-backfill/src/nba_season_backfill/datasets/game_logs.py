"""``playergamelogs`` and ``teamgamelogs``: every line of a season from one request a season type and kind of measure.

One table a kind: each is one answer a season type, so a kind that fails leaves the others whole, and a reader takes the
columns that it needs; they join on (game_id, team_id, player_id). Kinds other than the traditional one begin in
1996-97. Ranks are among all lines of the answer, and change as the season goes on.
"""

from __future__ import annotations

import datetime as dt
import importlib
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
from nba_season_backfill.datasets.columns import Column, ContractBroken, Outliers, schema_of, snake_case
from nba_season_backfill.datasets.game_log_measures import KINDS, Kind
from nba_season_backfill.datasets.result_sets import ResultSet, result_set, set_table, unknown_headers
from nba_season_backfill.season import Season, SeasonType

__all__ = ["PLAYER_GAME_LOGS", "TEAM_GAME_LOGS", "GameLogs"]

_INT, _LONG, _REAL, _TEXT = pa.int32(), pa.int64(), pa.float64(), pa.string()


class GameLogs:
    """The lines of players, or of teams: one table for each kind of measure.

    Args:
        name: the dataset, and the table of the traditional kind; the others are ``<name>-<kind>``.
        endpoint, class_name, result: nba_api's endpoint class, and its result set.
        of_players: whether a line is a player's.
    """

    def __init__(self, name: str, endpoint: str, class_name: str, result: str, *, of_players: bool) -> None:
        self._endpoint = endpoint
        self._class_name = class_name
        self._result = result
        self._kinds = {
            (name if kind.slug == "base" else f"{name}-{kind.slug}"): kind
            for kind in KINDS
            if (kind.of_players if of_players else kind.of_teams)
        }
        self._key = ("game_id", "team_id", *(("player_id",) if of_players else ()))
        self._columns = {table: _columns(kind, result, of_players=of_players) for table, kind in self._kinds.items()}
        self._tables = {
            table: Table(table, schema_of(columns, f"{result}.rowSet[]"), self._key, per_game=False)
            for table, columns in self._columns.items()
        }
        self.dataset = SeasonDataset(
            name=name,
            endpoint=endpoint,
            first_season=Season(1946),
            tables=tuple(self._tables.values()),
            requests=self._requests,
            assess=self._assess,
        )

    def _requests(
        self, season: Season, season_types: Sequence[SeasonType], league: str, team_ids: Sequence[int]
    ) -> list[SeasonRequest]:
        del team_ids
        return [
            SeasonRequest(
                self._endpoint,
                _parameters(self._endpoint, self._class_name, kind.name)
                | {"Season": str(season), "SeasonType": season_type.value, "LeagueID": league},
                f"{part_of_season(season_type)}-{kind.slug}",
                table,
            )
            for season_type in season_types
            if season.has(season_type)
            for table, kind in self._kinds.items()
            if season >= kind.first_season
        ]

    def _assess(self, payload: Payload, request: SeasonRequest, season: Season) -> Assessment:
        try:
            return self._judged(payload, request, season)
        except ContractBroken as broken:
            return broken_contract(broken)

    def _judged(self, payload: Payload, request: SeasonRequest, season: Season) -> Assessment:
        found = result_set(payload, self._result)
        if not found.row_count:
            return Assessment("absent")
        years = found.distinct("SEASON_YEAR") - {str(season)}
        if years:
            return violation(f"{self._result}.SEASON_YEAR: got {years.pop()!r:.40}, asked for {season}")
        table, columns = self._tables[request.table], self._columns[request.table]
        outliers = Outliers()
        derived: dict[str, Sequence[Any]] = {"game_date": _dates(found), "minutes_seconds": _seconds(found)}
        rows = set_table(table.schema, columns, found, derived, outliers)
        if rows.group_by(list(self._key)).aggregate([]).num_rows != rows.num_rows:
            return violation(f"{self._result}.rowSet: two lines have the same {', '.join(self._key)}")
        tables = {table.name: rows.sort_by([(column, "ascending") for column in self._key])}
        unknown = unknown_headers(found, columns, "GAME_DATE")
        return Assessment("ok", tables=tables, unknown_fields=tuple(unknown), quality=quality_of(tables, outliers))


@cache
def _template(endpoint: str, class_name: str, measure: str) -> dict[str, str]:
    made = getattr(importlib.import_module(f"nba_api.stats.endpoints.{endpoint}"), class_name)
    parameters = made(
        measure_type_player_game_logs_nullable=measure, per_mode_simple_nullable="Totals", get_request=False
    ).parameters
    return {name: str(value) for name, value in parameters.items() if value is not None}


def _parameters(endpoint: str, class_name: str, measure: str) -> dict[str, str]:
    return dict(_template(endpoint, class_name, measure))


def _columns(kind: Kind, result: str, *, of_players: bool) -> tuple[Column, ...]:
    """A line's own columns, then the measures, then their ranks."""
    person = (
        Column("player_id", _LONG, "The player.", "PLAYER_ID", required=True),
        Column("player_name", _TEXT, "The player's name.", "PLAYER_NAME"),
        Column("nickname", _TEXT, "The player's first name.", "NICKNAME", optional=True),
    )
    measures = [measure for measure in kind.measures if of_players or not measure.of_players]
    ranked = ("GP", "W", "L", "W_PCT", "MIN", *(measure.source for measure in measures))
    base = kind.slug == "base"
    return (
        Column("game_id", _TEXT, "The game: ten digits, leading zeros kept.", "GAME_ID", required=True),
        Column("season_year", _TEXT, "The season.", "SEASON_YEAR", required=True),
        *(person if of_players else ()),
        Column("team_id", _LONG, "The team.", "TEAM_ID", required=True),
        Column("team_abbreviation", _TEXT, "The team's three letters.", "TEAM_ABBREVIATION"),
        Column("team_name", _TEXT, "The team's city and name.", "TEAM_NAME"),
        Column("game_date", pa.date32(), "US Eastern date of the game.", path=f"{result}.rowSet[].GAME_DATE"),
        Column("matchup", _TEXT, "For instance LAC @ GSW: the second is at home.", "MATCHUP"),
        Column("wl", _TEXT, "W or L; null while undecided.", "WL"),
        Column("min", _REAL, "Minutes as received.", "MIN", low=0.0, high=80.0 if of_players else 400.0),
        Column("minutes_seconds", _INT, "Minutes, in seconds.", path=f"{result}.rowSet[].MIN"),
        *(
            Column(
                snake_case(each.source),
                each.type,
                each.doc,
                each.source,
                optional=each.optional,
                low=each.low,
                high=each.high if of_players else each.team_high,
            )
            for each in measures
        ),
        *(
            Column(
                f"{snake_case(name)}_rank",
                _INT,
                f"Rank by {name} among the answer's lines.",
                f"{name}_RANK",
                # Which ranks come was recorded for the traditional kind only.
                optional=not base or any(each.source == name and each.optional for each in measures),
            )
            for name in ranked
        ),
        Column("available_flag", _INT, "1 if there is a box score.", "AVAILABLE_FLAG", optional=True),
        Column("min_sec", _TEXT, "Minutes and seconds as received.", "MIN_SEC", optional=True),
        Column("team_count", _INT, "Teams that the line is of.", "TEAM_COUNT", optional=True),
    )


def _dates(found: ResultSet) -> list[dt.date | None]:
    """``2025-04-13T00:00:00``, or the date alone."""
    meanings: dict[Any, dt.date | None] = {None: None}
    values = found.column("GAME_DATE")
    for text in found.distinct("GAME_DATE") - {None}:
        try:
            meanings[text] = dt.date.fromisoformat(text[:10])
        except (TypeError, ValueError):
            at = f"{found.where(values.index(text))}.GAME_DATE"
            raise ContractBroken(f"{at}: got {text!r:.40}, want a date such as 2025-04-13", type_errors=1) from None
    return [meanings[text] for text in values]


def _seconds(found: ResultSet) -> list[int | None]:
    """Minutes come as a real; what is no number is refused with its column."""
    return [
        round(value * 60) if type(value) in (int, float) and abs(value) < 1_000_000 else None
        for value in found.column("MIN")
    ]


PLAYER_GAME_LOGS = GameLogs(
    "player-game-logs", "playergamelogs", "PlayerGameLogs", "PlayerGameLogs", of_players=True
).dataset
TEAM_GAME_LOGS = GameLogs("team-game-logs", "teamgamelogs", "TeamGameLogs", "TeamGameLogs", of_players=False).dataset

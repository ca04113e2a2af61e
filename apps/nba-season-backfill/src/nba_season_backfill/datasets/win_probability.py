"""``winprobabilitypbp``: each side's chance to win after each event.

The upstream is known to answer this endpoint late, without content or not at all: an empty answer is no reason for
doubt, and it stands in no group but ``all``.
"""

from __future__ import annotations

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

__all__ = ["WIN_PROBABILITY"]

_INT, _LONG, _REAL, _TEXT = pa.int32(), pa.int64(), pa.float64(), pa.string()

_COLUMNS = (
    Column("game_id", _TEXT, "The game: ten digits, leading zeros kept.", "GAME_ID", required=True),
    Column("event_order", _INT, "The event's place in the answer, from 0.", required=True),
    Column("event_num", _INT, "The event's number in the play-by-play; null between events.", "EVENT_NUM"),
    Column("home_pct", _REAL, "The home side's chance to win, 0 to 1.", "HOME_PCT", low=0.0, high=1.0),
    Column("visitor_pct", _REAL, "The away side's chance to win, 0 to 1.", "VISITOR_PCT", low=0.0, high=1.0),
    Column("home_pts", _INT, "Home score.", "HOME_PTS", low=0, high=200),
    Column("visitor_pts", _INT, "Away score.", "VISITOR_PTS", low=0, high=200),
    Column("home_score_margin", _INT, "Home minus away score.", "HOME_SCORE_MARGIN", low=-100, high=100),
    Column("period", _INT, "1 to 4, overtimes from 5.", "PERIOD", required=True, low=1, high=10),
    Column("seconds_remaining", _REAL, "Seconds left in the period.", "SECONDS_REMAINING", low=0.0, high=720.0),
    Column("home_poss_ind", _INT, "1 while the home side has the ball.", "HOME_POSS_IND"),
    Column("home_g", _REAL, "The home side's advantage as the model counts it.", "HOME_G"),
    Column("description", _TEXT, "The event in words.", "DESCRIPTION"),
    Column("location", _TEXT, "h, v or empty: the acting side.", "LOCATION"),
    Column("pctimestring", _TEXT, "Time left in the period as minutes and seconds.", "PCTIMESTRING"),
    Column("isvisible", _INT, "1 if the event is shown.", "ISVISIBLE"),
)
_GAME_COLUMNS = (
    Column("game_id", _TEXT, "The game: ten digits, leading zeros kept.", "GAME_ID", required=True),
    Column("game_date", _TEXT, "The game's date as received.", "GAME_DATE"),
    Column("home_team_id", _LONG, "Home team.", "HOME_TEAM_ID", required=True),
    Column("home_team_abr", _TEXT, "Home team's three letters.", "HOME_TEAM_ABR"),
    Column("home_team_pts", _INT, "Home score.", "HOME_TEAM_PTS", low=0, high=200),
    Column("visitor_team_id", _LONG, "Away team.", "VISITOR_TEAM_ID", required=True),
    Column("visitor_team_abr", _TEXT, "Away team's three letters.", "VISITOR_TEAM_ABR"),
    Column("visitor_team_pts", _INT, "Away score.", "VISITOR_TEAM_PTS", low=0, high=200),
)
TABLE = Table("win-probability", schema_of(_COLUMNS, "WinProbPBP.rowSet[]"), ("event_order",))
GAME_TABLE = Table("win-probability-games", schema_of(_GAME_COLUMNS, "GameInfo.rowSet[]"), ())


def _assess(payload: Payload, known: Expectation) -> Assessment:
    try:
        return _judged(payload, known)
    except ContractBroken as broken:
        return broken_contract(broken)


def _judged(payload: Payload, known: Expectation) -> Assessment:
    events, game = result_set(payload, "WinProbPBP"), result_set(payload, "GameInfo")
    if not events.row_count:
        return Assessment("absent")
    for found in (events, game):
        others = found.distinct("GAME_ID") - {known.game_id}
        if others:
            return violation(f"{found.name}.GAME_ID: got {others.pop()!r:.60}, asked for {known.game_id}")
    if game.row_count != 1:
        return violation(f"GameInfo.rowSet: {game.row_count} rows, want one")
    outliers = Outliers()
    tables = {
        TABLE.name: set_table(TABLE.schema, _COLUMNS, events, {"event_order": list(range(events.row_count))}, outliers),
        GAME_TABLE.name: set_table(GAME_TABLE.schema, _GAME_COLUMNS, game, {}, outliers),
    }
    problems = _problems(game, known)
    if problems:
        return violation(*problems, tables=tables)
    unknown = unknown_headers(events, _COLUMNS) + unknown_headers(game, _GAME_COLUMNS)
    return Assessment("ok", tables=tables, unknown_fields=tuple(unknown), quality=quality_of(tables, outliers))


def _problems(game: ResultSet, known: Expectation) -> list[str]:
    home, away = game.column("HOME_TEAM_ID")[0], game.column("VISITOR_TEAM_ID")[0]
    if home <= 0 or away <= 0:
        return [f"GameInfo.rowSet[0]: teams {home} and {away}"]
    problems = identity("GameInfo", {home, away}, known)
    if problems or not known.final:
        return problems
    scores = {known.home_team_id: known.home_score, known.away_team_id: known.away_score}
    return [
        f"GameInfo.rowSet[0]: team {team} has {points} points, the final score says {scores[team]}"
        for team, points in ((home, game.column("HOME_TEAM_PTS")[0]), (away, game.column("VISITOR_TEAM_PTS")[0]))
        if scores.get(team) is not None and points != scores[team]
    ]


WIN_PROBABILITY = Dataset(
    name="win-probability",
    endpoint="winprobabilitypbp",
    root=None,
    first_season=Season(1996),
    tables=(TABLE, GAME_TABLE),
    parameters=game_parameters("winprobabilitypbp", "WinProbabilityPBP"),
    assess=_assess,
)

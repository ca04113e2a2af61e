"""Bodies of the older kind, a table of rows under headers: leaguegamelog and playerindex."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import orjson

from nba_stats_emulator.bodies import ratio
from nba_stats_emulator.boxscores import sum_lines
from nba_stats_emulator.facts import Game, Line, Player
from nba_stats_emulator.rosters import Rosters
from nba_stats_emulator.rotation import overtimes_of
from nba_stats_emulator.teams import TEAMS, Team

__all__ = [
    "GAME_LOG_SORTERS",
    "fantasy",
    "game_log_body",
    "game_log_frame",
    "game_log_rows",
    "player_index_body",
    "roster_body",
    "team_years_body",
]

_COUNTS = [
    "WL",
    "MIN",
    "FGM",
    "FGA",
    "FG_PCT",
    "FG3M",
    "FG3A",
    "FG3_PCT",
    "FTM",
    "FTA",
    "FT_PCT",
    "OREB",
    "DREB",
    "REB",
    "AST",
    "STL",
    "BLK",
    "TOV",
    "PF",
    "PTS",
    "PLUS_MINUS",
]
_TEAM_HEADERS = [
    "SEASON_ID", "TEAM_ID", "TEAM_ABBREVIATION", "TEAM_NAME", "GAME_ID", "GAME_DATE", "MATCHUP", *_COUNTS,
    "VIDEO_AVAILABLE",
]  # fmt: skip
_PLAYER_HEADERS = [
    "SEASON_ID", "PLAYER_ID", "PLAYER_NAME", "TEAM_ID", "TEAM_ABBREVIATION", "TEAM_NAME", "GAME_ID", "GAME_DATE",
    "MATCHUP", *_COUNTS, "FANTASY_PTS", "VIDEO_AVAILABLE",
]  # fmt: skip
GAME_LOG_SORTERS = frozenset({"DATE", *_COUNTS[1:]})
"""What leaguegamelog can sort by."""
_INDEX_HEADERS = [
    "PERSON_ID",
    "PLAYER_LAST_NAME",
    "PLAYER_FIRST_NAME",
    "PLAYER_SLUG",
    "TEAM_ID",
    "TEAM_SLUG",
    "IS_DEFUNCT",
    "TEAM_CITY",
    "TEAM_NAME",
    "TEAM_ABBREVIATION",
    "JERSEY_NUMBER",
    "POSITION",
    "HEIGHT",
    "WEIGHT",
    "COLLEGE",
    "COUNTRY",
    "DRAFT_YEAR",
    "DRAFT_ROUND",
    "DRAFT_NUMBER",
    "ROSTER_STATUS",
    "FROM_YEAR",
    "TO_YEAR",
    "PTS",
    "REB",
    "AST",
    "STATS_TIMEFRAME",
]

_ROSTER_HEADERS = [
    "TeamID", "SEASON", "LeagueID", "PLAYER", "NICKNAME", "PLAYER_SLUG", "NUM", "POSITION", "HEIGHT", "WEIGHT",
    "BIRTH_DATE", "AGE", "EXP", "SCHOOL", "PLAYER_ID", "HOW_ACQUIRED",
]  # fmt: skip
_COACH_HEADERS = [
    "TEAM_ID", "SEASON", "COACH_ID", "FIRST_NAME", "LAST_NAME", "COACH_NAME", "IS_ASSISTANT", "COACH_TYPE",
    "SORT_SEQUENCE", "SUB_SORT_SEQUENCE",
]  # fmt: skip
_TEAM_YEARS_HEADERS = ["LEAGUE_ID", "TEAM_ID", "MIN_YEAR", "MAX_YEAR", "ABBREVIATION"]


def _percentage(made: int, attempted: int) -> float | None:
    return ratio(made, attempted) if attempted else None


def _counts(line: Line, minutes: int, won: bool, plus_minus: int) -> list[Any]:
    return [
        "W" if won else "L", minutes,
        line.fgm, line.fga, _percentage(line.fgm, line.fga),
        line.fg3m, line.fg3a, _percentage(line.fg3m, line.fg3a),
        line.ftm, line.fta, _percentage(line.ftm, line.fta),
        line.oreb, line.dreb, line.reb, line.ast, line.stl, line.blk, line.tov, line.pf, line.points, plus_minus,
    ]  # fmt: skip


def fantasy(line: Line) -> float:
    """A line in the points of the league's own fantasy game."""
    return round(line.points + 1.2 * line.reb + 1.5 * line.ast + 3 * (line.stl + line.blk) - line.tov, 1)


def game_log_rows(
    season_id: str,
    players: bool,
    game: Game,
    lines: tuple[Sequence[Line], Sequence[Line]] | None,
    name: Callable[[int], Player],
) -> list[list[Any]]:
    """A game's rows of the game log, one for each player or team; none of a game without lines."""
    if lines is None:
        return []
    rows: list[list[Any]] = []
    day = game.game_date.isoformat()
    sides: tuple[tuple[Team, Sequence[Line], int, str], ...] = (
        (game.away, lines[1], game.away_score - game.home_score, f"{game.away.tricode} @ {game.home.tricode}"),
        (game.home, lines[0], game.home_score - game.away_score, f"{game.home.tricode} vs. {game.away.tricode}"),
    )
    for team, own, margin, matchup in sides:
        about_game = [team.team_id, team.tricode, team.full_name, game.game_id, day, matchup]
        if players:
            for line in own:
                counts = _counts(line, line.minutes, margin > 0, line.plus_minus)
                who = [season_id, line.player_id, name(line.player_id).full_name]
                rows.append([*who, *about_game, *counts, fantasy(line), 1])
        else:
            minutes = 240 + 25 * overtimes_of([line.minutes for line in own])
            rows.append([season_id, *about_game, *_counts(sum_lines(own), minutes, margin > 0, margin), 1])
    return rows


def game_log_frame(parameters: dict[str, Any], players: bool) -> tuple[bytes, bytes]:
    """What stands before and after the rows of a leaguegamelog body."""
    before, after = orjson.dumps(game_log_body(parameters, players, [["rows"]])).split(b'["rows"]')
    return before, after


def game_log_body(parameters: dict[str, Any], players: bool, rows: list[list[Any]]) -> dict[str, Any]:
    """The leaguegamelog body around rows, sorted as `Sorter` and `Direction` of the parameters say."""
    headers = _PLAYER_HEADERS if players else _TEAM_HEADERS
    if len(rows) == 1:  # nothing to sort, and perhaps a stand-in for rows
        return _table("leaguegamelog", parameters, "LeagueGameLog", headers, rows)
    sorter = str(parameters["Sorter"]).upper()
    column = headers.index("GAME_DATE" if sorter == "DATE" else sorter)
    descending = str(parameters["Direction"]).upper() == "DESC"
    if sorter == "DATE":
        rows = sorted(rows, key=lambda row: row[column], reverse=descending)
    else:  # a percentage of nothing is None and sorts below zero
        rows = sorted(rows, key=lambda row: -1 if row[column] is None else row[column], reverse=descending)
    return _table("leaguegamelog", parameters, "LeagueGameLog", headers, rows)


def _table(
    resource: str, parameters: dict[str, Any], name: str, headers: list[str], rows: list[list[Any]]
) -> dict[str, Any]:
    return {
        "resource": resource,
        "parameters": parameters,
        "resultSets": [{"name": name, "headers": headers, "rowSet": rows}],
    }


def _position(bigness: float) -> str:
    return "C" if bigness > 0.32 else "F" if bigness > 0.12 else "G"


def _index_row(player: Player, team: Team, rosters: Rosters, year: str) -> list[Any]:
    known = rosters.averages[player.player_id]
    position = _position(known.bigness)
    return [
        player.player_id, player.family_name, player.first_name, player.slug,
        team.team_id, team.slug, 0, team.city, team.name, team.tricode,
        None, position, "", None, None, "", None, None, None, 1.0, year, year,
        known.per_game(known.points), known.per_game(known.rebounds), known.per_game(known.assists), "Season",
    ]  # fmt: skip


def player_index_body(parameters: dict[str, Any], rosters: Rosters | None) -> dict[str, Any]:
    """The playerindex body: everyone who played in the season, with the last team and averages from the facts.

    Position is simulated; height, weight, origin and draft are not known and empty. None gives an empty table.
    """
    rows = []
    if rosters is not None:
        year = str(parameters["Season"])[:4]
        entries = [(rosters.player(player_id), team) for player_id, team in rosters.last_team().items()]
        entries.sort(key=lambda entry: (entry[0].family_name, entry[0].first_name, entry[0].player_id))
        rows = [_index_row(player, team, rosters, year) for player, team in entries]
    return _table("playerindex", parameters, "PlayerIndex", _INDEX_HEADERS, rows)


def roster_body(parameters: dict[str, Any], members: Sequence[tuple[Player, float]]) -> dict[str, Any]:
    """The commonteamroster body of (player, bigness); positions are simulated, what is not known is empty."""
    year = str(parameters["Season"])[:4]
    rows = [
        [
            parameters["TeamID"], year, parameters["LeagueID"], player.full_name, player.first_name, player.slug,
            None, _position(bigness), "", "", "", None, "", "", player.player_id, None,
        ]
        for player, bigness in members
    ]  # fmt: skip
    body = _table("commonteamroster", parameters, "CommonTeamRoster", _ROSTER_HEADERS, rows)
    body["resultSets"].append({"name": "Coaches", "headers": _COACH_HEADERS, "rowSet": []})
    return body


def team_years_body(league_id: str, years: tuple[str, str] | None) -> dict[str, Any]:
    """The commonteamyears body: the league's teams, with the first and last season served; None gives none."""
    nba = sorted(team.team_id for team in TEAMS.values() if team.is_nba) if years else []
    rows = [[league_id, team_id, *(years or ()), TEAMS[team_id].tricode] for team_id in nba]
    return _table("commonteamyears", {"LeagueID": league_id}, "TeamYears", _TEAM_YEARS_HEADERS, rows)

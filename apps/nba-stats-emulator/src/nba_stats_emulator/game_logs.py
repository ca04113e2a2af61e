"""Rows of playergamelogs and teamgamelogs: every measure of the box scores, a row for each player or team of a game.

They are computed from the same lines and tallies as the box scores of the games, and ranked over the whole answer.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from nba_stats_emulator.advanced import player_figures, team_figures, usage_percentage
from nba_stats_emulator.bodies import clock_text, ratio
from nba_stats_emulator.boxscores import sum_lines
from nba_stats_emulator.facts import Game, Line, Player
from nba_stats_emulator.figures import four_factors, misc, scoring, shares
from nba_stats_emulator.game_tables import table_body
from nba_stats_emulator.tables import fantasy
from nba_stats_emulator.tally import COUNTS, Tally
from nba_stats_emulator.teams import Team

__all__ = ["MEASURES", "LoggedGame", "game_logs_body", "logged_rows"]

_PLAYER = [
    "SEASON_YEAR", "PLAYER_ID", "PLAYER_NAME", "NICKNAME", "TEAM_ID", "TEAM_ABBREVIATION", "TEAM_NAME", "GAME_ID",
    "GAME_DATE", "MATCHUP", "WL", "MIN",
]  # fmt: skip
_TEAM = ["SEASON_YEAR", "TEAM_ID", "TEAM_ABBREVIATION", "TEAM_NAME", "GAME_ID", "GAME_DATE", "MATCHUP", "WL", "MIN"]
_BASE = [
    "FGM", "FGA", "FG_PCT", "FG3M", "FG3A", "FG3_PCT", "FTM", "FTA", "FT_PCT", "OREB", "DREB", "REB", "AST", "TOV",
    "STL", "BLK", "BLKA", "PF", "PFD", "PTS", "PLUS_MINUS",
]  # fmt: skip
_FANTASY = ["NBA_FANTASY_PTS", "DD2", "TD3", "WNBA_FANTASY_PTS"]
_SHOTS = ["FGM", "FGA", "FGM_PG", "FGA_PG", "FG_PCT"]
_MISC = [
    "PTS_OFF_TOV", "PTS_2ND_CHANCE", "PTS_FB", "PTS_PAINT", "OPP_PTS_OFF_TOV", "OPP_PTS_2ND_CHANCE", "OPP_PTS_FB",
    "OPP_PTS_PAINT", "BLK", "BLKA", "PF", "PFD",
]  # fmt: skip
_SCORING = [
    "PCT_FGA_2PT", "PCT_FGA_3PT", "PCT_PTS_2PT", "PCT_PTS_2PT_MR", "PCT_PTS_3PT", "PCT_PTS_FB", "PCT_PTS_FT",
    "PCT_PTS_OFF_TOV", "PCT_PTS_PAINT", "PCT_AST_2PM", "PCT_UAST_2PM", "PCT_AST_3PM", "PCT_UAST_3PM", "PCT_AST_FGM",
    "PCT_UAST_FGM",
]  # fmt: skip
_USAGE = [
    "USG_PCT", "PCT_FGM", "PCT_FGA", "PCT_FG3M", "PCT_FG3A", "PCT_FTM", "PCT_FTA", "PCT_OREB", "PCT_DREB", "PCT_REB",
    "PCT_AST", "PCT_TOV", "PCT_STL", "PCT_BLK", "PCT_BLKA", "PCT_PF", "PCT_PFD", "PCT_PTS",
]  # fmt: skip
_FOUR_FACTORS = [
    "EFG_PCT", "FTA_RATE", "TM_TOV_PCT", "OREB_PCT", "OPP_EFG_PCT", "OPP_FTA_RATE", "OPP_TOV_PCT", "OPP_OREB_PCT",
]  # fmt: skip
# Names of advanced figures here and in box scores; a field of no box score repeats the one beside it.
_ADVANCED_PLAYER = {
    "E_OFF_RATING": "estimatedOffensiveRating", "OFF_RATING": "offensiveRating",
    "sp_work_OFF_RATING": "offensiveRating", "E_DEF_RATING": "estimatedDefensiveRating",
    "DEF_RATING": "defensiveRating", "sp_work_DEF_RATING": "defensiveRating", "E_NET_RATING": "estimatedNetRating",
    "NET_RATING": "netRating", "sp_work_NET_RATING": "netRating", "AST_PCT": "assistPercentage",
    "AST_TO": "assistToTurnover", "AST_RATIO": "assistRatio", "OREB_PCT": "offensiveReboundPercentage",
    "DREB_PCT": "defensiveReboundPercentage", "REB_PCT": "reboundPercentage", "TM_TOV_PCT": "turnoverRatio",
    "E_TOV_PCT": "turnoverRatio", "EFG_PCT": "effectiveFieldGoalPercentage", "TS_PCT": "trueShootingPercentage",
    "USG_PCT": "usagePercentage", "E_USG_PCT": "estimatedUsagePercentage", "E_PACE": "estimatedPace", "PACE": "pace",
    "PACE_PER40": "pacePer40", "sp_work_PACE": "pace", "PIE": "PIE", "POSS": "possessions",
}  # fmt: skip
_ADVANCED_TEAM = {
    "E_OFF_RATING": "estimatedOffensiveRating", "OFF_RATING": "offensiveRating",
    "E_DEF_RATING": "estimatedDefensiveRating", "DEF_RATING": "defensiveRating", "E_NET_RATING": "estimatedNetRating",
    "NET_RATING": "netRating", "AST_PCT": "assistPercentage", "AST_TO": "assistToTurnover",
    "AST_RATIO": "assistRatio", "OREB_PCT": "offensiveReboundPercentage", "DREB_PCT": "defensiveReboundPercentage",
    "REB_PCT": "reboundPercentage", "TM_TOV_PCT": "estimatedTeamTurnoverPercentage",
    "EFG_PCT": "effectiveFieldGoalPercentage", "TS_PCT": "trueShootingPercentage", "E_PACE": "estimatedPace",
    "PACE": "pace", "PACE_PER40": "pacePer40", "POSS": "possessions", "PIE": "PIE",
}  # fmt: skip
MEASURES: dict[str, tuple[list[str], list[str]]] = {
    "Base": ([*_BASE, *_FANTASY], _BASE),
    "Advanced": ([*_ADVANCED_PLAYER, *_SHOTS], list(_ADVANCED_TEAM)),
    "Misc": ([*_MISC, "NBA_FANTASY_PTS"], _MISC),
    "Four Factors": ([], _FOUR_FACTORS),
    "Scoring": ([*_SCORING, "FGM", "FGA", "FG_PCT"], _SCORING),
    "Usage": (_USAGE, _USAGE),
}
"""For each MeasureType the columns of players and of teams; four factors are of teams only, usage of players."""
_UNRANKED_PLAYER = frozenset({"PACE_PER40", "POSS"})
_UNRANKED_TEAM = frozenset({"E_OFF_RATING", "E_DEF_RATING", "E_NET_RATING", "E_PACE", "PACE_PER40", "POSS"})
_LESS_IS_BETTER = frozenset(
    {
        "BLKA", "PF", "E_DEF_RATING", "DEF_RATING", "sp_work_DEF_RATING", "TM_TOV_PCT", "E_TOV_PCT", "OPP_PTS_OFF_TOV",
        "OPP_PTS_2ND_CHANCE", "OPP_PTS_FB", "OPP_PTS_PAINT", "OPP_EFG_PCT", "OPP_FTA_RATE", "OPP_OREB_PCT", "PCT_BLKA",
        "PCT_PF",
    }
)  # fmt: skip
_PFD = COUNTS.index("pfd")


@dataclass(frozen=True, slots=True)
class LoggedGame:
    """What rows are made of: sides are (team, its margin, players, lines, seconds), as the tally numbers them."""

    game: Game
    sides: tuple[tuple[Team, int, Sequence[Player], Sequence[Line], Sequence[int]], ...]
    tally: Tally


def logged_rows(season: str, measure: str, players: bool, logged: LoggedGame) -> list[list[Any]]:
    """A game's rows without their ranks: about the game, `WL`, `MIN` and the measure's columns."""
    game = logged.game
    rows: list[list[Any]] = []
    totals = [sum_lines(side[3]) for side in logged.sides]
    for away, (team, margin, people, lines, seconds) in enumerate(logged.sides):
        at_home = team is game.home
        other = game.away if at_home else game.home
        matchup = f"{team.tricode} vs. {other.tricode}" if at_home else f"{team.tricode} @ {other.tricode}"
        about = [
            team.team_id, team.tricode, team.full_name, game.game_id, f"{game.game_date}T00:00:00", matchup,
            "W" if margin > 0 else "L",
        ]  # fmt: skip
        first = logged.tally.first_away if away else 0
        if players:
            figures = _player_measure(measure, logged.tally, totals, away, lines, seconds, first)
            for player, spent, values in zip(people, seconds, figures, strict=True):
                who = [season, player.player_id, player.full_name, player.first_name]
                rows.append([*who, *about, spent / 60, *values])
        else:
            sums = _team_measure(measure, logged.tally, totals, away, margin, sum(seconds))
            rows.append([season, *about, sum(seconds) / 300, *sums])
    return rows


def _base(line: Line, blocked: int, drawn: int, plus_minus: int) -> list[Any]:
    return [
        line.fgm, line.fga, ratio(line.fgm, line.fga), line.fg3m, line.fg3a, ratio(line.fg3m, line.fg3a), line.ftm,
        line.fta, ratio(line.ftm, line.fta), line.oreb, line.dreb, line.reb, line.ast, line.tov, line.stl, line.blk,
        blocked, line.pf, drawn, line.points, plus_minus,
    ]  # fmt: skip


def _fantasy(line: Line) -> list[Any]:
    doubles = sum(value >= 10 for value in (line.points, line.reb, line.ast, line.stl, line.blk))
    wnba = float(line.points + line.reb + line.ast + 2 * line.stl + 2 * line.blk - line.tov)
    return [fantasy(line), int(doubles >= 2), int(doubles >= 3), wnba]


def _player_measure(
    measure: str, tally: Tally, totals: list[Line], away: int, lines: Sequence[Line], seconds: Sequence[int], first: int
) -> list[list[Any]]:
    own, opponents = totals[away], totals[1 - away]
    numbers = range(first, first + len(lines))
    if measure == "Base":
        return [
            [*_base(line, tally.blocked[number], tally.own[number][_PFD], line.plus_minus), *_fantasy(line)]
            for number, line in zip(numbers, lines, strict=True)
        ]
    if measure == "Advanced":
        team = team_figures(own, opponents, sum(seconds))
        found = []
        for line, spent in zip(lines, seconds, strict=True):
            figures = player_figures(line, spent, own, opponents, team)
            shots = [line.fgm, line.fga, float(line.fgm), float(line.fga), ratio(line.fgm, line.fga)]
            found.append([*(figures[name] for name in _ADVANCED_PLAYER.values()), *shots])
        return found
    if measure == "Misc":
        return [
            [*misc(tally, away, number), fantasy(line)] for number, line in zip(numbers, lines, strict=True)
        ]  # fmt: skip
    if measure == "Scoring":
        return [
            [*scoring(tally, away, number), line.fgm, line.fga, ratio(line.fgm, line.fga)]
            for number, line in zip(numbers, lines, strict=True)
        ]
    whole = sum(seconds) / 5
    return [
        [usage_percentage(line, own, spent / whole), *shares(tally, number)]
        for number, line, spent in zip(numbers, lines, seconds, strict=True)
    ]


def _team_measure(
    measure: str, tally: Tally, totals: list[Line], away: int, margin: int, seconds: int
) -> Sequence[Any]:
    own, opponents = totals[away], totals[1 - away]
    if measure == "Base":
        return _base(own, opponents.blk, tally.teams[away][_PFD], margin)
    if measure == "Advanced":
        figures = team_figures(own, opponents, seconds).fields
        return [figures[name] for name in _ADVANCED_TEAM.values()]
    if measure == "Misc":
        return misc(tally, away)
    if measure == "Scoring":
        return scoring(tally, away)
    return [1.0] * len(_USAGE) if measure == "Usage" else four_factors(tally, away)


# --- the whole answer ---------------------------------------------------------------------------------------------


def _ranks(values: Sequence[Any], *, less_is_better: bool) -> list[int]:
    """The place of each value among all, from 1; equal values share the best place."""
    counted = Counter(values)
    place, places = 1, {}
    for value in sorted(counted, reverse=not less_is_better):
        places[value] = place
        place += counted[value]
    return [places[value] for value in values]


def game_logs_body(parameters: dict[str, Any], players: bool, rows: Sequence[Sequence[Any]]) -> dict[str, Any]:
    """The playergamelogs or teamgamelogs body around rows, ranked, the latest game first."""
    columns = MEASURES[parameters["MeasureType"]][0 if players else 1]
    about = _PLAYER if players else _TEAM
    unranked = _UNRANKED_PLAYER if players else _UNRANKED_TEAM
    ranked = ["MIN", *(name for name in columns if name not in unranked)]
    tail = ["AVAILABLE_FLAG", "MIN_SEC", "TEAM_COUNT"] if players else ["AVAILABLE_FLAG"]
    names = ["GP", "W", "L", "W_PCT", *ranked]
    headers = [*about, *columns, *(f"{name}_RANK" for name in names), *tail]
    if not rows:
        return table_body("gamelogs", parameters, (_set(players), headers, []))
    head = [*about, *columns]
    rows = sorted(rows, key=lambda row: (row[head.index("GAME_DATE")], row[head.index("GAME_ID")]), reverse=True)
    by_column = dict(zip(head, zip(*rows, strict=True), strict=True))
    won = _ranks([result == "W" for result in by_column["WL"]], less_is_better=False)
    ranks = [[1] * len(rows), won, won, won]
    ranks += [_ranks(by_column[name], less_is_better=name in _LESS_IS_BETTER) for name in ranked]
    minutes = by_column["MIN"]
    ends = [[1, clock_text(round(60 * spent)), 1] if players else [1] for spent in minutes]
    full = [[*row, *places, *end] for row, places, end in zip(rows, zip(*ranks, strict=True), ends, strict=True)]
    return table_body("gamelogs", parameters, (_set(players), headers, full))


def _set(players: bool) -> str:
    return "PlayerGameLogs" if players else "TeamGameLogs"

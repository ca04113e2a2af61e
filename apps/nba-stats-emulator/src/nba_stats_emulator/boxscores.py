"""Bodies of boxscoretraditionalv3, boxscoreadvancedv3 and playbyplayv3 for a played game."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from nba_stats_emulator.actions import PlayByPlay
from nba_stats_emulator.advanced import player_figures, team_figures
from nba_stats_emulator.bodies import clock_text, game_meta, person, ratio, team_names
from nba_stats_emulator.facts import Line
from nba_stats_emulator.sheet import GameSheet, Side

__all__ = ["advanced_body", "play_by_play_body", "traditional_body"]

_NO_LINE = Line(*[0] * 16)


def sum_lines(lines: Sequence[Line]) -> Line:
    """One line with the sums of many."""
    return Line._make(map(sum, zip(*lines, strict=True))) if lines else _NO_LINE


def _statistics(line: Line, minutes: str) -> dict[str, Any]:
    return {
        "minutes": minutes,
        "fieldGoalsMade": line.fgm,
        "fieldGoalsAttempted": line.fga,
        "fieldGoalsPercentage": ratio(line.fgm, line.fga),
        "threePointersMade": line.fg3m,
        "threePointersAttempted": line.fg3a,
        "threePointersPercentage": ratio(line.fg3m, line.fg3a),
        "freeThrowsMade": line.ftm,
        "freeThrowsAttempted": line.fta,
        "freeThrowsPercentage": ratio(line.ftm, line.fta),
        "reboundsOffensive": line.oreb,
        "reboundsDefensive": line.dreb,
        "reboundsTotal": line.oreb + line.dreb,
        "assists": line.ast,
        "steals": line.stl,
        "blocks": line.blk,
        "turnovers": line.tov,
        "foulsPersonal": line.pf,
        "points": line.points,
    }


def _player_statistics(line: Line, minutes: str) -> dict[str, Any]:
    statistics = _statistics(line, minutes)
    statistics["plusMinusPoints"] = float(line.plus_minus)
    return statistics


def _traditional_side(side: Side, margin: int) -> dict[str, Any]:
    players = [
        person(player, position, "", _player_statistics(line, clock_text(seconds)))
        for player, line, seconds, position in zip(side.players, side.lines, side.seconds, side.positions, strict=True)
    ]
    players += [person(player, "", comment, _player_statistics(_NO_LINE, "")) for player, comment in side.idle]
    total = sum_lines(side.lines)
    statistics = _statistics(total, clock_text(sum(side.seconds)))
    statistics["plusMinusPoints"] = float(margin)
    # The service gives the bench the minutes of the starters.
    minutes = clock_text(sum(side.seconds[:5]))
    return {
        **team_names(side.team),
        "players": players,
        "statistics": statistics,
        "starters": _statistics(sum_lines(side.lines[:5]), minutes),
        "bench": _statistics(sum_lines(side.lines[5:]), minutes),
    }


def traditional_body(sheet: GameSheet, moment: datetime) -> dict[str, Any]:
    """The boxscoretraditionalv3 body of a game."""
    margin = sheet.home.score - sheet.away.score
    return {
        "meta": game_meta("boxscoretraditionalv3", sheet.game.game_id, moment, sheet.simulated),
        "boxScoreTraditional": {
            "gameId": sheet.game.game_id,
            "awayTeamId": sheet.away.team.team_id,
            "homeTeamId": sheet.home.team.team_id,
            "homeTeam": _traditional_side(sheet.home, margin),
            "awayTeam": _traditional_side(sheet.away, -margin),
        },
    }


def _advanced_side(side: Side, other: Side) -> dict[str, Any]:
    total, opponents = sum_lines(side.lines), sum_lines(other.lines)
    seconds = sum(side.seconds)
    team = team_figures(total, opponents, seconds)
    players = [
        person(
            player, position, "", {"minutes": clock_text(played)} | player_figures(line, played, total, opponents, team)
        )
        for player, line, played, position in zip(side.players, side.lines, side.seconds, side.positions, strict=True)
    ]
    idle = player_figures(_NO_LINE, 0, total, opponents, team)
    players += [person(player, "", comment, {"minutes": ""} | idle) for player, comment in side.idle]
    return {**team_names(side.team), "players": players, "statistics": {"minutes": clock_text(seconds)} | team.fields}


def advanced_body(sheet: GameSheet, moment: datetime) -> dict[str, Any]:
    """The boxscoreadvancedv3 body of a game."""
    return {
        "meta": game_meta("boxscoreadvancedv3", sheet.game.game_id, moment, sheet.simulated),
        "boxScoreAdvanced": {
            "gameId": sheet.game.game_id,
            "awayTeamId": sheet.away.team.team_id,
            "homeTeamId": sheet.home.team.team_id,
            "homeTeam": _advanced_side(sheet.home, sheet.away),
            "awayTeam": _advanced_side(sheet.away, sheet.home),
        },
    }


def play_by_play_body(sheet: GameSheet, plays: PlayByPlay, moment: datetime) -> dict[str, Any]:
    """The playbyplayv3 body of a game."""
    return {
        "meta": game_meta("playbyplayv3", sheet.game.game_id, moment, sheet.simulated),
        "game": {"gameId": sheet.game.game_id, "videoAvailable": 1, "actions": plays.actions},
    }

"""Bodies of boxscoreplayertrackv3 and boxscorehustlev2: what cameras and scouts count. Simulated around the box score.

What the box score has too (points, assists, shots, rebounds) agrees with it; the rest is drawn from a seed per game.
"""

from __future__ import annotations

from random import Random
from typing import Any

from nba_stats_emulator.bodies import clock_text, person, ratio
from nba_stats_emulator.facts import Line
from nba_stats_emulator.played import Played, box_body, with_everyone
from nba_stats_emulator.sheet import Side

__all__ = ["hustle_body", "player_track_body"]

_TRACKED = (
    "speed", "distance", "reboundChancesOffensive", "reboundChancesDefensive", "reboundChancesTotal", "touches",
    "secondaryAssists", "freeThrowAssists", "passes", "assists", "contestedFieldGoalsMade",
    "contestedFieldGoalsAttempted", "contestedFieldGoalPercentage", "uncontestedFieldGoalsMade",
    "uncontestedFieldGoalsAttempted", "uncontestedFieldGoalsPercentage", "fieldGoalPercentage",
    "defendedAtRimFieldGoalsMade", "defendedAtRimFieldGoalsAttempted", "defendedAtRimFieldGoalPercentage",
)  # fmt: skip
_HUSTLE = (
    "points", "contestedShots", "contestedShots2pt", "contestedShots3pt", "deflections", "chargesDrawn",
    "screenAssists", "screenAssistPoints", "looseBallsRecoveredOffensive", "looseBallsRecoveredDefensive",
    "looseBallsRecoveredTotal", "offensiveBoxOuts", "defensiveBoxOuts", "boxOutPlayerTeamRebounds",
    "boxOutPlayerRebounds", "boxOuts",
)  # fmt: skip
_RATIOS = {
    "contestedFieldGoalPercentage": ("contestedFieldGoalsMade", "contestedFieldGoalsAttempted"),
    "uncontestedFieldGoalsPercentage": ("uncontestedFieldGoalsMade", "uncontestedFieldGoalsAttempted"),
    "defendedAtRimFieldGoalPercentage": ("defendedAtRimFieldGoalsMade", "defendedAtRimFieldGoalsAttempted"),
}


def _tracked(line: Line, seconds: int, rng: Random) -> dict[str, Any]:
    draws = [rng.random() for _ in range(10)]  # as many for everyone: a corrected line leaves the others as they were
    minutes = seconds / 60
    speed = round(3.9 + 0.9 * draws[0], 2)
    contested = min(line.fga, round(line.fga * (0.3 + 0.3 * draws[1])))
    made = max(line.fgm - (line.fga - contested), min(line.fgm, contested, round(line.fgm * (0.25 + 0.3 * draws[2]))))
    at_rim = round(minutes * 0.14 * draws[3])
    offensive, defensive = line.oreb + round(2.5 * draws[4]), line.dreb + round(3.5 * draws[5])
    passes = round(minutes * (0.7 + 0.8 * draws[6])) + line.ast
    return {
        "speed": speed,
        "distance": round(speed * minutes / 60, 2),
        "reboundChancesOffensive": offensive,
        "reboundChancesDefensive": defensive,
        "reboundChancesTotal": offensive + defensive,
        "touches": passes + line.fga + line.tov + round(4 * draws[7]),
        "secondaryAssists": round(1.6 * draws[8] * min(1, passes / 20)),
        "freeThrowAssists": round(0.7 * draws[9] * min(1, passes / 20)),
        "passes": passes,
        "assists": line.ast,
        "contestedFieldGoalsMade": made,
        "contestedFieldGoalsAttempted": contested,
        "contestedFieldGoalPercentage": ratio(made, contested),
        "uncontestedFieldGoalsMade": line.fgm - made,
        "uncontestedFieldGoalsAttempted": line.fga - contested,
        "uncontestedFieldGoalsPercentage": ratio(line.fgm - made, line.fga - contested),
        "fieldGoalPercentage": ratio(line.fgm, line.fga),
        "defendedAtRimFieldGoalsMade": round(at_rim * 0.6),
        "defendedAtRimFieldGoalsAttempted": at_rim,
        "defendedAtRimFieldGoalPercentage": ratio(round(at_rim * 0.6), at_rim),
    }


def player_track_body(played: Played) -> dict[str, Any]:
    """The boxscoreplayertrackv3 body of a game."""
    rng = Random(played.sheet.seed + 4)
    rows = [
        [_tracked(line, seconds, rng) for line, seconds in zip(side.lines, side.seconds, strict=True)]
        for side in played.sides
    ]

    def side(game: Played, away: int) -> dict[str, Any]:
        own = rows[away]
        first = game.number(away, 0)
        idle: dict[str, Any] = {
            name: 0.0 if name in ("speed", "distance") or "Perc" in name else 0 for name in _TRACKED
        }
        total: dict[str, Any] = {name: sum(row[name] for row in own) for name in _TRACKED if name != "speed"}
        total["distance"] = round(total["distance"], 2)
        for name, (made, attempted) in _RATIOS.items():
            total[name] = ratio(total[made], total[attempted])
        own_side = game.sides[away]
        total["fieldGoalPercentage"] = ratio(own_side.total("fgm"), own_side.total("fga"))
        return {
            "players": with_everyone(game, away, lambda number: own[number - first], idle, "0:00"),
            "statistics": {"minutes": clock_text(sum(own_side.seconds))} | total,
        }

    return box_body("boxscoreplayertrackv3", played, side, "everything that cameras track")


def _hustled(line: Line, seconds: int, rng: Random) -> dict[str, Any]:
    draws = [rng.random() for _ in range(9)]
    minutes = seconds / 60
    twos, threes = round(minutes * 0.2 * draws[0]) + line.blk, round(minutes * 0.16 * draws[1])
    screens = round(minutes * 0.1 * draws[2])
    lost, won = round(0.9 * draws[3]), round(0.9 * draws[4])
    behind, front = round(0.8 * draws[5]), round(minutes * 0.07 * draws[6])
    team_rebounds = round((behind + front) * (0.8 + 0.4 * draws[7]))
    return {
        "points": line.points,
        "contestedShots": twos + threes,
        "contestedShots2pt": twos,
        "contestedShots3pt": threes,
        "deflections": line.stl + round(minutes * 0.05 * draws[8]),
        "chargesDrawn": 0,
        "screenAssists": screens,
        "screenAssistPoints": 2 * screens + screens // 3,
        "looseBallsRecoveredOffensive": lost,
        "looseBallsRecoveredDefensive": won,
        "looseBallsRecoveredTotal": lost + won,
        "offensiveBoxOuts": behind,
        "defensiveBoxOuts": front,
        "boxOutPlayerTeamRebounds": team_rebounds,
        "boxOutPlayerRebounds": min(team_rebounds, line.reb),
        "boxOuts": behind + front,
    }


def _hustle_minutes(side: Side) -> str:
    """The service writes a team's minutes of a game with overtime as a number with a tenth: `265.0:00`."""
    minutes = sum(side.seconds) // 60
    return f"{minutes}:00" if minutes == 240 else f"{minutes}.0:00"


def hustle_body(played: Played) -> dict[str, Any]:
    """The boxscorehustlev2 body of a game; only those who played are in it."""
    rng = Random(played.sheet.seed + 6)
    rows = [
        [_hustled(line, seconds, rng) for line, seconds in zip(side.lines, side.seconds, strict=True)]
        for side in played.sides
    ]

    def side(game: Played, away: int) -> dict[str, Any]:
        own, line_up = rows[away], game.sides[away]
        players = [
            person(player, position, "", {"minutes": clock_text(seconds)} | row)
            for player, position, seconds, row in zip(
                line_up.players, line_up.positions, line_up.seconds, own, strict=True
            )
        ]
        total = {name: sum(row[name] for row in own) for name in _HUSTLE}
        return {"players": players, "statistics": {"minutes": _hustle_minutes(line_up)} | total}

    return box_body("boxscorehustlev2", played, side, "everything that scouts count")

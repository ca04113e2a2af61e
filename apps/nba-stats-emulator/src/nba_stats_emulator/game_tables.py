"""Bodies of gamerotation and winprobabilitypbp, tables of the older kind about one game."""

from __future__ import annotations

import math
from typing import Any

from nba_stats_emulator.bodies import ratio
from nba_stats_emulator.played import Played
from nba_stats_emulator.plays import SHOT, TURNOVER, Play
from nba_stats_emulator.rotation import HALF_SECONDS

__all__ = ["ROTATION_HEADERS", "rotation_body", "table_body", "win_probability_body"]

ROTATION_HEADERS = [
    "GAME_ID", "TEAM_ID", "TEAM_CITY", "TEAM_NAME", "PERSON_ID", "PLAYER_FIRST", "PLAYER_LAST", "IN_TIME_REAL",
    "OUT_TIME_REAL", "PLAYER_PTS", "PT_DIFF", "USG_PCT",
]  # fmt: skip
_INFO_HEADERS = [
    "GAME_ID", "GAME_DATE", "HOME_TEAM_ID", "HOME_TEAM_ABR", "HOME_TEAM_PTS", "VISITOR_TEAM_ID", "VISITOR_TEAM_ABR",
    "VISITOR_TEAM_PTS",
]  # fmt: skip
_PROBABILITY_HEADERS = [
    "GAME_ID", "EVENT_NUM", "HOME_PCT", "VISITOR_PCT", "HOME_PTS", "VISITOR_PTS", "HOME_SCORE_MARGIN", "PERIOD",
    "SECONDS_REMAINING", "HOME_POSS_IND", "HOME_G", "DESCRIPTION", "LOCATION", "PCTIMESTRING", "ISVISIBLE",
]  # fmt: skip
_PERIOD_SECONDS = HALF_SECONDS // 2
_HOME_ADVANTAGE_POINTS = 2.5
_MARGIN_SPREAD_POINTS = 13.0


def table_body(
    resource: str, parameters: dict[str, Any], *sets: tuple[str, list[str], list[list[Any]]]
) -> dict[str, Any]:
    """A body of named tables, each rows under headers."""
    return {
        "resource": resource,
        "parameters": parameters,
        "resultSets": [{"name": name, "headers": headers, "rowSet": rows} for name, headers, rows in sets],
    }


# --- gamerotation -------------------------------------------------------------------------------------------------


def rotation_body(parameters: dict[str, Any], played: Played | None) -> dict[str, Any]:
    """The gamerotation body: each stint of each player in tenths of a second; without rows for None.

    Points, difference and usage are those of the plays of the stint, so differences do not sum to the facts'
    plus-minus.
    """
    rows: list[list[list[Any]]] = [_rotation_rows(played, away) if played else [] for away in (1, 0)]
    return table_body(
        "gamerotation",
        parameters,
        ("AwayTeam", ROTATION_HEADERS, rows[0]),
        ("HomeTeam", ROTATION_HEADERS, rows[1]),
    )


def _stints(played: Played, away: int) -> list[tuple[int, int, int]]:
    """(place, from, to) in seconds, a player's stints that touch taken together, by player id and time."""
    side = played.sides[away]
    found: dict[int, list[list[int]]] = {}
    for start, end, place in sorted(side.stints):
        own = found.setdefault(place, [])
        if own and own[-1][1] == start:
            own[-1][1] = end
        else:
            own.append([start, end])
    order = sorted(found, key=lambda place: side.players[place].player_id)
    return [(place, start, end) for place in order for start, end in found[place]]


def _rotation_rows(played: Played, away: int) -> list[list[Any]]:
    side = played.sides[away]
    flow = [(segment.start, _flow(segment.plays, away)) for segment in played.plays.segments]
    stints = _stints(played, away)
    strays = _strays(played, away, stints)
    rows = []
    for place, start, end in stints:
        points = difference = 0
        used = team_used = 0.0
        number = played.number(away, place)
        for moment, (margin, plays_used, by_player) in flow:
            if start <= moment < end:
                difference += margin
                team_used += plays_used
                own_points, own_used = by_player.get(number, (0, 0.0))
                points += own_points
                used += own_used
        points += strays.get((place, start), 0)
        player = side.players[place]
        rows.append(
            [
                played.sheet.game.game_id, side.team.team_id, side.team.city, side.team.name, player.player_id,
                player.first_name, player.family_name, float(start * 10), float(end * 10), points, float(difference),
                ratio(used, team_used),
            ]
        )  # fmt: skip
    return rows


def _flow(plays: list[Play], away: int) -> tuple[int, float, dict[int, tuple[int, float]]]:
    """(margin, plays used, points and plays used by player) of one team in a stretch."""
    margin, team_used = 0, 0.0
    by_player: dict[int, tuple[int, float]] = {}
    for play in plays:
        points = play.points + sum(play.makes)
        if play.away != away:
            margin -= points
            continue
        margin += points
        used = (play.kind in (SHOT, TURNOVER)) + 0.44 * len(play.makes)
        team_used += used
        before = by_player.get(play.player, (0, 0.0))
        by_player[play.player] = (before[0] + points, before[1] + used)
    return margin, team_used, by_player


def _strays(played: Played, away: int, stints: list[tuple[int, int, int]]) -> dict[tuple[int, int], int]:
    """Points of players while the substitutions have them on the bench, given to their nearest stint."""
    found: dict[tuple[int, int], int] = {}
    first = played.number(away, 0)
    for segment in played.plays.segments:
        for play in segment.plays:
            points = play.points + sum(play.makes)
            if play.away == away and points and play.player not in segment.floor[away]:
                own = [stint for stint in stints if stint[0] == play.player - first]
                place, start, _ = min(
                    own, key=lambda stint: min(abs(stint[1] - segment.start), abs(stint[2] - segment.end))
                )
                found[place, start] = found.get((place, start), 0) + points
    return found


# --- winprobabilitypbp --------------------------------------------------------------------------------------------


def _chance(margin: float, seconds_left: float) -> float:
    """The home team's chance: its margin and what it gains at home, against what may still happen."""
    share = seconds_left / (4 * _PERIOD_SECONDS)
    expected = margin + _HOME_ADVANTAGE_POINTS * share
    return 0.5 + 0.5 * math.erf(expected / (_MARGIN_SPREAD_POINTS * math.sqrt(2 * share)))


def win_probability_body(parameters: dict[str, Any], played: Played | None) -> dict[str, Any]:
    """The winprobabilitypbp body: a row for each numbered action, the last one certain; without rows for None.

    Chances are simulated: a normal distribution around the margin. Home and away are the box score's.
    """
    info: list[list[Any]] = []
    rows: list[list[Any]] = []
    if played is not None:
        home, away = played.sides
        game = played.sheet.game
        info.append(
            [
                game.game_id, game.game_date.isoformat(), home.team.team_id, home.team.tricode, home.score,
                away.team.team_id, away.team.tricode, away.score,
            ]
        )  # fmt: skip
        rows = _probabilities(played)
    return table_body(
        "winprobabilitypbp",
        parameters,
        ("WinProbPBP", _PROBABILITY_HEADERS, rows),
        ("GameInfo", _INFO_HEADERS, info),
    )


def _probabilities(played: Played) -> list[list[Any]]:
    game_id = played.sheet.game.game_id
    home = away = 0
    rows: list[list[Any]] = []
    number = 0
    possession = 1
    for action in played.plays.actions:
        if action["scoreHome"]:
            home, away = int(action["scoreHome"]), int(action["scoreAway"])
        if action["actionNumber"] == number:  # a block or steal: its shot or turnover is told already
            continue
        number = action["actionNumber"]
        clock = action["clock"]
        left = 60 * int(clock[2:4]) + float(clock[5:10])
        period = action["period"]
        to_come = left + _PERIOD_SECONDS * max(0, 4 - period)
        if action["location"]:
            possession = int(action["location"] == "h")
        chance = round(_chance(home - away, max(to_come, 1.0)), 5)
        location = action["location"] or None
        rows.append(
            [
                game_id, number, chance, round(1 - chance, 5), home, away, home - away, period, left, possession, 0,
                action["description"], location, f"{int(left) // 60}:{int(left) % 60:02d}", 1,
            ]
        )  # fmt: skip
    won = float(home > away)
    rows[-1][2:4] = [won, 1.0 - won]
    return rows

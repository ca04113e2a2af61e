"""Body of shotchartdetail: each shot of the play-by-play with its place on the floor, and the league's averages."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

from nba_stats_emulator.bodies import ratio
from nba_stats_emulator.game_tables import table_body
from nba_stats_emulator.played import Played
from nba_stats_emulator.shots import in_the_paint

__all__ = ["CONTEXT_MEASURES", "SHOT_HEADERS", "shot_chart_body", "shot_rows", "zone_of"]

SHOT_HEADERS = [
    "GRID_TYPE", "GAME_ID", "GAME_EVENT_ID", "PLAYER_ID", "PLAYER_NAME", "TEAM_ID", "TEAM_NAME", "PERIOD",
    "MINUTES_REMAINING", "SECONDS_REMAINING", "EVENT_TYPE", "ACTION_TYPE", "SHOT_TYPE", "SHOT_ZONE_BASIC",
    "SHOT_ZONE_AREA", "SHOT_ZONE_RANGE", "SHOT_DISTANCE", "LOC_X", "LOC_Y", "SHOT_ATTEMPTED_FLAG", "SHOT_MADE_FLAG",
    "GAME_DATE", "HTM", "VTM",
]  # fmt: skip
_AVERAGE_HEADERS = ["GRID_TYPE", "SHOT_ZONE_BASIC", "SHOT_ZONE_AREA", "SHOT_ZONE_RANGE", "FGA", "FGM", "FG_PCT"]
CONTEXT_MEASURES = {
    "FGA": (False, False), "FG_PCT": (False, False), "FGM": (True, False), "PTS": (True, False),
    "FG3A": (False, True), "FG3_PCT": (False, True), "FG3M": (True, True),
}  # fmt: skip
"""For each ContextMeasure: (made shots only, threes only). The service leaves misses out for points, too."""
_CENTER, _LEFT, _RIGHT = "Center(C)", "Left Side(L)", "Right Side(R)"
_LEFT_CENTER, _RIGHT_CENTER = "Left Side Center(LC)", "Right Side Center(RC)"
_RANGES = ("Less Than 8 ft.", "8-16 ft.", "16-24 ft.", "24+ ft.")
_CORNER_Y = 92
# (zone, area, range, attempts, made) over the sample's regular season.
_LEAGUE: tuple[tuple[str, str, str, int, int], ...] = (
    ("Above the Break 3", "Center(C)", "24+ ft.", 21995, 7848),
    ("Above the Break 3", "Left Side Center(LC)", "24+ ft.", 30955, 11251),
    ("Above the Break 3", "Right Side Center(RC)", "24+ ft.", 31077, 11164),
    ("In The Paint (Non-RA)", "Center(C)", "8-16 ft.", 11438, 6275),
    ("In The Paint (Non-RA)", "Center(C)", "Less Than 8 ft.", 29183, 15870),
    ("In The Paint (Non-RA)", "Left Side(L)", "8-16 ft.", 4128, 2214),
    ("In The Paint (Non-RA)", "Right Side(R)", "8-16 ft.", 4223, 2298),
    ("Left Corner 3", "Left Side(L)", "24+ ft.", 4227, 1505),
    ("Mid-Range", "Center(C)", "16-24 ft.", 3370, 1783),
    ("Mid-Range", "Center(C)", "8-16 ft.", 1715, 955),
    ("Mid-Range", "Left Side Center(LC)", "16-24 ft.", 3337, 1799),
    ("Mid-Range", "Left Side(L)", "16-24 ft.", 2033, 1091),
    ("Mid-Range", "Left Side(L)", "8-16 ft.", 5742, 3147),
    ("Mid-Range", "Right Side Center(RC)", "16-24 ft.", 3214, 1723),
    ("Mid-Range", "Right Side(R)", "16-24 ft.", 1975, 1077),
    ("Mid-Range", "Right Side(R)", "8-16 ft.", 5813, 3209),
    ("Restricted Area", "Center(C)", "Less Than 8 ft.", 50902, 27821),
    ("Right Corner 3", "Right Side(R)", "24+ ft.", 4200, 1536),
)


def zone_of(x: int, y: int, distance: int, *, three: bool) -> tuple[str, str, str]:
    """(basic zone, area, range) of a shot taken at `x`, `y` in tenths of a foot from the basket."""
    degrees = math.degrees(math.atan2(y, x))  # 0 is the right baseline, 90 straight on
    if three:
        if y <= _CORNER_Y:
            return ("Left Corner 3", _LEFT, _RANGES[3]) if x < 0 else ("Right Corner 3", _RIGHT, _RANGES[3])
        return "Above the Break 3", _area(degrees, wide=True), _RANGES[3]
    if distance < 4:
        return "Restricted Area", _CENTER, _RANGES[0]
    inside = "In The Paint (Non-RA)" if in_the_paint(x, y) else "Mid-Range"
    if distance < 8:
        return inside, _CENTER, _RANGES[0]
    if distance < 16:
        return inside, _area(degrees, wide=False), _RANGES[1]
    return "Mid-Range", _area(degrees, wide=True) if 36 <= degrees <= 144 else _area(degrees, wide=False), _RANGES[2]


def _area(degrees: float, *, wide: bool) -> str:
    if not wide:
        return _CENTER if 60 <= degrees <= 120 else _RIGHT if degrees < 60 else _LEFT
    return _CENTER if 72 <= degrees <= 108 else _RIGHT_CENTER if degrees < 72 else _LEFT_CENTER


def shot_rows(played: Played) -> list[list[Any]]:
    """Every shot of a game in the order of its actions."""
    home, away = played.sides
    game = played.sheet.game
    teams = {side.team.team_id: side.team.full_name for side in played.sides}
    names = {player.player_id: player.full_name for side in played.sides for player in side.players}
    day = f"{game.game_date:%Y%m%d}"
    rows = []
    for action in played.plays.actions:
        if not action["isFieldGoal"]:
            continue
        three, made = action["shotValue"] == 3, action["shotResult"] == "Made"
        x, y, distance = action["xLegacy"], action["yLegacy"], action["shotDistance"]
        clock = action["clock"]
        rows.append(
            [
                "Shot Chart Detail", game.game_id, action["actionNumber"], action["personId"],
                names[action["personId"]], action["teamId"], teams[action["teamId"]], action["period"],
                int(clock[2:4]), int(clock[5:7]), action["actionType"], action["subType"],
                "3PT Field Goal" if three else "2PT Field Goal", *zone_of(x, y, distance, three=three), distance, x, y,
                1, int(made), day, home.team.tricode, away.team.tricode,
            ]
        )  # fmt: skip
    return rows


def shot_chart_body(parameters: dict[str, Any], rows: Iterable[list[Any]]) -> dict[str, Any]:
    """The shotchartdetail body around the shots that `parameters` ask for; averages are of the whole sample season."""
    made_only, threes_only = CONTEXT_MEASURES[parameters["ContextMeasure"]]
    made, kind = SHOT_HEADERS.index("SHOT_MADE_FLAG"), SHOT_HEADERS.index("SHOT_TYPE")
    shots = [
        row for row in rows if (row[made] or not made_only) and (row[kind].startswith("3") or not threes_only)
    ]  # fmt: skip
    averages: list[list[Any]] = []
    for zone, area, reach, attempted, scored in _LEAGUE:
        if not threes_only or zone.endswith("3"):
            tried = scored if made_only else attempted
            averages.append(["League Averages", zone, area, reach, tried, scored, ratio(scored, tried)])
    return table_body(
        "shotchartdetail",
        parameters,
        ("Shot_Chart_Detail", SHOT_HEADERS, shots),
        ("LeagueAverages", _AVERAGE_HEADERS, averages),
    )

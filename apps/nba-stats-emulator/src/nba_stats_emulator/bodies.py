"""What V3 bodies have in common: the envelope, names of teams and players, ratios, and bodies without content."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import Any

from nba_stats_emulator.facts import Player
from nba_stats_emulator.teams import Team

__all__ = [
    "ROOTS",
    "clock_text",
    "empty_summary",
    "game_meta",
    "meta",
    "no_content",
    "person",
    "ratio",
    "stamp_millis",
    "team_names",
]

ROOTS = {
    "boxscorefourfactorsv3": "boxScoreFourFactors",
    "boxscoremiscv3": "boxScoreMisc",
    "boxscorescoringv3": "boxScoreScoring",
    "boxscoreusagev3": "boxScoreUsage",
    "boxscoreplayertrackv3": "boxScorePlayerTrack",
    "boxscorehustlev2": "boxScoreHustle",
    "boxscoredefensivev2": "boxScoreDefensive",
    "boxscorematchupsv3": "boxScoreMatchups",
    "boxscoretraditionalv3": "boxScoreTraditional",
    "boxscoreadvancedv3": "boxScoreAdvanced",
    "boxscoresummaryv3": "boxScoreSummary",
    "playbyplayv3": "game",
    "scheduleleaguev2": "leagueSchedule",
    "scoreboardv3": "scoreboard",
}
"""Root key of each V3 endpoint's body."""

_SCALES = (1, 10, 100, 1000)


def stamp_millis(moment: datetime) -> str:
    """A `meta.time`, made of a moment of the game instead of the wall clock so that bodies never differ."""
    return moment.strftime("%Y-%m-%dT%H:%M:%S.000Z")


def meta(request: str, moment: datetime, simulated: str) -> dict[str, Any]:
    """The envelope of a V3 body, with what of it is simulated."""
    return {"version": 1, "request": request, "time": stamp_millis(moment), "simulated": simulated}


def game_meta(endpoint: str, game_id: str, moment: datetime, simulated: str) -> dict[str, Any]:
    """The envelope of a game's body."""
    return meta(f"http://nba.cloud/games/{game_id}/{endpoint[:-2]}?Format=json", moment, simulated)


def team_names(team: Team) -> dict[str, Any]:
    """The five fields that name a team in a box score."""
    return {
        "teamId": team.team_id,
        "teamCity": team.city,
        "teamName": team.name,
        "teamTricode": team.tricode,
        "teamSlug": team.slug,
    }


def person(player: Player, position: str, comment: str, statistics: dict[str, Any]) -> dict[str, Any]:
    """A player's entry in a box score."""
    return {
        "personId": player.player_id,
        "firstName": player.first_name,
        "familyName": player.family_name,
        "nameI": player.name_i,
        "playerSlug": player.slug,
        "position": position,
        "comment": comment,
        "jerseyNum": "",
        "statistics": statistics,
    }


def ratio(part: float, whole: float, digits: int = 3) -> float:
    """part / whole, rounded half up; 0.0 when there is no whole, as the service has it."""
    return math.floor(part / whole * _SCALES[digits] + 0.5) / _SCALES[digits] if whole else 0.0


def clock_text(seconds: int) -> str:
    """Seconds as minutes of a box score: 2195 is `36:35`."""
    return f"{seconds // 60}:{seconds % 60:02d}"


def no_content(endpoint: str, game_id: str, moment: datetime) -> dict[str, Any]:
    """The valid 200 of a game that was not played, is not over yet, or that the service has nothing of."""
    envelope = game_meta(endpoint, game_id, moment, "nothing: a game without content")
    if endpoint == "playbyplayv3":
        return {"meta": envelope, "game": {"gameId": game_id, "videoAvailable": 0, "actions": []}}
    nobody: dict[str, Any] = {
        "teamId": 0,
        "teamCity": None,
        "teamName": None,
        "teamTricode": None,
        "teamSlug": None,
        "players": [],
        "statistics": None,
    }
    if endpoint == "boxscoretraditionalv3":
        nobody |= {"starters": None, "bench": None}
    if endpoint == "boxscorematchupsv3":
        del nobody["statistics"]
    root = {"gameId": game_id, "awayTeamId": 0, "homeTeamId": 0, "homeTeam": nobody, "awayTeam": nobody}
    return {"meta": envelope, ROOTS[endpoint]: root}


def empty_summary(game_id: str) -> dict[str, Any]:
    """A boxscoresummaryv3 body of a game the service knows nothing of."""
    team: dict[str, Any] = {
        "teamId": 0, "teamName": None, "teamCity": None, "teamTricode": None, "teamSlug": None,
        "teamWins": 0, "teamLosses": 0, "score": 0, "inBonus": None, "timeoutsRemaining": 0, "seed": 0,
        "statistics": None, "periods": [], "players": [], "inactives": [],
    }  # fmt: skip
    texts = ("gameCode", "gameStatusText", "gameClock", "gameTimeUTC", "gameEt")
    more = ("seriesGameNumber", "gameLabel", "gameSubLabel", "seriesText")
    return {
        "meta": game_meta("boxscoresummaryv3", game_id, datetime(2024, 8, 15, tzinfo=UTC), "nothing: an unknown game"),
        "boxScoreSummary": {
            "gameId": game_id,
            **dict.fromkeys(texts, ""),
            **dict.fromkeys(("gameStatus", "period", "awayTeamId", "homeTeamId", "attendance", "sellout"), 0),
            "duration": "",
            **dict.fromkeys(more, ""),
            "ifNecessary": False,
            "isNeutral": False,
            "arena": None,
            "officials": [],
            "broadcasters": None,
            "homeTeam": team,
            "awayTeam": team,
            "lastFiveMeetings": {"meetings": []},
            "pregameCharts": None,
            "postgameCharts": None,
            **dict.fromkeys(("videoAvailableFlag", "ptAvailable", "ptXYZAvailable", "whStatus", "hustleStatus"), 0),
            "historicalStatus": 0,
            "gameSubtype": "",
        },
    }

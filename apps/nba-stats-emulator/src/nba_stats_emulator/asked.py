"""The parameters of requests: found by name in any case, checked as the service checks them, repeated as it does."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date
from typing import Any

from nba_stats_emulator.eastern import parse_date
from nba_stats_emulator.game_logs import MEASURES
from nba_stats_emulator.shot_chart import CONTEXT_MEASURES
from nba_stats_emulator.tables import GAME_LOG_SORTERS

__all__ = ["SEASON_TYPES", "Asked", "BadParameter"]

SEASON_TYPES = {
    "pre season": 1, "preseason": 1, "regular season": 2, "all star": 3, "all-star": 3, "playoffs": 4,
    "playin": 5, "ist": 6,
}  # fmt: skip
"""Kinds of games by the SeasonType that asks for them."""
_SEASON = re.compile(r"(\d{4})-(\d{2})")


class BadParameter(ValueError):
    """A parameter is there and makes no sense."""


class Asked:
    """The parameters of a request, found by name in any case."""

    def __init__(self, query: Sequence[tuple[str, str]]) -> None:
        self._values = {name.lower(): value for name, value in reversed(query)}

    def __getitem__(self, name: str) -> str:
        return self._values.get(name.lower(), "")

    def missing(self, names: Sequence[str]) -> list[str]:
        """Which of these were not sent at all or are empty."""
        return [name for name in names if not self[name]]

    def number(self, name: str) -> int:
        """A parameter as a whole number, 0 when empty."""
        text = self[name] or "0"
        if not re.fullmatch(r"-?\d{1,10}", text):
            raise BadParameter(name)
        return int(text)

    def day(self, name: str) -> date | None:
        """A parameter as a date, None when empty."""
        try:
            return parse_date(self[name]) if self[name] else None
        except ValueError:
            raise BadParameter(name) from None

    def season(self) -> str:
        """The season, its grammar checked."""
        if self["LeagueID"] == "10" and re.fullmatch(r"\d{4}", self["Season"]):
            return self["Season"]  # the WNBA plays in summer
        found = _SEASON.fullmatch(self["Season"])
        if not found or (int(found[1]) + 1) % 100 != int(found[2]):
            raise BadParameter("Season")
        return self["Season"]

    def league(self) -> str:
        """The league id, its grammar checked."""
        if not re.fullmatch(r"\d\d", self["LeagueID"]):
            raise BadParameter("LeagueID")
        return self["LeagueID"]

    def game_id(self) -> str:
        """The game id, its grammar checked."""
        if not re.fullmatch(r"\d{10}", self["GameID"]):
            raise BadParameter("GameID")
        if self["RangeType"] not in ("", "0"):  # parts of games are not simulated
            raise BadParameter("RangeType")
        return self["GameID"]

    def game_log(self) -> tuple[dict[str, Any], int]:
        """leaguegamelog's parameters as it repeats them, and the kind of game asked for."""
        kind = SEASON_TYPES.get(self["SeasonType"].lower())
        sorter, direction = self["Sorter"].upper(), self["Direction"].upper()
        whose = self["PlayerOrTeam"][:1].upper()
        if kind is None or sorter not in GAME_LOG_SORTERS or direction not in ("ASC", "DESC") or whose not in "PT":
            raise BadParameter("SeasonType, Sorter, Direction or PlayerOrTeam")
        since, until = self.day("DateFrom"), self.day("DateTo")
        parameters = {
            "LeagueID": self.league(),
            "Season": self.season(),
            "SeasonType": self["SeasonType"],
            "PlayerOrTeam": whose,
            "Counter": self.number("Counter"),
            "Sorter": sorter,
            "Direction": direction,
            "DateFrom": since.isoformat() if since else None,
            "DateTo": until.isoformat() if until else None,
        }
        return parameters, kind

    def player_index(self) -> dict[str, Any]:
        """playerindex's parameters as it repeats them."""
        texts = ("Country", "College", "DraftYear", "DraftPick")
        return {
            "LeagueID": self.league(),
            "Season": self.season(),
            "Historical": self.number("Historical"),
            "TeamID": self.number("TeamID"),
            **{name: self[name] or None for name in texts},
            "PlayerPosition": self["PlayerPosition"],
            "Height": self["Height"] or None,
            "Weight": self["Weight"] or None,
            "Active": self.number("Active"),
            "AllStar": self.number("AllStar"),
        }

    def _nothing_else(self, *names: str) -> None:
        """Raise BadParameter for filters that are not emulated."""
        for name in names:
            if self[name] not in ("", "0"):
                raise BadParameter(name)

    def _kind(self, default: str = "") -> tuple[str, int]:
        text = self["SeasonType"] or default
        kind = SEASON_TYPES.get(text.lower())
        if kind is None:
            raise BadParameter("SeasonType")
        return text, kind

    def box_game_logs(self, default_season: str, *, players: bool) -> tuple[dict[str, Any], int]:
        """playergamelogs' or teamgamelogs' parameters as they are repeated, and the kind of game asked for."""
        measure = self["MeasureType"] or "Base"
        names = {known.lower(): known for known in MEASURES if not (players and known == "Four Factors")}
        if measure.lower() not in names or self["PerMode"].lower() not in ("", "totals", "pergame"):
            raise BadParameter("MeasureType or PerMode")
        self._nothing_else(
            "Outcome", "Location", "Month", "SeasonSegment", "PORound", "VsConference", "VsDivision", "GameSegment",
            "Period", "ShotClockRange", "LastNGames", "ISTRound",
        )  # fmt: skip
        season_type, kind = self._kind("Regular Season")
        opponent = self.number("OpponentTeamID") or self.number("OppTeamID")
        parameters = {
            "MeasureType": names[measure.lower()],
            "PerMode": self["PerMode"] or "Totals",
            "LeagueID": self.league() if self["LeagueID"] else "00",
            "SeasonYear": self.season() if self["Season"] else default_season,
            "SeasonType": season_type,
            "PORound": None,
            "TeamID": self.number("TeamID"),
            "PlayerID": self.number("PlayerID"),
            "Outcome": None,
            "Location": None,
            "Month": None,
            "SeasonSegment": None,
            "DateFrom": self._day_text("DateFrom") or "",
            "DateTo": self._day_text("DateTo") or "",
            "OppTeamID": opponent or None,
            "VsConference": None,
            "VsDivision": None,
            "GameSegment": None,
            "Period": None,
            "ShotClockRange": None,
            "LastNGames": None,
            "ISTRound": None,
        }
        return parameters, kind

    def _day_text(self, name: str) -> str | None:
        day = self.day(name)
        return day.isoformat() if day else None

    def shot_chart(self) -> tuple[dict[str, Any], int]:
        """shotchartdetail's parameters as it repeats them, and the kind of game asked for."""
        measure = self["ContextMeasure"].upper()
        if measure not in CONTEXT_MEASURES:
            raise BadParameter("ContextMeasure")
        self._nothing_else("LastNGames", "Month", "OpponentTeamID", "Period")
        season_type, kind = self._kind()
        if not (self["GameID"] or self.number("TeamID") or self.number("PlayerID")):
            raise BadParameter("GameID, TeamID or PlayerID")  # every shot of a season is more than anyone asks for
        nothing = (
            "Outcome", "Location", "SeasonSegment", "VsConference", "VsDivision", "Position", "RookieYear",
            "GameSegment", "ISTRound", "ClutchTime", "AheadBehind", "PointDiff", "RangeType", "StartPeriod",
            "EndPeriod", "StartRange", "EndRange", "ContextFilter",
        )  # fmt: skip
        self._nothing_else(*nothing)
        known: dict[str, Any] = {
            "LeagueID": self.league(),
            "Season": self.season() if self["Season"] else None,
            "SeasonType": season_type,
            "TeamID": self.number("TeamID"),
            "PlayerID": self.number("PlayerID"),
            "GameID": self.game_id() if self["GameID"] else None,
            "Month": 0,
            "DateFrom": self._day_text("DateFrom"),
            "DateTo": self._day_text("DateTo"),
            "OpponentTeamID": 0,
            "Period": 0,
            "LastNGames": 0,
            "ContextMeasure": measure,
        }
        order = (
            "LeagueID", "Season", "SeasonType", "TeamID", "PlayerID", "GameID", "Outcome", "Location", "Month",
            "SeasonSegment", "DateFrom", "DateTo", "OpponentTeamID", "VsConference", "VsDivision", "Position",
            "RookieYear", "GameSegment", "Period", "LastNGames", "ISTRound", "ClutchTime", "AheadBehind", "PointDiff",
            "RangeType", "StartPeriod", "EndPeriod", "StartRange", "EndRange", "ContextFilter", "ContextMeasure",
        )  # fmt: skip
        return {name: known.get(name) for name in order}, kind

    def roster(self) -> dict[str, Any]:
        """commonteamroster's parameters as it repeats them."""
        league = self.league() if self["LeagueID"] else "00"
        return {"TeamID": self.number("TeamID"), "LeagueID": league, "Season": self.season()}

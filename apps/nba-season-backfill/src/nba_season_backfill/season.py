"""The grammar of seasons, season types and game ids. Pure: no clock, no I/O.

A game id reads ``LL T YY NNNNN``: league (``00`` NBA), kind (``2`` regular season), the year in which the season
starts, and a number. A season reads ``2024-25``.
"""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass
from enum import StrEnum
from zoneinfo import ZoneInfo

__all__ = ["EASTERN", "FIRST_NBA_SEASON", "GameId", "GameKind", "Season", "SeasonType", "season_of_date"]

EASTERN = ZoneInfo("America/New_York")
"""The time zone of the league's calendar: a game's date is the date there."""

FIRST_NBA_SEASON = 1946

_SEASON = re.compile(r"(\d{4})-(\d{2})")
_GAME_ID = re.compile(r"(\d{2})(\d)(\d{2})(\d{5})")


class GameKind(StrEnum):
    """What kind of game a game id names (its third digit)."""

    PRESEASON = "preseason"
    REGULAR = "regular"
    ALL_STAR = "all_star"
    PLAYOFFS = "playoffs"
    PLAY_IN = "play_in"
    CUP_FINAL = "cup_final"


class SeasonType(StrEnum):
    """The upstream's own spelling of a part of a season (parameter ``SeasonType``)."""

    PRE_SEASON = "Pre Season"
    REGULAR_SEASON = "Regular Season"
    ALL_STAR = "All Star"
    PLAYOFFS = "Playoffs"
    PLAY_IN = "PlayIn"
    IST = "IST"

    @property
    def kind(self) -> GameKind:
        """The kind of game that this season type holds."""
        return _KIND_OF_TYPE[self]


_KIND_OF_DIGIT = {
    "1": GameKind.PRESEASON,
    "2": GameKind.REGULAR,
    "3": GameKind.ALL_STAR,
    "4": GameKind.PLAYOFFS,
    "5": GameKind.PLAY_IN,
    "6": GameKind.CUP_FINAL,
}
_KIND_OF_TYPE = {
    SeasonType.PRE_SEASON: GameKind.PRESEASON,
    SeasonType.REGULAR_SEASON: GameKind.REGULAR,
    SeasonType.ALL_STAR: GameKind.ALL_STAR,
    SeasonType.PLAYOFFS: GameKind.PLAYOFFS,
    SeasonType.PLAY_IN: GameKind.PLAY_IN,
    SeasonType.IST: GameKind.CUP_FINAL,
}
# First seasons (start year) in which a kind of game existed at all: asking for earlier ones is a wasted request.
_FIRST_YEAR_OF_KIND = {GameKind.CUP_FINAL: 2023, GameKind.PLAY_IN: 2019, GameKind.ALL_STAR: 1950}


@dataclass(frozen=True, slots=True, order=True)
class Season:
    """One NBA season, named by the year in which it starts: ``Season(2024)`` is ``2024-25``."""

    start_year: int

    def __post_init__(self) -> None:
        if not FIRST_NBA_SEASON <= self.start_year <= 2098:
            raise ValueError(f"no season starts in {self.start_year}; the first one is {Season(FIRST_NBA_SEASON)}")

    @classmethod
    def parse(cls, text: str) -> Season:
        """Read ``YYYY-YY``.

        Raises:
            ValueError: in one sentence, with the right spelling where it can be guessed.
        """
        cleaned = text.strip()
        match = _SEASON.fullmatch(cleaned)
        if match is not None:
            start = int(match[1])
            if FIRST_NBA_SEASON <= start <= 2098:
                season = cls(start)
                if str(season) == cleaned:
                    return season
                raise ValueError(f"not a season (its two years do not follow each other); did you mean {season}?")
            raise ValueError(f"not a season: the first one is {FIRST_NBA_SEASON}-47")
        guess = _guess(cleaned)
        if guess is not None:
            raise ValueError(f"not a season (YYYY-YY); did you mean {guess}?")
        raise ValueError("not a season; it is written YYYY-YY, for instance 2024-25")

    def __str__(self) -> str:
        return f"{self.start_year}-{(self.start_year + 1) % 100:02d}"

    @property
    def two_digits(self) -> str:
        """The season as game ids write it: ``24`` for 2024-25."""
        return f"{self.start_year % 100:02d}"

    def has(self, season_type: SeasonType) -> bool:
        """Whether this season could have games of that type (the Cup final exists since 2023-24, the play-in since
        2019-20)."""
        return self.start_year >= _FIRST_YEAR_OF_KIND.get(season_type.kind, FIRST_NBA_SEASON)


def _guess(text: str) -> Season | None:
    """The season that someone who wrote ``text`` most likely meant."""
    long_form = re.fullmatch(r"(\d{4})\s*[-/_ ]\s*(\d{4}|\d{2}|\d)", text) or re.fullmatch(r"(\d{4})()", text)
    short = re.fullmatch(r"(\d{2})\s*[-/_ ]\s*(\d{2})", text)
    if long_form is not None:
        start = int(long_form[1])
    elif short is not None:
        start = int(short[1]) + (1900 if int(short[1]) >= FIRST_NBA_SEASON % 100 else 2000)
    else:
        return None
    return Season(start) if FIRST_NBA_SEASON <= start <= 2098 else None


def season_of_date(day: dt.date) -> Season:
    """The season that a US Eastern date belongs to: a new one starts on 1 October.

    From July to September the last season is over and the next has not begun; the last one is meant.
    """
    return Season(day.year if day.month >= 10 else day.year - 1)


@dataclass(frozen=True, slots=True, order=True)
class GameId:
    """A game's id as the upstream writes it: ten digits, leading zeros kept."""

    text: str

    def __post_init__(self) -> None:
        match = _GAME_ID.fullmatch(self.text)
        if match is None:
            raise ValueError(f"not a game id: {self.text!r}; it has ten digits, for instance 0022400061")
        if match[2] not in _KIND_OF_DIGIT:
            raise ValueError(f"not a game id: {self.text!r}; its third digit tells the kind of game and is 1 to 6")

    def __str__(self) -> str:
        return self.text

    @property
    def league(self) -> str:
        """``00`` NBA, ``10`` WNBA, ``20`` G League."""
        return self.text[:2]

    @property
    def kind(self) -> GameKind:
        """Preseason, regular, all-star, playoffs, play-in or Cup final."""
        return _KIND_OF_DIGIT[self.text[2]]

    @property
    def season(self) -> Season:
        """The season in whose numbering the id stands (two digits: 46 to 99 are the 1900s)."""
        year = int(self.text[3:5])
        return Season(year + (1900 if year >= FIRST_NBA_SEASON % 100 else 2000))

"""The grammar of seasons, season types and game ids. Pure: no clock, no I/O.

A game id reads ``LL T YY NNNNN``: league (``00`` NBA), kind (``2`` regular season), the year in which the season
starts, and a number. A season reads ``2024-25``; one of the WNBA, which begins and ends in one year, ``2024``.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from zoneinfo import ZoneInfo

__all__ = [
    "EASTERN",
    "FIRST_NBA_SEASON",
    "GameId",
    "GameKind",
    "League",
    "Season",
    "SeasonType",
    "parse_seasons",
    "season_of_date",
]

EASTERN = ZoneInfo("America/New_York")
"""The time zone of the league's calendar: a game's date is the date there."""

FIRST_NBA_SEASON = 1946

_LAST_YEAR = 2098
_SEASON = re.compile(r"(\d{4})-(\d{2})", re.ASCII)
_YEAR = re.compile(r"\d{4}", re.ASCII)
_GAME_ID = re.compile(r"(\d{2})(\d)(\d{2})(\d{5})")


class League(StrEnum):
    """A league, by the number that the upstream gives it (parameter ``LeagueID``)."""

    NBA = "00"
    WNBA = "10"
    G_LEAGUE = "20"

    @property
    def label(self) -> str:
        """Its name on the command line and in prefixes: ``nba``, ``wnba``, ``gleague``."""
        return _LABELS[self]

    @property
    def title(self) -> str:  # type: ignore[override]  # a league's name, not a text's capitals
        """Its name for people."""
        return _TITLES[self]

    @property
    def first_year(self) -> int:
        """The year in which its first season started."""
        return _FIRST_YEARS[self]

    @property
    def one_year(self) -> bool:
        """Whether a season begins and ends in one calendar year, and is named by it."""
        return self is League.WNBA

    @classmethod
    def labelled(cls, label: str) -> League:
        """The league of a label.

        Raises:
            ValueError: there is none.
        """
        for league in cls:
            if league.label == label:
                return league
        raise ValueError(f"no league; one of {', '.join(league.label for league in cls)}")


_LEAGUE_IDS = tuple(league.value for league in League)
_LABELS = {League.NBA: "nba", League.WNBA: "wnba", League.G_LEAGUE: "gleague"}
_TITLES = {League.NBA: "NBA", League.WNBA: "WNBA", League.G_LEAGUE: "G League"}
_FIRST_YEARS = {League.NBA: FIRST_NBA_SEASON, League.WNBA: 1997, League.G_LEAGUE: 2001}


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
    """One season, named by the year in which it starts: ``Season(2024)`` is the NBA's ``2024-25``."""

    start_year: int
    league: League = League.NBA

    def __post_init__(self) -> None:
        if not self.league.first_year <= self.start_year <= _LAST_YEAR:
            first = Season(self.league.first_year, self.league)
            raise ValueError(f"no season starts in {self.start_year}; the first one is {first}")

    @classmethod
    def parse(cls, text: str, league: League = League.NBA) -> Season:
        """Read ``YYYY-YY`` (of the WNBA: ``YYYY``).

        Raises:
            ValueError: in one sentence, with the right spelling where it can be guessed.
        """
        cleaned = text.strip()
        form = "YYYY" if league.one_year else "YYYY-YY"
        match = (_YEAR if league.one_year else _SEASON).fullmatch(cleaned)
        if match is not None:
            start = int(cleaned[:4])
            if not league.first_year <= start <= _LAST_YEAR:
                raise ValueError(f"not a season: the first one is {cls(league.first_year, league)}")
            season = cls(start, league)
            if str(season) == cleaned:
                return season
            raise ValueError(f"not a season (its two years do not follow each other); did you mean {season}?")
        guess = _guess(cleaned, league)
        if guess is not None:
            raise ValueError(f"not a season ({form}); did you mean {guess}?")
        raise ValueError(f"not a season; it is written {form}, for instance {cls(2024, league)}")

    def __str__(self) -> str:
        if self.league.one_year:
            return str(self.start_year)
        return f"{self.start_year}-{(self.start_year + 1) % 100:02d}"

    @property
    def two_digits(self) -> str:
        """The season as game ids write it: ``24`` for 2024-25."""
        return f"{self.start_year % 100:02d}"

    def has(self, season_type: SeasonType) -> bool:
        """Whether this season could have games of that type (the Cup final exists since 2023-24, the play-in since
        2019-20, both in the NBA only)."""
        if self.league is not League.NBA and season_type.kind in (GameKind.CUP_FINAL, GameKind.PLAY_IN):
            return False
        return self.start_year >= _FIRST_YEAR_OF_KIND.get(season_type.kind, self.league.first_year)


def _guess(text: str, league: League) -> Season | None:
    """The season that someone who wrote ``text`` most likely meant."""
    long_form = re.fullmatch(r"(\d{4})\s*[-/_ ]\s*(\d{4}|\d{2}|\d)", text) or re.fullmatch(r"(\d{4})()", text)
    short = re.fullmatch(r"(\d{2})\s*[-/_ ]\s*(\d{2})", text)
    if long_form is not None:
        start = int(long_form[1])
    elif short is not None:
        start = int(short[1]) + (1900 if int(short[1]) >= FIRST_NBA_SEASON % 100 else 2000)
    else:
        return None
    return Season(start, league) if league.first_year <= start <= _LAST_YEAR else None


def parse_seasons(text: str, league: League, latest: Season) -> tuple[Season, ...]:
    """Read one season, several (``2019-20,2021-22``), a range (``2019-20:2024-25``) or ``all``; oldest first.

    Args:
        latest: where ``all``, and a range without an end (``2019-20:``), stops.

    Raises:
        ValueError: in one sentence.
    """
    seasons: set[Season] = set()
    for part in text.split(","):
        if part.strip().lower() == "all":
            seasons.update(_from_to(Season(league.first_year, league), latest))
        elif ":" in part:
            first, _, last = part.partition(":")
            begin = Season.parse(first, league)
            end = Season.parse(last, league) if last.strip() else latest
            if end < begin:
                raise ValueError(f"a range that ends ({end}) before it begins ({begin})")
            seasons.update(_from_to(begin, end))
        else:
            seasons.add(Season.parse(part, league))
    return tuple(sorted(seasons))


def _from_to(first: Season, last: Season) -> Iterator[Season]:
    for year in range(first.start_year, last.start_year + 1):
        yield Season(year, first.league)


def season_of_date(day: dt.date, league: League = League.NBA) -> Season:
    """The season that a US Eastern date belongs to: a new one starts on 1 October (of the WNBA: on 1 May).

    From July to September the last season is over and the next has not begun; the last one is meant.
    """
    first_month = 5 if league.one_year else 10
    return Season(day.year if day.month >= first_month else day.year - 1, league)


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
        if match[1] not in _LEAGUE_IDS:
            raise ValueError(f"not a game id: {self.text!r}; it begins with its league: {', '.join(_LEAGUE_IDS)}")

    def __str__(self) -> str:
        return self.text

    @property
    def league(self) -> League:
        """The league that played it."""
        return League(self.text[:2])

    @property
    def kind(self) -> GameKind:
        """Preseason, regular, all-star, playoffs, play-in or Cup final."""
        return _KIND_OF_DIGIT[self.text[2]]

    @property
    def season(self) -> Season:
        """The season in whose numbering the id stands (two digits: 46 to 99 are the 1900s)."""
        year = int(self.text[3:5])
        return Season(year + (1900 if year >= FIRST_NBA_SEASON % 100 else 2000), self.league)

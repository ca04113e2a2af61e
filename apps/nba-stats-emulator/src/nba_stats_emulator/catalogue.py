"""Which seasons of which leagues are served, each made when first asked for."""

from __future__ import annotations

import re
import threading
from collections.abc import Sequence
from dataclasses import fields, replace
from datetime import date, datetime
from functools import cached_property

from nba_stats_emulator.facts import SEASONS, Facts
from nba_stats_emulator.sample import SampleSeason
from nba_stats_emulator.stand_in_season import LEAGUES, StandInFacts, season_name
from nba_stats_emulator.story import Story

__all__ = ["Catalogue", "parse_leagues", "parse_seasons"]

_SEASON = re.compile(r"(\d{4})-(\d{2})")
_NAMES = {"nba": "00", "wnba": "10", "gleague": "20"}


def _year(text: str) -> int:
    found = _SEASON.fullmatch(text.strip())
    if not found or (int(found[1]) + 1) % 100 != int(found[2]):
        raise ValueError(f"{text!r} is no season; write one like 2019-20, or from and to like 2015-16:2024-25")
    return int(found[1])


def parse_seasons(text: str) -> tuple[int, ...]:
    """The years in which the seasons of `2015-16:2024-25,2012-13` begin, in order; ValueError for anything else."""
    years: set[int] = set()
    for part in text.split(","):
        first, _, last = part.partition(":")
        start, end = _year(first), _year(last or first)
        if end < start:
            raise ValueError(f"{part!r} ends before it begins")
        years.update(range(start, end + 1))
    return tuple(sorted(years))


def parse_leagues(text: str) -> tuple[str, ...]:
    """League ids of `nba,wnba,gleague` or `00,10,20`; ValueError for anything else."""
    found = []
    for part in text.split(","):
        league = _NAMES.get(part.strip().lower(), part.strip())
        if league not in LEAGUES:
            raise ValueError(f"{part!r} is no league; there are {', '.join(_NAMES)} (00, 10, 20)")
        found.append(league)
    return tuple(dict.fromkeys(found))


class Catalogue:
    """The seasons of an emulator. The packed one is made of facts, every other is a simulated stand-in.

    Raises ValueError for a season without facts when it is the only one of the only league, because a single season is
    asked for its facts, and for a story with a game that is not served.
    """

    def __init__(
        self,
        years: Sequence[int] = (int(SEASONS[0][:4]),),
        leagues: Sequence[str] = ("00",),
        story: Story | None = None,
        *,
        like: Catalogue | None = None,
    ) -> None:
        self.years = tuple(years)
        self.leagues = tuple(leagues)
        self._lock = threading.Lock()
        self._base: Facts = like._base if like else Facts()
        self._plain: dict[tuple[int, str], SampleSeason] = like._plain if like else {}
        self._made: dict[tuple[int, str], SampleSeason] = {}
        self._stories: dict[tuple[int, str], Story] = {}
        self.story = Story()
        if story is not None:
            self._stories = self._shared_out(story)
            told = [self._season(*key).story for key in self._stories]
            self.story = Story(
                *(tuple(entry for one in told for entry in getattr(one, part.name)) for part in fields(Story))
            )

    def with_story(self, story: Story) -> Catalogue:
        """The same seasons with another story."""
        return Catalogue(self.years, self.leagues, story, like=self)

    def _shared_out(self, story: Story) -> dict[tuple[int, str], Story]:
        """The story of each season that it tells of."""
        found: dict[tuple[int, str], Story] = {}
        for game_id in story.game_ids:
            key = self._key_of(game_id)
            if key is None:
                raise ValueError(f"no game {game_id} in {self.label}")
            found[key] = Story()
        for key in found:
            for part in fields(Story):
                entries = getattr(story, part.name)
                own = tuple(entry for entry in entries if self._key_of(entry.game_id) == key)
                found[key] = replace(found[key], **{part.name: own})
        return found

    def _key_of(self, game_id: str) -> tuple[int, str] | None:
        league, code = game_id[:2], game_id[3:5]
        year = next((year for year in self.years if f"{year % 100:02d}" == code), None)
        return (year, league) if year is not None and league in self.leagues else None

    def _season(self, year: int, league_id: str) -> SampleSeason:
        key = (year, league_id)
        with self._lock:
            season = self._made.get(key)
            if season is None:
                plain = self._plain.get(key)
                if plain is None:
                    facts = self._base
                    if season_name(year, league_id) != facts.season or league_id != facts.league_id:
                        facts = StandInFacts(self._base, year, league_id)
                    plain = self._plain[key] = SampleSeason(facts.season, facts=facts)
                story = self._stories.get(key)
                season = self._made[key] = plain.with_story(story) if story else plain
            return season

    @property
    def label(self) -> str:
        """The seasons served, in short: `2024-25`, or `2015-16 to 2024-25 of the NBA, WNBA`."""
        first, last = season_name(self.years[0], "00"), season_name(self.years[-1], "00")
        seasons = first if first == last else f"{first} to {last}"
        if self.leagues == ("00",):
            return seasons
        return f"{seasons} of the {', '.join(LEAGUES[league] for league in self.leagues)}"

    @property
    def default(self) -> SampleSeason:
        """The latest season of the first league."""
        return self._season(self.years[-1], self.leagues[0])

    def find(self, season: str, league_id: str) -> SampleSeason | None:
        """The season with this name; None when it is not served."""
        for year in self.years:
            if league_id in self.leagues and season_name(year, league_id) == season:
                return self._season(year, league_id)
        return None

    def of_game(self, game_id: str) -> SampleSeason | None:
        """The season that a game id belongs to; None when it is not served."""
        key = self._key_of(game_id)
        return self._season(*key) if key else None

    def on(self, day: date, league_id: str) -> SampleSeason | None:
        """The season of a league that has this day between its first and its last game; None when there is none."""
        first, last = self._base_days
        for year in self.years if league_id in self.leagues else ():
            shift = StandInFacts(self._base, year, league_id).shift
            if first + shift <= day <= last + shift:
                return self._season(year, league_id)
        return None

    @cached_property
    def _base_days(self) -> tuple[date, date]:
        days = [game.game_date for game in self._base.games.values()]
        return min(days), max(days)

    @cached_property
    def over_at(self) -> datetime:
        """A moment at which everything is over."""
        moments = [self._season(self.years[-1], league).over_at for league in self.leagues]
        return max([*moments, *(self._season(*key).over_at for key in self._stories)])

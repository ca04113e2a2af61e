"""A season through time: its games, what is known of each at a moment, and how each was played."""

from __future__ import annotations

import threading
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import cached_property
from typing import Self

from nba_stats_emulator.actions import play_by_play
from nba_stats_emulator.agenda import Agenda, Listing
from nba_stats_emulator.almanac import SCHEDULED, Record, State, moments_of, records, state_of
from nba_stats_emulator.corrections import amend_lines, amend_sheet, resolved
from nba_stats_emulator.eastern import eastern
from nba_stats_emulator.facts import Facts, Game, Line
from nba_stats_emulator.played import Played
from nba_stats_emulator.rosters import Rosters
from nba_stats_emulator.sheet import SheetMaker
from nba_stats_emulator.story import Change, Correction, Story

__all__ = ["ABOUT_TO_REPORT", "Season"]

_RECENT_GAMES = 20  # a day's games, asked for endpoint by endpoint
_KEPT_STANDINGS = 4
ABOUT_TO_REPORT = timedelta(minutes=10)
"""How long after the end, or a correction, a game's bodies say they were made."""


class Season:
    """One season with its story. Safe to use from several threads.

    `facts` are the season's (the packed ones by default). Raises ValueError for a season that is not packed, and for a
    story that does not fit the season.
    """

    def __init__(
        self, season: str, story: Story | None = None, *, facts: Facts | None = None, like: Season | None = None
    ) -> None:
        self.season = season
        self.facts: Facts = like.facts if like else facts or Facts(season)
        self.league_id = self.facts.league_id
        self.rosters: Rosters = like.rosters if like else Rosters(self.facts)
        self._sheets: SheetMaker = like._sheets if like else SheetMaker(self.facts, self.rosters)
        self._lock: threading.RLock = like._lock if like else threading.RLock()
        self.story = story or Story()
        self._recent: OrderedDict[tuple[str, int], Played | None] = OrderedDict()
        self._standings: OrderedDict[int, dict[str, Record]] = OrderedDict()
        if story is not None:
            self.story = self._checked(story)

    def with_story(self, story: Story) -> Self:
        """The same season with another story."""
        return type(self)(self.season, story, like=self)

    # --- the story ------------------------------------------------------------------------------------------------

    def _checked(self, story: Story) -> Story:
        """The story with the moves of its corrections spelt out."""
        facts = self.facts.games
        for game_id in story.game_ids:
            if game_id not in facts:
                raise ValueError(f"no game {game_id} in {self.season}")
        for late in story.late_endings:
            if late.final_at <= facts[late.game_id].tipoff:
                raise ValueError(f"late ending of {late.game_id}: final_at is not after its tip-off")
        corrections: list[Correction] = []
        for correction in sorted(story.corrections, key=lambda entry: entry.at):
            if correction.at < self.games[correction.game_id].final_at:
                raise ValueError(f"correction of {correction.game_id}: the game is not over at {correction.at}")
            base = self._sheets.sheet(facts[correction.game_id])
            if base is None:
                raise ValueError(f"correction of {correction.game_id}: a game without content")
            before = [change for own in corrections if own.game_id == correction.game_id for change in own.changes]
            correction = resolved(correction, amend_sheet(base, before))
            changes = [*before, *correction.changes]
            amend_sheet(base, changes)
            play_by_play(base, changes)
            corrections.append(correction)
        return replace(story, corrections=tuple(corrections))

    @cached_property
    def games(self) -> dict[str, Game]:
        """All games by id in the order they are played."""
        moved = {entry.game_id: entry.new_tipoff for entry in self.story.postponements if entry.new_tipoff}
        late = {entry.game_id: entry.final_at for entry in self.story.late_endings}
        if not (moved or late):
            return self.facts.games
        games = []
        for game in self.facts.games.values():
            tipoff = moved.get(game.game_id, game.tipoff)
            if tipoff != game.tipoff:
                game = replace(game, tipoff=tipoff, game_date=eastern(tipoff).date())
            if game.game_id in late:
                game = replace(game, length=late[game.game_id] - game.tipoff)
            games.append(game)
        games.sort(key=lambda game: (game.game_date, game.tipoff, game.game_id))
        return {game.game_id: game for game in games}

    @cached_property
    def agenda(self) -> Agenda:
        """What the schedule says when."""
        postponements = [
            entry if entry.original_tipoff else replace(entry, original_tipoff=self.facts.games[entry.game_id].tipoff)
            for entry in self.story.postponements
        ]
        return Agenda(self.games, postponements)

    @cached_property
    def _corrections(self) -> dict[str, list[Correction]]:
        found: dict[str, list[Correction]] = {}
        for correction in self.story.corrections:
            found.setdefault(correction.game_id, []).append(correction)
        return found

    # --- time -----------------------------------------------------------------------------------------------------

    @cached_property
    def over_at(self) -> datetime:
        """A moment at which every game is final and corrected: the day after the last one."""
        last = max(game.tipoff for game in self.games.values())
        return max([last, *(correction.at for correction in self.story.corrections)]) + timedelta(days=1)

    @cached_property
    def _moments(self) -> list[datetime]:
        moments = {moment for game in self.games.values() for moment in moments_of(game)} | self.agenda.moments
        return sorted(moments | {correction.at for correction in self.story.corrections})

    def phase(self, now: datetime) -> int:
        """How often something has changed by `now`: between two changes every body stays the same."""
        return bisect_right(self._moments, now)

    def version(self, game: Game, now: datetime) -> int:
        """How often a final game has been corrected by `now`; -1 while it is not final."""
        if now < game.final_at:
            return -1
        return sum(correction.at <= now for correction in self._corrections.get(game.game_id, ()))

    def changes(self, game: Game, version: int) -> list[Change]:
        """What the first so many corrections of a game changed."""
        corrections = self._corrections.get(game.game_id, ())[: max(0, version)]
        return [change for correction in corrections for change in correction.changes]

    def state(self, game: Game, now: datetime) -> State:
        """A game as it stands at `now`."""
        listing = self.agenda.listing(game.game_id, now)
        if listing is None or now >= game.tipoff:
            return state_of(game, now, self.facts.overtimes.get(game.game_id, 0))
        return self.listed_state(listing, now)

    def listed_state(self, listing: Listing, now: datetime) -> State:
        """A game as the schedule shows it at `now`."""
        if listing.postponed:
            return State(SCHEDULED, "PPD", 0, 0)
        if not listing.hour_is_known:
            return State(SCHEDULED, "TBD", 0, 0)
        return state_of(listing.game, now, self.facts.overtimes.get(listing.game.game_id, 0))

    def standing(self, now: datetime) -> dict[str, Record]:
        """Wins and losses by game, as every entry of the schedule has them at `now`."""
        phase = self.phase(now)
        with self._lock:
            known = self._standings.get(phase)
            if known is None:
                known = self._standings[phase] = records(self.games.values(), now)
                if len(self._standings) > _KEPT_STANDINGS:
                    self._standings.popitem(last=False)
            return known

    # --- games ----------------------------------------------------------------------------------------------------

    def lines(self, game: Game, version: int = 0) -> tuple[Sequence[Line], Sequence[Line]] | None:
        """(home lines, away lines) of a game after so many corrections; None without content."""
        with self._lock:
            lines = self._sheets.lines(self.facts.games[game.game_id])
        changes = self.changes(game, version)
        if lines is None or not changes:
            return lines
        return amend_lines(lines[0], changes), amend_lines(lines[1], changes)

    def played(self, game: Game, now: datetime) -> Played | None:
        """A game with its plays as told at `now`; None while it is not final, and without content."""
        version = self.version(game, now)
        if version < 0:
            return None
        key = (game.game_id, version)
        with self._lock:
            if key not in self._recent:
                self._recent[key] = self._play(game, version)
                if len(self._recent) > _RECENT_GAMES:
                    self._recent.popitem(last=False)
            return self._recent[key]

    def _play(self, game: Game, version: int) -> Played | None:
        base = self._sheets.sheet(self.facts.games[game.game_id])
        if base is None:
            return None
        base = replace(base, game=game)
        changes = self.changes(game, version)
        told = self._corrections[game.game_id][version - 1].at if version else game.final_at
        return Played(amend_sheet(base, changes), play_by_play(base, changes), told + ABOUT_TO_REPORT)

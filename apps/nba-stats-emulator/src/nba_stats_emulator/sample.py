"""The sample season: every endpoint's body as it stands at a moment, made when first asked for."""

from __future__ import annotations

import itertools
import threading
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from typing import Any

import orjson

from nba_stats_emulator.actions import PlayByPlay, play_by_play
from nba_stats_emulator.agenda import Agenda, Listing
from nba_stats_emulator.almanac import SCHEDULED, Record, State, moments_of, records, state_of
from nba_stats_emulator.bodies import no_content
from nba_stats_emulator.boxscores import advanced_body, play_by_play_body, traditional_body
from nba_stats_emulator.corrections import amend_lines, amend_sheet, resolved
from nba_stats_emulator.eastern import eastern
from nba_stats_emulator.facts import Facts, Game, Line
from nba_stats_emulator.rosters import Rosters
from nba_stats_emulator.schedule import ScheduleWriter, empty_schedule
from nba_stats_emulator.scoreboard import Entry, scoreboard_body
from nba_stats_emulator.sheet import GameSheet, SheetMaker
from nba_stats_emulator.story import Change, Correction, Story
from nba_stats_emulator.summary import summary_body
from nba_stats_emulator.tables import game_log_body, game_log_frame, game_log_rows, player_index_body
from nba_stats_emulator.wire import Chunk, Document

__all__ = ["BOX_ENDPOINTS", "Played", "SampleSeason"]

BOX_ENDPOINTS = ("boxscoretraditionalv3", "boxscoreadvancedv3", "playbyplayv3")
_RECENT_GAMES = 8
_KEPT_STANDINGS = 4
_ABOUT_TO_REPORT = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Played:
    """A played game as it is told after so many corrections; `moment` is when the last word on it was said."""

    sheet: GameSheet
    plays: PlayByPlay
    moment: datetime


class SampleSeason:
    """Bodies of one season with its story. Safe to use from several threads; the same question always gets the same
    answer.

    Raises ValueError for a season that is not packed, and for a story that does not fit the season.
    """

    def __init__(self, season: str, story: Story | None = None, *, like: SampleSeason | None = None) -> None:
        self.season = season
        self.facts: Facts = like.facts if like else Facts(season)
        self.rosters: Rosters = like.rosters if like else Rosters(self.facts)
        self._sheets: SheetMaker = like._sheets if like else SheetMaker(self.facts, self.rosters)
        self._lock: threading.RLock = like._lock if like else threading.RLock()
        self.story = story or Story()
        self._recent: OrderedDict[tuple[str, int], Played | None] = OrderedDict()
        self._standings: OrderedDict[int, dict[str, Record]] = OrderedDict()
        self._chunks: dict[tuple[Any, ...], Chunk] = {}
        if story is not None:
            self.story = self._checked(story)

    def with_story(self, story: Story) -> SampleSeason:
        """The same season with another story."""
        return SampleSeason(self.season, story, like=self)

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
        if listing is not None and listing.postponed:
            return State(SCHEDULED, "PPD", 0, 0)
        if listing is not None and not listing.hour_is_known:
            return State(SCHEDULED, "TBD", 0, 0)
        shown = listing.game if listing is not None and now < game.tipoff else game
        return state_of(shown, now, self.facts.overtimes.get(game.game_id, 0))

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
        return Played(amend_sheet(base, changes), play_by_play(base, changes), told + _ABOUT_TO_REPORT)

    def game_bodies(self, game_id: str, now: datetime) -> dict[str, dict[str, Any]]:
        """The bodies of all three box endpoints of a game; without content when it is unknown or not over."""
        game = self.games.get(game_id)
        if game is None:
            moment = datetime(int(self.season[:4]), 8, 15, tzinfo=UTC)
            return {endpoint: no_content(endpoint, game_id, moment) for endpoint in BOX_ENDPOINTS}
        played = self.played(game, now)
        if played is None:
            return {endpoint: no_content(endpoint, game_id, game.tipoff) for endpoint in BOX_ENDPOINTS}
        sheet, moment = played.sheet, played.moment
        return {
            "boxscoretraditionalv3": traditional_body(sheet, moment),
            "boxscoreadvancedv3": advanced_body(sheet, moment),
            "playbyplayv3": play_by_play_body(sheet, played.plays, moment),
        }

    def summary(self, game_id: str, now: datetime) -> dict[str, Any] | None:
        """The boxscoresummaryv3 body of a game; None when the game is unknown."""
        game = self.games.get(game_id)
        if game is None:
            return None
        state = self.state(game, now)
        standing = self.standing(now)
        teams = {game.home.team_id, game.away.team_id}
        meetings = [
            (other, standing[other.game_id])
            for other in self.games.values()
            if other.tipoff < game.tipoff and {other.home.team_id, other.away.team_id} == teams
        ]
        listing = self.agenda.listing(game_id, now)
        played = self.played(game, now)
        sheet, plays = (played.sheet, played.plays) if played else (None, None)
        moment = played.moment if played else game.final_at + _ABOUT_TO_REPORT if state.final else game.tipoff
        shown = listing.game if listing and not state.final else game
        return summary_body(shown, state, standing[game_id], meetings[::-1][:5], sheet, plays, self.rosters, moment)

    # --- lists ------------------------------------------------------------------------------------------------------

    @cached_property
    def _schedule_writer(self) -> ScheduleWriter:
        return ScheduleWriter(self.season, "00", list(self.games.values()), self.lines, self.rosters.player)

    def schedule_json(self, season: str, league_id: str, now: datetime) -> bytes:
        """The scheduleleaguev2 body as JSON; empty for another season or league."""
        if season != self.season or league_id != "00":
            return orjson.dumps(empty_schedule(season, league_id))
        listings = self.agenda.listings(now)
        states = {listing.game.game_id: self._listed_state(listing, now) for listing in listings}
        finals = [game.final_at for game in self.games.values() if game.final_at <= now]
        with self._lock:
            return self._schedule_writer.write(listings, states, self.standing(now), max(finals, default=None))

    def schedule(self, season: str, league_id: str, now: datetime) -> dict[str, Any]:
        """The scheduleleaguev2 body; empty for another season or league."""
        body: dict[str, Any] = orjson.loads(self.schedule_json(season, league_id, now))
        return body

    def _listed_state(self, listing: Listing, now: datetime) -> State:
        if listing.postponed:
            return State(SCHEDULED, "PPD", 0, 0)
        if not listing.hour_is_known:
            return State(SCHEDULED, "TBD", 0, 0)
        return state_of(listing.game, now, self.facts.overtimes.get(listing.game.game_id, 0))

    def scoreboard(self, league_id: str, day: date, now: datetime) -> dict[str, Any]:
        """The scoreboardv3 body of a day: what the schedule has for it, but for games whose teams are not known."""
        standing = self.standing(now)
        entries = []
        for listing in self.agenda.listings(now):
            game = listing.game
            if game.game_date == day and league_id == "00" and not listing.undecided:
                played = self.played(game, now) if game.game_id in self.games else None
                sheet, plays = (played.sheet, played.plays) if played else (None, None)
                record = standing.get(game.game_id, Record(0, 0, 0, 0))
                state = self._listed_state(listing, now)
                entries.append(Entry(game, state, record, sheet, plays, listing.if_necessary))
        moment = datetime(day.year, day.month, day.day, 12, tzinfo=UTC)
        return scoreboard_body(league_id, day, entries, self.rosters, moment)

    def _logged(
        self, parameters: dict[str, Any], kind: int, since: date | None, until: date | None, now: datetime
    ) -> list[Game]:
        if parameters["Season"] != self.season or parameters["LeagueID"] != "00":
            return []
        return [
            game
            for game in self.games.values()
            if game.kind == kind
            and now >= game.final_at
            and (since is None or game.game_date >= since)
            and (until is None or game.game_date <= until)
        ]

    def _log_rows(self, players: bool, games: Sequence[Game], now: datetime) -> list[list[Any]]:
        rows: list[list[Any]] = []
        for game in games:
            lines = self.lines(game, self.version(game, now))
            season_id = f"{game.kind}{self.season[:4]}"
            rows += game_log_rows(season_id, players, game, lines, self.rosters.player)
        return rows

    def game_log(
        self, parameters: dict[str, Any], kind: int, since: date | None, until: date | None, now: datetime
    ) -> dict[str, Any]:
        """The leaguegamelog body: final games of one kind between two days, both included."""
        players = parameters["PlayerOrTeam"] == "P"
        games = self._logged(parameters, kind, since, until, now)
        return game_log_body(parameters, players, self._log_rows(players, games, now))

    def game_log_document(
        self, parameters: dict[str, Any], kind: int, since: date | None, until: date | None, now: datetime
    ) -> Document:
        """The leaguegamelog body, put together from days that are kept when it goes by date."""
        if str(parameters["Sorter"]).upper() != "DATE":
            return Document.of(self.game_log(parameters, kind, since, until, now))
        players = parameters["PlayerOrTeam"] == "P"
        days = [
            list(games)
            for _, games in itertools.groupby(
                self._logged(parameters, kind, since, until, now), key=lambda game: game.game_date
            )
        ]
        if str(parameters["Direction"]).upper() == "DESC":
            days.reverse()
        before, after = game_log_frame(parameters, players)
        chunks = [self._day_chunk(players, games, now) for games in days]
        chunks = [chunk for chunk in chunks if chunk.plain]
        commas = [Chunk(b",")] * len(chunks)
        between = [piece for pair in zip(commas, chunks, strict=True) for piece in pair][1:]
        return Document.joined([Chunk(before), *between, Chunk(after)])

    def _day_chunk(self, players: bool, games: Sequence[Game], now: datetime) -> Chunk:
        key = (players, *((game.game_id, self.version(game, now)) for game in games))
        with self._lock:
            chunk = self._chunks.get(key)
            if chunk is None:
                chunk = Chunk(orjson.dumps(self._log_rows(players, games, now))[1:-1])
                self._chunks[key] = chunk
            return chunk

    def player_index(self, parameters: dict[str, Any]) -> dict[str, Any]:
        """The playerindex body; an empty table for another season or league."""
        ours = parameters["Season"] == self.season and parameters["LeagueID"] == "00"
        return player_index_body(parameters, self.rosters if ours else None)

"""What the schedule says about each game at a moment: when it is to be, between whom, and whether it is to be at all.

Cup knockouts, play-in and playoffs stand there without teams until those are known; fifth to seventh games of a series
are to be played if necessary, and vanish when they are not; a postponed game stands on its first day until it has
another. Which games were played between whom is fact; when the service would say so is modelled here.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from nba_stats_emulator.eastern import eastern
from nba_stats_emulator.facts import Game
from nba_stats_emulator.story import Postponement

__all__ = ["Agenda", "Listing"]

_ALWAYS = datetime.min.replace(tzinfo=UTC)
_SLOTS_SHOWN_BEFORE = timedelta(days=14)
_WINS_NEEDED, _MOST_GAMES = 4, 7
_HOSTS = (0, 0, 1, 1, 0, 1, 0)  # 0: the team that hosts the first game


@dataclass(frozen=True, slots=True, eq=False)
class Listing:
    """A game as the schedule shows it, one object as long as it does. `game` has the day and tip-off shown."""

    game: Game
    undecided: bool = False
    if_necessary: bool = False
    postponed: bool = False

    @property
    def hour_is_known(self) -> bool:
        """False for games that are to be played some time that day."""
        return not (self.undecided or self.if_necessary)


_Timeline = tuple[tuple[datetime, Listing | None], ...]


class Agenda:
    """The schedule of a season through time."""

    def __init__(self, games: Mapping[str, Game], postponements: Iterable[Postponement] = ()) -> None:
        self._games = list(games.values())
        self._timelines: dict[str, _Timeline] = {game.game_id: ((_ALWAYS, Listing(game)),) for game in self._games}
        regular = [game for game in self._games if game.kind == 2]
        if regular:
            self._cup(regular)
            over = max(game.final_at for game in regular)
            shown = min(over, max(game.tipoff for game in regular) - _SLOTS_SHOWN_BEFORE)
            self._play_in(over, shown)
            self._playoffs(over, shown)
        for entry in postponements:
            self._postpone(games[entry.game_id], entry)

    @property
    def moments(self) -> set[datetime]:
        """When the schedule changes by itself: a listing comes, goes, or becomes another."""
        return {since for timeline in self._timelines.values() for since, _ in timeline if since != _ALWAYS}

    def listing(self, game_id: str, now: datetime) -> Listing | None:
        """What the schedule says of a game at a moment; None when it has no such game."""
        timeline = self._timelines.get(game_id, ())
        found = bisect_right(timeline, now, key=lambda step: step[0]) - 1
        return timeline[found][1] if found >= 0 else None

    def listings(self, now: datetime) -> list[Listing]:
        """The whole schedule at a moment, by day, tip-off and id."""
        found = []
        for game_id, timeline in self._timelines.items():
            listing = timeline[0][1] if len(timeline) == 1 else self.listing(game_id, now)
            if listing is not None:
                found.append(listing)
        found.sort(key=lambda listing: (listing.game.game_date, listing.game.tipoff, listing.game.game_id))
        return found

    def _follow(self, game: Game, *steps: tuple[datetime, Listing | None]) -> None:
        """Later steps win over earlier ones that would come after them."""
        kept: list[tuple[datetime, Listing | None]] = []
        for since, listing in steps:
            while kept and kept[-1][0] >= since:
                kept.pop()
            kept.append((since, listing))
        self._timelines[game.game_id] = tuple(kept)

    def _postpone(self, game: Game, entry: Postponement) -> None:
        given_up = entry.original_tipoff or game.tipoff
        first = replace(game, tipoff=given_up, game_date=eastern(given_up).date())
        self._follow(
            game,
            (_ALWAYS, Listing(first)),
            (entry.announced_at, Listing(first, postponed=True)),
            (entry.rescheduled_at, Listing(game)),
        )

    def _cup(self, regular: list[Game]) -> None:
        cup = [game for game in self._games if "Cup" in game.label and game.kind in (2, 6)]
        group_games = [game.final_at for game in cup if "Group" in game.sub_label]
        if not group_games:
            return
        group_over = max(group_games)
        knockouts = sorted((game for game in cup if "Group" not in game.sub_label), key=lambda game: game.tipoff)
        last_of: dict[int, datetime] = {}
        for game in knockouts:
            teams = (game.home.team_id, game.away.team_id)
            known = max(last_of.get(team, group_over) for team in teams)
            self._follow(game, (_ALWAYS, Listing(game, undecided=True)), (known, Listing(game)))
            last_of.update(dict.fromkeys(teams, game.final_at))
        quarter_finals = [game for game in knockouts if "Quarterfinal" in game.sub_label]
        out_at = {team.team_id: game.final_at for game in quarter_finals for team in (game.home, game.away)}
        # Whoever does not play for the Cup plays the rest of his 82 games in that week; they are drawn up then.
        filler = min(int(game.game_id[5:]) for game in knockouts if game.kind == 2)
        for game in regular:
            if int(game.game_id[5:]) >= filler and game not in knockouts:
                known = max(out_at.get(team.team_id, group_over) for team in (game.home, game.away))
                self._follow(game, (_ALWAYS, None), (known, Listing(game)))

    def _play_in(self, regular_over: datetime, shown: datetime) -> None:
        last_of: dict[int, datetime] = {}
        for game in (game for game in self._games if game.kind == 5):
            teams = (game.home.team_id, game.away.team_id)
            known = max(last_of.get(team, regular_over) for team in teams)
            self._follow(
                game, (_ALWAYS, None), (shown, Listing(game, undecided=True)), (known, Listing(game))
            )  # fmt: skip
            last_of.update(dict.fromkeys(teams, game.final_at))

    def _playoffs(self, regular_over: datetime, shown: datetime) -> None:
        series: dict[str, list[Game]] = defaultdict(list)
        for game in self._games:
            if game.kind == 4:
                series[game.game_id[:9]].append(game)
        shown_of_round = {1: shown}
        for round_ in (2, 3, 4):
            before = [game.tipoff for key, games in series.items() if int(key[7]) == round_ - 1 for game in games]
            if before:
                shown_of_round[round_] = min(before)
        for key, games in sorted(series.items()):
            teams = {games[0].home.team_id, games[0].away.team_id}
            earlier = [
                game.final_at
                for game in self._games
                if game.kind in (4, 5) and game.tipoff < games[0].tipoff and game.game_id[:9] != key
                and teams & {game.home.team_id, game.away.team_id}
            ]  # fmt: skip
            known = max(earlier, default=regular_over)
            self._series(games, shown_of_round.get(int(key[7]), shown), max(known, regular_over))

    def _series(self, games: list[Game], shown: datetime, known: datetime) -> None:
        games.sort(key=lambda game: game.game_id)
        wins: dict[int, int] = {games[0].home.team_id: 0, games[0].away.team_id: 0}
        necessary: dict[int, datetime] = {}
        for game in games:
            winner = game.home if game.home_score > game.away_score else game.away
            wins[winner.team_id] += 1
            necessary.setdefault(_WINS_NEEDED + min(wins.values()), game.final_at)
        over = games[-1].final_at
        for number in range(1, _MOST_GAMES + 1):
            played = number <= len(games)
            game = games[number - 1] if played else _never_played(games, number)
            maybe = number > _WINS_NEEDED
            end: tuple[datetime, Listing | None] = (over, None)
            if played:
                end = (necessary[number] if maybe else known, Listing(game))
            self._follow(
                game,
                (_ALWAYS, None),
                (shown, Listing(game, undecided=True, if_necessary=maybe)),
                (known, Listing(game, if_necessary=maybe)),
                end,
            )


def _never_played(games: list[Game], number: int) -> Game:
    """The game a series did not need: every second day after its last, at the usual place."""
    last = games[-1]
    hosts = (games[0].home, games[0].away)
    host = _HOSTS[number - 1]
    at_home = next((game for game in games if game.home is hosts[host]), games[0])
    days = timedelta(days=2 * (number - len(games)))
    return replace(
        last,
        game_id=f"{last.game_id[:9]}{number}",
        game_date=last.game_date + days,
        tipoff=datetime(last.game_date.year, last.game_date.month, last.game_date.day, 5, tzinfo=UTC) + days,
        sub_label=f"Game {number}",
        arena=at_home.arena,
        home=hosts[host],
        away=hosts[1 - host],
        home_score=0,
        away_score=0,
    )

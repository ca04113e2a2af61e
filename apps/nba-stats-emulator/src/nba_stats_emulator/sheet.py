"""A game as it was played: two line-ups with starters, seconds and stints, and where each part of it comes from."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from nba_stats_emulator.facts import Facts, Game, Line, Player
from nba_stats_emulator.rosters import Rosters
from nba_stats_emulator.rotation import overtimes_of, rotate
from nba_stats_emulator.stand_in import stand_in_lines
from nba_stats_emulator.teams import Team

__all__ = ["GameSheet", "SheetMaker", "Side"]

# The service lists home and away of this neutral-site game the other way round in its box scores.
SWAPPED_IN_BOX_SCORES = frozenset({"0022400147"})


@dataclass(frozen=True, slots=True)
class Side:
    """One team's part in a game. The tuples run in parallel: starters first (F F C G G), then the bench."""

    team: Team
    score: int
    players: tuple[Player, ...]
    lines: tuple[Line, ...]
    seconds: tuple[int, ...]
    positions: tuple[str, ...]
    stints: tuple[tuple[int, int, int], ...]  # (from second, to second, place in the tuples)
    idle: tuple[tuple[Player, str], ...]

    def total(self, column: str) -> int:
        """Sum of one column of the lines."""
        return sum(getattr(line, column) for line in self.lines)


@dataclass(frozen=True, slots=True)
class GameSheet:
    """A played game as box scores list it: `home` and `away` may be exchanged against the schedule's."""

    game: Game
    home: Side
    away: Side
    overtimes: int
    seed: int
    simulated: str

    @property
    def periods(self) -> int:
        """4, and one more for each overtime."""
        return 4 + self.overtimes


class SheetMaker:
    """Makes the sheet of any game of a season; the same game always gives the same sheet."""

    def __init__(self, facts: Facts, rosters: Rosters) -> None:
        self._facts = facts
        self._rosters = rosters
        self._stand_ins: dict[str, tuple[tuple[Line, ...], tuple[Line, ...]]] = {}

    def lines(self, game: Game) -> tuple[tuple[Line, ...], tuple[Line, ...]] | None:
        """(home lines, away lines) by the schedule's home and away; None for a game without content (all-star)."""
        known = self._facts.lines.get(game.game_id) or self._stand_ins.get(game.game_id)
        if known is not None:
            return known
        if game.kind == 3:
            return None
        rng = Random(int(self._facts.base_id(game.game_id)) * 31 + 7)
        home = self._rosters.templates(game.home, game.kind, game.game_date)
        away = self._rosters.templates(game.away, game.kind, game.game_date)
        lines = self._stand_ins[game.game_id] = stand_in_lines(game, home, away, rng)
        return lines

    def sheet(self, game: Game) -> GameSheet | None:
        """The sheet of a game, as if it had been played; None for a game without content."""
        lines = self.lines(game)
        if lines is None:
            return None
        seed = int(self._facts.base_id(game.game_id)) * 31
        rng = Random(seed)
        overtimes = overtimes_of([line.minutes for line in lines[0]])
        playing = {line.player_id for side in lines for line in side}
        home = self._side(game, game.home, game.home_score, lines[0], playing, overtimes, rng)
        away = self._side(game, game.away, game.away_score, lines[1], playing, overtimes, rng)
        if game.game_id in SWAPPED_IN_BOX_SCORES:
            home, away = away, home
        simulated = (
            "starters, positions, did-not-play rows, seconds of minutes, officials, advanced figures of players, "
            "period scores and play-by-play"
        )
        if game.game_id not in self._facts.lines:
            simulated = f"player lines (only the final score is a fact), {simulated}"
        if self._facts.made_up:
            simulated = f"{self._facts.made_up}; {simulated}"
        return GameSheet(game, home, away, overtimes, seed, simulated)

    def _side(
        self,
        game: Game,
        team: Team,
        score: int,
        lines: tuple[Line, ...],
        playing: set[int],
        overtimes: int,
        rng: Random,
    ) -> Side:
        averages = self._rosters.averages
        usual = []
        for line in lines:
            known = averages.get(line.player_id)
            usual.append(line.minutes + (0.7 * known.minutes / known.games if known else 0.0))
        preferred = sorted(range(len(lines)), key=lambda place: (-usual[place], place))
        rotation = rotate([line.minutes for line in lines], preferred, overtimes, rng)
        starters = rotation.starters()

        def bigness(place: int) -> float:
            known = averages.get(lines[place].player_id)
            if known:
                return known.bigness
            line = lines[place]
            return (line.reb + 3 * line.blk - 1.2 * line.ast) / (line.minutes + 1)

        tall = sorted(starters, key=lambda place: (-bigness(place), place))
        ordered = [tall[1], tall[2], tall[0], tall[3], tall[4]]
        bench = [place for place in preferred if place not in starters]
        ordered += sorted(bench, key=lambda place: (-rotation.seconds[place], place))
        new_place = {old: new for new, old in enumerate(ordered)}
        idle = self._rosters.idle(team, game.game_date, playing, rng)
        return Side(
            team=team,
            score=score,
            players=tuple(self._rosters.player(lines[place].player_id) for place in ordered),
            lines=tuple(lines[place] for place in ordered),
            seconds=tuple(rotation.seconds[place] for place in ordered),
            positions=("F", "F", "C", "G", "G") + ("",) * (len(ordered) - 5),
            stints=tuple(sorted((start, end, new_place[place]) for place, start, end in rotation.stints)),
            idle=tuple((self._rosters.player(player_id), comment) for player_id, comment in idle),
        )

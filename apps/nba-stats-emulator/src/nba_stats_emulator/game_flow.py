"""From a box score to a game: every made and missed shot, turnover and trip to the line gets its moment.

Everything here is simulated, but nothing is invented that the box does not hold: each counted thing becomes one play
and each play is counted. Who does something is on the floor then, as the stints say; the few who cannot be (about one
in a thousand) do it all the same, because the sums are promised and the floor is not.
"""

from __future__ import annotations

import itertools
from bisect import bisect_right
from random import Random
from typing import Any

from nba_stats_emulator.facts import Line
from nba_stats_emulator.matching import give_out
from nba_stats_emulator.plays import FOUL, FREE_THROWS, NOBODY, SHOT, TECHNICAL, TURNOVER, Play, Segment
from nba_stats_emulator.possession import put_in_order
from nba_stats_emulator.rotation import HALF_SECONDS, OVERTIME_SECONDS
from nba_stats_emulator.sheet import GameSheet

__all__ = ["play_out"]

_PERIOD_SECONDS = HALF_SECONDS // 2


def play_out(sheet: GameSheet) -> list[Segment]:
    """The whole game in order; the same sheet always gives the same game."""
    return _Game(sheet).segments


def _shuffle(things: list[Any], rng: Random) -> None:
    """Put things in random order; several times faster than `rng.shuffle`, which draws exact integers."""
    random = rng.random
    drawn = [random() for _ in things]
    things[:] = [things[place] for place in sorted(range(len(things)), key=drawn.__getitem__)]


class _Game:
    def __init__(self, sheet: GameSheet) -> None:
        self.rng = Random(sheet.seed + 1)
        self.sides = (sheet.home, sheet.away)
        self.lines: list[Line] = [*sheet.home.lines, *sheet.away.lines]
        self.first_away = len(sheet.home.lines)
        self.overtimes = sheet.overtimes
        self.segments = self._cut()
        self.plays: list[Play] = []
        for number, line in enumerate(self.lines):
            self._plays_of(number, line)
        self._place()
        if self.overtimes:
            self._level_regulation(sheet)
        self._assign()
        for play in self.plays:
            self.segments[play.segment].plays.append(play)
        put_in_order(self.segments, self.rng)

    def _away(self, player: int) -> int:
        return int(player >= self.first_away)

    def _cut(self) -> list[Segment]:
        ends = {0}
        for number in range(4):
            ends.add((number + 1) * _PERIOD_SECONDS)
        for number in range(self.overtimes):
            ends.add(2 * HALF_SECONDS + (number + 1) * OVERTIME_SECONDS)
        for side in self.sides:
            for start, end, _ in side.stints:
                ends.add(start)
                ends.add(end)
        cuts = sorted(ends)
        segments = []
        for start, end in itertools.pairwise(cuts):
            if start < 2 * HALF_SECONDS:
                period = start // _PERIOD_SECONDS + 1
            else:
                period = 5 + (start - 2 * HALF_SECONDS) // OVERTIME_SECONDS
            segments.append(Segment(period, start, end))
        at = {start: number for number, start in enumerate(cuts)}
        self.stretches: list[list[int]] = [[] for _ in self.lines]  # segments of each player
        for away, side in enumerate(self.sides):
            for start, end, place in side.stints:
                player = place + away * self.first_away
                for number in range(at[start], at[end]):
                    segments[number].floor[away].append(player)
                    self.stretches[player].append(number)
        return segments

    def _plays_of(self, player: int, line: Line) -> None:
        rng = self.rng
        away = self._away(player)
        add = self.plays.append
        makes = [Play(SHOT, away, player, 3, True) for _ in range(line.fg3m)]
        makes += [Play(SHOT, away, player, 2) for _ in range(line.fgm - line.fg3m)]
        self.plays += makes
        for _ in range(line.fg3a - line.fg3m):
            add(Play(SHOT, away, player, 0, True))
        for _ in range(line.fga - line.fg3a - (line.fgm - line.fg3m)):
            add(Play(SHOT, away, player))
        for _ in range(line.tov):
            add(Play(TURNOVER, away, player))
        if line.fta:
            flags = [True] * line.ftm + [False] * (line.fta - line.ftm)
            _shuffle(flags, rng)
            if line.fta % 2:
                if makes:
                    # An odd free throw goes with a made shot; with two-pointers first.
                    makes[-1 if line.fgm > line.fg3m else 0].makes = [flags.pop()]
                elif line.fta >= 3:
                    add(self._trip(away, player, [flags.pop(), flags.pop(), flags.pop()]))
                else:
                    technical = Play(TECHNICAL, away, player)
                    technical.makes = [flags.pop()]
                    add(technical)
            while flags:
                add(self._trip(away, player, [flags.pop(), flags.pop()]))

    @staticmethod
    def _trip(away: int, player: int, makes: list[bool]) -> Play:
        play = Play(FREE_THROWS, away, player)
        play.makes = makes
        return play

    def _place(self) -> None:
        """Spread each player's plays evenly over his time on the floor."""
        rng = self.rng
        by_player: list[list[Play]] = [[] for _ in self.lines]
        for play in self.plays:
            by_player[play.player].append(play)
        for player, plays in enumerate(by_player):
            if plays:
                _shuffle(plays, rng)
                for play, segment in zip(plays, self._spread(player, len(plays)), strict=True):
                    play.segment = segment

    def _spread(self, player: int, count: int) -> list[int]:
        stretches = self.stretches[player]
        reach = []
        total = 0
        for number in stretches:
            segment = self.segments[number]
            total += segment.end - segment.start
            reach.append(total)
        last = len(stretches) - 1
        step = total / count
        random = self.rng.random
        return [stretches[min(last, bisect_right(reach, (turn + random()) * step))] for turn in range(count)]

    def _level_regulation(self, sheet: GameSheet) -> None:
        """Move plays between regulation and overtimes until every period before the last overtime ends level."""
        period_of = [segment.period for segment in self.segments]
        margin = sheet.home.score - sheet.away.score
        for overtime in range(5, 5 + self.overtimes):
            target = margin if overtime == 4 + self.overtimes else 0
            inside = [play for play in self.plays if period_of[play.segment] == overtime]
            outside = [play for play in self.plays if period_of[play.segment] <= 4]
            place = next(number for number, period in enumerate(period_of) if period == overtime)
            closers = {*self.segments[place].floor[0], *self.segments[place].floor[1]}
            outside = [play for play in outside if play.player in closers]
            self._level(inside, outside, target, place)

    def _level(self, inside: list[Play], outside: list[Play], target: int, place: int) -> None:
        def worth(play: Play) -> int:
            points = play.points + sum(play.makes)
            return -points if play.away else points

        need = target - sum(worth(play) for play in inside)
        while need:
            # Take one in or put one out: whatever brings the margin nearest; two at once when one alone cannot.
            entering = [(worth(play), play, True) for play in outside]
            leaving = [(-worth(play), play, False) for play in inside]
            options = [option for option in entering + leaving if option[0]]
            change, play, enters = min(options, key=lambda option: abs(need - option[0]))
            if abs(need - change) >= abs(need):
                # Step past the target by the smallest play that has another of one point less to answer it.
                change, play, enters = min(
                    (option for option in options if option[0] * need > 0), key=lambda option: -abs(option[0])
                )
            if enters:
                outside.remove(play)
                inside.append(play)
                play.segment = place
            else:
                inside.remove(play)
                outside.append(play)
                play.segment = self._spread(play.player, 1)[0]
                while self.segments[play.segment].period > 4:
                    play.segment = self._spread(play.player, 1)[0]
            need -= change

    def _assign(self) -> None:
        """Say who assisted, blocked, stole, fouled and rebounded."""
        rng = self.rng
        plays = self.plays
        _shuffle(plays, rng)
        lines = self.lines
        fouls = [line.pf for line in lines]
        for away in (0, 1):
            self._hand_out("ast", away, [play for play in plays if play.away == away and play.made], teammates=True)
            opposing = [play for play in plays if play.away != away]
            misses = [play for play in opposing if play.kind == SHOT and not play.points]
            misses.sort(key=lambda play: play.three)
            self._hand_out("blk", away, misses, teammates=False)
            self._hand_out("stl", away, [play for play in opposing if play.kind == TURNOVER], teammates=False)
            self._foul(away, [play for play in opposing if play.makes and play.kind != TECHNICAL], fouls)
        self._offensive_fouls(fouls)
        for player, left in enumerate(fouls):
            if left:
                for segment in self._spread(player, left):
                    foul = Play(FOUL, self._away(player), player)
                    foul.segment = segment
                    plays.append(foul)
        self._rebound()

    def _open_places(self, places: list[Play], away: int, teammates: bool) -> list[int]:
        """Bit sets: which places each player may take, being on the floor then."""
        may_take = [0] * len(self.lines)
        segments = self.segments
        bit = 1
        for play in places:
            for player in segments[play.segment].floor[away]:
                may_take[player] |= bit
            if teammates:
                may_take[play.player] &= ~bit
            bit <<= 1
        return may_take

    def _tokens(self, column: str, away: int) -> list[int]:
        start = away * self.first_away
        tokens = [
            start + place for place, line in enumerate(self.sides[away].lines) for _ in range(getattr(line, column))
        ]
        _shuffle(tokens, self.rng)
        return tokens

    def _hand_out(self, column: str, away: int, places: list[Play], *, teammates: bool) -> None:
        tokens = self._tokens(column, away)
        owner = give_out(tokens, self._open_places(places, away, teammates), len(places))
        self._insist(tokens, owner, [play.player if teammates else NOBODY for play in places])
        for play, player in zip(places, owner, strict=True):
            play.helper = player

    @staticmethod
    def _insist(tokens: list[int], owner: list[int], barred: list[int]) -> None:
        """Place what found no place on the floor anywhere it is possible at all."""
        if len(tokens) == len(owner) - owner.count(NOBODY):
            return
        left = list(tokens)
        for player in owner:
            if player != NOBODY:
                left.remove(player)
        for player in left:
            for place, taken in enumerate(owner):
                if taken == NOBODY and barred[place] != player:
                    owner[place] = player
                    break
            else:
                # Every free place is the player's own shot: trade with a teammate who may take that one.
                place = owner.index(NOBODY)
                other = next(n for n, who in enumerate(owner) if who not in (NOBODY, player) and barred[n] != player)
                owner[place], owner[other] = owner[other], player

    def _foul(self, away: int, trips: list[Play], fouls: list[int]) -> None:
        owner = give_out(self._tokens("pf", away), self._open_places(trips, away, False), len(trips))
        for player in owner:
            if player != NOBODY:
                fouls[player] -= 1
        team = range(away * self.first_away, away * self.first_away + len(self.sides[away].lines))
        for play, player in zip(trips, owner, strict=True):
            if player == NOBODY:
                player = max(team, key=fouls.__getitem__)
                if not fouls[player]:
                    continue  # more trips than fouls: a technical of the bench, which no player is charged with
                fouls[player] -= 1
            play.fouler = player

    def _offensive_fouls(self, fouls: list[int]) -> None:
        for play in self.plays:
            if play.kind == TURNOVER and play.helper == NOBODY and fouls[play.player] > 0 and self.rng.random() < 0.3:
                fouls[play.player] -= 1
                play.fouler = play.player

    def _rebound(self) -> None:
        for away in (0, 1):  # the team that missed
            trips = [play for play in self.plays if play.away == away and play.makes and play.kind != TECHNICAL]
            shots = [play for play in self.plays if play.away == away and play.live_miss and not play.makes]
            tokens = self._tokens("oreb", away) + self._tokens("dreb", 1 - away)
            missing = len(tokens) - len(shots) - sum(play.live_miss for play in trips)
            for play in trips:  # a miss that is not the last of a trip is nobody's rebound: move it to the end
                if missing > 0 and play.makes[-1] and not all(play.makes):
                    play.makes.sort(reverse=True)
                    missing -= 1
            places = shots + [play for play in trips if play.live_miss]
            _shuffle(places, self.rng)
            may_take = self._open_places(places, away, False)
            others = self._open_places(places, 1 - away, False)
            may_take = [mine | theirs for mine, theirs in zip(may_take, others, strict=True)]
            _shuffle(tokens, self.rng)
            owner = give_out(tokens, may_take, len(places))
            self._insist(tokens, owner, [NOBODY] * len(places))
            for play, player in zip(places, owner, strict=True):
                play.rebounder = player
                play.keeps = player != NOBODY and self._away(player) == away

"""Who is on the floor when: seconds played that fit the facts' whole minutes, and stints that add up to them.

Five players of a team are on the floor at every moment, nobody twice, and each one's stints sum to his seconds.
The stints of a half are McNaughton's wrap-around schedule: players are laid end to end and cut every 24 minutes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

__all__ = ["HALF_SECONDS", "OVERTIME_SECONDS", "Rotation", "overtimes_of", "rotate"]

HALF_SECONDS = 1440
OVERTIME_SECONDS = 300
_FLOOR = 5


@dataclass(frozen=True, slots=True)
class Rotation:
    """Seconds by player, in the order given, and `(player, from second, to second)` stints in game time."""

    seconds: tuple[int, ...]
    stints: tuple[tuple[int, int, int], ...]

    def starters(self) -> list[int]:
        """The five on the floor at the tip-off."""
        return [player for player, start, _ in self.stints if start == 0]


def overtimes_of(minutes: Sequence[int]) -> int:
    """How many overtimes a team's whole minutes sum to."""
    return max(0, round((sum(minutes) - 240) / 25))


def rotate(minutes: Sequence[int], preferred: Sequence[int], overtimes: int, rng: Random) -> Rotation:
    """Seconds and stints for whole minutes of one team.

    `preferred` are players (positions in `minutes`), best first, who start where the schedule allows it. Seconds
    round to the whole minutes; only where sums demand it they are up to a minute off.
    """
    length = 2 * HALF_SECONDS + overtimes * OVERTIME_SECONDS
    low = [max(1, 60 * whole - 30) for whole in minutes]
    high = [min(length, 60 * whole + 29) for whole in minutes]
    middle = [(below + above) // 2 + rng.randint(-25, 25) for below, above in zip(low, high, strict=True)]
    seconds = _settle(middle, low, high, _FLOOR * length, rng)
    if seconds is None:
        wide_low = [max(1, below - 60) for below in low]
        wide_high = [min(length, above + 60) for above in high]
        seconds = _settle(middle, wide_low, wide_high, _FLOOR * length, rng)
    if seconds is None:
        raise ValueError(f"minutes {list(minutes)} cannot make {overtimes} overtimes of five players")

    regulation = list(seconds)
    closers = sorted(range(len(seconds)), key=lambda player: (-seconds[player], player))[:_FLOOR] if overtimes else []
    for player in closers:
        regulation[player] -= overtimes * OVERTIME_SECONDS
    first = _first_half(regulation, rng)
    second = [total - part for total, part in zip(regulation, first, strict=True)]
    stints = _lay_out(first, preferred, 0) + _lay_out(second, preferred, HALF_SECONDS)
    for number in range(overtimes):
        start = 2 * HALF_SECONDS + number * OVERTIME_SECONDS
        stints += [(player, start, start + OVERTIME_SECONDS) for player in closers]
    return Rotation(tuple(seconds), tuple(stints))


def _settle(
    wanted: Sequence[int], low: Sequence[int], high: Sequence[int], total: int, rng: Random
) -> list[int] | None:
    """Values between `low` and `high`, near `wanted`, that sum to `total`; None when there are none."""
    values = [min(max(value, below), above) for value, below, above in zip(wanted, low, high, strict=True)]
    rest = total - sum(values)
    order = list(range(len(values)))
    rng.shuffle(order)
    while rest:
        bound = high if rest > 0 else low
        open_ = [place for place in order if values[place] != bound[place]]
        if not open_:
            return None
        share = max(1, abs(rest) // len(open_))
        for place in open_:
            step = min(share, abs(rest), abs(bound[place] - values[place]))
            step = step if rest > 0 else -step
            values[place] += step
            rest -= step
            if not rest:
                break
    return values


def _first_half(regulation: Sequence[int], rng: Random) -> list[int]:
    """Each player's seconds of the first half: about half of his, nothing for those who only finish a game."""
    wanted = []
    for total in regulation:
        if total < 400:
            wanted.append(0)
        else:
            wanted.append(int(total * (0.42 + 0.16 * rng.random())))
    low = [max(0, total - HALF_SECONDS) for total in regulation]
    high = [min(total, HALF_SECONDS) for total in regulation]
    settled = _settle(wanted, low, high, _FLOOR * HALF_SECONDS, rng)
    if settled is None:  # cannot happen: the bounds contain half of every total
        raise ValueError(f"seconds {list(regulation)} cannot be split into halves")
    return settled


def _lay_out(seconds: Sequence[int], preferred: Sequence[int], offset: int) -> list[tuple[int, int, int]]:
    """The wrap-around schedule of one half, arranged so that the preferred players start it."""
    leaders = [player for player in preferred[:_FLOOR] if seconds[player]]
    bench = [player for player in range(len(seconds)) if seconds[player] and player not in leaders]
    bench.sort(key=lambda player: (-seconds[player], player))
    order: list[int] = []
    filled = 0
    for slot, leader in enumerate(leaders, start=1):
        order.append(leader)
        filled += seconds[leader]
        if slot < _FLOOR:
            # Fill up to the cut with bench players, so that the next leader is the one cut in two: he then ends this
            # slot and starts the next.
            for player in list(bench):
                if filled + seconds[player] <= slot * HALF_SECONDS:
                    order.append(player)
                    bench.remove(player)
                    filled += seconds[player]
    order += bench
    stints = []
    at = 0
    for player in order:
        left = seconds[player]
        while left:
            start = at % HALF_SECONDS
            taken = min(left, HALF_SECONDS - start)
            stints.append((player, offset + start, offset + start + taken))
            at += taken
            left -= taken
    return stints

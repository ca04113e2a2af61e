"""Who has the ball: put the plays of a game in an order in which it changes hands as it should.

Within a segment plays may come in any order, so the teams take turns as far as their numbers allow; a play too many
waits for the next segment of the period when everyone it needs is still on the floor.
"""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from nba_stats_emulator.plays import FOUL, NOBODY, TECHNICAL, Play, Segment

__all__ = ["put_in_order"]

_Sides = tuple[list[Play], list[Play]]


def put_in_order(segments: Sequence[Segment], rng: Random) -> None:
    """Order the plays of each segment in place."""
    tip = ball = rng.randrange(2)
    period = 1
    for number, segment in enumerate(segments):
        if segment.period != period:
            period = segment.period
            ball = (tip + (period in (2, 3))) % 2  # who lost the tip starts the second and third period
        following = segments[number + 1] if number + 1 < len(segments) else None
        if following is not None and following.period != period:
            following = None
        if segment.plays:
            ball = _alternate(segment, following, ball, rng)


def _alternate(segment: Segment, following: Segment | None, ball: int, rng: Random) -> int:
    lost: _Sides = ([], [])  # plays after which the other team has the ball
    kept: _Sides = ([], [])
    undecided: _Sides = ([], [])  # the team's rebound may be at either end
    loose = []
    for play in segment.plays:
        if play.kind in (FOUL, TECHNICAL):
            loose.append(play)
        elif play.keeps:
            kept[play.away].append(play)
        elif play.live_miss and play.rebounder == NOBODY:
            undecided[play.away].append(play)
        else:
            lost[play.away].append(play)
    if following is not None:
        _postpone(lost, kept, undecided, following, ball)
    left = [len(lost[side]) + len(kept[side]) + len(undecided[side]) for side in (0, 1)]
    ordered = []
    random = rng.random
    while left[0] or left[1]:
        if not left[ball]:
            ball = 1 - ball
        if kept[ball] and (random() < 0.3 or not (lost[ball] or undecided[ball])):
            play = kept[ball].pop()
        elif undecided[ball]:
            play = undecided[ball].pop()
            play.keeps = left[ball] - left[1 - ball] > 1
        else:
            play = lost[ball].pop()
        left[ball] -= 1
        ordered.append(play)
        if not play.keeps:
            ball = 1 - ball
    for play in loose:
        ordered.insert(int(random() * (len(ordered) + 1)), play)
    segment.plays = ordered
    return ball


def _postpone(lost: _Sides, kept: _Sides, undecided: _Sides, following: Segment, ball: int) -> None:
    """Move plays for which the ball would come back too soon to the following segment."""
    for side in (0, 1):
        other = 1 - side
        surplus = len(lost[side]) - len(lost[other]) - len(undecided[other]) - (ball == side)
        if not lost[other] and not undecided[other] and ball == other:
            surplus += len(kept[side])  # the ball never gets there
        if surplus <= 0:
            continue
        for pile in (lost[side], kept[side]):
            for play in [play for play in pile if following.holds(play)][:surplus]:
                pile.remove(play)
                following.plays.append(play)
                surplus -= 1

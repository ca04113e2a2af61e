"""Where shots are taken from and what they are called; simulated."""

from __future__ import annotations

import math
from random import Random
from typing import NamedTuple

__all__ = ["Shot", "far_shot", "near_shot"]


class Shot(NamedTuple):
    """`x`, `y` in tenths of a foot from the basket, distance in whole feet, the kind and how a description says it."""

    x: int
    y: int
    distance: int
    sub_type: str
    words: str


_RIM = (
    ("Driving Layup Shot", "Driving Layup"),
    ("Cutting Layup Shot", "Cutting Layup Shot"),
    ("Running Layup Shot", "Running Layup"),
    ("Driving Finger Roll Layup Shot", "Driving Finger Roll Layup"),
    ("Cutting Dunk Shot", "Cutting Dunk Shot"),
    ("Dunk Shot", "Dunk"),
    ("Tip Layup Shot", "Tip Layup Shot"),
    ("Putback Layup Shot", "Putback Layup"),
    ("Driving Reverse Layup Shot", "Driving Reverse Layup"),
)
_LOB = ("Alley Oop Dunk Shot", "Alley Oop Dunk")
_PAINT = (
    ("Driving Floating Jump Shot", "Driving Floating Jump Shot"),
    ("Hook Shot", "Hook Shot"),
    ("Turnaround Hook Shot", "Turnaround Hook Shot"),
    ("Floating Jump shot", "Floating Jump Shot"),
)
_MIDDLE = (
    ("Pullup Jump shot", "Pullup Jump Shot"),
    ("Jump Shot", "Jump Shot"),
    ("Fadeaway Jump Shot", "Fadeaway Jumper"),
    ("Turnaround Jump Shot", "Turnaround Jump Shot"),
    ("Step Back Jump shot", "Step Back Jump Shot"),
)
_FAR = (
    ("Jump Shot", "Jump Shot"),
    ("Jump Shot", "Jump Shot"),
    ("Jump Shot", "Jump Shot"),
    ("Pullup Jump shot", "Pullup Jump Shot"),
    ("Step Back Jump shot", "Step Back Jump Shot"),
    ("Running Jump Shot", "Running Jump Shot"),
)


def _from(rng: Random, feet: float, kind: tuple[str, str]) -> Shot:
    angle = math.pi * (0.08 + 0.84 * rng.random())
    return Shot(round(10 * feet * math.cos(angle)), round(10 * feet * math.sin(angle)), int(feet), *kind)


def near_shot(rng: Random, *, assisted: bool) -> Shot:
    """A two-point attempt; only an assisted one can be a lob."""
    chance = rng.random()
    if chance < 0.5:
        kind = _LOB if assisted and chance < 0.04 else _RIM[int(rng.random() * len(_RIM))]
        return _from(rng, 5 * rng.random(), kind)
    if chance < 0.8:
        return _from(rng, 5 + 7 * rng.random(), _PAINT[int(rng.random() * len(_PAINT))])
    return _from(rng, 12 + 9 * rng.random(), _MIDDLE[int(rng.random() * len(_MIDDLE))])


def far_shot(rng: Random) -> Shot:
    """A three-point attempt, from the corner out to 29 feet."""
    return _from(rng, 23.8 + 5 * rng.random() ** 2, _FAR[int(rng.random() * len(_FAR))])

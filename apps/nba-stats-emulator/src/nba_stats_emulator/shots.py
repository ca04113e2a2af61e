"""Where shots are taken from and what they are called; simulated."""

from __future__ import annotations

import math
from collections.abc import Callable

__all__ = ["Shot", "far_shot", "in_the_paint", "near_shot"]

Shot = tuple[int, int, int, str, str]
"""`x`, `y` in tenths of a foot from the basket, distance in whole feet, the kind and how a description says it."""

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


def _from(random: Callable[[], float], feet: float, kind: tuple[str, str]) -> Shot:
    angle = math.pi * (0.08 + 0.84 * random())
    return round(10 * feet * math.cos(angle)), round(10 * feet * math.sin(angle)), int(feet), *kind


def near_shot(random: Callable[[], float], *, assisted: bool) -> Shot:
    """A two-point attempt, drawn with `random`; only an assisted one can be a lob."""
    chance = random()
    if chance < 0.5:
        kind = _RIM[int(random() * len(_RIM))]  # drawn in any case: a corrected assist leaves the rest as it was
        if assisted and chance < 0.04:
            kind = _LOB
        return _from(random, 5 * random(), kind)
    if chance < 0.8:
        return _from(random, 5 + 7 * random(), _PAINT[int(random() * len(_PAINT))])
    return _from(random, 12 + 9 * random(), _MIDDLE[int(random() * len(_MIDDLE))])


def far_shot(random: Callable[[], float]) -> Shot:
    """A three-point attempt, drawn with `random`, from the corner out to 29 feet."""
    return _from(random, 23.8 + 5 * random() ** 2, _FAR[int(random() * len(_FAR))])


def in_the_paint(x: int, y: int) -> bool:
    """True inside the lane, sixteen feet wide and up to the free throw line."""
    return abs(x) <= 80 and y <= 138

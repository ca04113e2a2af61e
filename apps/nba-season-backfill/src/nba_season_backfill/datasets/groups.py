"""Which datasets a choice means: names, groups, and what is taken away again."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence

from nba_season_backfill.datasets import DATASETS, SEASON_DATASETS

__all__ = ["GAME_LOGS", "GROUPS", "NAMES", "expand", "named"]

NAMES: tuple[str, ...] = tuple(dict.fromkeys((*DATASETS, *SEASON_DATASETS)))
"""Every dataset, in the order in which they are asked for."""

GROUPS: Mapping[str, tuple[str, ...]] = {
    "core": ("box-scores-traditional", "box-scores-advanced", "play-by-play", "players"),
    "box": tuple(name for name in NAMES if name.startswith("box-scores-")),
    "all": NAMES,
}
"""Group -> its datasets. ``core`` is what is fetched where nothing is said."""


GAME_LOGS = ("player-game-logs", "team-game-logs")
"""What ``--bulk`` takes the traditional lines from."""


def expand(choice: Sequence[str]) -> tuple[str, ...]:
    """The datasets that a choice means, in a fixed order.

    Args:
        choice: names of datasets and groups; ``-NAME`` takes them away again, whatever the order. Only that: of all.

    Raises:
        ValueError: a name that is none, with the one that was probably meant.
    """
    added: set[str] = set()
    removed: set[str] = set()
    for word in choice:
        bare = word.removeprefix("-")
        (removed if bare != word else added).update(_meant(bare))
    if not added:
        added = set(NAMES)
    return tuple(name for name in NAMES if name in added - removed)


def named(choice: Sequence[str]) -> tuple[str, ...]:
    """The datasets that a choice names one by one, not through a group."""
    return tuple(name for name in NAMES if name in choice)


def _meant(word: str) -> tuple[str, ...]:
    if word in GROUPS:
        return GROUPS[word]
    if word in NAMES:
        return (word,)
    close = difflib.get_close_matches(word, (*GROUPS, *NAMES), 1)
    hint = f"did you mean {close[0]}?" if close else "`nba-backfill datasets` lists them"
    raise ValueError(f"no dataset or group is called {word!r}; {hint}")

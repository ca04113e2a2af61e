"""What can be wrong with a question, beside what can be wrong with a lake.

::

    UsageError                2   (nba_season_backfill.errors)
    ├── NameUnknown           2   nobody, and no team, is called that; the nearest names
    ├── NameAmbiguous         2   several are; who they are
    ├── SqlRefused            2   not a question: it would write, attach, or read something else than the lake
    └── SqlWrong              2   the engine does not understand it
    Incomplete               75
    ├── NotInLake            75   not fetched yet, or the upstream has none; which of both, where that is known
    └── LakeChanging         75   a partition was replaced again and again while it was read
    ConfigurationError       78
    └── SqlNotInstalled      78   DuckDB is not here
"""

from __future__ import annotations

from collections.abc import Sequence

from nba_season_backfill.errors import ConfigurationError, Incomplete, UsageError

__all__ = ["LakeChanging", "NameAmbiguous", "NameUnknown", "NotInLake", "SqlNotInstalled", "SqlRefused", "SqlWrong"]


class NameUnknown(UsageError):
    """Nobody is called that. ``nearest`` are the names that look most like it."""

    def __init__(self, kind: str, asked: str, where: str, nearest: Sequence[str]) -> None:
        hint = f"did you mean {_or(nearest)}?" if nearest else "nothing here looks like it"
        super().__init__(f"no {kind} {asked!r} in {where}", hint=hint)
        self.nearest = tuple(nearest)


class NameAmbiguous(UsageError):
    """Several are called that. ``candidates`` are their names, each enough to be found by."""

    def __init__(self, kind: str, asked: str, where: str, candidates: Sequence[str]) -> None:
        several = ", ".join(candidates[:12]) + (f" and {len(candidates) - 12} more" if len(candidates) > 12 else "")
        super().__init__(f"{asked!r} could be any of {len(candidates)} {kind}s in {where}: {several}", hint="say which")
        self.candidates = tuple(candidates)


class NotInLake(Incomplete):
    """The lake does not have it (yet)."""


class LakeChanging(Incomplete):
    """A partition was replaced each time it was read."""


class SqlRefused(UsageError):
    """A statement that is no question to the lake's tables."""


class SqlWrong(UsageError):
    """The engine does not understand the statement; its own words."""


class SqlNotInstalled(ConfigurationError):
    """SQL needs DuckDB, which is an extra."""


def _or(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} or {names[-1]}"

"""Who wants to know how a run is going: the command line's progress bar, a test, nobody."""

from __future__ import annotations

from typing import Protocol

from nba_season_backfill.pace import Pacer
from nba_season_backfill.plan import Plan, Unit
from nba_season_backfill.schedule import Game

__all__ = ["NoObserver", "Observer"]


class Observer(Protocol):
    """Told what happens, as it happens. ``asking`` comes from worker threads; the rest from the run's own."""

    def pacing(self, pacer: Pacer) -> None:
        """The pace is set: ask it what it is doing."""

    def planned(self, plan: Plan) -> None:
        """The work is known."""

    def asking(self, unit: Unit) -> None:
        """A worker has taken this unit up."""

    def game_done(self, game: Game, games_left: int) -> None:
        """All units of a game are settled."""

    def committed(self) -> None:
        """Everything settled so far is in the lake and the checkpoint."""

    def said(self, message: str) -> None:
        """Something a person should read now (``continuing from ...``)."""


class NoObserver:
    """Nobody wants to know."""

    def pacing(self, pacer: Pacer) -> None:
        """Ignored."""

    def planned(self, plan: Plan) -> None:
        """Ignored."""

    def asking(self, unit: Unit) -> None:
        """Ignored."""

    def game_done(self, game: Game, games_left: int) -> None:
        """Ignored."""

    def committed(self) -> None:
        """Ignored."""

    def said(self, message: str) -> None:
        """Ignored."""

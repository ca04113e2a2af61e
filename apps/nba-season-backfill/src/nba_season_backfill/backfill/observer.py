"""Who wants to know how a run is going: the command line's progress bar, a test, nobody."""

from __future__ import annotations

from typing import Protocol

from nba_season_backfill.pace import Pacer
from nba_season_backfill.plan import Plan, Unit
from nba_season_backfill.schedule import Game

__all__ = ["NoObserver", "Observer", "Observers"]


class Observer(Protocol):
    """Told what happens, as it happens. ``asking`` comes from worker threads; the rest from the run's own."""

    def pacing(self, pacer: Pacer) -> None:
        """The pace is set: ask it what it is doing."""

    def planned(self, plan: Plan) -> None:
        """The work is known."""

    def asking(self, unit: Unit) -> None:
        """A worker has taken this unit up."""

    def judged(self, endpoint: str, verdict: str) -> None:
        """An answer was judged (from any thread)."""

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

    def judged(self, endpoint: str, verdict: str) -> None:
        """Ignored."""

    def game_done(self, game: Game, games_left: int) -> None:
        """Ignored."""

    def committed(self) -> None:
        """Ignored."""

    def said(self, message: str) -> None:
        """Ignored."""


class Observers:
    """Several who want to know, told one after the other."""

    def __init__(self, *observers: Observer) -> None:
        self._observers = observers

    def pacing(self, pacer: Pacer) -> None:
        """Tell all."""
        for observer in self._observers:
            observer.pacing(pacer)

    def planned(self, plan: Plan) -> None:
        """Tell all."""
        for observer in self._observers:
            observer.planned(plan)

    def asking(self, unit: Unit) -> None:
        """Tell all."""
        for observer in self._observers:
            observer.asking(unit)

    def judged(self, endpoint: str, verdict: str) -> None:
        """Tell all."""
        for observer in self._observers:
            observer.judged(endpoint, verdict)

    def game_done(self, game: Game, games_left: int) -> None:
        """Tell all."""
        for observer in self._observers:
            observer.game_done(game, games_left)

    def committed(self) -> None:
        """Tell all."""
        for observer in self._observers:
            observer.committed()

    def said(self, message: str) -> None:
        """Tell all."""
        for observer in self._observers:
            observer.said(message)

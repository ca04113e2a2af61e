"""The watermark: the last US Eastern date up to which every game is complete. Pure.

Only what is final moves it. A game that is still to come, that is being played, or whose answers are not all stored
holds it back, and is named. What will not be played on its date (postponed, cancelled, not necessary) does not: a
postponed game stands in the lists again under its new date.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from nba_season_backfill.schedule import Game, GameState

__all__ = ["Watermark", "find_watermark"]

_NAMED = 5
_NOT_PLAYED = frozenset({GameState.POSTPONED, GameState.CANCELLED, GameState.IF_NECESSARY_NOT_PLAYED})
# A game that was only played if necessary, and is still "scheduled" so long after its date, was not necessary.
_UNNECESSARY_AFTER = dt.timedelta(days=3)


@dataclass(frozen=True, slots=True)
class Watermark:
    """How far a season is complete.

    ``date`` is None before the first date is complete. ``held_by`` names the first games that keep it from moving on
    to a date that has come. ``last_game`` is the last date that the lists have a game on.
    """

    date: dt.date | None
    held_by: tuple[str, ...] = ()
    last_game: dt.date | None = None

    @property
    def season_complete(self) -> bool:
        """Whether every game that the lists have is behind it."""
        return self.date is not None and self.last_game is not None and self.date >= self.last_game

    def to_document(self) -> dict[str, Any]:
        """As it stands in the checkpoint."""
        return {
            "date": self.date.isoformat() if self.date else None,
            "held_by": list(self.held_by),
            "last_game": self.last_game.isoformat() if self.last_game else None,
        }

    @classmethod
    def from_document(cls, document: Mapping[str, Any] | None) -> Watermark:
        """Read it; a checkpoint that has none yet gives one without a date."""
        if not document:
            return cls(None)
        return cls(_date(document.get("date")), tuple(document.get("held_by") or ()), _date(document.get("last_game")))


def _date(text: str | None) -> dt.date | None:
    return dt.date.fromisoformat(text) if text else None


def find_watermark(games: Sequence[Game], stored: Callable[[Game], bool], today: dt.date) -> Watermark:
    """The watermark of a season.

    Args:
        games: every wanted game of the season, whatever its date and state.
        stored: whether nothing is missing of a final game.
        today: the US Eastern date. It is complete only if it has games and all of them are.
    """
    if not games:
        return Watermark(None)
    first, last = min(game.game_date for game in games), max(game.game_date for game in games)
    open_games = sorted(
        (game.game_date, game.game_id.text)
        for game in games
        if game.game_date <= today and not _settled(game, stored, today)
    )
    final_today = any(game.game_date == today and game.state is GameState.FINAL for game in games)
    date = min(today if final_today else today - dt.timedelta(days=1), last)
    if open_games:
        date = min(date, open_games[0][0] - dt.timedelta(days=1))
    held_by = tuple(game_id for day, game_id in open_games if day < today)[:_NAMED]
    return Watermark(date if date >= first else None, held_by, last)


def _settled(game: Game, stored: Callable[[Game], bool], today: dt.date) -> bool:
    if game.state is GameState.FINAL:
        return stored(game)
    if game.state in _NOT_PLAYED:
        return True
    if game.state is GameState.UNDECIDED or (game.state is GameState.SCHEDULED and game.if_necessary):
        return today - game.game_date > _UNNECESSARY_AFTER
    return False

"""What the schedule and the box scores say around a game: its state at a moment, records, series, weeks, labels."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from nba_stats_emulator.eastern import eastern, hour_text
from nba_stats_emulator.facts import Game

__all__ = [
    "LIVE",
    "QUARTER",
    "SCHEDULED",
    "Record",
    "State",
    "game_subtype",
    "moments_of",
    "records",
    "series_text",
    "state_of",
    "week_of",
    "weeks",
]

SCHEDULED, LIVE, FINAL = 1, 2, 3
QUARTER = timedelta(minutes=38)
"""How long a quarter of a live game is said to last."""


@dataclass(frozen=True, slots=True)
class State:
    """A game at a moment: status 1, 2 or 3 with its text; scores are 0 until it is final."""

    status: int
    text: str
    home_score: int
    away_score: int

    @property
    def final(self) -> bool:
        """True when the game is over."""
        return self.status == FINAL


@dataclass(frozen=True, slots=True)
class Record:
    """Wins and losses of both teams of a game: in the series for playoffs, else in games of the same kind."""

    home_wins: int
    home_losses: int
    away_wins: int
    away_losses: int


def state_of(game: Game, now: datetime, overtimes: int = 0) -> State:
    """The state of a game at `now`; `overtimes` is how many it had in the end."""
    if now >= game.final_at:
        text = "Final" if not overtimes else "Final/OT" if overtimes == 1 else f"Final/OT{overtimes}"
        return State(FINAL, text, game.home_score, game.away_score)
    if now >= game.tipoff:
        quarter = min(4, int((now - game.tipoff) / QUARTER) + 1)
        return State(LIVE, f"Q{quarter}", 0, 0)
    return State(SCHEDULED, f"{hour_text(eastern(game.tipoff))} ET", 0, 0)


def moments_of(game: Game) -> tuple[datetime, ...]:
    """The moments at which the state of a game changes."""
    return (game.tipoff, *(game.tipoff + number * QUARTER for number in (1, 2, 3)), game.final_at)


def _series(game: Game) -> str:
    return game.game_id[:9] if game.kind == 4 else game.game_id[:3]


def records(games: Iterable[Game], now: datetime) -> dict[str, Record]:
    """Records by game id: after the game when it is final, else as they stand at `now`."""
    standing: dict[tuple[str, int], list[int]] = {}
    after: dict[str, Record] = {}
    for game in games:
        home = standing.setdefault((_series(game), game.home.team_id), [0, 0])
        away = standing.setdefault((_series(game), game.away.team_id), [0, 0])
        if now >= game.final_at:
            lost = int(game.home_score < game.away_score)
            home[lost] += 1
            away[1 - lost] += 1
        after[game.game_id] = Record(*home, *away)
    return after


def series_text(game: Game, record: Record, state: State) -> str:
    """`CLE leads 1-0` and the like for playoffs; where a neutral-site game is played; else empty."""
    if game.kind == 4:
        if not state.final:
            return ""
        home, away = record.home_wins, record.away_wins
        if home == away:
            return f"Series tied {home}-{away}"
        leader = game.home if home > away else game.away
        high, low = max(home, away), min(home, away)
        return f"{leader.tricode} {'wins' if high == 4 else 'leads'} {high}-{low}"
    if "Paris" in game.label:
        return "Paris"
    return "Neutral Site" if game.neutral else ""


def game_subtype(game: Game) -> str:
    """`in-season` and `in-season-knockout` for the Cup, `Global Games` abroad, else empty."""
    if "Cup" in game.label:
        return "in-season" if "Group" in game.sub_label else "in-season-knockout"
    return "Global Games" if game.neutral else ""


def _first_day(games: Iterable[Game]) -> date:
    return min(game.game_date for game in games if game.kind == 2)


def week_of(game: Game, first_day: date) -> tuple[int, str]:
    """(number, name) of a game's week; (0, "") for preseason, all-star and the Cup final, as the service has it."""
    if game.kind in (1, 3, 6):
        return 0, ""
    monday = first_day - timedelta(days=first_day.weekday())
    number = (game.game_date - monday).days // 7 + 1
    return number, f"Week {number}"


def weeks(games: Iterable[Game]) -> tuple[date, list[tuple[int, date, date]]]:
    """(first day of the regular season, its weeks as (number, first day, last day)); weeks run Monday to Sunday."""
    games = list(games)
    if not games:
        return date.min, []
    first, last = _first_day(games), max(game.game_date for game in games)
    monday = first - timedelta(days=first.weekday())
    found = []
    for number in range((last - monday).days // 7 + 1):
        start = monday + timedelta(weeks=number)
        found.append((number + 1, max(start, first), start + timedelta(days=6)))
    return first, found

"""The watermark and the days of a run: pure, so every rule is a line."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nba_season_backfill.daily.watermark import Watermark, find_watermark
from nba_season_backfill.daily.window import Window, seasons_due, types_to_ask
from nba_season_backfill.schedule import Game, GameState
from nba_season_backfill.season import GameId, Season, SeasonType

TODAY = dt.date(2024, 11, 10)
SEASON = Season(2024)


def game(
    number: int,
    day: dt.date,
    state: GameState = GameState.FINAL,
    *,
    if_necessary: bool = False,
    season_type: SeasonType = SeasonType.REGULAR_SEASON,
) -> Game:
    game_id = GameId(f"002240{number:04d}")
    return Game(game_id, SEASON, season_type, day, state, "test", if_necessary=if_necessary)


def days_ago(number: int) -> dt.date:
    return TODAY - dt.timedelta(days=number)


def all_stored(_game: Game) -> bool:
    return True


def season_before(state: GameState, *, day: int = 2, if_necessary: bool = False) -> list[Game]:
    """Final games five days ago and yesterday, one more to come, and one in between that is in that state."""
    games = [game(1, days_ago(5)), game(2, days_ago(day), state, if_necessary=if_necessary), game(3, days_ago(1))]
    return [*games, game(4, TODAY + dt.timedelta(days=20), GameState.SCHEDULED)]


@pytest.mark.parametrize("state", [GameState.LIVE, GameState.SCHEDULED, GameState.UNKNOWN, GameState.UNDECIDED])
def test_what_is_not_final_holds_the_watermark(state: GameState) -> None:
    """A game that is live, late or unclear is named, and the date before it is the last complete one."""
    found = find_watermark(season_before(state), all_stored, TODAY)
    assert found.date == days_ago(3)
    assert found.held_by == ("0022400002",)


@pytest.mark.parametrize(
    "state", [GameState.POSTPONED, GameState.CANCELLED, GameState.IF_NECESSARY_NOT_PLAYED, GameState.FINAL]
)
def test_what_is_not_played_on_its_date_does_not(state: GameState) -> None:
    """A postponed game comes again under its new date."""
    found = find_watermark(season_before(state), all_stored, TODAY)
    assert (found.date, found.held_by) == (days_ago(1), ())


@pytest.mark.parametrize("days", [1, 3, 4])
def test_a_game_that_was_not_necessary_is_waited_for_three_days(days: int) -> None:
    """Then nothing says so, but it is clear."""
    found = find_watermark(season_before(GameState.SCHEDULED, day=days, if_necessary=True), all_stored, TODAY)
    assert found.date == (days_ago(1) if days > 3 else days_ago(days + 1))


def test_a_final_game_that_is_not_stored_holds_it() -> None:
    """Final is not enough: every answer must be there."""
    games = season_before(GameState.FINAL)
    found = find_watermark(games, lambda each: each.game_id.text != "0022400002", TODAY)
    assert (found.date, found.held_by) == (days_ago(3), ("0022400002",))


def test_today_is_complete_only_when_its_games_are() -> None:
    """Without games the day is not over; with one that is live neither."""
    before = [game(1, days_ago(2))]
    after = [game(9, TODAY + dt.timedelta(days=1), GameState.SCHEDULED)]
    assert find_watermark([*before, *after], all_stored, TODAY).date == days_ago(1)
    assert find_watermark([*before, game(2, TODAY), *after], all_stored, TODAY).date == TODAY
    live = [*before, game(2, TODAY), game(3, TODAY, GameState.LIVE), *after]
    assert find_watermark(live, all_stored, TODAY).date == days_ago(1)
    assert find_watermark(live, all_stored, TODAY).held_by == ()


def test_before_the_first_date_and_after_the_last() -> None:
    """None before a date is complete; never beyond the season's last game."""
    coming = [game(1, TODAY, GameState.SCHEDULED)]
    assert find_watermark([], all_stored, TODAY) == Watermark(None)
    assert find_watermark(coming, all_stored, TODAY).date is None
    over = find_watermark([game(1, days_ago(30)), game(2, days_ago(20))], all_stored, TODAY)
    assert (over.date, over.last_game, over.season_complete) == (days_ago(20), days_ago(20), True)


_STATES = st.sampled_from(list(GameState))


@given(st.lists(st.tuples(st.integers(0, 20), _STATES), max_size=30), st.integers(0, 20))
def test_no_date_up_to_the_watermark_has_an_open_game(played: list[tuple[int, GameState]], more: int) -> None:
    """Whatever the games: up to the watermark none is live, late or unclear; it is never in the future; and time
    alone never takes it back."""
    games = [game(number, days_ago(days - 10), state) for number, (days, state) in enumerate(played)]
    found = find_watermark(games, all_stored, TODAY)
    if found.date is not None:
        assert found.date <= TODAY
        waiting = {GameState.LIVE, GameState.SCHEDULED, GameState.UNKNOWN}
        assert not [each for each in games if each.game_date <= found.date and each.state in waiting]
        later = find_watermark(games, all_stored, TODAY + dt.timedelta(days=more))
        assert later.date is not None
        assert later.date >= found.date
    assert Watermark.from_document(found.to_document()) == found


@pytest.mark.parametrize(
    ("watermark", "since"),
    [(None, None), (days_ago(1), days_ago(7)), (days_ago(7), days_ago(7)), (days_ago(12), days_ago(11))],
)
def test_the_window_begins_at_the_watermark_or_at_the_lookback(
    watermark: dt.date | None, since: dt.date | None
) -> None:
    """A week missed is in it, and the lookback always is."""
    window = Window.of(TODAY, Watermark(watermark), 7)
    assert (window.since, window.corrections_since) == (since, days_ago(7))
    assert window.covers(days_ago(7))
    assert not window.covers(TODAY + dt.timedelta(days=1))


def test_only_the_lists_that_can_have_changed_are_asked_for() -> None:
    """In January nobody asks for the preseason, and on a day after a break for nothing."""
    window = Window.of(TODAY, Watermark(days_ago(1)), 7)
    wanted = (SeasonType.PRE_SEASON, SeasonType.REGULAR_SEASON, SeasonType.IST)

    def asked(games: Sequence[Game]) -> set[SeasonType]:
        return types_to_ask(games, wanted, window)

    old = game(1, days_ago(20), season_type=SeasonType.PRE_SEASON)
    assert asked([old]) == set()
    assert asked([old, game(2, days_ago(2))]) == {SeasonType.REGULAR_SEASON}
    assert asked([game(2, TODAY, GameState.SCHEDULED), game(3, TODAY, GameState.LIVE)]) == set()
    assert asked([game(2, days_ago(1), GameState.SCHEDULED)]) == {SeasonType.REGULAR_SEASON}
    assert asked([game(2, days_ago(1), GameState.POSTPONED)]) == set()
    assert asked([game(2, days_ago(1), season_type=SeasonType.PLAYOFFS)]) == set()


_JUNE, _END = dt.date(2025, 6, 20), dt.date(2025, 6, 22)
Due = Callable[[dt.date, Watermark | None], list[Season]]


@pytest.fixture
def due() -> Due:
    """The seasons that a day of October 2025 or later is about, by what is known of 2024-25."""
    return lambda today, known: seasons_due(Season(2025), Season(2024), today, 7, known)


def test_at_the_turn_of_the_season_the_old_one_is_finished(due: Due) -> None:
    """As long as something is missing of it, or its end lies within the lookback; else it is left alone."""
    october = dt.date(2025, 10, 2)
    assert due(october, None) == [Season(2025)]
    assert due(october, Watermark(None)) == [Season(2025)]
    assert due(october, Watermark(_END, (), _END)) == [Season(2025)]
    assert due(october, Watermark(_JUNE, (), _END)) == [Season(2024), Season(2025)]
    # 2019-20 ended on 11 October: the next season's first days are its own lookback.
    assert due(october, Watermark(dt.date(2025, 9, 30), (), dt.date(2025, 9, 30))) == [Season(2024), Season(2025)]

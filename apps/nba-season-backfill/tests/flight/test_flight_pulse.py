"""Fresh or stale, and what to do next: the judgement, over everything that can be seen."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from nba_season_backfill.backfill.pulse import Seen, take_pulse
from nba_season_backfill.daily.watermark import Watermark
from nba_season_backfill.season import League, Season

# Half past eight in New York.
NOW = dt.datetime(2025, 1, 15, 13, 30, tzinfo=dt.UTC)
SEASON = Season(2024)


def run(hours_ago: float, exit_code: int | None = 0, **more: Any) -> dict[str, Any]:
    ended = NOW - dt.timedelta(hours=hours_ago)
    row = {"run_id": f"run-{hours_ago:g}", "source": "nba", "outcome": "complete", "message": None, "command": "daily"}
    return row | {"exit_code": exit_code, "ended_at": ended} | more


def seen(**more: Any) -> Seen:
    return Seen(SEASON, more.pop("now", NOW), more.pop("stale_after", dt.timedelta(hours=36)), exists=True, **more)


def marked(day: dt.date | None, last_game: dt.date | None = dt.date(2025, 4, 13), *held_by: str) -> Watermark:
    return Watermark(day, held_by, last_game)


@pytest.mark.parametrize(
    ("watermark", "hours", "fresh"),
    [
        # A date is over at midnight in New York: five in the morning, UTC.
        (dt.date(2025, 1, 14), 8.5, True),
        (dt.date(2025, 1, 13), 32.5, True),
        (dt.date(2025, 1, 12), 56.5, False),
        (dt.date(2025, 1, 15), 0.0, True),
    ],
)
def test_a_watermark_ages_from_the_end_of_its_date(watermark: dt.date, hours: float, fresh: bool) -> None:
    """Yesterday's games in the lake is fresh, and so is the morning after before its run; a missed day is not."""
    pulse = take_pulse(seen(watermark=marked(watermark), runs=[run(1)]))
    assert (pulse.freshness_hours, pulse.fresh) == (hours, fresh)


def test_a_run_that_succeeds_without_moving_the_watermark_freshens_nothing() -> None:
    """A game that never becomes final holds it: that is what a probe is for, and the game is named."""
    pulse = take_pulse(seen(watermark=marked(dt.date(2025, 1, 10), None, "0022400550"), runs=[run(1)]))
    assert not pulse.fresh
    assert "held by 0022400550" in pulse.next_action


def test_without_a_watermark_the_last_success_counts() -> None:
    """A lake that only full runs fill; what failed since does not make it older or younger."""
    assert take_pulse(seen(runs=[run(5, 75), run(30)])).freshness_hours == 30.0
    assert take_pulse(seen(runs=[run(5, 75), run(30)])).fresh
    assert not take_pulse(seen(runs=[run(5, 75), run(40)])).fresh
    assert not take_pulse(seen(runs=[run(5, 75)])).fresh
    assert not take_pulse(seen(runs=[run(1, source="archive"), run(40)])).fresh
    assert not take_pulse(seen(runs=[run(1, outcome="skipped"), run(40)])).fresh
    assert take_pulse(seen(success_at=NOW - dt.timedelta(hours=3))).fresh


def test_how_old_is_stale_is_ones_own_to_say() -> None:
    """--stale-after."""
    watermark = marked(dt.date(2025, 1, 12))
    assert take_pulse(seen(watermark=watermark, stale_after=dt.timedelta(hours=57))).fresh
    assert not take_pulse(seen(watermark=watermark, stale_after=dt.timedelta(hours=56))).fresh


def test_where_there_is_nothing_nothing_is_fresh() -> None:
    """An empty lake, whatever ran."""
    pulse = take_pulse(Seen(SEASON, NOW, dt.timedelta(hours=36), runs=[run(1)]))
    assert (pulse.fresh, pulse.freshness_hours, pulse.up_to_date_at) == (False, None, None)
    assert "nothing has been fetched yet" in pulse.next_action


def test_a_season_that_is_over_stays_fresh() -> None:
    """After the Finals nothing comes: no probe cries all summer, nor about last year's season."""
    july = dt.datetime(2025, 7, 20, 12, tzinfo=dt.UTC)
    finals = dt.date(2025, 6, 22)
    over = take_pulse(seen(now=july, watermark=marked(finals, finals)))
    assert (over.fresh, over.season_over, over.next_action) == (True, True, "nothing: the season is complete")
    next_year = dt.datetime(2026, 1, 5, tzinfo=dt.UTC)
    assert take_pulse(seen(now=next_year, runs=[run(0)])).fresh
    assert not take_pulse(seen(now=next_year, runs=[run(0, 75)])).fresh
    assert not take_pulse(seen(now=next_year)).fresh


def test_the_end_of_the_regular_season_is_not_the_end() -> None:
    """Until the playoffs are drawn the lists end in April: a job that stops there is noticed."""
    april = dt.date(2025, 4, 13)
    pulse = take_pulse(seen(now=dt.datetime(2025, 4, 17, tzinfo=dt.UTC), watermark=marked(april, april)))
    assert (pulse.fresh, pulse.season_over) == (False, False)


def test_other_leagues_have_other_calendars() -> None:
    """The WNBA's season ends in autumn."""
    october = dt.date(2024, 10, 20)
    wnba = Seen(
        Season(2024, League.WNBA),
        dt.datetime(2024, 12, 1, tzinfo=dt.UTC),
        dt.timedelta(hours=36),
        exists=True,
        watermark=marked(october, october),
    )
    assert take_pulse(wnba).fresh


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"at_work": "run r (vm pid 7)"}, "wait: run r (vm pid 7) is at work"),
        ({"runs": [run(1)]}, "nothing until the next games are over"),
        ({"runs": [run(1)], "open_units": 3}, "3 answers are open"),
        ({"runs": [run(1, None, outcome="interrupted")]}, "was killed, it will be continued"),
        ({"runs": [run(1, 65)]}, "nba-backfill runs show run-1"),
        ({"runs": [run(1, 69)]}, "nba-backfill doctor"),
        ({"runs": [run(1, 75)]}, "it will be continued"),
        ({"runs": [run(1, 143)]}, "it will be continued"),
        ({"runs": [run(1, 78, message="no bucket lake")]}, "mend the configuration (no bucket lake)"),
        ({"runs": [run(1, 1)]}, "nba-backfill runs show run-1"),
        ({"runs": [run(100)]}, "and look why nothing did"),
    ],
)
def test_there_is_always_one_thing_to_do_next(more: dict[str, Any], words: str) -> None:
    """One sentence that fits what was seen."""
    assert words in take_pulse(seen(**more)).next_action

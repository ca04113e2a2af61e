"""A season played day by day: the lake at the end is what one run over the finished season fills, and who should know
was told what there was to tell, morning by morning."""

from __future__ import annotations

import datetime as dt
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import pytest
from alert.receiving import verify

from nba_season_backfill.lake.store import ObjectStore
from nba_season_backfill.season import EASTERN
from nba_stats_emulator import Behaviour, Correction, LateEnding, Postponement, Reset, Rule, ServerError, Story
from nba_stats_emulator.story import STORIES

from .conftest import Simulation, contents, partitions, record_key, rows_of, run_id_of

if TYPE_CHECKING:
    from faults.faulty import FaultyStore

MakeFaulty = Callable[[ObjectStore, str, int], "FaultyStore"]
LOOKBACK = dt.timedelta(days=7)


def at(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC)


def every_morning(first: str, last: str) -> Iterator[dt.datetime]:
    """Ten in the morning UTC, day by day."""
    day, end = at(f"{first}T10:00"), at(f"{last}T10:00")
    while day <= end:
        yield day
        day += dt.timedelta(days=1)


def fewest_requests(
    games: Sequence[dict[str, Any]], moments: Sequence[dt.datetime], *, corrected: int, datasets: int
) -> int:
    """What nobody can do without: each answer once, a schedule a run, two game logs a run for each part of the season
    that was played within the lookback, the players once a run that has new games, each corrected game once more."""
    least, done = 0, set[str]()
    for moment in moments:
        today = moment.astimezone(EASTERN).date()
        played = [game for game in games if game["game_date"] < today]
        recent = {game["season_type"] for game in played if game["game_date"] >= today - LOOKBACK}
        new = {game["game_id"] for game in played} - done
        least += 1 + 2 * len(recent) + (1 if new else 0) + datasets * len(new)
        done |= new
    return least + datasets * corrected


def check_the_end(season: Simulation, corrected: Sequence[str], *, datasets: int) -> None:
    """The lake equals a full one, nothing was asked too often, and every correction is written down."""
    asked = len(season.emulator.requests)
    end = season.now
    full = season.full(end)
    ours, theirs = partitions(season.store), partitions(full)
    assert ours.keys() == theirs.keys()
    for key, (rows, bodies) in theirs.items():
        assert ours[key] == (rows, bodies), key
    assert contents(season.checkpoint()) == contents(season.checkpoint(full))
    assert season.checkpoint().watermark == season.checkpoint(full).watermark
    games = [
        game
        for game in rows_of(full, "games")
        if game["state"] == "final" and game["season_type"] in season.settings.season_type
    ]
    least = fewest_requests(games, season.moments, corrected=len(corrected), datasets=datasets)
    assert asked <= 1.03 * least, (asked, least)
    sys.stderr.write(f"\n{len(season.moments)} runs, {len(games)} games, {asked} requests, {least} at least\n")
    told = rows_of(season.store, "stat-corrections")
    assert {row["game_id"] for row in told} == set(corrected)
    revisions = {row["game_id"]: row["revision"] for row in rows_of(season.store, "games")}
    assert {game_id for game_id, revision in revisions.items() if revision != 1} == set(corrected)


def killed_half_way(season: Simulation, now: dt.datetime, faulty_store: MakeFaulty) -> None:
    """After twenty answers, one of them under way as the real pace has it; what is left is an open record."""
    season.killed(now, faulty_store(season.store, "", 0), after_answers=20, max_in_flight="1")
    assert season.records()[-1]["state"] == "running"


def check_what_was_told(season: Simulation, *alerts: tuple[str, str, list[str], int, int]) -> None:
    """The receiver got these alerts and no other, each verifies and names its record; every success was a beat.

    Every run has its record and its row; one that was killed was closed by the run after it.

    Args:
        alerts: when the run began, the event, all events, failed runs in a row, the exit code.
    """
    messages = [verify(got) for got in season.receiver.alerts]
    fields = ("started_at", "event", "events", "failed_runs_in_a_row", "exit_code")
    assert [tuple(message[field] for field in fields) for message in messages] == list(alerts)
    assert len({message["delivery_id"] for message in messages}) == len(messages)
    for message in messages:
        began = dt.datetime.fromisoformat(message["started_at"])
        assert (message["run_id"], message["record"]) == (run_id_of(began), record_key(began))
        assert (message["command"], message["season"], message["ended_at"]) == (
            "daily",
            "2024-25",
            message["started_at"],
        )
    assert len(season.receiver.beats) == len(season.moments)
    assert len(season.receiver.received) == len(messages) + len(season.moments)

    killed = [(number, moment) for number, (moment, code) in enumerate(season.runs) if code is None]
    closed = {run_id_of(moment): run_id_of(season.runs[number + 1][0]) for number, moment in killed}
    records = season.records()
    assert [(record["run_id"], record.get("exit_code")) for record in records] == [
        (run_id_of(moment), code) for moment, code in season.runs
    ]
    for record in records:
        closed_by = closed.get(record["run_id"])
        assert (record["state"], record.get("closed_by")) == ("interrupted" if closed_by else "ended", closed_by)
    rows = rows_of(season.store, "pipeline-audit")
    assert [(row["started_at"], row["exit_code"]) for row in rows] == season.runs
    assert {row["run_id"] for row in rows if row["exit_code"] is None} == set(closed)
    assert all(row["simulated"] for row in rows if row["exit_code"] == 0)


def test_three_weeks_from_opening_night(simulation: Callable[..., Simulation], faulty_store: MakeFaulty) -> None:
    """Postponed into another month, over after midnight, a day skipped, corrected late, an outage, a kill: all one
    in the end, and told day by day.

    The whole season is below: `python -m pytest -m slow apps/nba-season-backfill/tests/daily`.
    """
    announced, rescheduled, first_tipoff = at("2024-10-30T15:00"), at("2024-10-31T18:00"), at("2024-10-30T23:30")
    story = Story(
        postponements=(Postponement("0022400151", announced, rescheduled, first_tipoff),),
        late_endings=(LateEnding("0022400061", at("2024-10-23T04:40")),),
        corrections=(Correction("0022400126", at("2024-11-02T15:00"), move="ast"),),
    )
    season = simulation(story=story, play_by_play="no")
    for now in every_morning("2024-10-22", "2024-11-09"):
        day = f"{now:%m-%d}"
        if day == "10-23":
            # At half past midnight the opening night is not over.
            summary = season.morning(at("2024-10-23T04:20"))
            assert (summary.outcome, summary.watermark) == ("nothing_to_do", None)
        if day == "10-27":
            summary = season.morning(at("2024-10-27T04:40"))
            assert summary.watermark == "2024-10-25"
            assert summary.games_not_final["live"] == 1
        if day == "10-29":
            continue
        if day in ("11-01", "11-02"):
            error = season.fails(now, Behaviour(rules=(Rule(ServerError(503)),)))
            assert error.exit_code == 75
            assert season.watermark is not None
            continue
        if day == "11-05":
            killed_half_way(season, now, faulty_store)
            now += dt.timedelta(hours=1)
        summary = season.morning(now)
        if day == "10-30":
            assert summary.games_done == 11 + 4
        if day == "10-31":
            assert season.watermark == "2024-10-30"
        if day == "11-03":
            assert summary.corrections > 0
        if day == "11-05":
            assert 0 < summary.units_from_archive < summary.units_stored
    assert season.watermark == "2024-11-08"
    check_what_was_told(
        season,
        ("2024-11-01T10:00:00Z", "incomplete", ["incomplete"], 1, 75),
        ("2024-11-02T10:00:00Z", "incomplete", ["incomplete"], 2, 75),
        ("2024-11-03T10:00:00Z", "recovery", ["recovery"], 2, 0),
        ("2024-11-05T11:00:00Z", "recovery", ["recovery"], 1, 0),
    )
    check_the_end(season, ["0022400126"], datasets=2)


EVERY_KIND = ("Pre Season", "Regular Season", "IST", "PlayIn", "Playoffs")


@pytest.mark.slow
def test_a_whole_season(simulation: Callable[..., Simulation], faulty_store: MakeFaulty) -> None:
    """From the first preseason game to the last of the Finals, some 250 mornings, with all that can come between.

    Four alerts: the outage's two days, that it is over, and that it went on after the killed run.
    """
    story = STORIES["eventful"]
    season = simulation(story=story, season_type=EVERY_KIND)
    began = time.monotonic()
    skipped = {"2024-12-05", *(f"2025-03-0{day}" for day in range(1, 8))}
    for now in every_morning("2024-10-03", "2025-06-25"):
        day = f"{now:%Y-%m-%d}"
        if day == "2025-02-09":
            summary = season.morning(at("2025-02-09T06:30"))
            assert summary.games_not_final["live"] == 1
            assert season.watermark == "2025-02-07"
        if day in skipped:
            continue
        if day in ("2025-01-14", "2025-01-15"):
            error = season.fails(now, Behaviour(rules=(Rule(ServerError(503) if day.endswith("14") else Reset()),)))
            assert error.exit_code == (75 if day.endswith("14") else 69)
            assert season.watermark == "2025-01-12"
            continue
        if day == "2025-02-06":
            killed_half_way(season, now, faulty_store)
            now += dt.timedelta(hours=1)
        summary = season.morning(now)
        assert summary.outcome in ("complete", "nothing_to_do")
        if day == "2025-02-06":
            assert 0 < summary.units_from_archive < summary.units_stored
        if day == "2025-03-08":
            assert summary.games_done > 40
        # The All-Star break, the day before the play-in, and the days after the Finals are mornings like any other.
        if day in ("2025-02-17", "2025-04-15", "2025-06-24"):
            assert (summary.outcome, summary.units_stored) == ("nothing_to_do", 0)
            assert "no new final game" in summary.message
    assert len(season.moments) > 250
    assert season.watermark == "2025-06-22"
    sys.stderr.write(f"\n{time.monotonic() - began:.0f} s\n")
    check_what_was_told(
        season,
        ("2025-01-14T10:00:00Z", "incomplete", ["incomplete"], 1, 75),
        # A new connection that is cut: this is how the upstream blocks.
        ("2025-01-15T10:00:00Z", "blocked", ["blocked", "failure"], 2, 69),
        ("2025-01-16T10:00:00Z", "recovery", ["recovery"], 2, 0),
        ("2025-02-06T11:00:00Z", "recovery", ["recovery"], 1, 0),
    )
    check_the_end(season, [correction.game_id for correction in story.corrections], datasets=3)

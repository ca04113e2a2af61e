"""Single mornings: a correction, a game that moves, a season's turn, and a crash at any moment of them."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from nba_season_backfill.backfill.job import Manner, run_season
from nba_season_backfill.errors import Incomplete
from nba_season_backfill.lake import layout
from nba_season_backfill.lake.memory import MemoryStore
from nba_season_backfill.lake.raw import RawArchive
from nba_season_backfill.lake.store import ObjectStore
from nba_season_backfill.settings import BackfillSettings
from nba_stats_emulator import Behaviour, Close, Correction, EmptyObject, Postponement, Rule, Story

from .conftest import SEASON, Simulation, partitions, rows_of, run_id_of

if TYPE_CHECKING:
    from faults.faulty import FaultyStore

MakeFaulty = Callable[[ObjectStore, str, int], "FaultyStore"]
Begin = Callable[..., Simulation]
OPENING = dt.datetime(2024, 10, 23, 10, tzinfo=dt.UTC)
GAME = "0022400062"


def asked_since(season: Simulation, number: int) -> Counter[str]:
    """What was asked for after that many requests: endpoint, or game id."""
    return Counter(dict(each.query).get("GameID") or each.endpoint for each in season.emulator.requests[number:])


@pytest.fixture
def opened(simulation: Begin) -> Simulation:
    """Opening night is stored: two games. Then an assist of one of them goes to another player."""
    season = simulation()
    assert season.morning(OPENING).units_stored == 6
    season.emulator.correct(Correction(GAME, OPENING + dt.timedelta(hours=2), move="ast"))
    return season


def test_a_correction_costs_one_request_a_list_and_three_for_its_game(opened: Simulation) -> None:
    """Only the game whose totals changed is asked for again; both bodies stay, and what changed is written down."""
    before = {info.key for info in opened.store.list("_raw/boxscoretraditionalv3/") if info.key.endswith(".gz")}
    number = len(opened.emulator.requests)
    summary = opened.morning(OPENING + dt.timedelta(hours=5))
    assert asked_since(opened, number) == {"scheduleleaguev2": 1, "leaguegamelog": 2, GAME: 3}
    after = {info.key for info in opened.store.list("_raw/boxscoretraditionalv3/") if info.key.endswith(".gz")}
    assert before < after
    assert len(after) == len(before) + 1
    loser, winner = (change.player_id for change in opened.emulator.story.corrections[0].changes)
    changes = opened.emulator.story.corrections[0].changes
    by_player = {change.player_id: change.by for change in changes}
    assert set(by_player) == {loser, winner}
    told = rows_of(opened.store, "stat-corrections")
    assert summary.corrections == len(told)
    assert {row["game_id"] for row in told} == {GAME}
    traditional = [row for row in told if row["dataset"] == "box-scores-traditional"]
    assists = {row["person_id"]: int(row["new_value"]) - int(row["old_value"]) for row in traditional}
    assert assists == by_player
    record = opened.checkpoint().unit(GAME, "box-scores-traditional")
    assert record is not None
    assert record.revision == 2
    assert {(row["raw_before"], row["raw_after"]) for row in traditional} == {(record.raw_before, record.raw)}
    assert {row["revision"] for row in told} == {2}
    assert {row["run_id"] for row in told} == {run_id_of(opened.now)}
    archive = RawArchive(opened.store)
    for sha256 in (record.raw_before, record.raw):
        assert archive.get(f"_raw/boxscoretraditionalv3/season=2024-25/{GAME}/{sha256}.json.gz")
    revisions = {row["game_id"]: row["revision"] for row in rows_of(opened.store, "games")}
    assert revisions[GAME] == 2
    assert revisions["0022400061"] == 1


def test_once_corrected_nothing_is_asked_again(opened: Simulation) -> None:
    """The next mornings ask for their lists; a second correction is the third revision, and the first stays written."""
    opened.morning(OPENING + dt.timedelta(hours=5))
    number = len(opened.emulator.requests)
    assert opened.morning(OPENING + dt.timedelta(hours=6)).outcome == "nothing_to_do"
    assert asked_since(opened, number) == {"scheduleleaguev2": 1, "leaguegamelog": 2}
    first = rows_of(opened.store, "stat-corrections")
    opened.emulator.correct(Correction(GAME, OPENING + dt.timedelta(hours=7), move="dreb"))
    opened.morning(OPENING + dt.timedelta(hours=8))
    told = rows_of(opened.store, "stat-corrections")
    assert [row for row in told if row["revision"] == 2] == first
    assert {row["field"] for row in told if row["revision"] == 3 and row["dataset"] == "box-scores-traditional"} == {
        "rebounds_defensive",
        "rebounds_total",
    }


def test_a_correction_that_cannot_be_fetched_is_asked_for_the_next_day(opened: Simulation) -> None:
    """What was stored stays, the run is not green, for the lake is known to be behind, and the next run asks again."""
    stored = partitions(opened.store)
    opened.emulator.set_behaviour(Behaviour(rules=(Rule(EmptyObject(), game_id=GAME),)))
    with pytest.raises(Incomplete, match=GAME) as caught:
        opened.morning(OPENING + dt.timedelta(hours=5), max_retries="0")
    assert caught.value.summary is not None
    assert {failure.game_id for failure in caught.value.summary.failures} == {GAME}
    assert partitions(opened.store) == stored
    opened.emulator.set_behaviour(Behaviour())
    assert opened.morning(OPENING + dt.timedelta(hours=6)).corrections > 0


def test_without_a_players_log_the_run_goes_on_and_says_so(opened: Simulation) -> None:
    """Corrections are worth a warning, not a failed morning."""
    players = Rule(EmptyObject(), endpoint="leaguegamelog", skip=1)
    opened.emulator.set_behaviour(Behaviour(rules=(players,)))
    summary = opened.morning(OPENING + dt.timedelta(hours=5), max_retries="0")
    assert (summary.exit_code, summary.corrections) == (0, 0)
    assert "corrections were not looked for" in " ".join(summary.warnings)


def rows_without_time(store: MemoryStore) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """All tables, and the corrections without when and by which run."""
    when = ("detected_at", "run_id")
    told = [
        {name: value for name, value in row.items() if name not in when} for row in rows_of(store, "stat-corrections")
    ]
    return partitions(store), told


def test_corrections_are_made_again_from_the_archive(opened: Simulation) -> None:
    """Checkpoint and corrections are lost: from the bodies alone they come out as they were, revisions and all."""
    opened.morning(OPENING + dt.timedelta(hours=5))
    opened.emulator.correct(Correction(GAME, OPENING + dt.timedelta(hours=7), move="dreb"))
    opened.morning(OPENING + dt.timedelta(hours=8))
    told, facts = rows_of(opened.store, "stat-corrections"), opened.checkpoint().facts()
    revisions = {row["game_id"]: row["revision"] for row in rows_of(opened.store, "games")}
    assert revisions[GAME] == 3
    for info in [*opened.store.list("_state/season"), *opened.store.list("stat-corrections/")]:
        opened.store.delete(info.key)
    settings = BackfillSettings.load({"source": "archive"}, environ={}).resolved(opened.today)
    manner = Manner(recover=True)
    run_season(settings, SEASON, run_id="repair", store=opened.store, manner=manner, now=opened.clock)
    assert rows_of(opened.store, "stat-corrections") == told
    assert opened.checkpoint().facts() == facts
    assert {row["game_id"]: row["revision"] for row in rows_of(opened.store, "games")} == revisions


def check_kills(opened: Simulation, faulty_store: MakeFaulty, *, every: int) -> None:
    """Killed before every n-th operation of a run that finds a correction, and run again."""
    later = OPENING + dt.timedelta(hours=5)
    objects = dict(opened.store._objects)
    counting = faulty_store(opened.store, "", 0)
    opened.morning(later, store=counting)
    wanted, facts = rows_without_time(opened.store), opened.checkpoint().facts()
    assert wanted[1]
    for operation in range(every // 2 + 1, counting.trap.count + 1, every):
        opened.store._objects = dict(objects)
        opened.killed(later, faulty_store(opened.store, "killed_before", operation))
        opened.morning(later + dt.timedelta(minutes=5))
        assert rows_without_time(opened.store) == wanted, f"killed before operation {operation}"
        assert opened.checkpoint().facts() == facts, f"killed before operation {operation}"


def test_killed_at_some_moments_a_correction_is_written_once(opened: Simulation, faulty_store: MakeFaulty) -> None:
    """The same rows, corrections and revisions as undisturbed; every moment is the next test."""
    check_kills(opened, faulty_store, every=47)


@pytest.mark.slow
def test_killed_at_any_moment_a_correction_is_written_once(opened: Simulation, faulty_store: MakeFaulty) -> None:
    """At every store operation there is."""
    check_kills(opened, faulty_store, every=1)


def test_a_stored_game_whose_date_moves_takes_its_rows_along(simulation: Begin) -> None:
    """From October's partitions to November's, in every table, without a request for it."""
    season = simulation()
    season.morning(OPENING)
    new_tipoff, announced = dt.datetime(2024, 11, 1, 23, tzinfo=dt.UTC), OPENING + dt.timedelta(hours=1)
    story = Story(postponements=(Postponement(GAME, announced, announced, new_tipoff=new_tipoff),))
    season.emulator.set_story(story)
    number = len(season.emulator.requests)
    summary = season.morning(dt.datetime(2024, 10, 24, 3, tzinfo=dt.UTC))
    assert summary.games_moved == 1
    assert GAME not in asked_since(season, number)
    for table in ("box-scores-traditional", "box-scores-advanced-teams", "play-by-play", "games"):
        found = {
            key
            for key, (rows, _) in partitions(season.store).items()
            if key.startswith(f"{table}/") and any(row["game_id"] == GAME for row in rows)
        }
        assert found == {f"{table}/season=2024-25/month=11/part-0.parquet"}
    assert season.checkpoint().dates[GAME] == "2024-11-01"


def test_the_last_game_to_leave_a_month_takes_the_partition_along(simulation: Begin) -> None:
    """The Cup final, the one game of its kind, is put off to January: December has nothing of it any more."""
    season = simulation(season_type=("IST",))
    played = dt.datetime(2024, 12, 18, 10, tzinfo=dt.UTC)
    assert season.morning(played).units_stored == 3
    (cup_final,) = season.checkpoint().dates
    tipoff = dt.datetime(2025, 1, 5, 0, tzinfo=dt.UTC)
    season.emulator.set_story(Story(postponements=(Postponement(cup_final, played, played, new_tipoff=tipoff),)))
    season.morning(played + dt.timedelta(hours=1))
    boxes = [info.key for info in season.store.list("box-scores-traditional/")]
    assert boxes == ["box-scores-traditional/season=2024-25/month=01/part-0.parquet"]


def test_at_the_seasons_turn_the_old_season_is_finished_too(simulation: Begin) -> None:
    """A lake that was last filled in November gets, in October after, what was missing, and then the new season."""
    season = simulation(season_type=("IST",))
    season.morning(dt.datetime(2024, 11, 20, 10, tzinfo=dt.UTC))
    assert season.checkpoint().watermark is not None
    summary = season.morning(dt.datetime(2025, 10, 2, 10, tzinfo=dt.UTC))
    assert summary.season == "2025-26"
    assert season.watermark == "2024-12-17"
    assert rows_of(season.store, "box-scores-traditional-teams")
    number = len(season.emulator.requests)
    season.morning(dt.datetime(2025, 10, 3, 10, tzinfo=dt.UTC))
    assert {dict(each.query)["Season"] for each in season.emulator.requests[number:]} == {"2025-26"}


def test_in_july_the_season_that_is_over_is_looked_at_and_nothing_is_found(simulation: Begin) -> None:
    """One request, and a sentence."""
    season = simulation(season_type=("IST",))
    season.morning(dt.datetime(2024, 12, 20, 10, tzinfo=dt.UTC))
    number = len(season.emulator.requests)
    summary = season.morning(dt.datetime(2025, 7, 20, 10, tzinfo=dt.UTC))
    assert summary.message == "no new final game since 2024-12-18; everything up to 2024-12-17 is complete"
    assert asked_since(season, number) == {"scheduleleaguev2": 1}


def tables(season: Simulation) -> dict[str, str]:
    """key -> ETag of everything but what is kept of runs."""
    own = ("_", layout.AUDIT_PREFIX)
    return {info.key: info.etag for info in season.store.list() if not info.key.startswith(own)}


def test_without_an_upstream_nothing_changes(simulation: Begin) -> None:
    """Every connection is closed without a word: the tables are what they were, to the byte."""
    season = simulation()
    season.morning(OPENING)
    before = tables(season)
    error = season.fails(OPENING + dt.timedelta(hours=5), Behaviour(rules=(Rule(Close()),)))
    assert error.exit_code in (69, 75)
    assert tables(season) == before

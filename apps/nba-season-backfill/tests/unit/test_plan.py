"""The plan: wanted units minus committed ones, and what they cost."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from nba_season_backfill.checkpoint import Checkpoint, UnitRecord, UnitStatus
from nba_season_backfill.datasets.base import Assessment, Dataset
from nba_season_backfill.plan import Selection, assumed_plan, make_plan
from nba_season_backfill.schedule import Game, GameState
from nba_season_backfill.season import GameId, Season, SeasonType

SEASON = Season(2024)
NOW = dt.datetime(2025, 7, 1, tzinfo=dt.UTC)
ALL = Selection((SeasonType.REGULAR_SEASON,))


def dataset(name: str, first: int = 1996) -> Dataset:
    return Dataset(name, name, "root", Season(first), (), lambda _game: {}, lambda _payload, _known: Assessment("ok"))


BOX, PBP = dataset("box-scores-traditional"), dataset("play-by-play")


def game(number: int, state: GameState = GameState.FINAL, **more: Any) -> Game:
    day = dt.date(2024, 10, 22) + dt.timedelta(days=number)
    return Game(GameId(f"00224{number:05d}"), SEASON, SeasonType.REGULAR_SEASON, day, state, "", **more)


def checkpoint(**statuses: UnitRecord) -> Checkpoint:
    made = Checkpoint(SEASON, "00", "lake", NOW.isoformat())
    for number, record in statuses.items():
        made.record(f"00224{int(number[1:]):05d}", BOX.name, record)
    return made


def record(status: UnitStatus, **more: Any) -> UnitRecord:
    return UnitRecord(status, NOW.isoformat(), **more)


def plan(games: list[Game], held: Checkpoint | None = None, selection: Selection = ALL, **more: Any) -> Any:
    return make_plan(games, [BOX, PBP], held, selection, season=SEASON, now=NOW, season_requests=2, **more)


def test_the_work_is_what_is_wanted_minus_what_is_committed() -> None:
    """A stored unit is not asked for again; a failed one is."""
    held = checkpoint(g1=record(UnitStatus.OK), g2=record(UnitStatus.FAILED))
    made = plan([game(1), game(2)], held)
    assert [(unit.game.game_id.text[-1], unit.dataset.name) for unit in made.units] == [
        ("1", PBP.name),
        ("2", BOX.name),
        ("2", PBP.name),
    ]
    assert (made.committed_units, made.requests, made.games_to_do) == (1, 5, 2)


def test_an_absence_is_believed_until_it_expires() -> None:
    """A remembered absence is not asked for; an expired one is."""
    soon, past = (NOW + dt.timedelta(days=1)).isoformat(), (NOW - dt.timedelta(days=1)).isoformat()
    held = checkpoint(
        g1=record(UnitStatus.ABSENT, believed_until=soon), g2=record(UnitStatus.ABSENT, believed_until=past)
    )
    made = plan([game(1), game(2)], held)
    assert (made.absent_units, len(made.units)) == (1, 3)


def test_only_final_games_are_work_and_the_rest_is_accounted_for() -> None:
    """Games to come, live or undecided are counted by state, never fetched, never forgotten."""
    made = plan([game(1), game(2, GameState.SCHEDULED), game(3, GameState.LIVE), game(4, GameState.SCHEDULED)])
    assert made.games_to_do == 1
    assert made.not_final == {"scheduled": 2, "live": 1}


def test_what_never_existed_is_counted_not_fetched() -> None:
    """A dataset that begins in a later season costs no request."""
    later = dataset("later", 2030)
    made = make_plan([game(1)], [BOX, later], None, ALL, season=SEASON, now=NOW, season_requests=0)
    assert (len(made.units), made.never_existed) == (1, 1)


def test_a_limit_names_the_first_games_so_that_the_same_call_adds_nothing() -> None:
    """--limit 1 after --limit 1 finds nothing to do; --limit 2 finds one game."""
    held = checkpoint(g1=record(UnitStatus.OK))
    held.record("0022400001", PBP.name, record(UnitStatus.OK))
    games = [game(1), game(2), game(3)]
    assert plan(games, held, Selection(ALL.season_types, limit=1)).units == ()
    assert plan(games, held, Selection(ALL.season_types, limit=2)).games_to_do == 1


def test_dates_types_and_ids_select() -> None:
    """Dates are inclusive; naming games overrules type and dates; an id nobody knows is reported."""
    games = [game(1), game(2), game(3)]
    dates = Selection(ALL.season_types, start_date=games[1].game_date, end_date=games[1].game_date)
    assert plan(games, selection=dates).selected_games == 1
    assert plan(games, selection=Selection((SeasonType.PLAYOFFS,))).selected_games == 0
    named = plan(games, selection=Selection((), game_ids=(GameId("0022400003"), GameId("0022499999"))))
    assert (named.selected_games, named.missing_ids) == (1, ("0022499999",))


def test_fetching_anew_takes_committed_units_as_work() -> None:
    """--no-resume plans everything again."""
    held = checkpoint(g1=record(UnitStatus.OK))
    assert len(plan([game(1)], held, refetch=True).units) == 2


def test_cost_follows_the_slower_of_pace_and_budget() -> None:
    """An hour's budget of 720 is the default pace of 5 s; a faster pace is bound by it, 0 lifts it."""
    made = plan([game(1)])
    assert made.seconds(5.0, 720) == 4 * 5.0
    assert made.seconds(1.0, 720) == 4 * 5.0
    assert made.seconds(1.0, 0) == 4 * 1.0


@pytest.mark.parametrize(("year", "games"), [(2024, 1230), (2019, 1059), (1998, 725), (2012, 1229)])
def test_without_asking_a_season_is_taken_as_usual_and_says_so(year: int, games: int) -> None:
    """An assumed plan knows the shortened seasons and lists its assumptions."""
    made = assumed_plan(Season(year), [BOX, PBP], None, ALL, season_requests=2)
    assert made.requests == games * 2 + 2
    assert "nothing was asked" in made.assumptions[0]


def test_an_assumed_plan_subtracts_what_the_checkpoint_holds() -> None:
    """What is stored is not counted again."""
    made = assumed_plan(SEASON, [BOX, PBP], checkpoint(g1=record(UnitStatus.OK)), ALL, season_requests=0)
    assert made.requests == 1230 * 2 - 1

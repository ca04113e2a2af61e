"""Which games the upstream has corrected: the bulk game logs beside what is stored."""

from __future__ import annotations

import datetime as dt
import gzip
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson
import pytest

from nba_season_backfill.daily.totals import Line, Memory, Who, compare, read_totals, stored_totals
from nba_season_backfill.datasets import DATASETS
from nba_season_backfill.datasets.base import Expectation
from nba_season_backfill.season import Season

GAME = "0022400061"
HOME, AWAY = 1610612738, 1610612752
COLUMNS = ("FGM", "FGA", "FG3M", "FG3A", "FTM", "FTA", "OREB", "DREB", "REB", "AST", "STL", "BLK", "TOV", "PF", "PTS")


def line(**more: float | None) -> Line:
    """A line of the log, twos everywhere."""
    return {**dict.fromkeys(("MIN", *COLUMNS, "PLUS_MINUS"), 2), **more}


def lines(**more: float | None) -> dict[Who, Line]:
    """A game's lines: two teams, two players; ``more`` is of the first player."""
    return {(HOME, 0): line(), (AWAY, 0): line(), (HOME, 7): line(**more), (AWAY, 8): line()}


def what(
    logged: Mapping[Who, Line], stored: Mapping[Who, Line] | None = None, memory: Memory | None = None
) -> tuple[str | None, Memory | None, bool]:
    """(what differs, what is remembered, whether it is given up) of one game."""
    rows = lines() if stored is None else stored
    found, agreed = compare({GAME: logged}, lambda _: rows, {GAME: memory} if memory else {}, [GAME])
    if found:
        return found[0].what, found[0].memory, found[0].give_up
    return None, agreed.get(GAME), False


def test_equal_totals_are_remembered_and_nothing_is_asked() -> None:
    """A digest of what the log said is all that is kept."""
    difference, memory, _ = what(lines())
    assert difference is None
    assert memory is not None
    assert memory.asked == 0
    assert what(lines(), memory=memory) == (None, memory, False)


@pytest.mark.parametrize("column", [*COLUMNS, "PLUS_MINUS"])
def test_every_total_of_a_player_counts(column: str) -> None:
    """One more or less of anything is a correction, and is named."""
    difference, memory, given_up = what(lines(**{column: 3}))
    assert difference == f"player 7: {column} 3, stored 2"
    assert memory is not None
    assert (memory.asked, given_up) == (1, False)


def test_a_players_line_that_came_or_went_counts() -> None:
    """Somebody who played after all, or did not."""
    more = {**lines(), (HOME, 9): line()}
    assert what(more)[0] == "player 9: not stored"
    assert what(lines(), more)[0] == "player 9: not in the game log"


def test_what_the_two_lists_count_differently_is_compared_with_itself() -> None:
    """A team's turnovers, minutes: their difference says nothing, their change does, once."""
    logged = {**lines(MIN=30), (HOME, 0): line(TOV=5)}
    difference, memory, _ = what(logged)
    assert difference is None
    changed = {**logged, (HOME, 0): line(TOV=6)}
    difference, after, _ = what(changed, memory=memory)
    assert difference == "the game log says something else than it did"
    assert what(changed, memory=after)[0] is None


def test_after_a_correction_the_log_is_believed() -> None:
    """The refetched rows agree: nothing is asked again, though the log is not what it was."""
    _, before, _ = what(lines())
    _, memory, _ = what(lines(AST=3), memory=before)
    difference, settled, _ = what(lines(AST=3), lines(AST=3), memory)
    assert (difference, settled and settled.asked) == (None, 0)


def test_a_game_that_goes_on_to_disagree_is_given_up_after_three_tries() -> None:
    """And asked for again when the log changes once more."""
    memory = None
    for tries in (1, 2, 3):
        difference, memory, given_up = what(lines(AST=3), memory=memory)
        assert memory is not None
        assert (difference is not None, memory.asked, given_up) == (True, tries, False)
    assert what(lines(AST=3), memory=memory)[2]
    assert not what(lines(AST=4), memory=memory)[2]


def test_a_log_that_lags_behind_says_nothing() -> None:
    """Without both teams, or without players, there is nothing to compare."""
    for missing in ((HOME, 0), (HOME, 7)):
        logged = {who: each for who, each in lines().items() if who != missing}
        assert what(logged) == (None, None, False)
    assert compare({}, lambda _: lines(), {}, [GAME]) == ([], {})
    assert compare({GAME: lines()}, lambda _: None, {}, [GAME]) == ([], {})


def payload(rows: list[list[Any]], headers: list[str]) -> dict[str, Any]:
    return {"resultSets": [{"name": "LeagueGameLog", "headers": headers, "rowSet": rows}]}


def test_a_log_is_read_from_a_date_on() -> None:
    """Older games are left out; nulls stay, text is refused by name."""
    headers = ["TEAM_ID", "PLAYER_ID", "GAME_ID", "GAME_DATE", "MIN", *COLUMNS, "PLUS_MINUS"]
    numbers: list[Any] = [2] * (len(headers) - 4)
    rows = [[HOME, 7, GAME, "2024-10-22", *numbers[:-1], None], [HOME, 7, "0022400001", "2024-10-21", *numbers]]
    found = read_totals(payload(rows, headers), players=True, since=dt.date(2024, 10, 22))
    assert found == {GAME: {(HOME, 7): line(PLUS_MINUS=None)}}
    assert what({**lines(), (HOME, 7): line(PLUS_MINUS=None)})[0] is None
    rows[0][-1] = "2"
    with pytest.raises(ValueError, match="'2' is not a number"):
        read_totals(payload(rows, headers), players=True, since=dt.date(2024, 10, 22))
    with pytest.raises(ValueError, match="'PLUS_MINUS' is missing"):
        read_totals(payload([row[:-1] for row in rows], headers[:-1]), players=True, since=dt.date(2024, 10, 1))


@pytest.mark.corpus
@pytest.mark.parametrize("game_id", ["0022500610", "0022500165"])
def test_recorded_teams_agree(corpus: Path, game_id: str) -> None:
    """Recorded game log and recorded box scores have the same totals, but for a team's turnovers."""
    log = orjson.loads(gzip.decompress((corpus / "leaguegamelog/T_2025-26_to_2026-02-21.json.gz").read_bytes()))
    box = orjson.loads(gzip.decompress((corpus / f"boxscoretraditionalv3/{game_id}.json.gz").read_bytes()))
    assessed = DATASETS["box-scores-traditional"].assess(box, Expectation(game_id, Season(2025)))
    players, teams = assessed.tables.values()
    stored = stored_totals(players, teams)
    logged = read_totals(log, players=False, since=dt.date(2025, 10, 1))[game_id]
    of_players = {who: {**each, "MIN": 1} for who, each in stored.items() if who[1]}
    assert what({**logged, **of_players}, stored)[0] is None
    assert any(logged[who]["TOV"] != stored[who]["TOV"] for who in logged)

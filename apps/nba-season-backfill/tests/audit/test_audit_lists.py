"""What the season's lists must say: the calendar's counts, winners of series, states of games, agreement of the two."""

from __future__ import annotations

import dataclasses
import datetime as dt
import gzip
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import orjson
import pytest
import requests

from nba_season_backfill.audit.calendar import expected_games, games_of_each_team, season_is_over
from nba_season_backfill.audit.findings import Finding
from nba_season_backfill.audit.lists import Lists, check_lists, read_totals
from nba_season_backfill.datasets import DATASETS
from nba_season_backfill.datasets.base import Expectation
from nba_season_backfill.schedule import Game, GameState, read_game_log, read_schedule, reconcile
from nba_season_backfill.season import GameId, League, Season, SeasonType
from nba_stats_emulator import Emulator

SEASON = Season(2024)
AFTER = dt.date(2025, 8, 1)
COUNTED = (SeasonType.REGULAR_SEASON, SeasonType.IST, SeasonType.PLAY_IN, SeasonType.PLAYOFFS)


@pytest.fixture(scope="module")
def whole() -> Lists:
    """The lists of the whole sample season."""
    lines, payloads = [], []
    with Emulator() as emulator:

        def ask(endpoint: str, **parameters: str) -> Any:
            parameters |= {"LeagueID": "00", "Season": "2024-25"}
            return requests.get(f"{emulator.base_url}/stats/{endpoint}", params=parameters, timeout=30).json()

        for season_type in COUNTED:
            log = ask("leaguegamelog", SeasonType=season_type.value, PlayerOrTeam="T", Counter="0", Sorter="DATE",
                      Direction="ASC")  # fmt: skip
            payloads.append(log)
            lines += read_game_log(log)
        scheduled = read_schedule(ask("scheduleleaguev2"), SEASON)
    games = reconcile(lines, scheduled, SEASON)
    return Lists(SEASON, games, COUNTED, AFTER, lines=lines, scheduled=scheduled, totals=read_totals(payloads))


def findings(lists: Lists) -> list[Finding]:
    return list(check_lists(lists))


def without(lists: Lists, gone: Sequence[Game]) -> Lists:
    ids = {game.game_id for game in gone}
    return dataclasses.replace(
        lists,
        games=[game for game in lists.games if game.game_id not in ids],
        lines=[line for line in lists.lines or () if line.game_id not in ids],
        scheduled=[game for game in lists.scheduled or () if game.game_id not in ids],
    )


def of_type(lists: Lists, season_type: SeasonType) -> list[Game]:
    return [game for game in lists.games if game.season_type is season_type]


@pytest.mark.parametrize(
    ("year", "games"),
    [(2024, 1230), (2019, 1059), (2020, 1080), (2012, 1229), (2011, 990), (1998, 725), (2004, 1230), (2003, 1189),
     (1995, 1189), (1994, 1107), (1988, 1025), (1980, 943), (1976, 902), (1974, 738), (1970, 697), (1967, 492),
     (1946, 331), (1954, None)],
)  # fmt: skip
def test_every_season_has_its_number_of_games(year: int, games: int | None) -> None:
    """Regular seasons since 1946-47: teams times games, and the ones that were cut short."""
    assert expected_games(Season(year), SeasonType.REGULAR_SEASON) == games


def test_counts_that_are_not_fixed_are_not_claimed() -> None:
    """Play-offs have no fixed number; play-in and Cup final have, since they exist; other leagues differ."""
    assert expected_games(SEASON, SeasonType.PLAYOFFS) is None
    assert [expected_games(Season(year), SeasonType.PLAY_IN) for year in (2018, 2019, 2020, 2024)] == [None, 1, 6, 6]
    assert [expected_games(Season(year), SeasonType.IST) for year in (2022, 2023)] == [None, 1]
    assert expected_games(Season(2024, League.WNBA), SeasonType.REGULAR_SEASON) is None
    assert expected_games(Season(2030), SeasonType.REGULAR_SEASON, teams=32) == 1312
    assert [games_of_each_team(Season(year)) for year in (2024, 2020, 2019, 1998)] == [82, 72, None, 50]


@pytest.mark.parametrize(
    ("year", "day", "over"),
    [(2024, dt.date(2025, 6, 30), False), (2024, dt.date(2025, 7, 10), True), (2019, dt.date(2020, 9, 1), False)],
)
def test_a_season_is_over_when_nothing_can_come(year: int, day: dt.date, over: bool) -> None:
    """A normal season ends in June, the one of 2019-20 in October."""
    assert season_is_over(Season(year), day) is over


def test_the_sample_season_is_whole(whole: Lists) -> None:
    """Two lists and arithmetic agree on 1,230 + 84 + 6 + 1 games, 82 for each team, 15 series with a winner."""
    assert findings(whole) == []
    assert Counter(game.season_type for game in whole.games if game.season_type in COUNTED) == {
        SeasonType.REGULAR_SEASON: 1230,
        SeasonType.PLAYOFFS: 84,
        SeasonType.PLAY_IN: 6,
        SeasonType.IST: 1,
    }


def test_a_game_that_no_list_has_is_missed_by_arithmetic(whole: Lists) -> None:
    """A gap that both lists share is found, and both teams are named."""
    gone = of_type(whole, SeasonType.REGULAR_SEASON)[600]
    found = findings(without(whole, [gone]))
    assert [(each.kind, each.expected, each.found) for each in found] == [
        ("game_count", "1230", "1229"),
        ("team_games", "82", "81"),
        ("team_games", "82", "81"),
    ]
    assert {each.row for each in found[1:]} == {f"team={gone.home_tricode}", f"team={gone.away_tricode}"}


def test_nothing_is_missed_while_the_season_is_on(whole: Lists) -> None:
    """What has not been played yet is no gap."""
    future = [game for game in whole.games if game.game_date >= dt.date(2025, 1, 1)]
    early = dataclasses.replace(without(whole, future), today=dt.date(2025, 1, 1))
    assert findings(early) == []


@pytest.mark.parametrize(
    ("season_type", "kind"),
    [
        (SeasonType.REGULAR_SEASON, "game_count"),
        (SeasonType.PLAY_IN, "game_count"),
        (SeasonType.IST, "game_count"),
        (SeasonType.PLAYOFFS, "series_incomplete"),
    ],
)
def test_a_season_type_that_is_gone_is_missed(whole: Lists, season_type: SeasonType, kind: str) -> None:
    """A whole part of the season that no list has."""
    assert kind in {each.kind for each in findings(without(whole, of_type(whole, season_type)))}


def test_a_playoff_game_that_is_gone_leaves_a_series_without_winner(whole: Lists) -> None:
    """The deciding game of the last series is gone."""
    last = of_type(whole, SeasonType.PLAYOFFS)[-1]
    found = findings(without(whole, [last]))
    assert [(each.kind, each.row, each.expected, each.found) for each in found] == [
        ("series_incomplete", "series=40", "4", "3")
    ]


@pytest.mark.parametrize(
    "state", [GameState.SCHEDULED, GameState.LIVE, GameState.UNDECIDED, GameState.UNKNOWN, GameState.POSTPONED]
)
def test_a_game_whose_day_is_long_over_has_a_result_or_a_reason(whole: Lists, state: GameState) -> None:
    """Every state but final, cancelled and not needed is a finding then, with the reason the lists give."""
    game = of_type(whole, SeasonType.REGULAR_SEASON)[3]
    open_ = dataclasses.replace(game, state=state, reason="schedule: as it was")
    games = [open_ if each.game_id == game.game_id else each for each in whole.games]
    found = [each for each in findings(dataclasses.replace(whole, games=games)) if each.kind == "game_unresolved"]
    assert [(each.game_id, each.found) for each in found] == [(game.game_id.text, state.value)]
    assert "schedule: as it was" in found[0].detail


def test_the_two_lists_are_held_against_each_other(whole: Lists) -> None:
    """A score, a day, a team and a game that only one list has: each disagreement is named."""
    assert whole.scheduled is not None
    assert whole.lines is not None
    first, second, third, fourth = [game for game in whole.scheduled if game.season_type is SeasonType.REGULAR_SEASON][
        :4
    ]
    changed = {
        first.game_id: dataclasses.replace(first, home_score=(first.home_score or 0) + 1),
        second.game_id: dataclasses.replace(second, game_date=second.game_date + dt.timedelta(days=1)),
        third.game_id: dataclasses.replace(third, home_team_id=1),
    }
    lists = dataclasses.replace(
        whole,
        scheduled=[changed.get(game.game_id, game) for game in whole.scheduled],
        lines=[line for line in whole.lines if line.game_id != fourth.game_id],
    )
    found = {each.game_id: each.column for each in findings(lists) if each.kind == "lists_disagree"}
    assert found == {
        first.game_id.text: "home_score",
        second.game_id.text: "game_date",
        third.game_id.text: "team_id",
        fourth.game_id.text: "",
    }


def test_swapped_sides_are_no_disagreement(whole: Lists) -> None:
    """Game 0022400147 was played in Mexico City: the lists swap home and away, and agree."""
    game = whole.by_id["0022400147"]
    lines = [line for line in whole.lines or () if line.game_id == game.game_id]
    assert game.neutral_site
    assert {line.team_id: line.points for line in lines} == {
        game.home_team_id: game.home_score,
        game.away_team_id: game.away_score,
    }


def _recorded(corpus: Path, name: str) -> Any:
    return orjson.loads(gzip.decompress((corpus / f"{name}.json.gz").read_bytes()))


@pytest.mark.corpus
def test_the_recorded_schedule_holds_a_whole_season(corpus: Path) -> None:
    """The recorded 2024-25 schedule: 1,400 games, all classified, 1,230 + 84 + 6 + 1 that count; arithmetic agrees."""
    scheduled = read_schedule(_recorded(corpus, "scheduleleaguev2/2024-25"), SEASON)
    assert len(scheduled) == 1400
    assert {game.state for game in scheduled} <= {GameState.FINAL, GameState.CANCELLED}
    lists = Lists(SEASON, scheduled, COUNTED, AFTER, scheduled=scheduled)
    assert findings(lists) == []
    counted = Counter(game.season_type for game in scheduled if game.state is GameState.FINAL)
    assert [counted[season_type] for season_type in COUNTED] == [1230, 1, 6, 84]


@pytest.mark.corpus
def test_recorded_log_and_schedule_agree(corpus: Path) -> None:
    """844 games of 2025-26 in the recorded game log: none contradicts the recorded schedule of those days."""
    season = Season(2025)
    log = _recorded(corpus, "leaguegamelog/T_2025-26_to_2026-02-21")
    scheduled = read_schedule(_recorded(corpus, "scheduleleaguev2/2025-26_window"), season)
    lines = read_game_log(log)
    logged = {line.game_id for line in lines}
    both = [game for game in scheduled if game.game_id in logged]
    assert both
    games = reconcile(lines, scheduled, season)
    types = (SeasonType.REGULAR_SEASON,)
    lists = Lists(season, games, types, dt.date(2026, 2, 22), lines=lines, scheduled=both, totals=read_totals([log]))
    assert [each for each in findings(lists) if each.kind == "lists_disagree"] == []
    assert lists.totals is not None
    assert lists.totals.num_rows == len(lines) == 1688


@pytest.mark.corpus
def test_games_without_teams_are_classified(corpus: Path) -> None:
    """Cup knock-out games whose teams are not decided: known, asked for by nobody, no gap while they are to come."""
    season = Season(2026)
    scheduled = read_schedule(_recorded(corpus, "scheduleleaguev2/2026-27_pending_knockout"), season)
    undecided = [game for game in scheduled if game.home_team_id is None or game.away_team_id is None]
    assert undecided
    assert {game.state for game in undecided} == {GameState.UNDECIDED}
    assert {game.tipoff_utc for game in undecided if game.status_text == "TBD"} <= {None}
    first = min(game.game_date for game in undecided)
    lists = Lists(season, scheduled, COUNTED, first, scheduled=scheduled)
    assert [each for each in findings(lists) if each.game_id in {game.game_id.text for game in undecided}] == []
    # A week later, with nobody decided, the same games are findings.
    late = dataclasses.replace(lists, today=max(game.game_date for game in undecided) + dt.timedelta(days=7))
    found = {each.game_id for each in findings(late) if each.kind == "game_unresolved"}
    assert {game.game_id.text for game in undecided if game.season_type in COUNTED} <= found


@pytest.mark.corpus
@pytest.mark.parametrize(
    ("dataset", "game_id"),
    [("play-by-play", "0042500406"), ("play-by-play", "0029500001"), ("box-scores-traditional", "0062600001")],
)
def test_games_that_were_never_played_are_absent(corpus: Path, dataset: str, game_id: str) -> None:
    """A valid answer without content is an absence: no rows, no violation, and in a game that is not final no doubt."""
    endpoint = DATASETS[dataset].endpoint
    payload = _recorded(corpus, f"{endpoint}/{game_id}_no_content")
    found = DATASETS[dataset].assess(payload, Expectation(game_id, GameId(game_id).season, final=False))
    assert (found.kind, dict(found.tables), found.problems) == ("absent", {}, ())

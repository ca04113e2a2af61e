"""Game log and schedule, read and reconciled."""

from __future__ import annotations

import datetime as dt
import gzip
from collections import Counter
from pathlib import Path
from typing import Any

import orjson
import pytest

from nba_season_backfill.schedule import GameState, read_game_log, read_schedule, reconcile
from nba_season_backfill.season import GameId, Season, SeasonType

HEADERS = ["GAME_ID", "GAME_DATE", "TEAM_ID", "TEAM_ABBREVIATION", "TEAM_NAME", "MATCHUP", "WL", "PTS"]
SEASON = Season(2024)


def log(*rows: list[Any]) -> dict[str, Any]:
    return {"resultSets": [{"name": "LeagueGameLog", "headers": HEADERS, "rowSet": list(rows)}]}


def row(game: str, team: int, tricode: str, matchup: str, won: str | None, points: int | None) -> list[Any]:
    return [game, "2024-11-12", team, tricode, f"Team {tricode}", matchup, won, points]


def entry(game: str = "0022400001", **changes: Any) -> dict[str, Any]:
    base: dict[str, Any] = {
        "gameId": game,
        "gameStatus": 3,
        "gameStatusText": "Final",
        "gameDateEst": "2024-11-12T00:00:00Z",
        "gameDateTimeUTC": "2024-11-13T00:30:00Z",
        "postponedStatus": "N",
        "ifNecessary": False,
        "isNeutral": False,
        "homeTeam": {"teamId": 1, "teamTricode": "BOS", "teamCity": "Boston", "teamName": "Celtics", "score": 100},
        "awayTeam": {"teamId": 2, "teamTricode": "ATL", "teamCity": "Atlanta", "teamName": "Hawks", "score": 90},
    }
    return base | changes


def schedule(*entries: dict[str, Any]) -> dict[str, Any]:
    return {"leagueSchedule": {"gameDates": [{"gameDate": "11/12/2024 00:00:00", "games": list(entries)}]}}


PAIR = (row("0022400001", 1, "BOS", "BOS vs. ATL", "W", 100), row("0022400001", 2, "ATL", "ATL @ BOS", "L", 90))


def test_a_game_in_both_lists_is_final_with_its_score() -> None:
    """Both sources agree: final, each score beside its team, venue and hour from the schedule."""
    (game,) = reconcile(read_game_log(log(*PAIR)), read_schedule(schedule(entry()), SEASON), SEASON)
    assert (game.state, game.home_score, game.away_score) == (GameState.FINAL, 100, 90)
    assert game.reason == "schedule and game log: final"
    assert game.tipoff_utc == dt.datetime(2024, 11, 13, 0, 30, tzinfo=dt.UTC)
    assert game.game_date == dt.date(2024, 11, 12)


def test_the_game_log_alone_is_enough() -> None:
    """A season without a schedule still has its games: home and away from the matchup."""
    (game,) = reconcile(read_game_log(log(*reversed(PAIR))), [], SEASON)
    assert (game.home_tricode, game.away_tricode, game.state) == ("BOS", "ATL", GameState.FINAL)
    assert game.reason == "game log only"


def test_scores_follow_the_team_when_home_and_away_are_swapped() -> None:
    """At neutral sites the lists may disagree on who is at home; each score stays with its team."""
    swapped = (
        row("0022400001", 1, "BOS", "BOS @ ATL", "W", 100),
        row("0022400001", 2, "ATL", "ATL vs. BOS", "L", 90),
    )
    (game,) = reconcile(read_game_log(log(*swapped)), read_schedule(schedule(entry()), SEASON), SEASON)
    assert (game.home_team_id, game.home_score, game.away_team_id, game.away_score) == (1, 100, 2, 90)


def test_the_log_overrules_a_late_schedule_and_says_so() -> None:
    """A schedule that still says scheduled does not hide a game that was played."""
    late = entry(gameStatus=1, gameStatusText="7:30 pm ET")
    (game,) = reconcile(read_game_log(log(*PAIR)), read_schedule(schedule(late), SEASON), SEASON)
    assert game.state is GameState.FINAL
    assert game.reason == "game log: final (schedule: 7:30 pm ET)"


def test_a_score_that_differs_is_named() -> None:
    """Where the two lists give different scores, the log's stands and the reason tells."""
    wrong = entry(homeTeam=entry()["homeTeam"] | {"score": 101})
    (game,) = reconcile(read_game_log(log(*PAIR)), read_schedule(schedule(wrong), SEASON), SEASON)
    assert (game.home_score, game.reason) == (100, "game log: final; the schedule says 101-90")


def test_half_a_game_in_the_log_is_not_final() -> None:
    """A game with one team's line only is unknown, not final."""
    (game,) = reconcile(read_game_log(log(PAIR[0])), [], SEASON)
    assert game.state is GameState.UNKNOWN
    assert "a line for BOS only" in game.reason


def test_a_game_under_way_in_the_log_is_not_final() -> None:
    """Lines without a winner are of a game that is not over."""
    open_pair = (
        row("0022400001", 1, "BOS", "BOS vs. ATL", None, 50),
        row("0022400001", 2, "ATL", "ATL @ BOS", None, 48),
    )
    (game,) = reconcile(read_game_log(log(*open_pair)), [], SEASON)
    assert game.state is GameState.LIVE


@pytest.mark.parametrize(
    ("changes", "state"),
    [
        ({"gameStatus": 1, "gameStatusText": "7:30 pm ET"}, GameState.SCHEDULED),
        ({"gameStatus": 2, "gameStatusText": "Q3 4:05"}, GameState.LIVE),
        ({"gameStatus": 1, "gameStatusText": "PPD"}, GameState.POSTPONED),
        ({"gameStatus": 1, "postponedStatus": "Y"}, GameState.POSTPONED),
        ({"gameStatus": 1, "gameStatusText": "Cancelled"}, GameState.CANCELLED),
        ({"gameStatus": 1, "gameStatusText": "TBD", "homeTeam": {"teamId": 0}}, GameState.UNDECIDED),
        (
            {"ifNecessary": "true", "homeTeam": {"teamId": 1, "score": 0}, "awayTeam": {"teamId": 2, "score": 0}},
            GameState.IF_NECESSARY_NOT_PLAYED,
        ),
        ({"homeTeam": {"teamId": 1, "score": 0}, "awayTeam": {"teamId": 2, "score": 0}}, GameState.UNKNOWN),
        ({"gameStatus": 9}, GameState.UNKNOWN),
    ],
)
def test_each_state_is_told_apart(changes: dict[str, Any], state: GameState) -> None:
    """What is not final is classified, and has no score."""
    (game,) = read_schedule(schedule(entry(**changes)), SEASON)
    assert game.state is state
    assert (game.home_score, game.away_score) == (None, None)
    assert game.reason


def test_placeholder_hours_are_not_hours() -> None:
    """The years 1 and 1900, and the hour beside "TBD", mean that the tip-off is not known."""
    games = read_schedule(
        schedule(
            entry("0022400001", gameDateTimeUTC="0001-01-01T00:00:00Z"),
            entry("0022400002", gameDateTimeUTC="1900-01-01T19:00:00Z"),
            entry("0022400003", gameStatus=1, gameStatusText="TBD"),
        ),
        SEASON,
    )
    assert [game.tipoff_utc for game in games] == [None, None, None]


@pytest.mark.parametrize(
    ("payload", "expected"),
    [
        ({"resultSets": []}, "no result set LeagueGameLog"),
        ({"resultSets": [{"name": "LeagueGameLog", "headers": ["GAME_ID"], "rowSet": [["0022400001"]]}]}, "is missing"),
        (log([*PAIR[0][:-1], "100"]), "PTS is '100'"),
        (log(["22400001", *PAIR[0][1:]]), "not a game id"),
        (log(PAIR[0][:-1]), "7 values for 8 columns"),
    ],
)
def test_a_log_that_is_not_as_declared_is_refused(payload: dict[str, Any], expected: str) -> None:
    """A missing column, a retyped value or a short row is named, never guessed around."""
    with pytest.raises(ValueError, match=expected):
        read_game_log(payload)


def recorded(corpus: Path, name: str) -> Any:
    return orjson.loads(gzip.decompress((corpus / f"{name}.json.gz").read_bytes()))


@pytest.mark.corpus
def test_the_recorded_season_has_all_its_games(corpus: Path) -> None:
    """The recorded 2024-25 schedule gives 1,230 + 84 + 6 + 1 games that count, and classifies all 1,400."""
    games = read_schedule(recorded(corpus, "scheduleleaguev2/2024-25"), SEASON)
    assert len(games) == 1400
    final = Counter(game.season_type for game in games if game.state is GameState.FINAL)
    assert final[SeasonType.REGULAR_SEASON] == 1230
    assert (final[SeasonType.PLAYOFFS], final[SeasonType.PLAY_IN], final[SeasonType.IST]) == (84, 6, 1)
    assert sum(final.values()) == 1400


@pytest.mark.corpus
def test_the_recorded_undecided_games_are_undecided(corpus: Path) -> None:
    """Cup knock-out games without teams are undecided, without an hour and without teams."""
    games = read_schedule(recorded(corpus, "scheduleleaguev2/2026-27_pending_knockout"), Season(2026))
    undecided = [game for game in games if game.state is GameState.UNDECIDED]
    assert len(undecided) == 6
    assert all(game.home_team_id is None and game.tipoff_utc is None for game in undecided)


@pytest.mark.corpus
def test_the_recorded_log_gives_every_game_both_teams(corpus: Path) -> None:
    """844 games stand in the recorded log; BKN 117, PHX 126 is one of them."""
    lines = read_game_log(recorded(corpus, "leaguegamelog/T_2025-26_to_2026-02-21"))
    games = {game.game_id: game for game in reconcile(lines, [], Season(2025))}
    assert len(games) == 844
    assert {game.state for game in games.values()} == {GameState.FINAL}
    game = games[GameId("0022500610")]
    assert (game.home_tricode, game.home_score, game.away_tricode, game.away_score) == ("BKN", 117, "PHX", 126)

"""Seasons and leagues without facts: 2024-25 once more under other ids on other days, and labelled so."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from nba_stats_emulator import Correction, Emulator, Story
from nba_stats_emulator.catalogue import Catalogue, parse_leagues, parse_seasons
from nba_stats_emulator.facts import Facts
from nba_stats_emulator.stand_in_season import StandInFacts

Get = Callable[..., Any]
LOG = {
    "Counter": 0, "Direction": "ASC", "LeagueID": "00", "PlayerOrTeam": "T", "SeasonType": "Regular Season",
    "Sorter": "DATE",
}  # fmt: skip


@pytest.fixture(scope="module")
def many() -> Iterator[Emulator]:
    """An emulator of three seasons of three leagues."""
    with Emulator(seasons="2021-22:2022-23,2024-25", leagues="nba,wnba,gleague") as running:
        yield running


def games_of(get: Get, emulator: Emulator, season: str, league: str = "00") -> list[dict[str, Any]]:
    body = get(emulator.base_url, "/stats/scheduleleaguev2", LeagueID=league, Season=season).json
    return [game for day in body["leagueSchedule"]["gameDates"] for game in day["games"]]


def test_by_default_there_is_one_season_of_one_league(emulator: Emulator, get: Get) -> None:
    """Without the settings every other season and league is empty, as the service has what it does not know."""
    assert emulator.serves == "2024-25"
    assert len(games_of(get, emulator, "2024-25")) == 1400
    assert games_of(get, emulator, "2021-22") == games_of(get, emulator, "2024-25", "20") == []
    assert games_of(get, emulator, "2024", "10") == []
    body = get(emulator.base_url, "/stats/boxscoretraditionalv3", GameID="0022100061").json["boxScoreTraditional"]
    assert (body["gameId"], body["homeTeam"]["players"]) == ("0022100061", [])


@pytest.mark.parametrize(
    ("season", "league", "prefix", "months"),
    [
        ("2021-22", "00", "21", {10, 11, 12, 1, 2, 3, 4, 5, 6}),
        ("2022", "10", "22", {5, 6, 7, 8, 9, 10, 11, 12, 1}),
        pytest.param("2022-23", "20", "22", {10, 11, 12, 1, 2, 3, 4, 5, 6}, marks=pytest.mark.slow),
    ],
)
def test_a_stand_in_has_ids_days_and_season_strings_of_its_own(
    many: Emulator, get: Get, season: str, league: str, prefix: str, months: set[int]
) -> None:
    """Schedule, game log, scoreboard, player index and box scores of a stand-in agree, under its league and season."""
    games = games_of(get, many, season, league)
    assert len(games) == 1400
    assert {game["gameId"][:2] + game["gameId"][3:5] for game in games} == {league + prefix}
    assert {int(game["gameDateEst"][5:7]) for game in games} <= months
    first = next(game for game in games if game["gameId"][2] == "2")
    table = get(many.base_url, "/stats/leaguegamelog", **(LOG | {"LeagueID": league, "Season": season})).json
    rows = [dict(zip(table["resultSets"][0]["headers"], row, strict=True)) for row in table["resultSets"][0]["rowSet"]]
    assert len(rows) == 2460
    assert {row["SEASON_ID"] for row in rows} == {f"2{season[:4]}"}
    dates = {game["gameId"]: game["gameDateEst"][:10] for game in games}
    assert all(row["GAME_DATE"] == dates[row["GAME_ID"]] for row in rows)
    box = get(many.base_url, "/stats/boxscoretraditionalv3", GameID=first["gameId"]).json
    assert box["boxScoreTraditional"]["homeTeam"]["statistics"]["points"] == first["homeTeam"]["score"]
    assert "stand-in" in box["meta"]["simulated"]
    day = get(many.base_url, "/stats/scoreboardv3", LeagueID=league, GameDate=first["gameDateEst"][:10]).json
    assert first["gameId"] in {game["gameId"] for game in day["scoreboard"]["games"]}
    index = get(many.base_url, "/stats/playerindex", LeagueID=league, Season=season).json
    assert len(index["resultSets"][0]["rowSet"]) == 569
    bulk = get(
        many.base_url, "/stats/teamgamelogs", LeagueID=league, Season=season, SeasonType="Playoffs"
    ).json  # fmt: skip
    assert len(bulk["resultSets"][0]["rowSet"]) == 168


def test_a_stand_in_says_that_it_is_one(many: Emulator, get: Get) -> None:
    """The label of the schedule, of every body with one, and the header say simulated stand-in; facts' do not."""
    for season, league, stands_in in (("2021-22", "00", True), ("2022", "10", True), ("2024-25", "00", False)):
        answer = get(many.base_url, "/stats/scheduleleaguev2", LeagueID=league, Season=season)
        assert ("simulated stand-in" in answer.json["meta"]["simulated"]) == stands_in
        assert "stand-ins" in answer.headers["x-simulated"]


def test_stand_ins_play_the_same_games(many: Emulator, get: Get) -> None:
    """Plays, lines and shots of a stand-in's game are those of the game it stands in for; hours stay, Eastern."""
    ours, theirs = (
        get(many.base_url, "/stats/playbyplayv3", GameID=game_id).json["game"]["actions"]
        for game_id in ("0022100061", "0022400061")
    )
    assert ours == theirs
    years = Counter(game["gameStatus"] for game in games_of(get, many, "2022-23"))
    assert years == {3: 1400}
    base = Facts()
    shifted = StandInFacts(base, 2016, "00")
    for game, own in zip(base.games.values(), shifted.games.values(), strict=True):
        assert own.game_date - game.game_date == shifted.shift
        assert own.game_date.weekday() == game.game_date.weekday()
        assert own.game_id[:5] == f"00{game.kind}16"


def test_each_season_keeps_its_own_clock_and_story(many: Emulator, get: Get) -> None:
    """Within one season the earlier ones are over and later ones have not begun; stories find their game."""
    with Emulator(seasons="2021-22:2022-23", clock=datetime(2022, 3, 1, 12, tzinfo=UTC)) as emulator:
        emulator.set_story(
            Story(corrections=(Correction("0022100062", datetime(2021, 10, 25, tzinfo=UTC), move="ast"),))
        )
        assert {game["gameStatus"] for game in games_of(get, emulator, "2022-23")} == {1}
        assert {game["gameStatus"] for game in games_of(get, emulator, "2021-22")} >= {1, 3}
        (correction,) = emulator.story.corrections
        told = get(emulator.base_url, "/stats/boxscoretraditionalv3", GameID="0022100062").json
        plain = get(many.base_url, "/stats/boxscoretraditionalv3", GameID="0022100062").json
        assert told["boxScoreTraditional"] != plain["boxScoreTraditional"]
        with pytest.raises(ValueError, match="no game 0022400061 in 2021-22 to 2022-23"):
            emulator.correct(Correction("0022400061", datetime(2025, 1, 1, tzinfo=UTC), move="ast"))
    assert correction.move is None


def test_wrong_seasons_and_leagues_are_named() -> None:
    """What is no season, no range or no league is a ValueError that says what would be right."""
    assert parse_seasons("2015-16:2017-18,2012-13") == (2012, 2015, 2016, 2017)
    assert parse_leagues("nba,10,gleague") == ("00", "10", "20")
    for text in ("2015", "2015-17", "2017-18:2015-16", ""):
        with pytest.raises(ValueError, match=r"is no season|ends before"):
            parse_seasons(text)
    with pytest.raises(ValueError, match="no league"):
        parse_leagues("euroleague")


def test_ten_seasons_come_one_at_a_time() -> None:
    """A season is made when it is first asked for, so that ten of them start as quickly as one."""
    catalogue = Catalogue(parse_seasons("2015-16:2024-25"))
    assert catalogue.label == "2015-16 to 2024-25"
    assert catalogue.of_game("0021800001") is catalogue.find("2018-19", "00")
    assert catalogue.of_game("0021400001") is None
    assert catalogue.find("2018-19", "20") is None


def test_the_command_line_serves_seasons_and_the_same_bytes_each_time(get: Get) -> None:
    """`--seasons` and `--leagues` reach the process, which says what it serves; two runs give the same bytes."""
    asked: list[tuple[str, dict[str, str]]] = [
        ("scheduleleaguev2", {"LeagueID": "10", "Season": "2020"}),
        ("playbyplayv3", {"GameID": "1022000061"}),
        ("boxscorematchupsv3", {"GameID": "1022000061"}),
        ("teamgamelogs", {"LeagueID": "10", "Season": "2020", "SeasonType": "PlayIn", "MeasureType": "Scoring"}),
    ]
    digests = []
    for seed in ("1", "77"):
        command = [sys.executable, "-m", "nba_stats_emulator", "--seasons", "2019-20:2020-21", "--leagues", "nba,wnba"]
        environment = os.environ | {"PYTHONHASHSEED": seed}
        with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment) as process:
            try:
                assert process.stdout is not None
                ready = json.loads(process.stdout.readline())
                assert ready["serves"] == "2019-20 to 2020-21 of the NBA, WNBA"
                bodies = [get(ready["base_url"], f"/stats/{endpoint}", **query).body for endpoint, query in asked]
            finally:
                process.kill()
        digests.append([hashlib.sha256(body).hexdigest() for body in bodies])
    assert digests[0] == digests[1]
    assert len(set(digests[0])) == len(asked)

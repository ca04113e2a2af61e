"""The emulator over HTTP: endpoints, parameters, status codes, headers, the clock and the control endpoints."""

from __future__ import annotations

import http.client
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from io import StringIO
from typing import Any

import pytest

from nba_stats_emulator import Emulator
from nba_stats_emulator.sample import SampleSeason

Get = Callable[..., Any]
LOG = {
    "Counter": 0, "DateFrom": "", "DateTo": "", "Direction": "ASC", "LeagueID": "00", "PlayerOrTeam": "T",
    "Season": "2024-25", "SeasonType": "Regular Season", "Sorter": "DATE",
}  # fmt: skip


def rows(answer: Any) -> list[dict[str, Any]]:
    table = answer.json["resultSets"][0]
    return [dict(zip(table["headers"], row, strict=True)) for row in table["rowSet"]]


def post(emulator: Emulator, path: str, data: object) -> tuple[int, Any]:
    connection = http.client.HTTPConnection("127.0.0.1", emulator.port, timeout=10)
    try:
        connection.request("POST", path, json.dumps(data))
        response = connection.getresponse()
        return response.status, json.loads(response.read())
    finally:
        connection.close()


def test_answers_carry_the_service_headers(emulator: Emulator, get: Get) -> None:
    """A 200 has the recorded headers, is gzipped on offer only, and says that it is simulated."""
    packed = get(emulator.base_url, "/stats/playbyplayv3", GameID="0022400061")
    plain = get(emulator.base_url, "/stats/playbyplayv3", headers={"Accept-Encoding": "identity"}, GameID="0022400061")
    assert packed.status == 200
    assert packed.headers["content-type"] == "application/json; charset=utf-8"
    assert packed.headers["content-encoding"] == "gzip"
    assert "content-encoding" not in plain.headers
    assert packed.body == plain.body
    assert len(packed.sent) < len(plain.sent) / 5
    for name in ("date", "x-datasource", "x-full-ttl", "x-ttl", "x-hits", "x-status", "x-cache-ability", "set-cookie"):
        assert packed.headers[name]
    assert "simulated" in packed.headers["x-simulated"]


def test_endpoints_are_found_in_any_case_and_parameters_in_any_order(emulator: Emulator, get: Get) -> None:
    """Endpoint and parameter names are taken in any case, parameters in any order."""
    one = get(emulator.base_url, "/stats/BoxScoreTraditionalV3", GameID="0022400061", EndPeriod=10)
    two = get(emulator.base_url, "/stats/boxscoretraditionalv3?EndPeriod=10&gameid=0022400061")
    assert one.status == two.status == 200
    assert one.body == two.body
    assert [arrival.endpoint for arrival in emulator.requests] == ["boxscoretraditionalv3"] * 2


def test_missing_parameters_are_named_in_a_400(emulator: Emulator, get: Get) -> None:
    """A request without needed parameters gets a 400 whose text names all of them in the service's words."""
    answer = get(emulator.base_url, "/stats/leaguegamelog", LeagueID="00", SeasonType="Playoffs")
    assert answer.status == 400
    assert answer.body.decode() == (
        "The Counter property is required.; The Direction property is required.; PlayerOrTeam is required; "
        "Season is required; The Sorter property is required."
    )


@pytest.mark.parametrize(
    ("endpoint", "parameters"),
    [
        ("leaguegamelog", LOG | {"Season": "2024-26"}),
        ("leaguegamelog", LOG | {"SeasonType": "Summer"}),
        ("leaguegamelog", LOG | {"DateFrom": "yesterday"}),
        ("leaguegamelog", LOG | {"Counter": "many"}),
        ("leaguegamelog", LOG | {"Sorter": "LUCK"}),
        ("scheduleleaguev2", {"LeagueID": "00", "Season": "2024"}),
        ("scheduleleaguev2", {"LeagueID": "NBA", "Season": "2024-25"}),
        ("scoreboardv3", {"LeagueID": "00", "GameDate": "13/13/2025"}),
        ("playbyplayv3", {"GameID": "22400061"}),
        ("boxscoretraditionalv3", {"GameID": "0022400061", "RangeType": 2}),
    ],
)
def test_bad_parameters_are_a_500(emulator: Emulator, get: Get, endpoint: str, parameters: dict[str, object]) -> None:
    """A parameter that makes no sense gets the service's 500 and its message."""
    answer = get(emulator.base_url, f"/stats/{endpoint}", **parameters)
    assert (answer.status, answer.json) == (500, {"Message": "An error has occurred."})


def test_an_unknown_endpoint_is_a_404(emulator: Emulator, get: Get) -> None:
    """Endpoints that are not emulated are a 404, other methods a 405."""
    assert get(emulator.base_url, "/stats/leaguedashplayerstats", Season="2024-25").status == 404
    assert post(emulator, "/stats/playbyplayv3", {})[0] == 405


def test_unknown_seasons_and_leagues_are_empty(emulator: Emulator, get: Get) -> None:
    """A season or league that is not there is a valid 200 with no rows, no games."""
    for changed in ({"Season": "1901-02"}, {"LeagueID": "10"}):
        assert rows(get(emulator.base_url, "/stats/leaguegamelog", **(LOG | changed))) == []
        known = {"LeagueID": "00", "Season": "2024-25"} | changed
        schedule = get(emulator.base_url, "/stats/scheduleleaguev2", **known).json["leagueSchedule"]
        assert schedule["gameDates"] == []
        assert rows(get(emulator.base_url, "/stats/playerindex", **known)) == []
    answer = get(emulator.base_url, "/stats/scoreboardv3", LeagueID="10", GameDate="2024-10-22")
    assert answer.json["scoreboard"]["games"] == []


def test_unknown_games_have_no_content(emulator: Emulator, get: Get) -> None:
    """A game id nobody has played under is a valid 200 without content."""
    for endpoint, root in (("playbyplayv3", "game"), ("boxscoreadvancedv3", "boxScoreAdvanced")):
        answer = get(emulator.base_url, f"/stats/{endpoint}", GameID="0029500001")
        assert answer.status == 200
        assert answer.json[root]["gameId"] == "0029500001"
    assert get(emulator.base_url, "/stats/boxscoresummaryv3", GameID="0029500001").status == 200


@pytest.mark.parametrize(
    ("season_type", "games"),
    [("Regular Season", 1230), ("Playoffs", 84), ("PlayIn", 6), ("IST", 1), ("Pre Season", 73), ("All Star", 0)],
)
def test_each_season_type_has_its_games(emulator: Emulator, get: Get, season_type: str, games: int) -> None:
    """leaguegamelog has two team rows for each game of the season type asked for."""
    found = rows(get(emulator.base_url, "/stats/leaguegamelog", **(LOG | {"SeasonType": season_type})))
    assert len(found) == 2 * games == 2 * len({row["GAME_ID"] for row in found})


def test_the_game_log_is_sorted_and_bounded_as_asked(emulator: Emulator, get: Get) -> None:
    """Sorter, Direction and dates in either spelling are honoured, and repeated in the parameters."""
    asked = LOG | {"Sorter": "PTS", "Direction": "DESC", "DateFrom": "03/15/2025", "DateTo": "2025-03-16"}
    answer = get(emulator.base_url, "/stats/leaguegamelog", **asked)
    found = rows(answer)
    assert {row["GAME_DATE"] for row in found} == {"2025-03-15", "2025-03-16"}
    assert [row["PTS"] for row in found] == sorted((row["PTS"] for row in found), reverse=True)
    assert answer.json["parameters"]["DateFrom"] == "2025-03-15"


def test_a_game_is_final_two_and_a_half_hours_after_the_tip_off(get: Get, season: SampleSeason) -> None:
    """Before the tip-off a game is scheduled, then live, then final; until then it has no score and no content."""
    tipoff = season.games["0022400061"].tipoff
    seen = []
    with Emulator() as emulator:
        for minutes in (-1, 1, 149, 150):
            emulator.set_clock(tipoff + timedelta(minutes=minutes))
            schedule = get(emulator.base_url, "/stats/scheduleleaguev2", LeagueID="00", Season="2024-25").json
            days = schedule["leagueSchedule"]["gameDates"]
            game = next(game for day in days for game in day["games"] if game["gameId"] == "0022400061")
            plays = get(emulator.base_url, "/stats/playbyplayv3", GameID="0022400061").json["game"]["actions"]
            summary = get(emulator.base_url, "/stats/boxscoresummaryv3", GameID="0022400061").json["boxScoreSummary"]
            board = get(emulator.base_url, "/stats/scoreboardv3", LeagueID="00", GameDate="2024-10-22").json
            on_board = next(g for g in board["scoreboard"]["games"] if g["gameId"] == "0022400061")
            log = {row["GAME_ID"] for row in rows(get(emulator.base_url, "/stats/leaguegamelog", **LOG))}
            assert game["gameStatus"] == summary["gameStatus"] == on_board["gameStatus"]
            assert game["homeTeam"]["score"] == on_board["homeTeam"]["score"] == summary["homeTeam"]["score"]
            seen.append(
                (game["gameStatus"], game["homeTeam"]["score"], game["homeTeam"]["wins"], bool(plays),
                 "0022400061" in log, bool(game["pointsLeaders"]))
            )  # fmt: skip
    assert seen == [
        (1, 0, 0, False, False, False),
        (2, 0, 0, False, False, False),
        (2, 0, 0, False, False, False),
        (3, 132, 1, True, True, True),
    ]


def test_a_scheduled_game_shows_its_eastern_time(emulator: Emulator, get: Get) -> None:
    """A game that has not begun shows its tip-off in Eastern time as the status."""
    emulator.set_clock(datetime(2024, 10, 1, tzinfo=UTC))
    schedule = get(emulator.base_url, "/stats/scheduleleaguev2", LeagueID="00", Season="2024-25").json
    games = {g["gameId"]: g for day in schedule["leagueSchedule"]["gameDates"] for g in day["games"]}
    assert {game["gameStatus"] for game in games.values()} == {1}
    assert games["0022400061"]["gameStatusText"] == "7:30 pm ET"


def test_the_clock_can_be_a_function_or_moved_over_http(get: Get) -> None:
    """The season can be played day by day: by a function of ours, or by posts to the control endpoint."""
    moments = [datetime(2024, 10, 23, 12, tzinfo=UTC)]
    with Emulator(clock=lambda: moments[0]) as emulator:
        assert len(rows(get(emulator.base_url, "/stats/leaguegamelog", **LOG))) == 4
        moments[0] += timedelta(days=1)
        assert len(rows(get(emulator.base_url, "/stats/leaguegamelog", **LOG))) > 4
        status, state = post(emulator, "/_emulator/clock", {"now": "2024-10-23T12:00:00Z"})
        assert (status, state["now"]) == (200, "2024-10-23T12:00:00Z")
        assert len(rows(get(emulator.base_url, "/stats/leaguegamelog", **LOG))) == 4
        assert post(emulator, "/_emulator/clock", {"advance_seconds": 86400})[1]["now"] == "2024-10-24T12:00:00Z"
        assert post(emulator, "/_emulator/clock", {})[0] == 200
        assert len(rows(get(emulator.base_url, "/stats/leaguegamelog", **LOG))) == 2460
        assert post(emulator, "/_emulator/clock", {"now": "soon"})[0] == 400
        assert post(emulator, "/_emulator/clock", {"later": 1})[0] == 400


def test_what_arrived_is_recorded(emulator: Emulator, get: Get) -> None:
    """Each request is recorded with time, endpoint, query in the order of arrival, headers and outcome."""
    get(emulator.base_url, "/stats/playbyplayv3", headers={"X-Test": "yes"}, GameID="0022400061", StartPeriod=1)
    get(emulator.base_url, "/stats/playbyplayv3")
    get(emulator.base_url, "/_emulator")
    first, second = emulator.requests
    assert (first.endpoint, first.method, first.path) == ("playbyplayv3", "GET", "/stats/playbyplayv3")
    assert first.query == (("GameID", "0022400061"), ("StartPeriod", "1"))
    assert first.headers["x-test"] == "yes"
    assert (first.outcome, first.status, second.outcome) == ("200", 200, "400")
    assert (first.number, second.number, first.connection != second.connection) == (1, 2, True)
    assert first.answered_at_seconds is not None
    assert first.at_seconds <= first.answered_at_seconds <= second.at_seconds
    assert (first.game_id, second.game_id, first.parameters["StartPeriod"]) == ("0022400061", "", "1")
    emulator.clear_requests()
    assert emulator.requests == []


def test_the_control_endpoints_tell_the_same_over_http(emulator: Emulator, get: Get) -> None:
    """State and arrivals can be read over HTTP, labelled simulated, and do not count as requests."""
    get(emulator.base_url, "/stats/playbyplayv3", GameID="0022400061")
    get(emulator.base_url, "/stats/playbyplayv3")
    state = get(emulator.base_url, "/").json
    assert (state["simulated"], state["requests"], state["outcomes"]) == (True, 2, {"200": 1, "400": 1})
    told = get(emulator.base_url, "/_emulator/requests", since=1).json["requests"]
    assert [(arrival["number"], arrival["outcome"]) for arrival in told] == [(2, "400")]
    assert get(emulator.base_url, "/_emulator/nothing").status == 404
    assert get(emulator.base_url, "/_emulator/requests", since="x").status == 400


def test_behaviour_can_be_set_over_http(emulator: Emulator, get: Get) -> None:
    """A posted behaviour is in force from the next request on, reads back as posted, and `{}` ends it."""
    sent = {"rules": [{"fault": {"kind": "server_error", "status": 503}, "times": 1}], "seed": 3}
    status, state = post(emulator, "/_emulator/behaviour", sent)
    assert (status, state["behaviour"]) == (200, sent)
    asked = {"GameID": "0022400061"}
    assert [get(emulator.base_url, "/stats/playbyplayv3", **asked).status for _ in range(2)] == [503, 200]
    assert post(emulator, "/_emulator/behaviour", "blocked-page")[0] == 200
    assert get(emulator.base_url, "/stats/playbyplayv3", **asked).status == 403
    assert post(emulator, "/_emulator/behaviour", {})[1]["behaviour"] == {}
    assert get(emulator.base_url, "/stats/playbyplayv3", **asked).status == 200
    assert post(emulator, "/_emulator/behaviour", {"rules": [{"fault": {"kind": "luck"}}]})[0] == 400


def test_a_connection_is_kept_and_closed_as_the_client_wishes(emulator: Emulator) -> None:
    """Many requests fit on one connection; `Connection: close` ends it."""
    connection = http.client.HTTPConnection("127.0.0.1", emulator.port, timeout=10)
    for number in range(3):
        connection.request("GET", "/stats/playbyplayv3?GameID=0022400061")
        response = connection.getresponse()
        response.read()
        assert ("Set-Cookie" in response.headers) == (number == 0)
    connection.request("GET", "/stats/playbyplayv3?GameID=0022400061", headers={"Connection": "close"})
    assert connection.getresponse().headers["Connection"] == "close"
    connection.close()
    assert {arrival.connection for arrival in emulator.requests} == {1}


def test_requests_are_logged_as_lines_of_json(get: Get) -> None:
    """With a log every request under /stats leaves one line of JSON."""
    log = StringIO()
    with Emulator(log=log) as emulator:
        get(emulator.base_url, "/stats/playbyplayv3", GameID="0022400061")
        get(emulator.base_url, "/_emulator")
    (line,) = log.getvalue().splitlines()
    assert (json.loads(line)["endpoint"], json.loads(line)["outcome"]) == ("playbyplayv3", "200")


def test_only_loopback_is_served() -> None:
    """A host that others could reach is refused, and so is a season that is not packed."""
    with pytest.raises(ValueError, match="not loopback"):
        Emulator(host="0.0.0.0")
    with pytest.raises(ValueError, match="no sample of season '2023-24'"):
        Emulator("2023-24")


def test_nba_api_reads_the_emulator(emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    """nba_api itself, pointed here, parses box scores, play-by-play, game log and schedule."""
    endpoints = pytest.importorskip("nba_api.stats.endpoints")
    from nba_api.stats.library.http import NBAStatsHTTP

    monkeypatch.setattr(NBAStatsHTTP, "base_url", emulator.base_url + "/stats/{endpoint}")
    # The tripwire against the real service would catch loopback too; from the line above on nothing else is reached.
    monkeypatch.delenv("NBA_API_REQUIRE_PROXY", raising=False)
    box = endpoints.boxscoretraditionalv3.BoxScoreTraditionalV3("0022400061").get_normalized_dict()
    assert {player["points"] for player in box["PlayerStats"] if player["personId"] == 1628369} == {37}
    plays = endpoints.playbyplayv3.PlayByPlayV3("0022400061").get_normalized_dict()["PlayByPlay"]
    assert (plays[-1]["scoreHome"], plays[-1]["scoreAway"]) == ("132", "109")
    advanced = endpoints.boxscoreadvancedv3.BoxScoreAdvancedV3("0022400061").get_normalized_dict()
    assert len(advanced["TeamStats"]) == 2
    log = endpoints.leaguegamelog.LeagueGameLog(season="2024-25").get_normalized_dict()["LeagueGameLog"]
    assert len(log) == 2460
    assert {arrival.outcome for arrival in emulator.requests} == {"200"}


@pytest.mark.parametrize(
    ("name", "arguments", "rows"),
    [
        ("BoxScoreFourFactorsV3", {"game_id": "0022400061"}, [23, 2]),
        ("BoxScoreMiscV3", {"game_id": "0022400061"}, [23, 2]),
        ("BoxScoreScoringV3", {"game_id": "0022400061"}, [23, 2]),
        ("BoxScoreUsageV3", {"game_id": "0022400061"}, [23, 2]),
        ("BoxScorePlayerTrackV3", {"game_id": "0022400061"}, [23, 2]),
        ("BoxScoreHustleV2", {"game_id": "0022400061"}, [23, 2]),
        ("BoxScoreDefensiveV2", {"game_id": "0022400061"}, [23, 2]),
        ("BoxScoreMatchupsV3", {"game_id": "0022400061"}, [None]),
        ("GameRotation", {"game_id": "0022400061"}, [None, None]),
        ("WinProbabilityPBP", {"game_id": "0022400061"}, [None, 1]),
        ("ShotChartDetail", {"team_id": 0, "player_id": 0, "game_id_nullable": "0022400061"}, [None, None]),
        ("PlayerGameLogs", {"season_nullable": "2024-25", "season_type_nullable": "PlayIn"}, [None]),
        ("TeamGameLogs", {"season_nullable": "2024-25", "season_type_nullable": "PlayIn"}, [12]),
        ("CommonTeamRoster", {"team_id": 1610612738, "season": "2024-25"}, [None, 0]),
        ("CommonTeamYears", {}, [30]),
    ],
)
def test_nba_api_reads_every_further_endpoint(
    emulator: Emulator, monkeypatch: pytest.MonkeyPatch, name: str, arguments: dict[str, Any], rows: list[int | None]
) -> None:
    """Each endpoint class of nba_api, pointed here with its defaults, parses the answer into tables with rows."""
    endpoints = pytest.importorskip("nba_api.stats.endpoints")
    from nba_api.stats.library.http import NBAStatsHTTP

    monkeypatch.setattr(NBAStatsHTTP, "base_url", emulator.base_url + "/stats/{endpoint}")
    monkeypatch.delenv("NBA_API_REQUIRE_PROXY", raising=False)
    answer = getattr(endpoints, name)(**arguments)
    found = [len(data_set.get_dict()["data"]) for data_set in answer.data_sets]
    assert len(found) == len(rows)
    assert all(count > 0 if wanted is None else count == wanted for count, wanted in zip(found, rows, strict=True)), (
        found
    )
    assert {arrival.outcome for arrival in emulator.requests} == {"200"}

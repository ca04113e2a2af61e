"""The sample season's bodies have the shapes of recorded ones: the same keys at every level, the same JSON types."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

import pytest

from nba_stats_emulator import Emulator
from nba_stats_emulator.bodies import empty_summary, no_content
from nba_stats_emulator.sample import SampleSeason

pytestmark = pytest.mark.corpus

Read = Callable[[str], Any]
Shape = Any


def merged(left: Shape, right: Shape) -> Shape:
    """What two shapes together allow."""
    if left is None or right is None:
        return left if right is None else right
    if isinstance(left, dict) and isinstance(right, dict):
        return {key: merged(left.get(key), right.get(key)) for key in left.keys() | right.keys()}
    if isinstance(left, list) and isinstance(right, list):
        return [merged(left[0], right[0])]
    if isinstance(left, set) and isinstance(right, set):
        return left | right
    raise AssertionError(f"{left} and {right} do not go together")


def shape(value: Any) -> Shape:
    """Keys and types: objects by key, lists by the union of their entries, everything else by the JSON type."""
    if isinstance(value, dict):
        return {key: shape(own) for key, own in value.items()}
    if isinstance(value, list):
        together = None
        for own in value:
            together = merged(together, shape(own))
        return [together]
    return {"null" if value is None else type(value).__name__}


def differences(ours: Shape, theirs: Shape, place: str = "") -> list[str]:
    """Where our shape is not theirs; an empty list or a null of ours says nothing."""
    if ours is None or theirs is None:
        return []
    if isinstance(ours, dict) and isinstance(theirs, dict):
        found = [f"{place}.{key}: only ours" for key in ours.keys() - theirs.keys()]
        found += [f"{place}.{key}: only theirs" for key in theirs.keys() - ours.keys()]
        for key in ours.keys() & theirs.keys():
            found += differences(ours[key], theirs[key], f"{place}.{key}")
        return found
    if isinstance(ours, list) and isinstance(theirs, list):
        return differences(ours[0], theirs[0], f"{place}[]")
    if isinstance(ours, set) and isinstance(theirs, set):
        return [] if ours <= theirs else [f"{place}: {ours} where they have {theirs}"]
    return [f"{place}: {ours} where they have {theirs}"]


def check(ours: dict[str, Any], theirs: dict[str, Any]) -> None:
    ours = {**ours, "meta": {key: value for key, value in ours["meta"].items() if key != "simulated"}}
    assert differences(shape(ours), shape(theirs)) == []


@pytest.mark.parametrize("game_id", ["0022400061", "0022400147", "0042400407", "0062400001", "0012400002"])
def test_box_scores_have_the_recorded_shape(
    season: SampleSeason, over: datetime, recorded_body: Read, game_id: str
) -> None:
    """Box scores and play-by-play of every kind of game have the keys and types of a recorded one."""
    bodies = season.game_bodies(game_id, over)
    for endpoint in ("boxscoretraditionalv3", "boxscoreadvancedv3", "playbyplayv3"):
        theirs = recorded_body(f"{endpoint}/0022500610")
        assert list(bodies[endpoint]) == list(theirs)
        check(bodies[endpoint], theirs)


def test_fields_come_in_the_recorded_order(season: SampleSeason, over: datetime, recorded_body: Read) -> None:
    """Keys of players, statistics and actions stand in the recorded order."""
    bodies = season.game_bodies("0022400061", over)
    for endpoint, root in (
        ("boxscoretraditionalv3", "boxScoreTraditional"),
        ("boxscoreadvancedv3", "boxScoreAdvanced"),
    ):
        ours, theirs = bodies[endpoint][root], recorded_body(f"{endpoint}/0022500610")[root]
        assert list(ours) == list(theirs)
        assert list(ours["homeTeam"]) == list(theirs["homeTeam"])
        assert list(ours["homeTeam"]["statistics"]) == list(theirs["homeTeam"]["statistics"])
        assert list(ours["homeTeam"]["players"][0]) == list(theirs["homeTeam"]["players"][0])
        assert list(ours["homeTeam"]["players"][0]["statistics"]) == list(
            theirs["homeTeam"]["players"][0]["statistics"]
        )
    actions = recorded_body("playbyplayv3/0022500610")["game"]["actions"]
    assert list(bodies["playbyplayv3"]["game"]["actions"][0]) == list(actions[0])


def test_kinds_of_plays_are_recorded_ones(season: SampleSeason, over: datetime, recorded_body: Read) -> None:
    """No action type is made up, and scores are blank on as many rows as in recorded games."""
    known = {
        row["actionType"]
        for name in ("0022500610", "0022400001")
        for row in recorded_body(f"playbyplayv3/{name}")["game"]["actions"]
    }
    rows = season.game_bodies("0022400061", over)["playbyplayv3"]["game"]["actions"]
    assert {row["actionType"] for row in rows} <= known
    assert 0.6 < sum(not row["scoreHome"] for row in rows) / len(rows) < 0.8


@pytest.mark.parametrize("endpoint", ["boxscoretraditionalv3", "boxscoreadvancedv3", "playbyplayv3"])
def test_games_without_content_look_like_recorded_ones(recorded_body: Read, endpoint: str) -> None:
    """The body of a game without content equals the recorded one but for its envelope."""
    recorded = recorded_body(f"{endpoint}/0062600001_no_content")
    ours = no_content(endpoint, "0062600001", datetime(2026, 10, 1, tzinfo=UTC))
    assert ours["meta"]["request"] == recorded["meta"]["request"]
    assert {**ours, "meta": None} == {**recorded, "meta": None}


def test_the_summary_has_the_recorded_shape(season: SampleSeason, over: datetime, recorded_body: Read) -> None:
    """boxscoresummaryv3 has the recorded keys and types, played, overtime, or all-star."""
    recorded = recorded_body("boxscoresummaryv3/0022400633")
    for game_id in ("0022400633", "0022401230", "0042400407"):
        ours = season.summary(game_id, over)
        assert ours is not None
        check(ours, recorded)
    assert empty_summary("0022300001")["boxScoreSummary"].keys() == recorded["boxScoreSummary"].keys()


def test_the_scoreboard_has_the_recorded_shape(season: SampleSeason, over: datetime, recorded_body: Read) -> None:
    """scoreboardv3 has the recorded keys and types."""
    recorded = recorded_body("scoreboardv3/sample")
    for game in recorded["scoreboard"]["games"]:
        game["gameLeaders"]["homeLeaders"].setdefault("playerSlug", "")
    for day in (date(2024, 10, 22), date(2025, 4, 20), date(2024, 7, 1)):
        check(season.scoreboard("00", day, over), recorded)


def test_the_schedule_has_the_recorded_shape_and_facts(
    season: SampleSeason, over: datetime, recorded_body: Read
) -> None:
    """scheduleleaguev2 has the recorded shape, and of all 1,400 games the recorded ids, times, teams and scores."""
    recorded = recorded_body("scheduleleaguev2/2024-25")
    ours = season.schedule("2024-25", "00", over)
    check(ours, recorded)
    facts = (
        "gameCode", "gameStatus", "gameDateEst", "gameTimeEst", "gameDateTimeEst", "gameTimeUTC",
        "gameDateTimeUTC", "homeTeamTime", "day", "monthNum", "weekNumber", "weekName", "seriesGameNumber",
        "gameLabel", "gameSubLabel", "arenaName", "arenaState", "arenaCity", "gameSubtype", "isNeutral",
    )  # fmt: skip
    of_team = ("teamId", "teamName", "teamCity", "teamTricode", "teamSlug", "wins", "losses", "score")

    def games(body: Any) -> dict[str, Any]:
        return {game["gameId"]: game for day in body["leagueSchedule"]["gameDates"] for game in day["games"]}

    theirs = games(recorded)
    assert len(theirs) == 1400
    assert games(ours).keys() == theirs.keys()
    for game_id, game in games(ours).items():
        assert [game[name] for name in facts] == [theirs[game_id][name] for name in facts], game_id
        for side in ("homeTeam", "awayTeam"):
            assert [game[side][name] for name in of_team] == [theirs[game_id][side][name] for name in of_team]


@pytest.mark.parametrize(
    ("name", "whose"), [("P_2025-03-15", "P"), ("T_2025-26_to_2026-02-21", "T")]
)  # fmt: skip
def test_the_game_log_has_the_recorded_shape(
    season: SampleSeason, over: datetime, recorded_body: Read, name: str, whose: str
) -> None:
    """leaguegamelog has the recorded headers, and cells of the recorded types in every column."""
    recorded = recorded_body(f"leaguegamelog/{name}")
    parameters = recorded["parameters"] | {"Season": "2024-25", "PlayerOrTeam": whose}
    day = date(2025, 3, 15) if whose == "P" else None
    ours = season.game_log(parameters, 2, day, day, over)
    assert list(ours) == list(recorded)
    ours_table, theirs_table = ours["resultSets"][0], recorded["resultSets"][0]
    assert list(ours_table) == list(theirs_table)
    assert ours_table["headers"] == theirs_table["headers"]
    for column, header in enumerate(ours_table["headers"]):
        kinds = {type(row[column]) for row in theirs_table["rowSet"]}
        assert {type(row[column]) for row in ours_table["rowSet"]} <= kinds, header


def test_a_day_of_the_players_game_log_equals_the_recorded_one(
    season: SampleSeason, over: datetime, recorded_body: Read
) -> None:
    """Of a real day every number of every player equals what the service said; only one name is spelt otherwise."""
    recorded = recorded_body("leaguegamelog/P_2025-03-15")
    table = recorded["resultSets"][0]
    day = date(2025, 3, 15)
    ours = season.game_log(recorded["parameters"], 2, day, day, over)["resultSets"][0]
    name = table["headers"].index("PLAYER_NAME")
    key = (table["headers"].index("GAME_ID"), table["headers"].index("PLAYER_ID"))

    def by_key(rows: list[list[Any]]) -> dict[tuple[Any, ...], list[Any]]:
        return {tuple(row[place] for place in key): row[:name] + row[name + 1 :] for row in rows}

    assert len(table["rowSet"]) == 157
    assert by_key(ours["rowSet"]) == by_key(table["rowSet"])


def test_the_player_index_has_the_recorded_shape(
    emulator: Emulator, get: Callable[..., Any], recorded_body: Read
) -> None:
    """playerindex has the recorded parameters, headers and cells of the recorded types."""
    recorded = recorded_body("playerindex/2025-26")
    ours = get(emulator.base_url, "/stats/playerindex", LeagueID="00", Season="2024-25").json
    assert ours["parameters"] == recorded["parameters"] | {"Season": "2024-25"}
    ours_table, theirs_table = ours["resultSets"][0], recorded["resultSets"][0]
    assert ours_table["headers"] == theirs_table["headers"]
    assert len(ours_table["rowSet"]) == 569
    for column, header in enumerate(ours_table["headers"]):
        kinds = {type(row[column]) for row in theirs_table["rowSet"]} | {type(None)}
        assert {type(row[column]) for row in ours_table["rowSet"]} <= kinds, header

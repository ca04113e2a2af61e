"""Box scores beyond the first two, rotation, win probability and shots: recorded shapes, one story told by all."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from datetime import datetime
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nba_stats_emulator.bodies import ROOTS, no_content
from nba_stats_emulator.sample import GAME_ENDPOINTS, SampleSeason
from nba_stats_emulator.shot_chart import zone_of

Read = Callable[[str], Any]
GAMES = ("0022400061", "0022400147", "0022401230", "0042400407", "0062400001", "0012400010", "0052400101")
NEW = sorted(GAME_ENDPOINTS.keys() - {"boxscoretraditionalv3", "boxscoreadvancedv3", "playbyplayv3"})


def seconds_of(minutes: str) -> int:
    whole, _, rest = minutes.partition(":")
    return 60 * int(whole) + int(rest) if minutes else 0


def keys(value: Any, place: str = "") -> set[tuple[str, str]]:
    """Every path of a body with the JSON type at its end; list entries are one."""
    if isinstance(value, dict):
        return {found for key, own in value.items() for found in keys(own, f"{place}.{key}")}
    if isinstance(value, list):
        return {found for own in value for found in keys(own, f"{place}[]")} or {(place, "list")}
    return {(place, type(value).__name__)}


def players_of(body: dict[str, Any]) -> dict[int, dict[str, Any]]:
    (root,) = (body[key] for key in body if key != "meta")
    return {player["personId"]: player for side in ("homeTeam", "awayTeam") for player in root[side]["players"]}


@pytest.fixture(scope="session")
def told(season: SampleSeason, over: datetime) -> Callable[[str, str], dict[str, Any]]:
    """A function that gives a body: `told("boxscoremiscv3", game_id)`."""
    return lambda endpoint, game_id: season.game_body(endpoint, game_id, over)


@pytest.mark.corpus
@pytest.mark.parametrize("endpoint", NEW)
def test_new_box_scores_have_the_recorded_shape(
    told: Callable[[str, str], dict[str, Any]], recorded_body: Read, endpoint: str
) -> None:
    """Key by key and type by type a body is one that was recorded, in the recorded order, for every kind of game."""
    recorded = [recorded_body(f"{endpoint}/{name}") for name in ("0022200552", "sample")]
    theirs = keys(recorded[0]) | keys(recorded[1])
    for game_id in GAMES:
        ours = told(endpoint, game_id)
        del ours["meta"]["simulated"]
        assert keys(ours) <= theirs
        assert {place for place, _ in theirs} == {place for place, _ in keys(ours)}
        root = ROOTS[endpoint]
        mine, one = ours[root], recorded[0][root]
        assert list(mine) == list(one)
        assert list(mine["homeTeam"]) == list(one["homeTeam"])
        assert list(mine["homeTeam"]["players"][0]) == list(one["homeTeam"]["players"][0])
        if endpoint != "boxscorematchupsv3":
            assert list(mine["homeTeam"]["statistics"]) == list(one["homeTeam"]["statistics"])
            assert [list(p["statistics"]) for p in mine["homeTeam"]["players"][:1]] == [
                list(p["statistics"]) for p in one["homeTeam"]["players"][:1]
            ]
        assert ours["meta"]["request"].split("/")[-1] == recorded[0]["meta"]["request"].split("/")[-1]


@pytest.mark.corpus
def test_tables_of_a_game_have_the_recorded_shape(
    season: SampleSeason, over: datetime, recorded_body: Read
) -> None:  # fmt: skip
    """gamerotation and shotchartdetail have the recorded sets, headers, parameters, and cells of the recorded types."""
    asked = {"GameID": "0022400061", "LeagueID": "00"}
    pairs = [(season.game_table("gamerotation", asked, "0022400061", over), recorded_body("gamerotation/0022200552"))]
    theirs = recorded_body("shotchartdetail/0022200552")
    shots = theirs["parameters"] | {"GameID": "0022400061", "TeamID": 0, "PlayerID": 0}
    pairs.append((season.shot_chart(shots, 2, None, None, over), theirs))
    for ours, recorded in pairs:
        assert list(ours) == list(recorded)
        assert list(ours["parameters"]) == list(recorded["parameters"])
        for mine, own in zip(ours["resultSets"], recorded["resultSets"], strict=True):
            assert (mine["name"], mine["headers"]) == (own["name"], own["headers"])
            assert mine["rowSet"]
            for column, header in enumerate(mine["headers"]):
                kinds = {type(row[column]) for row in own["rowSet"]}
                assert {type(row[column]) for row in mine["rowSet"]} <= kinds, header


@pytest.mark.corpus
def test_zones_are_the_recorded_ones(recorded_body: Read) -> None:
    """For nearly all recorded shots the zone we give them is the zone the service gave them."""
    table = recorded_body("shotchartdetail/0022200552")["resultSets"][0]
    rows = [dict(zip(table["headers"], row, strict=True)) for row in table["rowSet"]]
    names = ("SHOT_ZONE_BASIC", "SHOT_ZONE_AREA", "SHOT_ZONE_RANGE")
    right = 0
    for row in rows:
        three = row["SHOT_TYPE"] == "3PT Field Goal"
        zone = zone_of(row["LOC_X"], row["LOC_Y"], row["SHOT_DISTANCE"], three=three)
        right += zone == tuple(row[name] for name in names)
    assert right / len(rows) > 0.95


@settings(max_examples=25, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(place=st.integers(0, 1399))
def test_every_endpoint_tells_the_same_game(season: SampleSeason, over: datetime, place: int) -> None:
    """Of any game: factors follow from the box, points from where they were scored, stints and matchups add up."""
    game_id = list(season.games)[place]
    played = season.played(season.games[game_id], over)
    if played is None:  # all-star
        for endpoint in NEW:
            body = season.game_body(endpoint, game_id, over)
            assert body == no_content(endpoint, game_id, season.games[game_id].tipoff)
        return
    bodies = {endpoint: season.game_body(endpoint, game_id, over) for endpoint in GAME_ENDPOINTS}
    check_figures(bodies)
    check_tracking(bodies)
    check_matchups(bodies)
    check_rotation(season, game_id, over, bodies)
    check_probabilities(season, game_id, over, bodies)
    check_shots(season, game_id, over, bodies)


def check_figures(bodies: dict[str, dict[str, Any]]) -> None:
    box = bodies["boxscoretraditionalv3"]["boxScoreTraditional"]
    advanced = bodies["boxscoreadvancedv3"]["boxScoreAdvanced"]
    factors, misc, scoring, usage = (
        bodies[f"boxscore{name}v3"][ROOTS[f"boxscore{name}v3"]] for name in ("fourfactors", "misc", "scoring", "usage")
    )
    for side, other in (("homeTeam", "awayTeam"), ("awayTeam", "homeTeam")):
        line, opposing = box[side]["statistics"], box[other]["statistics"]
        of_team, more = factors[side]["statistics"], misc[side]["statistics"]
        assert of_team["freeThrowAttemptRate"] == pytest.approx(
            line["freeThrowsAttempted"] / line["fieldGoalsAttempted"], abs=0.0006
        )
        for name in ("effectiveFieldGoalPercentage", "offensiveReboundPercentage"):
            assert of_team[name] == advanced[side]["statistics"][name]
        for name in ("EffectiveFieldGoalPercentage", "FreeThrowAttemptRate", "TeamTurnoverPercentage"):
            assert of_team[f"opp{name}"] == factors[other]["statistics"][name[0].lower() + name[1:]]
        assert (more["blocks"], more["foulsPersonal"]) == (line["blocks"], line["foulsPersonal"])
        assert (more["blocksAgainst"], more["foulsDrawn"]) == (opposing["blocks"], opposing["foulsPersonal"])
        for name in ("pointsOffTurnovers", "pointsSecondChance", "pointsFastBreak", "pointsPaint"):
            own = [player["statistics"][name] for player in misc[side]["players"]]
            assert more[name] == sum(own) <= line["points"]
            assert more[name] == misc[other]["statistics"]["opp" + name[0].upper() + name[1:]]
        shares = scoring[side]["statistics"]
        parts = ("percentagePoints2pt", "percentagePoints3pt", "percentagePointsFreeThrow")
        assert sum(shares[name] for name in parts) == pytest.approx(1, abs=0.002)
        assert shares["percentagePointsPaint"] * line["points"] == pytest.approx(more["pointsPaint"], abs=0.1)
        assert shares["percentageAssistedFGM"] * line["fieldGoalsMade"] == pytest.approx(line["assists"], abs=0.06)
        assert set(usage[side]["statistics"].values()) - {usage[side]["statistics"]["minutes"]} == {1.0}
        for player, more_of_him in zip(usage[side]["players"], advanced[side]["players"], strict=True):
            assert player["personId"] == more_of_him["personId"]
            assert player["statistics"]["usagePercentage"] == more_of_him["statistics"]["usagePercentage"]
            assert all(0 <= value <= 1 for name, value in player["statistics"].items() if name != "minutes")
        for body in (factors, misc, scoring, usage):
            shown = [(player["personId"], player["statistics"]["minutes"]) for player in body[side]["players"]]
            assert shown == [(p["personId"], p["statistics"]["minutes"]) for p in box[side]["players"]]


def check_tracking(bodies: dict[str, dict[str, Any]]) -> None:
    box = players_of(bodies["boxscoretraditionalv3"])
    for person_id, player in players_of(bodies["boxscoreplayertrackv3"]).items():
        own, line = player["statistics"], box[person_id]["statistics"]
        assert seconds_of(own["minutes"]) == seconds_of(line["minutes"])
        assert own["assists"] == line["assists"]
        for kind, name in (("Made", "fieldGoalsMade"), ("Attempted", "fieldGoalsAttempted")):
            assert own[f"contestedFieldGoals{kind}"] + own[f"uncontestedFieldGoals{kind}"] == line[name]
        assert 0 <= own["contestedFieldGoalsMade"] <= own["contestedFieldGoalsAttempted"]
        assert 0 <= own["uncontestedFieldGoalsMade"] <= own["uncontestedFieldGoalsAttempted"]
        assert own["reboundChancesOffensive"] >= line["reboundsOffensive"]
        assert own["reboundChancesTotal"] >= line["reboundsTotal"]
        assert own["touches"] >= own["passes"]
    hustle = players_of(bodies["boxscorehustlev2"])
    assert hustle.keys() == {number for number, player in box.items() if player["statistics"]["minutes"]}
    for person_id, player in hustle.items():
        assert player["statistics"]["points"] == box[person_id]["statistics"]["points"]
        assert player["statistics"]["boxOutPlayerRebounds"] <= box[person_id]["statistics"]["reboundsTotal"]


def check_matchups(bodies: dict[str, dict[str, Any]]) -> None:
    box = players_of(bodies["boxscoretraditionalv3"])
    defenders = players_of(bodies["boxscoredefensivev2"])
    guarding: Counter[tuple[int, str]] = Counter()
    names = {
        "playerPoints": "points", "matchupFieldGoalsMade": "fieldGoalsMade",
        "matchupFieldGoalsAttempted": "fieldGoalsAttempted", "matchupThreePointersMade": "threePointersMade",
        "matchupThreePointersAttempted": "threePointersAttempted", "matchupFreeThrowsAttempted": "freeThrowsAttempted",
        "matchupFreeThrowsMade": "freeThrowsMade", "matchupTurnovers": "turnovers", "matchupAssists": "assists",
    }  # fmt: skip
    for person_id, player in players_of(bodies["boxscorematchupsv3"]).items():
        line = box[person_id]["statistics"]
        for name, column in names.items():
            assert sum(one["statistics"][name] for one in player["matchups"]) == line[column], name
        spent = sum(one["statistics"]["matchupMinutesSort"] for one in player["matchups"])
        assert spent == pytest.approx(0.42 * seconds_of(line["minutes"]), abs=1)
        assert sum(one["statistics"]["percentageOffensiveTotalTime"] for one in player["matchups"]) == pytest.approx(
            1, abs=0.01
        )
        for one in player["matchups"]:
            for name in ("matchupMinutesSort", *names, "matchupBlocks"):
                guarding[one["personId"], name] += one["statistics"][name]
    for person_id, player in defenders.items():
        own, line = player["statistics"], box[person_id]["statistics"]
        assert (own["steals"], own["blocks"]) == (line["steals"], line["blocks"])
        assert own["defensiveRebounds"] == line["reboundsDefensive"]
        assert guarding[person_id, "matchupBlocks"] == line["blocks"]
        assert seconds_of(own["matchupMinutes"]) == pytest.approx(guarding[person_id, "matchupMinutesSort"], abs=2)
        for name in ("playerPoints", "matchupFieldGoalsMade", "matchupFieldGoalsAttempted", "matchupTurnovers"):
            assert own[name] == guarding[person_id, name]


def check_rotation(season: SampleSeason, game_id: str, now: datetime, bodies: dict[str, dict[str, Any]]) -> None:
    box = players_of(bodies["boxscoretraditionalv3"])
    actions = bodies["playbyplayv3"]["game"]["actions"]
    body = season.game_table("gamerotation", {"GameID": game_id, "LeagueID": "00"}, game_id, now)
    changes: Counter[float] = Counter()
    for table in body["resultSets"]:
        rows = [dict(zip(table["headers"], row, strict=True)) for row in table["rowSet"]]
        tenths: Counter[int] = Counter()
        points: Counter[int] = Counter()
        for row in rows:
            tenths[row["PERSON_ID"]] += row["OUT_TIME_REAL"] - row["IN_TIME_REAL"]
            points[row["PERSON_ID"]] += row["PLAYER_PTS"]
            changes[row["IN_TIME_REAL"]] += 1
        for person_id, spent in tenths.items():
            line = box[person_id]["statistics"]
            assert (spent / 10, points[person_id]) == (seconds_of(line["minutes"]), line["points"])
        for one, following in pairwise(rows):
            if one["PERSON_ID"] == following["PERSON_ID"]:
                assert one["OUT_TIME_REAL"] < following["IN_TIME_REAL"]
    entered = [row for row in actions if row["actionType"] == "Substitution"]
    assert sum(changes.values()) - changes[0.0] == len(entered)
    assert changes[0.0] == 10


def check_probabilities(season: SampleSeason, game_id: str, now: datetime, bodies: dict[str, dict[str, Any]]) -> None:
    box = bodies["boxscoretraditionalv3"]["boxScoreTraditional"]
    body = season.game_table("winprobabilitypbp", {"GameID": game_id, "RunType": "each second"}, game_id, now)
    chances, info = ([dict(zip(t["headers"], row, strict=True)) for row in t["rowSet"]] for t in body["resultSets"])
    home, away = (box[side]["statistics"]["points"] for side in ("homeTeam", "awayTeam"))
    assert (info[0]["HOME_TEAM_PTS"], info[0]["VISITOR_TEAM_PTS"], info[0]["HOME_TEAM_ID"]) == (
        home, away, box["homeTeamId"],
    )  # fmt: skip
    assert (chances[-1]["HOME_PCT"], chances[-1]["VISITOR_PCT"]) == (float(home > away), float(away > home))
    assert (chances[-1]["HOME_PTS"], chances[-1]["VISITOR_PTS"]) == (home, away)
    assert len({row["EVENT_NUM"] for row in chances}) == len(chances)
    for row in chances:
        assert row["HOME_PCT"] + row["VISITOR_PCT"] == pytest.approx(1)
        assert row["HOME_SCORE_MARGIN"] == row["HOME_PTS"] - row["VISITOR_PTS"]


def check_shots(season: SampleSeason, game_id: str, now: datetime, bodies: dict[str, dict[str, Any]]) -> None:
    box = players_of(bodies["boxscoretraditionalv3"])
    parameters = {"GameID": game_id, "TeamID": 0, "PlayerID": 0, "ContextMeasure": "FGA"}
    table = season.shot_chart(parameters, 2, None, None, now)["resultSets"][0]
    shots = [dict(zip(table["headers"], row, strict=True)) for row in table["rowSet"]]
    tried, made = Counter(s["PLAYER_ID"] for s in shots), Counter(s["PLAYER_ID"] for s in shots if s["SHOT_MADE_FLAG"])
    for person_id, player in box.items():
        line = player["statistics"]
        assert (tried[person_id], made[person_id]) == (line["fieldGoalsAttempted"], line["fieldGoalsMade"])
    told = [row["actionNumber"] for row in bodies["playbyplayv3"]["game"]["actions"] if row["isFieldGoal"]]
    assert [shot["GAME_EVENT_ID"] for shot in shots] == told
    paint = sum(
        2 * shot["SHOT_MADE_FLAG"]
        for shot in shots
        if shot["SHOT_ZONE_BASIC"] in ("Restricted Area", "In The Paint (Non-RA)")
    )
    misc = bodies["boxscoremiscv3"]["boxScoreMisc"]
    assert paint == sum(misc[side]["statistics"]["pointsPaint"] for side in ("homeTeam", "awayTeam"))
    only_made = season.shot_chart(parameters | {"ContextMeasure": "PTS"}, 2, None, None, now)["resultSets"][0]["rowSet"]
    assert len(only_made) == sum(made.values())


def test_new_bodies_are_quick(season: SampleSeason, over: datetime) -> None:
    """A further body of a game that is played out takes a few milliseconds of processor time."""
    ids = list(season.games)[200:1200:200]
    spent = dict.fromkeys(NEW, 0.0)
    for game_id in ids:
        season.played(season.games[game_id], over)
        for endpoint in NEW:
            started = time.process_time()
            season.game_body(endpoint, game_id, over)
            spent[endpoint] += time.process_time() - started
    assert {endpoint: seconds for endpoint, seconds in spent.items() if seconds / len(ids) > 0.03} == {}

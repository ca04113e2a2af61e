"""What a box score must be to count: every way of breaking the contract, by name; and no way to make rows of nulls."""

from __future__ import annotations

import copy
import gzip
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nba_season_backfill.datasets import DATASETS, TABLES
from nba_season_backfill.datasets.base import Expectation
from nba_season_backfill.season import GameId, Season
from nba_stats_emulator import Emulator

GAME = "0022400061"


@pytest.fixture(scope="module")
def answers() -> dict[str, dict[str, Any]]:
    """The three answers of a simulated game, and what is known of it."""
    import requests

    box = {"EndPeriod": "0", "EndRange": "0", "RangeType": "0", "StartPeriod": "0", "StartRange": "0"}
    with Emulator() as emulator:
        return {
            name: requests.get(
                f"{emulator.base_url}/stats/{DATASETS[name].endpoint}", params={"GameID": GAME, **box}, timeout=30
            ).json()
            for name in ("box-scores-traditional", "box-scores-advanced", "play-by-play")
        }


@pytest.fixture(scope="module")
def known(answers: dict[str, dict[str, Any]]) -> Expectation:
    box = answers["box-scores-traditional"]["boxScoreTraditional"]
    home, away = box["homeTeam"], box["awayTeam"]
    return Expectation(
        GAME,
        Season(2024),
        True,
        home["teamId"],
        away["teamId"],
        home["statistics"]["points"],
        away["statistics"]["points"],
    )


def test_a_simulated_game_passes_every_check(answers: dict[str, dict[str, Any]], known: Expectation) -> None:
    """All three answers are ok, without a field that the schema does not know."""
    for name, payload in answers.items():
        found = DATASETS[name].assess(payload, known)
        assert (found.kind, found.problems, found.unknown_fields) == ("ok", (), ())
        assert set(found.tables) == {table.name for table in DATASETS[name].tables}
        for table_name, table in found.tables.items():
            assert table.schema.equals(TABLES[table_name].schema)
            assert table.num_rows > 0


def box_of(payload: dict[str, Any]) -> dict[str, Any]:
    return dict(payload["boxScoreTraditional"])


Break = Callable[[dict[str, Any]], object]


def first(box: dict[str, Any]) -> dict[str, Any]:
    """The first home player."""
    return box["homeTeam"]["players"][0]  # type: ignore[no-any-return]  # JSON


def line(box: dict[str, Any]) -> dict[str, Any]:
    """That player's statistics."""
    return first(box)["statistics"]  # type: ignore[no-any-return]  # JSON


BREAKS: dict[str, tuple[Break, str]] = {
    "another game": (lambda b: b.update(gameId="0022400062"), "asked for 0022400061"),
    "one team twice": (lambda b: b["awayTeam"].update(teamId=b["homeTeam"]["teamId"]), "both sides are team"),
    "another team": (lambda b: b["awayTeam"].update(teamId=1610612799), "played, not"),
    "no team id": (lambda b: b["awayTeam"].update(teamId=0), "awayTeam.teamId"),
    "players gone on one side": (lambda b: b["homeTeam"].update(players=[]), "no player of"),
    "players null": (lambda b: b["homeTeam"].update(players=None), "homeTeam.players"),
    "statistics null": (lambda b: b["homeTeam"].update(statistics=None), "homeTeam.statistics"),
    "a player's statistics null": (lambda b: first(b).update(statistics=None), "players[0].statistics"),
    "a field missing": (lambda b: line(b).pop("assists"), "assists: missing"),
    "a team field missing": (lambda b: b["homeTeam"].pop("teamCity"), "teamCity: missing"),
    "text for a number": (lambda b: line(b).update(points="21"), "points: got '21'"),
    "a truth for a number": (lambda b: line(b).update(steals=True), "steals: got True"),
    "a fraction for a count": (lambda b: line(b).update(steals=1.5), "steals: got 1.5"),
    "a number for text": (lambda b: first(b).update(firstName=7), "firstName: got 7"),
    "a list for a number": (lambda b: line(b).update(blocks=[1]), "blocks: got [1]"),
    "points that do not add up": (lambda b: b["homeTeam"]["statistics"].update(points=1), "the team 1"),
    "minutes of another form": (lambda b: line(b).update(minutes="half an hour"), "half an hour"),
    "a player twice": (lambda b: b["homeTeam"]["players"].append(b["homeTeam"]["players"][-1]), "stands there twice"),
    "a huge number": (lambda b: line(b).update(points=10**12), "players[0].statistics.points: got 1000000000000"),
    "no number": (lambda b: line(b).update(fieldGoalsPercentage=float("nan")), "fieldGoalsPercentage: got nan"),
    "an infinite number": (lambda b: line(b).update(plusMinusPoints=float("inf")), "plusMinusPoints: got inf"),
    "a truth for a real": (lambda b: line(b).update(plusMinusPoints=True), "plusMinusPoints: got True"),
    "half a character": (lambda b: first(b).update(firstName="\ud800"), r"players[0].firstName: got '\ud800'"),
    "endless minutes": (lambda b: line(b).update(minutes="9" * 5000 + ":00"), "players[0].statistics.minutes"),
    "minutes in other digits": (lambda b: line(b).update(minutes="١٢:٣٠"), "players[0].statistics.minutes"),
    "minutes as a number": (lambda b: line(b).update(minutes=36), "minutes: got 36"),
    "no teams": (lambda b: [b.pop("homeTeam"), b.pop("awayTeam")], "homeTeam: missing"),
    "teams without content": (lambda b: b.update(homeTeam={}, awayTeam={}), "homeTeam.players"),
    "one team null": (lambda b: b.update(awayTeam=None), "awayTeam: missing or null"),
    "a team's name retyped": (lambda b: b["awayTeam"].update(teamName=5), "awayTeam.teamName: got 5"),
    "an away player's field": (
        lambda b: b["awayTeam"]["players"][2]["statistics"].pop("blocks"),
        "awayTeam.players[2].statistics.blocks: missing",
    ),
    "a team's count retyped": (
        lambda b: b["awayTeam"]["statistics"].update(assists="20"),
        "awayTeam.statistics.assists: got '20', want int",
    ),
    "a truth in a block": (lambda b: b["homeTeam"]["bench"].update(points=True), "homeTeam.bench.points: got True"),
    "a field gone from a block": (
        lambda b: b["awayTeam"]["starters"].pop("steals"),
        "awayTeam.starters.steals: missing",
    ),
    "a block that is a list": (lambda b: b["awayTeam"].update(starters=[1]), "awayTeam.starters: got [1]"),
}  # fmt: skip


@pytest.mark.parametrize("case", BREAKS)
def test_a_broken_contract_is_named(answers: dict[str, dict[str, Any]], known: Expectation, case: str) -> None:
    """Whatever is missing, retyped or contradictory is a violation that says where and what."""
    change, expected = BREAKS[case]
    payload = copy.deepcopy(answers["box-scores-traditional"])
    change(payload["boxScoreTraditional"])
    found = DATASETS["box-scores-traditional"].assess(payload, known)
    assert found.kind == "contract_violation"
    assert expected in "; ".join(found.problems)


def test_swapped_sides_are_the_same_game(answers: dict[str, dict[str, Any]], known: Expectation) -> None:
    """At neutral sites home and away may be exchanged: joined on the team, it passes."""
    payload = copy.deepcopy(answers["box-scores-traditional"])
    box = payload["boxScoreTraditional"]
    box["homeTeam"], box["awayTeam"] = box["awayTeam"], box["homeTeam"]
    assert DATASETS["box-scores-traditional"].assess(payload, known).kind == "ok"


def test_new_fields_are_reported_and_kept_going(answers: dict[str, dict[str, Any]], known: Expectation) -> None:
    """Drift by addition is said once a path, and costs nothing."""
    payload = copy.deepcopy(answers["box-scores-traditional"])
    box = payload["boxScoreTraditional"]
    box["weather"] = "fine"
    for player in box["homeTeam"]["players"]:
        player["statistics"]["dunks"] = 1
    found = DATASETS["box-scores-traditional"].assess(payload, known)
    assert found.kind == "ok"
    assert found.unknown_fields == ("boxScoreTraditional.weather", "boxScoreTraditional.players.statistics[].dunks")


def test_new_fields_of_blocks_and_of_teams_are_reported(answers: dict[str, dict[str, Any]], known: Expectation) -> None:
    """Drift is seen wherever it stands; what one box score declares is news in another."""
    payload = copy.deepcopy(answers["box-scores-traditional"])
    payload["boxScoreTraditional"]["homeTeam"]["bench"]["dunks"] = 1
    found = DATASETS["box-scores-traditional"].assess(payload, known)
    assert (found.kind, found.unknown_fields) == ("ok", ("boxScoreTraditional.team.bench[].dunks",))
    advanced = copy.deepcopy(answers["box-scores-advanced"])
    advanced["boxScoreAdvanced"]["homeTeam"]["bench"] = {}
    found = DATASETS["box-scores-advanced"].assess(advanced, known)
    assert (found.kind, found.unknown_fields) == ("ok", ("boxScoreAdvanced.team[].bench",))


@pytest.mark.parametrize(
    ("minutes", "comment", "seconds", "out"),
    [
        ("", "DNP - Coach's Decision", None, True),
        ("", "", None, True),
        (None, "", None, True),
        ("0:00", "DND - Injury/Illness", None, True),
        ("PT00M00.00S", "NWT - Not With Team", None, True),
        ("0:00", "", 0, False),
        ("0:01", "", 1, False),
        ("PT1H02M03.99S", "", 3723, False),
        ("36:35", "a remark", 2195, False),
    ],
)
def test_who_did_not_play_is_told_from_who_hardly_did(
    answers: dict[str, dict[str, Any]],
    known: Expectation,
    minutes: str | None,
    comment: str,
    seconds: int | None,
    out: bool,
) -> None:
    """No minutes, or none and a reason, is out of the game and null; none without a reason is less than a second."""
    payload = copy.deepcopy(answers["box-scores-traditional"])
    player = first(payload["boxScoreTraditional"])
    player["statistics"]["minutes"], player["comment"] = minutes, comment
    table = DATASETS["box-scores-traditional"].assess(payload, known).tables["box-scores-traditional"]
    (row,) = (row for row in table.to_pylist() if row["person_id"] == player["personId"])
    assert (row["minutes"], row["minutes_seconds"], row["did_not_play"]) == (minutes, seconds, out)


def test_a_game_of_which_nobody_has_minutes_is_refused(answers: dict[str, dict[str, Any]], known: Expectation) -> None:
    """Zero minutes for everybody are no game, whether or not a reason stands beside them."""
    payload = copy.deepcopy(answers["box-scores-traditional"])
    for player in payload["boxScoreTraditional"]["awayTeam"]["players"]:
        player["statistics"]["minutes"] = "0:00"
        player["comment"] = ""
    found = DATASETS["box-scores-traditional"].assess(payload, known)
    assert found.kind == "contract_violation"
    assert "awayTeam: no player of" in found.problems[0]


@pytest.mark.parametrize("payload", [None, [], {}, 5, {"boxScoreTraditional": None}, {"boxScoreTraditional": []}])
def test_an_answer_without_its_root_is_never_absent(payload: Any, known: Expectation) -> None:
    """Nothing, or something else, says nothing about the game."""
    assert DATASETS["box-scores-traditional"].assess(payload, known).kind == "contract_violation"


def test_both_forms_of_minutes_are_read(answers: dict[str, dict[str, Any]], known: Expectation) -> None:
    """36:35 and PT36M35.00S are the same time; the text stays as received."""
    payload = copy.deepcopy(answers["box-scores-traditional"])
    player = payload["boxScoreTraditional"]["homeTeam"]["players"][0]
    player["statistics"]["minutes"] = "PT34M12.00S"
    table = DATASETS["box-scores-traditional"].assess(payload, known).tables["box-scores-traditional"]
    line = next(row for row in table.to_pylist() if row["person_id"] == player["personId"])
    assert (line["minutes"], line["minutes_seconds"]) == ("PT34M12.00S", 34 * 60 + 12)


def test_a_team_block_may_be_null(answers: dict[str, dict[str, Any]], known: Expectation) -> None:
    """starters and bench can be null upstream."""
    payload = copy.deepcopy(answers["box-scores-traditional"])
    payload["boxScoreTraditional"]["homeTeam"].update(starters=None, bench=None)
    tables = DATASETS["box-scores-traditional"].assess(payload, known).tables
    assert sorted(row["bench"] is None for row in tables["box-scores-traditional-teams"].to_pylist()) == [False, True]


PBP_BREAKS: dict[str, tuple[Break, str]] = {
    "order": (lambda g: g["actions"].reverse(), "actionId does not increase"),
    "a clock of another form": (lambda g: g["actions"][3].update(clock="11:33"), "actions[3].clock: got '11:33'"),
    "an endless clock": (lambda g: g["actions"][3].update(clock=f"PT{'9' * 5000}M00.00S"), "actions[3].clock"),
    "a clock that is gone": (lambda g: g["actions"][3].pop("clock"), "actions[3].clock: missing"),
    "a clock that is empty": (lambda g: g["actions"][3].update(clock=""), "actions[3].clock: got ''"),
    "a score that is no number": (lambda g: g["actions"][3].update(scoreHome="ten"), "actions[3].scoreHome"),
    "a score that only looks like one": (lambda g: g["actions"][3].update(scoreHome="²"), "actions[3].scoreHome"),
    "an endless score": (lambda g: g["actions"][3].update(scoreAway="9" * 5000), "actions[3].scoreAway"),
    "a score as a number": (lambda g: g["actions"][3].update(scoreAway=12), "actions[3].scoreAway: got 12"),
    "a score in a list": (lambda g: g["actions"][3].update(scoreAway=["12"]), "actions[3].scoreAway: got ['12']"),
    "a score that is gone": (lambda g: g["actions"][3].pop("scoreHome"), "actions[3].scoreHome: missing"),
    "no score at all": (
        lambda g: [action.update(scoreHome="", scoreAway=None) for action in g["actions"]],
        "the last score is None-None",
    ),
    "a period that is gone": (
        lambda g: g.update(actions=[action for action in g["actions"] if action["period"] != 2]),
        "no action of period 2",
    ),
    "a period before the first": (lambda g: g["actions"][0].update(period=0), "a period 0"),
    "a period that never was": (lambda g: g["actions"][-1].update(period=10**6), "a period 1000000"),
    "one team only": (
        lambda g: [action.update(teamId=g["actions"][1]["teamId"]) for action in g["actions"]],
        "none is of team",
    ),
    "another final score": (
        lambda g: g["actions"][-1].update(scoreHome="500", scoreAway="2"),
        "the last score is 500-2",
    ),
    "an action that is none": (lambda g: g["actions"].append(7), "not a list of objects"),
    "actions null": (lambda g: g.update(actions=None), "not a list of objects"),
    "a field missing": (lambda g: g["actions"][5].pop("period"), "actions[5].period: missing"),
    "a null where none may be": (lambda g: g["actions"][5].update(period=None), "actions[5].period: null"),
}


@pytest.mark.parametrize("case", PBP_BREAKS)
def test_broken_play_by_play_is_named(answers: dict[str, dict[str, Any]], known: Expectation, case: str) -> None:
    """The same for actions."""
    change, expected = PBP_BREAKS[case]
    payload = copy.deepcopy(answers["play-by-play"])
    change(payload["game"])
    found = DATASETS["play-by-play"].assess(payload, known)
    assert found.kind == "contract_violation"
    assert expected in "; ".join(found.problems)


def test_no_actions_is_absent_and_suspicious_only_where_it_should_not_be(known: Expectation) -> None:
    """A final game of the play-by-play era without actions is doubtful; one of 1995-96 is simply not offered."""
    assess = DATASETS["play-by-play"].assess
    modern = assess({"game": {"gameId": GAME, "actions": []}}, known)
    old = assess(
        {"game": {"gameId": "0029500001", "actions": []}}, Expectation("0029500001", Season(1995), True, 1, 2, 90, 80)
    )
    unplayed = assess({"game": {"gameId": "0042500406", "actions": []}}, Expectation("0042500406", Season(2025), False))
    assert (modern.kind, bool(modern.problems)) == ("absent", True)
    assert (old.kind, old.problems) == ("absent", ())
    assert (unplayed.kind, unplayed.problems) == ("absent", ())


paths = st.lists(st.integers(0, 40), min_size=1, max_size=6)
values = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=5),
    st.just([]),
    st.just({}),
    # What number parsers stumble over.
    st.sampled_from(["²", "٣", "9" * 5000, "\ud800", "0", "", 10**30, 2**53 + 1, "PT", "PT1M", [[]], {"a": 1}]),
)


def damage(payload: Any, path: list[int], value: Any, remove: bool) -> None:
    """Follow the path as far as it goes, and replace or remove what is there."""
    here = payload
    for step in path[:-1]:
        items = list(here.items()) if isinstance(here, dict) else list(enumerate(here))
        containers = [key for key, inner in items if isinstance(inner, dict | list) and inner]
        if not containers:
            break
        here = here[containers[step % len(containers)]]
    keys = list(here) if isinstance(here, dict) else list(range(len(here)))
    key = keys[path[-1] % len(keys)]
    if remove:
        del here[key]
    else:
        here[key] = value


@pytest.mark.parametrize("name", ["box-scores-traditional", "box-scores-advanced", "play-by-play"])
@settings(max_examples=150, deadline=None)
@given(path=paths, value=values, remove=st.booleans())
def test_no_damage_makes_rows_of_nulls_or_an_exception(
    answers: dict[str, dict[str, Any]], known: Expectation, name: str, path: list[int], value: Any, remove: bool
) -> None:
    """Whatever is replaced or removed: ok, absent or a named violation; and what is ok has ids in every row."""
    payload = copy.deepcopy(answers[name])
    damage(payload, path, value, remove)
    found = DATASETS[name].assess(payload, known)
    assert found.kind in ("ok", "absent", "contract_violation")
    assert bool(found.tables) or found.kind != "ok"
    if found.kind == "contract_violation":
        assert all(found.problems)
    for table in found.tables.values():
        assert table.column("game_id").null_count == 0
        assert table.column("team_id").null_count == 0 or name == "play-by-play"
        # Equal to itself: no NaN came in, which would differ from itself for ever.
        assert table.to_pylist() == table.to_pylist()
        table.validate(full=True)


def recorded(corpus: Path, name: str) -> Any:
    return orjson.loads(gzip.decompress((corpus / f"{name}.json.gz").read_bytes()))


def leaves(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return [leaf for inner in value.values() for leaf in leaves(inner)]
    if isinstance(value, list):
        return [leaf for inner in value for leaf in leaves(inner)]
    return [value]


@pytest.mark.corpus
@pytest.mark.parametrize(
    ("name", "file", "count"),
    [
        ("box-scores-traditional", "boxscoretraditionalv3/0022500610", 27),
        ("box-scores-traditional", "boxscoretraditionalv3/0022500165", 29),
        ("box-scores-advanced", "boxscoreadvancedv3/0022500610", 27),
        ("play-by-play", "playbyplayv3/0022500610", 427),
        ("play-by-play", "playbyplayv3/0022400001", 475),
    ],
)
def test_no_field_of_a_recorded_answer_is_lost(corpus: Path, name: str, file: str, count: int) -> None:
    """Every value of the recorded body stands in the tables, as often as it should."""
    payload, game = recorded(corpus, file), file.rpartition("/")[2]
    found = DATASETS[name].assess(payload, Expectation(game, GameId(game).season))
    assert (found.kind, found.problems, found.unknown_fields) == ("ok", (), ())
    table = found.tables[DATASETS[name].tables[0].name]
    assert table.num_rows == count
    stored = {str(leaf) for each in found.tables.values() for row in each.to_pylist() for leaf in leaves(row)}
    root = payload[DATASETS[name].root or ""]
    lost = {
        str(leaf)
        for leaf in leaves({key: value for key, value in root.items() if key != "videoAvailable"})
        if str(leaf) not in stored and str(leaf) != ""
    }
    # Reals that are whole come as 5.0 or 5; text scores come as numbers.
    assert {text for text in lost if text.removesuffix(".0") not in stored and f"{text}.0" not in stored} == set()


@pytest.mark.corpus
@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("box-scores-traditional", "boxscoretraditionalv3/0062600001_no_content"),
        ("box-scores-advanced", "boxscoreadvancedv3/0062600001_no_content"),
        ("play-by-play", "playbyplayv3/0062600001_no_content"),
        ("play-by-play", "playbyplayv3/0029500001_no_content"),
        ("play-by-play", "playbyplayv3/0042500406_no_content"),
    ],
)
def test_recorded_answers_without_content_are_absent(corpus: Path, name: str, file: str) -> None:
    """Unplayed, never played, before its time: absent, and no rows."""
    game = file.rpartition("/")[2].partition("_")[0]
    found = DATASETS[name].assess(recorded(corpus, file), Expectation(game, GameId(game).season, final=False))
    assert (found.kind, dict(found.tables)) == ("absent", {})


@pytest.mark.corpus
@pytest.mark.parametrize(("file", "count"), [("playerindex/2025-26", 557), ("playerindex/current", 578)])
def test_recorded_player_indexes_are_read(corpus: Path, file: str, count: int) -> None:
    """With and without the column that only newer answers have."""
    found = DATASETS["players"].assess(recorded(corpus, file), Expectation("", Season(2025)))
    assert (found.kind, found.unknown_fields) == ("ok", ())
    assert found.tables["players"].num_rows == count


def test_every_column_is_explained() -> None:
    """Each field of each table says what it is and where it comes from."""
    for table in TABLES.values():
        assert len(set(table.schema.names)) == len(table.schema.names)
        for field in table.schema:
            assert field.metadata[b"doc"].strip().endswith(b"."), (table.name, field.name)
            assert field.metadata[b"source"]

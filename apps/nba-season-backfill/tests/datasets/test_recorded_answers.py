"""Recorded answers, leaf by leaf: every value of the body stands in the row and column where it belongs."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa
import pytest

from nba_season_backfill.datasets import DATASETS
from nba_season_backfill.datasets.base import Expectation
from nba_season_backfill.season import GameId, Season

pytestmark = pytest.mark.corpus

BKN, PHX = 1610612751, 1610612756
KNOWN = Expectation("0022500610", Season(2025), True, BKN, PHX, 117, 126)


def body(corpus: Path, name: str) -> Any:
    return orjson.loads(gzip.decompress((corpus / f"{name}.json.gz").read_bytes()))


def tables_of(corpus: Path, dataset: str, game: str, known: Expectation | None = None) -> dict[str, pa.Table]:
    payload = body(corpus, f"{DATASETS[dataset].endpoint}/{game}")
    found = DATASETS[dataset].assess(payload, known or Expectation(game, GameId(game).season))
    assert (found.kind, found.problems, found.unknown_fields) == ("ok", (), ())
    return dict(found.tables)


def columns_by_path(table: pa.Table) -> dict[str, str]:
    """Path in the answer -> column, for columns that hold the value as received."""
    ours = {"minutes_seconds", "starter", "did_not_play", "clock_seconds_left"}
    return {field.metadata[b"source"].decode(): field.name for field in table.schema if field.name not in ours}


def leaves(value: Any, path: str) -> dict[str, Any]:
    """Path -> leaf of an object; lists are left out, they are rows of their own."""
    found: dict[str, Any] = {}
    for key, inner in value.items():
        if isinstance(inner, dict):
            found |= leaves(inner, f"{path}.{key}")
        elif not isinstance(inner, list):
            found[f"{path}.{key}"] = inner
    return found


def flat(row: dict[str, Any]) -> dict[str, Any]:
    """A row whose structs are spelled out: ``bench.points``."""
    found: dict[str, Any] = {}
    for name, value in row.items():
        found |= (
            {f"{name}.{inner}": each for inner, each in value.items()} if isinstance(value, dict) else {name: value}
        )
    return found


def same(stored: Any, received: Any) -> bool:
    """Equal, and of the same kind: 5 and 5.0 are one number, but True and 1 are not."""
    return bool(stored == received) and isinstance(stored, bool) == isinstance(received, bool)


@pytest.mark.parametrize(
    ("dataset", "game"),
    [
        ("box-scores-traditional", "0022500610"),
        ("box-scores-traditional", "0022500165"),
        ("box-scores-advanced", "0022500610"),
    ],
)
def test_every_leaf_of_a_box_score_stands_where_it_belongs(corpus: Path, dataset: str, game: str) -> None:
    """Each player's and each team's every value equals its column, exactly; no value has no column."""
    tables = tables_of(corpus, dataset, game)
    root = body(corpus, f"{DATASETS[dataset].endpoint}/{game}")[DATASETS[dataset].root]
    players, teams = tables[dataset], tables[f"{dataset}-teams"]
    lines = {(row["team_id"], row["person_id"]): row for row in players.to_pylist()}
    team_lines = {row["team_id"]: flat(row) for row in teams.to_pylist()}
    of_player, of_team = columns_by_path(players), columns_by_path(teams)
    assert sorted(team_lines) == sorted([root["homeTeamId"], root["awayTeamId"]])
    for side in ("homeTeam", "awayTeam"):
        team = root[side]
        row = team_lines[team["teamId"]]
        assert row["is_home"] == (side == "homeTeam")
        for path, value in leaves(team, "homeTeam").items():
            block = path.split(".")[1]
            column = of_team.get(path)
            if block in ("starters", "bench"):
                names = dict(zip((n for n in team[block]), (n for n in row if n.startswith(f"{block}.")), strict=True))
                column = names[path.split(".")[2]]
            assert column is not None, path
            assert same(row[column], value), (path, row[column], value)
        for order, player in enumerate(team["players"]):
            line = lines.pop((team["teamId"], player["personId"]))
            assert (line["game_id"], line["player_order"]) == (game, order)
            assert line["starter"] == (player["position"] != "")
            for path, value in leaves(player, "homeTeam.players[]").items():
                assert same(line[of_player[path]], value), (path, line[of_player[path]], value)
    assert not lines


@pytest.mark.parametrize(("game", "count"), [("0022500610", 427), ("0022400001", 475)])
def test_every_leaf_of_every_action_stands_where_it_belongs(corpus: Path, game: str, count: int) -> None:
    """In the order of the answer; scores as numbers, empty ones null."""
    (table,) = tables_of(corpus, "play-by-play", game).values()
    actions = body(corpus, f"playbyplayv3/{game}")["game"]["actions"]
    column_of = columns_by_path(table) | {"actions[].clock": "clock"}
    assert table.num_rows == len(actions) == count
    for row, action in zip(table.to_pylist(), actions, strict=True):
        assert row["game_id"] == game
        for path, value in leaves(action, "actions[]").items():
            stored = row[column_of[path]]
            if path in ("actions[].scoreHome", "actions[].scoreAway"):
                stored = "" if stored is None else str(stored)
            assert same(stored, value), (path, stored, value)


def test_the_known_game_is_the_known_result(corpus: Path) -> None:
    """BKN 117, PHX 126: in the teams' lines, in the players' sums, and on the last scoring action."""
    traditional = tables_of(corpus, "box-scores-traditional", "0022500610", KNOWN)
    points = {row["team_tricode"]: row["points"] for row in traditional["box-scores-traditional-teams"].to_pylist()}
    assert points == {"BKN": 117, "PHX": 126}
    sums = dict.fromkeys(points, 0)
    for row in traditional["box-scores-traditional"].to_pylist():
        sums[row["team_tricode"]] += row["points"]
    assert sums == points
    (actions,) = tables_of(corpus, "play-by-play", "0022500610", KNOWN).values()
    scores = [(row["score_home"], row["score_away"]) for row in actions.to_pylist() if row["score_home"] is not None]
    assert scores[-1] == (117, 126)
    assert set(actions.column("period").to_pylist()) == {1, 2, 3, 4}


def test_a_teams_estimated_ratings_are_stored_as_received(corpus: Path) -> None:
    """Five times the rating and a fifth of the pace: wrong upstream, said in the dictionary, not mended here."""
    teams = tables_of(corpus, "box-scores-advanced", "0022500610")["box-scores-advanced-teams"]
    for row in teams.to_pylist():
        assert row["estimated_offensive_rating"] > 4 * row["offensive_rating"]
        assert row["estimated_pace"] < row["pace"] / 4
    docs = {field.name: field.metadata[b"doc"].decode() for field in teams.schema}
    assert "five times" in docs["estimated_offensive_rating"]


def test_another_final_score_than_the_known_one_is_refused(corpus: Path) -> None:
    """By team, whichever side it stands on: swapped sides pass, swapped scores do not."""
    payload = body(corpus, "boxscoretraditionalv3/0022500610")
    assess = DATASETS["box-scores-traditional"].assess
    swapped_sides = Expectation("0022500610", Season(2025), True, PHX, BKN, 126, 117)
    swapped_scores = Expectation("0022500610", Season(2025), True, BKN, PHX, 126, 117)
    assert assess(payload, swapped_sides).kind == "ok"
    assert assess(payload, swapped_scores).kind == "contract_violation"
    wrong = Expectation("0022500610", Season(2025), True, BKN, PHX, 117, 125)
    found = DATASETS["play-by-play"].assess(body(corpus, "playbyplayv3/0022500610"), wrong)
    assert found.problems == ("game.actions: the last score is 117-126, the final one 117-125",)


@pytest.mark.parametrize("file", ["2025-26", "current"])
def test_every_cell_of_a_recorded_player_index_stands_where_it_belongs(corpus: Path, file: str) -> None:
    """All columns of all players, in order of their ids."""
    payload = body(corpus, f"playerindex/{file}")
    table = DATASETS["players"].assess(payload, Expectation("", Season(2025))).tables["players"]
    (result,) = (each for each in payload["resultSets"] if each["name"] == "PlayerIndex")
    received = sorted((dict(zip(result["headers"], row, strict=True)) for row in result["rowSet"]), key=person)
    column_of = columns_by_path(table)
    for row, player in zip(table.to_pylist(), received, strict=True):
        for header, value in player.items():
            assert same(row[column_of[f"PlayerIndex.rowSet[].{header}"]], value), (header, value)


def person(player: dict[str, Any]) -> int:
    return int(player["PERSON_ID"])

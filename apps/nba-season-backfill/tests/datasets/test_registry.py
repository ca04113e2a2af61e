"""The registry of datasets, and what is asked for in their names."""

from __future__ import annotations

import subprocess
import sys

import pyarrow as pa
import pytest

import nba_season_backfill.datasets as package
from nba_season_backfill.datasets import DATASETS, GAMES_TABLE, SEASON_DATASETS, TABLES
from nba_season_backfill.datasets.base import Expectation
from nba_season_backfill.datasets.columns import snake_case
from nba_season_backfill.season import Season


def test_each_dataset_stands_under_its_own_name() -> None:
    """name -> dataset, and table name -> table, without one standing in two datasets."""
    assert all(name == dataset.name for name, dataset in DATASETS.items())
    assert all(name == dataset.name for name, dataset in SEASON_DATASETS.items())
    names = [table.name for name, dataset in DATASETS.items() if name != "players" for table in dataset.tables]
    names += [table.name for dataset in SEASON_DATASETS.values() for table in dataset.tables]
    assert sorted([*names, GAMES_TABLE.name, "stat-corrections"]) == sorted(TABLES)
    assert SEASON_DATASETS["players"].tables == DATASETS["players"].tables
    assert package.__all__ == sorted(package.__all__)


def test_keys_are_columns_that_are_never_null() -> None:
    """What makes a row unique is declared as never null; season and month stand in the path alone."""
    for table in TABLES.values():
        for column in (*(("game_id",) if table.per_game else ()), *table.key):
            assert not table.schema.field(column).nullable, (table.name, column)
        assert not {"season", "month"} & set(table.schema.names)


def test_types_are_those_of_the_house() -> None:
    """Ids are int64, game ids text, counts int32, shares double, times in UTC: in every table."""
    for table in TABLES.values():
        for field in table.schema:
            if field.name == "game_id":
                assert field.type == pa.string()
            elif field.name.endswith(("team_id", "person_id")):
                assert field.type == pa.int64(), field
            elif field.name.endswith(("_percentage", "_rating")):
                assert field.type == pa.float64(), field
            elif pa.types.is_timestamp(field.type):
                assert field.type == pa.timestamp("us", tz="UTC"), field


@pytest.mark.parametrize("name", ["box-scores-traditional", "box-scores-advanced", "play-by-play"])
def test_a_game_is_asked_for_as_nba_api_does(name: str) -> None:
    """The parameters are those of nba_api's own endpoint class, with the game in its place; all text."""
    import importlib

    dataset = DATASETS[name]
    module = importlib.import_module(f"nba_api.stats.endpoints.{dataset.endpoint}")
    (made,) = (each for each in vars(module).values() if getattr(each, "endpoint", None) == dataset.endpoint)
    theirs = made(game_id="0022400061", get_request=False).parameters
    assert dataset.parameters("0022400061") == {key: str(value) for key, value in theirs.items()}
    assert dataset.parameters("0022400062")["GameID"] == "0022400062"


def test_the_player_index_is_asked_for_by_season() -> None:
    """nba_api's parameters, with the season in its place."""
    from nba_api.stats.endpoints.playerindex import PlayerIndex

    theirs = PlayerIndex(season="2019-20", get_request=False).parameters
    assert DATASETS["players"].parameters("2019-20") == {key: str(value) for key, value in theirs.items()}


def test_importing_the_datasets_leaves_nba_api_and_pandas_alone() -> None:
    """They take longer to import than a whole second run may take."""
    code = "import sys, nba_season_backfill.datasets; sys.exit(any(m in sys.modules for m in ('nba_api', 'pandas')))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [("fieldGoalsMade", "field_goals_made"), ("PIE", "pie"), ("pacePer40", "pace_per40"), ("PERSON_ID", "person_id")],
)
def test_names_are_the_apis_own_in_snake_case(theirs: str, ours: str) -> None:
    """One rule for every field."""
    assert snake_case(theirs) == ours


@pytest.mark.parametrize(
    "payload",
    [
        None,
        [],
        {},
        {"resultSets": 5},
        {"resultSets": [5]},
        {"resultSets": [{"name": "PlayerIndex"}]},
        {"resultSets": [{"name": "PlayerIndex", "headers": [["PERSON_ID"]], "rowSet": [[1]]}]},
        {"resultSets": [{"name": "PlayerIndex", "headers": ["A", "A"], "rowSet": [[1, 2]]}]},
        {"resultSets": [{"name": "PlayerIndex", "headers": ["PERSON_ID"], "rowSet": [[1, 2]]}]},
        {"resultSets": [{"name": "PlayerIndex", "headers": ["PERSON_ID"], "rowSet": [7]}]},
        {"resultSets": [{"name": "PlayerIndex", "headers": ["PERSON_ID"], "rowSet": [["1"]]}]},
    ],
)
def test_a_player_index_of_another_shape_is_refused(payload: object) -> None:
    """Whatever comes, a violation that says what is wrong; never rows, never an exception."""
    found = DATASETS["players"].assess(payload, Expectation("", Season(2024)))  # type: ignore[arg-type]  # on purpose
    assert found.kind == "contract_violation"
    assert found.problems
    assert not found.tables


def test_a_player_index_without_players_is_absent() -> None:
    """An unknown season has headers and no rows."""
    payload = {"resultSets": [{"name": "PlayerIndex", "headers": ["PERSON_ID"], "rowSet": []}]}
    assert DATASETS["players"].assess(payload, Expectation("", Season(1946))).kind == "absent"

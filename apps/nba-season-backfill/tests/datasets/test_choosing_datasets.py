"""Which datasets a choice means, what contradicts it, how they are listed, and what a frozen schema does to a run."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path

import orjson
import pytest
from click.testing import CliRunner

from hoopstat_config import ConfigurationInvalid
from nba_season_backfill.backfill.choosing import wanted_datasets, wanted_season_datasets
from nba_season_backfill.backfill.job import run_season
from nba_season_backfill.cli.entry import cli
from nba_season_backfill.datasets import DATASETS, SEASON_DATASETS, TABLES
from nba_season_backfill.datasets.groups import GROUPS, NAMES, expand
from nba_season_backfill.errors import ContractViolated
from nba_season_backfill.season import Season
from nba_season_backfill.settings import BackfillSettings
from nba_season_backfill.source.base import Answer, StatsRequest, StatsSource
from nba_season_backfill.source.stats_api import StatsApiSource
from nba_stats_emulator import Emulator

ADVANCED = "box-scores-advanced"
CORE = ("box-scores-traditional", "box-scores-advanced", "play-by-play", "players")


def load(**given: object) -> BackfillSettings:
    return BackfillSettings.load(given, environ={})


def test_what_is_fetched_where_nothing_is_said_is_core() -> None:
    """The default is what it always was: two box scores, play-by-play, and the list of players."""
    settings = load()
    assert settings.wanted_names == expand(["core"]) == CORE
    assert [dataset.name for dataset in wanted_datasets(settings)] == list(CORE[:3])
    assert [dataset.name for dataset in wanted_season_datasets(settings)] == ["players"]


@pytest.mark.parametrize(
    ("given", "names"),
    [
        (("all",), NAMES),
        (("box",), tuple(name for name in NAMES if name.startswith("box-scores-"))),
        (("core", "shot-chart"), (*CORE[:3], "shot-chart", "players")),
        (("shot-chart,core",), (*CORE[:3], "shot-chart", "players")),
        (("shot-chart, summary ",), ("summary", "shot-chart")),
        (("core,-players",), CORE[:3]),
        (("-players", "core"), CORE[:3]),
        (("all", "-box", "-win-probability"), tuple(n for n in NAMES if n not in GROUPS["box"] and n[:3] != "win")),
        (("-box",), tuple(name for name in NAMES if name not in GROUPS["box"])),
    ],
)
def test_names_and_groups_are_added_and_taken_away(given: tuple[str, ...], names: tuple[str, ...]) -> None:
    """Repeated or with commas, in any order; what is fetched stands in the registry's order."""
    settings = load(datasets=given)
    assert settings.wanted_names == names
    chosen = [dataset.name for dataset in wanted_datasets(settings)]
    chosen += [dataset.name for dataset in wanted_season_datasets(settings)]
    assert sorted(chosen) == sorted(names)


def test_the_environment_separates_with_commas() -> None:
    """NBA_BACKFILL_DATASETS=box,players."""
    settings = BackfillSettings.load({}, environ={"NBA_BACKFILL_DATASETS": "box,-box-scores-matchups,players"})
    assert set(settings.wanted_names) == {*GROUPS["box"], "players"} - {"box-scores-matchups"}


def test_leaving_out_composes_with_groups() -> None:
    """--no-box-scores and the others take from a group what it would have fetched."""
    left = load(datasets=("all",), box_scores=False, play_by_play=False).wanted_names
    assert set(left) == set(NAMES) - {*GROUPS["box"], "play-by-play"}
    assert load(player_info=False).wanted_names == CORE[:3]
    assert load(box_scores=False).wanted_names == ("play-by-play", "players")


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"datasets": ("bx",)}, "did you mean box?"),
        ({"datasets": ("shotchart",)}, "did you mean shot-chart?"),
        ({"datasets": ("-boxes",)}, "no dataset or group is called 'boxes'"),
        ({"datasets": ("zzzz",)}, "`nba-backfill datasets` lists them"),
        ({"datasets": (",",)}, "datasets"),
        ({"datasets": ("box-scores-misc",), "box_scores": False}, "left out by --no-box-scores; drop one of the two"),
        ({"datasets": ("core", "players"), "player_info": False}, "left out by --no-player-info"),
        ({"datasets": ("play-by-play",), "play_by_play": False}, "left out by --no-play-by-play"),
        ({"datasets": ("box",), "box_scores": False}, "nothing is left to fetch"),
        ({"datasets": ("box", "-box")}, "nothing is left to fetch"),
    ],
)
def test_a_choice_that_makes_no_sense_is_refused_with_what_helps(given: dict[str, object], said: str) -> None:
    """A name that is none, a dataset wanted and left out, or nothing at all: one clear line."""
    with pytest.raises(ConfigurationInvalid) as caught:
        load(**given)
    (problem,) = caught.value.problems
    assert said in str(problem)


def test_the_list_of_datasets_is_the_registry() -> None:
    """Name, endpoint, first season, requests of a 1,230-game season, tables and columns; as JSON and as text."""
    done = CliRunner().invoke(cli, ["datasets", "--output-format", "json"])
    assert done.exit_code == 0, done.output
    listed = {dataset["name"]: dataset for dataset in json.loads(done.output)["datasets"]}
    assert tuple(listed) == NAMES
    assert listed["box-scores-hustle"]["first_season"] == "2015-16"
    assert listed["summary"]["requests_per_season"] == 1230
    assert listed["rosters"]["requests_per_season"] == 30
    assert (listed["players"]["requests_per_season"], listed["player-game-logs"]["requests_per_season"]) == (1, 5)
    assert listed["box-scores-traditional"]["groups"] == ["core", "box", "all"]
    tables = {table["name"]: table for dataset in listed.values() for table in dataset["tables"]}
    assert set(tables) == set(TABLES) - {"games", "stat-corrections"}
    for name, table in tables.items():
        assert [column["name"] for column in table["columns"]] == TABLES[name].schema.names
        assert all(column["doc"] and column["source"] and column["type"] for column in table["columns"])
        assert set(table["key"]) <= {column["name"] for column in table["columns"]}
    text = CliRunner().invoke(cli, ["datasets"]).output
    assert all(f"\n{name} " in text for name in NAMES)
    assert "summary-officials: 9 columns" in text


def test_rebuild_takes_any_dataset_of_single_games() -> None:
    """The choices are the registry's; a dataset of a whole season or none at all is refused by name."""
    for name in ("players", "nothing"):
        done = CliRunner().invoke(cli, ["rebuild", "--dataset", name])
        assert done.exit_code == 2
        assert all(each in done.output for each in DATASETS if each not in SEASON_DATASETS)


@dataclass(frozen=True, slots=True)
class Drifted:
    """A source whose advanced box scores have a field that nobody knew."""

    inner: StatsSource

    @property
    def name(self) -> str:
        return self.inner.name

    def fetch(self, request: StatsRequest, *, session_generation: int = 0) -> Answer:
        answer = self.inner.fetch(request, session_generation=session_generation)
        if request.endpoint != "boxscoreadvancedv3":
            return answer
        payload = orjson.loads(answer.body)
        payload["boxScoreAdvanced"]["homeTeam"]["statistics"]["brandNew"] = 1
        payload["boxScoreAdvanced"]["awayTeam"]["statistics"]["usagePercentage"] = 7.5
        return replace(answer, body=orjson.dumps(payload))

    def close(self) -> None:
        self.inner.close()


@pytest.mark.parametrize("contract", ["evolve", "freeze"])
def test_a_run_under_each_contract(tmp_path: Path, contract: str) -> None:
    """evolve stores, reports the new field once and counts what is out of range; freeze ends with 65, without rows."""
    with Emulator() as emulator:
        settings = load(
            source="nba",
            base_url=emulator.base_url,
            season="2024-25",
            season_type=("Regular Season",),
            rate_limit="0.001",
            request_budget="0",
            limit="2",
            output=str(tmp_path),
            datasets=("box-scores-traditional", "box-scores-advanced"),
            schema_contract=contract,
        )
        source = Drifted(StatsApiSource(emulator.base_url))
        if contract == "evolve":
            summary = run_season(settings, Season(2024), run_id="drift", source=source)
        else:
            with pytest.raises(ContractViolated, match="the schema is frozen") as caught:
                run_season(settings, Season(2024), run_id="drift", source=source)
            assert caught.value.exit_code == 65
            summary = caught.value.summary
        source.close()
    counts = summary.validation["box-scores-advanced"]
    stored = (tmp_path / "box-scores-advanced").exists()
    if contract == "evolve":
        assert summary.drift == {"box-scores-advanced": ["boxScoreAdvanced.team.statistics[].brandNew"]}
        assert (stored, counts.outliers, summary.outliers, summary.filtered_out_count) == (True, 2, 2, 0)
        assert counts.examples == ["boxScoreAdvanced.awayTeam.statistics.usagePercentage: 7.5"] * 2
        assert counts.rows == sum(summary.rows_by_table[table.name] for table in DATASETS[ADVANCED].tables)
    else:
        assert (stored, summary.units_failed) == (False, 2)
        assert summary.filtered_out_count == counts.filtered_out_count > 40
    # Raw first: whatever the contract, what came is kept.
    assert len(list((tmp_path / "_raw" / "boxscoreadvancedv3").rglob("*.json.gz"))) == 2

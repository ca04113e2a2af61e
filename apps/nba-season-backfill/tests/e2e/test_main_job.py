"""The job as its user runs it: a process, an emulator on loopback, a lake, and what other tools read from it."""

from __future__ import annotations

import gzip
import json
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import duckdb
import orjson
import pandas as pd
import pyarrow.dataset as pads
import pytest

from nba_season_backfill.lake.bronze import read_partition
from nba_season_backfill.lake.local import LocalStore
from nba_stats_emulator import Behaviour, EmptyObject, Emulator, Rule

from .conftest import backfill, from_emulator, summary_of

GAME = "0022500610"
Row = dict[str, Any]


def rows(lake: Path, table: str) -> list[Row]:
    """A table's rows in order, as plain values."""
    found: list[Row] = []
    store = LocalStore(lake)
    for path in sorted((lake / table).rglob("*.parquet")):
        found += read_partition(store, path.relative_to(lake).as_posix()).to_pylist()
    return found


def all_tables(lake: Path) -> dict[str, list[Row]]:
    """Every table but the one that tells of the runs themselves."""
    names = sorted(path.name for path in lake.iterdir() if path.is_dir() and not path.name.startswith("_"))
    return {name: rows(lake, name) for name in names if name != "pipeline-audit"}


def facts(lake: Path, season: str) -> dict[str, Any]:
    """What the checkpoint says of each unit, without times and attempts."""
    content = orjson.loads((lake / f"_state/season={season}/checkpoint.json").read_bytes())["content"]
    return {
        game: {name: (unit["status"], unit.get("raw"), unit.get("rows")) for name, unit in entry["datasets"].items()}
        for game, entry in content["games"].items()
    }


def test_the_second_run_asks_only_for_the_seasons_lists(tmp_path: Path) -> None:
    """Must show 1: the sample fills ./bronze; run again, nothing but the game lists is requested, and it exits 0."""
    first = backfill("--source", "sample", "--season", "2024-25", "--limit", "6", cwd=tmp_path)
    assert first.returncode == 0, first.stderr
    assert summary_of(first)["units_stored"] == 18
    second = backfill("--source", "sample", "--season", "2024-25", "--limit", "6", cwd=tmp_path)
    found = summary_of(second)
    assert (second.returncode, found["outcome"], found["requests"]) == (0, "nothing_to_do", 5)
    assert found["continued_from"].endswith("checkpoint.json")
    assert (tmp_path / "bronze/box-scores-traditional/season=2024-25/month=10/part-0.parquet").is_file()


def test_every_line_off_a_terminal_is_json(tmp_path: Path) -> None:
    """Standard output is JSON lines only, each with time, level, event, run and correlation id."""
    done = backfill("--source", "sample", "--limit", "2", cwd=tmp_path, environment={"CORRELATION_ID": "order-66"})
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(lines) > 4
    for line in lines:
        assert {"timestamp", "level", "event", "run_id", "correlation_id"} <= line.keys()
        assert line["correlation_id"] == "order-66"
    assert len({line["run_id"] for line in lines}) == 1


@pytest.mark.corpus
def test_a_recorded_game_lands_as_it_was_recorded(tmp_path: Path, corpus: Path) -> None:
    """Must show 2: BKN 117, PHX 126, every player's line, all 427 actions and the ratings equal the recorded bodies."""
    lake = tmp_path / "lake"
    with Emulator(recorded=corpus) as recorded:
        arguments: list[str | Path] = ["--season", "2025-26", "--game-id", GAME, "--rate-limit", "0.01"]
        arguments += ["--output", lake]
        done = backfill("--source", "nba", "--base-url", recorded.base_url, *arguments)
    assert done.returncode == 0, done.stderr

    def body(endpoint: str, root: str) -> Any:
        return orjson.loads(gzip.decompress((corpus / f"{endpoint}/{GAME}.json.gz").read_bytes()))[root]

    box = body("boxscoretraditionalv3", "boxScoreTraditional")
    lines = {line["person_id"]: line for line in rows(lake, "box-scores-traditional")}
    teams = {line["team_tricode"]: line for line in rows(lake, "box-scores-traditional-teams")}
    assert (teams["BKN"]["points"], teams["PHX"]["points"]) == (117, 126)
    players = [*box["homeTeam"]["players"], *box["awayTeam"]["players"]]
    assert len(lines) == len(players) == 27
    for player in players:
        line, statistics = lines[player["personId"]], player["statistics"]
        assert line["points"] == statistics["points"]
        assert line["minutes"] == statistics["minutes"]
        assert line["rebounds_total"] == statistics["reboundsTotal"]
        assert line["three_pointers_percentage"] == statistics["threePointersPercentage"]
        assert line["plus_minus_points"] == statistics["plusMinusPoints"]
        assert line["did_not_play"] == (statistics["minutes"] == "")
    advanced = body("boxscoreadvancedv3", "boxScoreAdvanced")
    ratings = {line["person_id"]: line for line in rows(lake, "box-scores-advanced")}
    for player in [*advanced["homeTeam"]["players"], *advanced["awayTeam"]["players"]]:
        line = ratings[player["personId"]]
        assert line["offensive_rating"] == player["statistics"]["offensiveRating"]
        assert line["pie"] == player["statistics"]["PIE"]
    actions = rows(lake, "play-by-play")
    assert [action["action_id"] for action in actions] == [
        action["actionId"] for action in body("playbyplayv3", "game")["actions"]
    ]
    assert len(actions) == 427
    assert [action["description"] for action in actions] == [
        action["description"] for action in body("playbyplayv3", "game")["actions"]
    ]


def archived(lake: Path) -> set[tuple[str, str]]:
    """(endpoint, subject) of every archived game body."""
    found = (lake / "_raw").glob("*/season=*/*/*.json.gz") if lake.exists() else iter(())
    return {(path.parts[-4], path.parts[-2]) for path in found if path.parts[-2].isdigit()}


@pytest.fixture(scope="module")
def whole(emulator: Emulator, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A lake of twelve games that nothing disturbed."""
    folder = tmp_path_factory.mktemp("whole")
    assert backfill(*from_emulator(emulator, "--output", folder, "--limit", "12")).returncode == 0
    return folder


@pytest.mark.parametrize("bodies", [1, 10, 25])
def test_a_killed_run_is_continued_without_asking_twice(
    emulator: Emulator, whole: Path, tmp_path: Path, bodies: int
) -> None:
    """Must show 3: kill -9 in the middle, --resume: no archived body is requested again, and the tables are equal."""
    lake = tmp_path / "lake"
    arguments = from_emulator(emulator, "--output", lake, "--limit", "12", "--checkpoint-every", "3")
    process = subprocess.Popen(
        [sys.executable, "-m", "nba_season_backfill", *map(str, arguments)], stdout=subprocess.DEVNULL
    )
    deadline = time.monotonic() + 60
    while len(archived(lake)) < bodies and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.002)
    process.send_signal(signal.SIGKILL)
    process.wait()
    before = archived(lake)
    assert len(before) >= bodies
    emulator.clear_requests()
    done = backfill(*arguments, "--resume")
    assert done.returncode == 0, done.stderr
    asked = {(each.endpoint, game) for each in emulator.requests for name, game in each.query if name == "GameID"}
    assert not asked & before
    assert all_tables(lake) == all_tables(whole)
    assert facts(lake, "2024-25") == facts(whole, "2024-25")


def test_a_killed_run_is_not_at_work(emulator: Emulator, tmp_path: Path) -> None:
    """Its lease has not run out yet, but on this machine it is known to be gone: nobody need wait."""
    lake = tmp_path / "lake"
    arguments = map(str, from_emulator(emulator, "--output", lake, "--limit", "12"))
    process = subprocess.Popen([sys.executable, "-m", "nba_season_backfill", *arguments], stdout=subprocess.DEVNULL)
    deadline = time.monotonic() + 60
    while len(archived(lake)) < 3 and time.monotonic() < deadline:
        time.sleep(0.002)
    status = ("status", "--season", "2024-25", "--output", lake, "--output-format", "json")
    process.send_signal(signal.SIGSTOP)
    assert [lease["held"] for lease in json.loads(backfill(*status).stdout)["leases"]] == [True]
    process.kill()
    process.wait()
    after = json.loads(backfill(*status).stdout)
    assert [lease["held"] for lease in after["leases"]] == [False]
    assert after["last_runs"][0]["outcome"] == "interrupted"
    assert not after["next_action"].startswith("wait")


def test_resume_starts_fresh_where_there_is_nothing(emulator: Emulator, tmp_path: Path) -> None:
    """A CronJob may always pass --resume."""
    done = backfill(*from_emulator(emulator, "--output", tmp_path / "lake", "--limit", "1", "--resume"))
    assert (done.returncode, summary_of(done)["outcome"]) == (0, "complete")


def test_fetching_anew_asks_again_and_destroys_nothing(emulator: Emulator, tmp_path: Path) -> None:
    """--no-resume requests every body again; what is archived stays, and the tables are the same."""
    lake = tmp_path / "lake"
    assert backfill(*from_emulator(emulator, "--output", lake, "--limit", "2")).returncode == 0
    tables, bodies = all_tables(lake), archived(lake)
    done = backfill(*from_emulator(emulator, "--output", lake, "--limit", "2", "--no-resume"))
    found = summary_of(done)
    assert (done.returncode, found["units_stored"]) == (0, 6)
    assert archived(lake) == bodies
    assert all_tables(lake) == tables


def test_readers_that_are_not_ours_see_the_same_rows(emulator: Emulator, tmp_path: Path) -> None:
    """Must show 4, locally: pyarrow.dataset, duckdb and pandas see the same rows through the Hive partitions."""
    lake = tmp_path / "lake"
    assert backfill(*from_emulator(emulator, "--output", lake, "--limit", "4")).returncode == 0
    for table in ("box-scores-traditional", "box-scores-advanced-teams", "play-by-play", "games"):
        ours = len(rows(lake, table))
        arrow = pads.dataset(lake / table, partitioning="hive")
        assert arrow.count_rows() == ours
        assert {"season", "month", "game_id"} <= set(arrow.schema.names)
        glob = f"{lake}/{table}/*/*/*.parquet"
        query = f"select count(*), min(season) from read_parquet('{glob}', hive_partitioning=true)"
        assert duckdb.connect().execute(query).fetchall() == [(ours, "2024-25")]
        frame = pd.read_parquet(lake / table)
        assert len(frame) == ours
        assert set(frame["game_id"]) == set(arrow.to_table().column("game_id").to_pylist())


def test_no_content_is_never_rows_and_never_complete(emulator: Emulator, tmp_path: Path) -> None:
    """Must show 5: an empty answer for a final game is classified, leaves no rows, and the run is not green."""
    lake = tmp_path / "lake"
    emulator.set_behaviour(Behaviour(rules=(Rule(EmptyObject(), endpoint="playbyplayv3"),)))
    try:
        done = backfill(*from_emulator(emulator, "--output", lake, "--limit", "1", "--max-retries", "1"))
    finally:
        emulator.set_behaviour(None)
    assert done.returncode == 75, done.stderr
    assert "1 of 3 answers are missing" in done.stderr
    assert not (lake / "play-by-play").exists()
    assert Counter(unit[0] for game in facts(lake, "2024-25").values() for unit in game.values()) == {
        "ok": 2,
        "failed": 1,
    }
    again = backfill(*from_emulator(emulator, "--output", lake, "--limit", "1"))
    assert again.returncode == 0
    assert len(rows(lake, "play-by-play")) > 300

"""The job on S3, and everything that a user can get wrong: one clear line, the documented exit code, no traceback."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import duckdb
import orjson
import pyarrow.dataset as pads
import pyarrow.fs
import pytest

from nba_stats_emulator import Behaviour, Emulator, Rule, Tarpit

from .conftest import backfill, from_emulator, summary_of

CHECKPOINT = "_state/season=2024-25/checkpoint.json"


Arguments = list[str | Path]


def clear(done: subprocess.CompletedProcess[str], code: int, *expected: str) -> None:
    """One line on standard error that has all of that, the exit code, and no traceback anywhere."""
    assert done.returncode == code, (done.returncode, done.stderr)
    lines = done.stderr.strip().splitlines()
    assert len(lines) == 1, done.stderr
    for text in expected:
        assert text in lines[0]
    assert "Traceback" not in done.stderr + done.stdout


def test_readers_see_the_same_rows_on_s3(emulator: Emulator, bucket: dict[str, str]) -> None:
    """Must show 4 on S3: pyarrow.dataset, duckdb and pandas see the rows that were written; running again adds none."""
    endpoint, environment = bucket["endpoint"], {key: bucket[key] for key in bucket if key != "endpoint"}
    arguments = from_emulator(emulator, "--s3-bucket", "lake", "--s3-endpoint-url", endpoint, "--limit", "3")
    done = backfill(*arguments, environment=environment)
    found = summary_of(done)
    assert (done.returncode, found["units_stored"], found["lake"]) == (0, 9, "s3://lake/historical-backfill")
    assert "verysecretkey" not in done.stdout + done.stderr
    s3 = pyarrow.fs.S3FileSystem(
        access_key="test", secret_key="verysecretkey", endpoint_override=endpoint, region="us-east-1"
    )
    for table in ("box-scores-traditional", "play-by-play", "box-scores-advanced-teams"):
        lines = pads.dataset(f"lake/historical-backfill/{table}", filesystem=s3, partitioning="hive")
        wanted = found["rows_by_table"][table]
        assert lines.count_rows() == wanted
        counted = duckdb.connect().execute("select count(*), min(season) from lines").fetchall()
        assert counted == [(wanted, "2024-25")]
        assert len(lines.to_table().to_pandas()) == wanted
    again = summary_of(backfill(*arguments, environment=environment))
    assert (again["outcome"], again["requests"], again["archived_bytes"]) == ("nothing_to_do", 5, 0)


def test_a_wrong_season_is_refused_with_the_right_one() -> None:
    """2 for a wrong command line, 78 for a wrong environment."""
    clear(backfill("--season", "2024-26"), 2, "--season '2024-26'", "2024-25")
    clear(backfill("--season", "2024"), 2, "--season '2024'", "2024-25")
    clear(
        backfill("--dry-run", environment={"NBA_TARGET_SEASON": "2024/25"}),
        78,
        "NBA_TARGET_SEASON='2024/25'",
        "2024-25",
    )


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    """A file where a folder should be."""
    (tmp_path / "file").write_text("in the way")
    clear(
        backfill("--source", "sample", "--output", tmp_path / "file" / "lake"), 78, str(tmp_path / "file"), "--output"
    )


@pytest.mark.parametrize("name", ["loop", "x" * 300])
def test_a_folder_that_cannot_be_there(tmp_path: Path, name: str) -> None:
    """A symbolic link to itself; a name that no file system takes."""
    (tmp_path / "loop").symlink_to("loop")
    clear(backfill("--source", "sample", "--limit", "1", "--output", tmp_path / name), 78, name, "--output")
    done = backfill(
        "--source", "sample", "--output", tmp_path / "lake", "--state-file-path", tmp_path / name / "c.json"
    )
    assert done.returncode == 78, done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&- >&- 2>&-"])
def test_closed_streams_change_nothing_but_what_is_said(tmp_path: Path, closed: str) -> None:
    """As a daemon's child may be started."""
    job = f'"{sys.executable}" -m nba_season_backfill --source sample --limit 1 --output "{tmp_path}/lake"'
    done = subprocess.run(["sh", "-c", f"{job} {closed}"], capture_output=True, text=True, timeout=120, check=False)
    assert (done.returncode, "Traceback" in done.stderr) == (0, False), done.stderr
    assert (tmp_path / "lake" / CHECKPOINT).exists()


def test_an_empty_config_is_an_error_on_the_command_line_only(tmp_path: Path) -> None:
    """An empty variable counts as not set."""
    clear(backfill("--dry-run", "--config", "", cwd=tmp_path), 2, "--config ''", "empty")
    arguments = ["config", "--season", "2024-25"]
    assert backfill(*arguments, cwd=tmp_path, environment={"NBA_BACKFILL_CONFIG": ""}).returncode == 0


def test_a_log_that_cannot_be_written_is_told_in_the_form_asked_for(tmp_path: Path) -> None:
    """Every line on standard output is JSON, though the log was not set up yet."""
    (tmp_path / "file").write_text("in the way")
    arguments: Arguments = ["--source", "sample", "--output", tmp_path / "lake", "--log-format", "json"]
    done = backfill(*arguments, "--log-file", tmp_path / "file" / "log")
    clear(done, 78, "--log-file")
    assert [json.loads(line)["event"] for line in done.stdout.splitlines()] == ["run_failed"]


def test_a_bucket_that_is_not_there(bucket: dict[str, str]) -> None:
    """Says which bucket."""
    environment = {key: bucket[key] for key in bucket if key != "endpoint"}
    arguments = ["--source", "sample", "--s3-bucket", "nowhere", "--s3-endpoint-url", bucket["endpoint"]]
    clear(backfill(*arguments, environment=environment), 78, "no bucket nowhere", "--s3-bucket")


def test_credentials_that_are_missing(bucket: dict[str, str]) -> None:
    """Says where they are looked for."""
    arguments = ["--source", "sample", "--s3-bucket", "lake", "--s3-endpoint-url", bucket["endpoint"]]
    clear(backfill(*arguments), 78, "AWS_ACCESS_KEY_ID")


def test_a_store_that_is_not_reached(tmp_path: Path) -> None:
    """A wrong endpoint fails within seconds."""
    arguments = ["--source", "sample", "--s3-bucket", "lake", "--s3-endpoint-url", "http://127.0.0.1:9"]
    environment = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "verysecretkey"}
    done = backfill(*arguments, cwd=tmp_path, environment=environment)
    clear(done, 78, "--s3-endpoint-url")
    assert "verysecretkey" not in done.stdout + done.stderr


def test_an_upstream_that_is_not_reached(tmp_path: Path) -> None:
    """Nobody listens: 69 at once, nothing half-made."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
    done = backfill("--base-url", url, "--season", "2024-25", "--output", tmp_path / "lake")
    clear(done, 69, url, "cannot be reached")
    assert not (tmp_path / "lake" / CHECKPOINT).exists()


@pytest.fixture(scope="module")
def small_lake(emulator: Emulator, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A lake of two games."""
    lake = tmp_path_factory.mktemp("small") / "lake"
    assert backfill(*from_emulator(emulator, "--output", lake, "--limit", "2")).returncode == 0
    return lake


@pytest.fixture
def lake(small_lake: Path, tmp_path: Path) -> Path:
    """A copy of it, to be damaged."""
    return Path(shutil.copytree(small_lake, tmp_path / "lake"))


def test_a_corrupt_checkpoint_is_refused_then_repaired(emulator: Emulator, lake: Path) -> None:
    """One byte: refused with 78, untouched; `repair` restores it without a request, and the run goes on."""
    path = lake / CHECKPOINT
    whole = path.read_bytes()
    damaged = bytearray(whole)
    damaged[len(whole) // 2] ^= 1
    path.write_bytes(damaged)
    arguments = from_emulator(emulator, "--output", lake, "--limit", "2")
    clear(backfill(*arguments), 78, "checkpoint", "corrupt", "repair")
    assert path.read_bytes() == bytes(damaged)
    emulator.clear_requests()
    repaired = backfill("repair", "--season", "2024-25", "--output", lake)
    assert (repaired.returncode, emulator.requests) == (0, [])
    assert backfill("verify", "--deep", "--season", "2024-25", "--output", lake).returncode == 0
    assert summary_of(backfill(*arguments))["outcome"] == "nothing_to_do"


def test_a_checkpoint_and_all_its_generations_can_be_rebuilt(emulator: Emulator, lake: Path) -> None:
    """Nothing good is left of it: the archive is enough, without a request."""
    before = orjson.loads((lake / CHECKPOINT).read_bytes())["content"]["games"]
    for path in [lake / CHECKPOINT, *(lake / CHECKPOINT).parent.glob("generations/*.json")]:
        path.write_bytes(b"{")
    clear(backfill(*from_emulator(emulator, "--output", lake)), 78, "corrupt", "repair")
    assert backfill("repair", "--season", "2024-25", "--output", lake).returncode == 0
    after = orjson.loads((lake / CHECKPOINT).read_bytes())["content"]["games"]
    assert {game: {name: unit["raw"] for name, unit in entry["datasets"].items()} for game, entry in after.items()} == {
        game: {name: unit["raw"] for name, unit in entry["datasets"].items()} for game, entry in before.items()
    }


def test_a_checkpoint_of_an_unknown_format_is_refused(emulator: Emulator, lake: Path) -> None:
    """Another version's document is left alone."""
    path = lake / CHECKPOINT
    document = orjson.loads(path.read_bytes())
    path.write_bytes(orjson.dumps({**document, "format": 99}))
    clear(backfill(*from_emulator(emulator, "--output", lake)), 78, "format is 99")


def test_a_checkpoint_of_another_lake_is_refused(emulator: Emulator, lake: Path, tmp_path: Path) -> None:
    """A state file that was written for another lake does not make this one look complete."""
    arguments = from_emulator(emulator, "--output", tmp_path / "other", "--state-file-path", lake / CHECKPOINT)
    clear(backfill(*arguments), 78, "belongs to another lake")


def test_a_checkpoint_of_another_season_is_refused(emulator: Emulator, lake: Path, tmp_path: Path) -> None:
    """Nor one of another season."""
    state = tmp_path / "state.json"
    shutil.copy(lake / CHECKPOINT, state)
    arguments: Arguments = ["--source", "nba", "--base-url", emulator.base_url, "--season", "2023-24"]
    arguments += ["--output", lake]
    clear(backfill(*arguments, "--state-file-path", state), 78, "is of season 2024-25", "2023-24")


def test_the_state_may_be_kept_elsewhere(emulator: Emulator, tmp_path: Path) -> None:
    """--state-file-path: the checkpoint is there, and a second run finds it there."""
    state = tmp_path / "state" / "season.json"
    arguments = from_emulator(emulator, "--output", tmp_path / "lake", "--limit", "1", "--state-file-path", state)
    assert backfill(*arguments).returncode == 0
    assert json.loads(state.read_text())["content"]["season"] == "2024-25"
    assert summary_of(backfill(*arguments))["outcome"] == "nothing_to_do"


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_signal_stops_a_hanging_run_at_once(
    emulator: Emulator, tmp_path: Path, number: signal.Signals, code: int
) -> None:
    """In the middle of a read that never ends: what is done is committed, exit within 10 s, resumable."""
    lake = tmp_path / "lake"
    arguments = from_emulator(emulator, "--output", lake, "--limit", "4", "--checkpoint-every", "100")
    emulator.set_behaviour(Behaviour(rules=(Rule(Tarpit(), endpoint="playbyplayv3", skip=2),)))
    try:
        process = subprocess.Popen(
            [sys.executable, "-m", "nba_season_backfill", *map(str, arguments)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        deadline = time.monotonic() + 60
        while len(list((lake / "_raw/playbyplayv3").rglob("*.json.gz"))) < 2 and time.monotonic() < deadline:
            time.sleep(0.01)
        time.sleep(0.5)
        process.send_signal(number)
        sent = time.monotonic()
        _, errors = process.communicate(timeout=30)
    finally:
        emulator.set_behaviour(None)
    assert process.returncode == code, errors
    assert time.monotonic() - sent < 10
    assert "the checkpoint is saved" in errors
    content = orjson.loads((lake / CHECKPOINT).read_bytes())["content"]
    assert sum("play-by-play" in game["datasets"] for game in content["games"].values()) == 2
    assert summary_of(backfill(*arguments))["outcome"] == "complete"


def test_a_dry_run_needs_nothing_and_writes_nothing(tmp_path: Path) -> None:
    """No network, no credentials, not even for a bucket; it says what it assumed. With the sample it is exact."""
    done = backfill("--dry-run", "--season", "2024-25", "--s3-bucket", "anything", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "nothing was asked of the upstream" in done.stdout
    exact = backfill("--dry-run", "--source", "sample", "--output-format", "json", cwd=tmp_path)
    plan = json.loads(exact.stdout)
    assert (plan["games_to_do"], plan["requests"], plan["exact"]) == (1321, 1321 * 3 + 6, True)
    assert list(tmp_path.iterdir()) == []


def test_two_runs_at_once_do_not_meet(emulator: Emulator, tmp_path: Path) -> None:
    """Eight processes started at once on one season: one works, the others step aside; the lake is whole."""
    lake = tmp_path / "lake"
    arguments = [sys.executable, "-m", "nba_season_backfill"]
    arguments += [str(each) for each in from_emulator(emulator, "--output", lake, "--limit", "3", "--on-busy", "skip")]
    emulator.clear_requests()
    processes = [subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True, env=dict(os.environ)) for _ in range(8)]
    outcomes = []
    for process in processes:
        out, _ = process.communicate(timeout=120)
        assert process.returncode == 0
        outcomes.append(json.loads(out.splitlines()[-1])["summary"]["outcome"])
    assert outcomes.count("complete") == 1
    assert set(outcomes) <= {"complete", "skipped", "nothing_to_do"}
    asked = [(each.endpoint, each.game_id) for each in emulator.requests if each.game_id]
    assert len(asked) == len(set(asked)) == 9
    assert backfill("verify", "--deep", "--season", "2024-25", "--output", lake).returncode == 0


def test_metrics_are_written_for_the_node_exporter(emulator: Emulator, tmp_path: Path) -> None:
    """--metrics-textfile: requests by verdict, games by outcome, bytes, and when it last went well."""
    from prometheus_client.parser import text_string_to_metric_families

    path = tmp_path / "job.prom"
    arguments = from_emulator(emulator, "--output", tmp_path / "lake", "--limit", "2", "--metrics-textfile", path)
    assert backfill(*arguments).returncode == 0
    found = {
        (sample.name, *sorted(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(path.read_text())
        for sample in family.samples
    }
    assert found["hoopstat_requests_total", "ok", "playbyplayv3"] == 2
    assert found["hoopstat_games_total", "done"] == 2
    assert found["hoopstat_games_left",] == 0
    assert found["hoopstat_bytes_written_total", "raw"] > 10_000
    assert found["hoopstat_last_success_timestamp_seconds",] > 1_700_000_000


def test_a_run_can_be_followed_as_a_trace(emulator: Emulator, tmp_path: Path) -> None:
    """With an OTLP endpoint: run > game > request, and the trace's id in the log lines."""
    import http.server
    import threading

    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

    bodies: list[bytes] = []

    class Collector(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            return

    collector = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Collector)
    threading.Thread(target=collector.serve_forever, daemon=True).start()
    try:
        endpoint = {"OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{collector.server_address[1]}"}
        arguments = from_emulator(emulator, "--output", tmp_path / "lake", "--limit", "1")
        done = backfill(*arguments, environment=endpoint)
    finally:
        collector.shutdown()
        collector.server_close()
    assert done.returncode == 0, done.stderr
    spans = [
        each
        for body in bodies
        for resource in ExportTraceServiceRequest.FromString(body).resource_spans
        for scope in resource.scope_spans
        for each in scope.spans
    ]
    by_id = {each.span_id: each for each in spans}
    games = [each for each in spans if each.name == "game"]
    assert len(games) == 3
    assert {by_id[each.parent_span_id].name for each in games} == {"run"}
    attempts = [each for each in spans if each.name == "request" and by_id[each.parent_span_id].name == "game"]
    assert len(attempts) == 3
    logged = {json.loads(line).get("trace_id") for line in done.stdout.splitlines()} - {None}
    assert logged == {games[0].trace_id.hex()}

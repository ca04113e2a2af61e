"""The lake fails in the middle of a run: one clear line, the right exit code, nothing half-written, and it goes on.

Every time a run works on a few games, and its lake, which was good so far, expires, vanishes, fills up, becomes
read-only, hangs or throttles. Then the lake is good again, and the same command must end what was begun without asking
for anything that was archived. At every operation of a run, in one process and with clocks of the tests'
own: ``tests/faults/test_slow_full_and_jumping.py``.
"""

from __future__ import annotations

import functools
import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import time
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import orjson
import pytest
from s3_proxy import Delay, Fault, Hang, Refusal, S3Proxy, from_then_on, only_then, s3_proxy

from nba_season_backfill.backfill.job import run_season
from nba_season_backfill.backfill.repairing import examine
from nba_season_backfill.backfill.summary import Summary
from nba_season_backfill.errors import BackfillError
from nba_season_backfill.season import Season
from nba_season_backfill.settings import BackfillSettings
from nba_stats_emulator import Behaviour, Constant, Emulator

from .conftest import backfill, from_emulator, summary_of

SEASON = Season(2024)
GAMES = 2
EXPIRED = Refusal(400, "ExpiredToken", "The provided token has expired.")
UNKNOWN_KEY = Refusal(403, "InvalidAccessKeyId", "The AWS Access Key Id you provided does not exist in our records.")
NO_BUCKET = Refusal(404, "NoSuchBucket", "The specified bucket does not exist")

slow = functools.partial(pytest.param, marks=pytest.mark.slow)

Arguments = list[str | Path]
Done = subprocess.CompletedProcess[str]


@dataclass(frozen=True, slots=True)
class Lake:
    """A prefix of a bucket behind a proxy, and a run's arguments for it."""

    proxy: S3Proxy
    prefix: str
    arguments: Arguments
    environment: Mapping[str, str]
    client: Any

    def run(self) -> Done:
        return backfill(*self.arguments, environment=self.environment)

    def start(self) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "nba_season_backfill", *map(str, self.arguments)]
        environ = {**os.environ, **self.environment}
        return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environ)

    def keys(self, below: str = "") -> list[str]:
        found = self.client.list_objects_v2(Bucket="lake", Prefix=f"{self.prefix}/{below}").get("Contents", [])
        return [entry["Key"].removeprefix(f"{self.prefix}/") for entry in found]

    def archived(self) -> set[tuple[str, str]]:
        """(endpoint, game) of every body of a game in the archive."""
        parts = [key.split("/") for key in self.keys("_raw/")]
        return {(each[1], each[3]) for each in parts if each[3].isdigit()}

    def let_leases_run_out(self) -> None:
        """As if a minute had passed."""
        for key in self.keys("_state/leases/"):
            where = {"Bucket": "lake", "Key": f"{self.prefix}/{key}"}
            record = orjson.loads(self.client.get_object(**where)["Body"].read())
            self.client.put_object(**where, Body=orjson.dumps(record | {"expires_at": "2020-01-01T00:00:00+00:00"}))


def settings_of(arguments: Arguments) -> BackfillSettings:
    """What a process makes of them."""
    options = zip(arguments[::2], arguments[1::2], strict=True)
    line = {str(name).removeprefix("--").replace("-", "_"): str(value) for name, value in options}
    return BackfillSettings.load(line, environ={})


def in_this_process(arguments: Arguments) -> Summary:
    """The same command without a process of its own, which would take seconds to start."""
    return run_season(settings_of(arguments), SEASON, run_id="here")


def whole(arguments: Arguments) -> bool:
    """As ``verify --deep`` has it: checkpoint, archive and tables agree."""
    found = examine(settings_of(arguments), SEASON, deep=True)
    return found.exists and not found.findings


@pytest.fixture
def lake(
    request: pytest.FixtureRequest, emulator: Emulator, bucket: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Lake]:
    """A new lake on S3, behind a proxy that lets everything through."""
    prefix = f"midway-{zlib.crc32(request.node.name.encode()):08x}"
    environment = {key: bucket[key] for key in bucket if key != "endpoint"}
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    client = boto3.client(
        "s3",
        endpoint_url=bucket["endpoint"],
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="verysecretkey",
    )
    with s3_proxy(bucket["endpoint"]) as proxy:
        where = ["--s3-bucket", "lake", "--s3-prefix", prefix, "--s3-endpoint-url", proxy.url]
        each = ["--limit", str(GAMES), "--checkpoint-every", "1", "--max-in-flight", "1"]
        yield Lake(proxy, prefix, from_emulator(emulator, *where, *each), environment, client)


def one_line(done: Done | tuple[int, str, str], code: int, *expected: str) -> None:
    """One line on standard error that has all of that, the exit code, and no traceback or secret anywhere."""
    if isinstance(done, subprocess.CompletedProcess):
        done = (done.returncode, done.stdout, done.stderr)
    returned, out, errors = done
    assert returned == code, (returned, errors)
    lines = errors.strip().splitlines()
    assert len(lines) == 1, errors
    for text in expected:
        assert text in lines[0]
    assert "Traceback" not in errors + out
    assert "verysecretkey" not in errors + out


def goes_on(emulator: Emulator, lake: Lake, *, process: bool = False) -> None:
    """The lake is good again: the same command ends the work, asks for nothing archived, and the lake is whole."""
    before = lake.archived()
    assert 0 < len(before) <= 3 * GAMES
    lake.proxy.let_through()
    lake.let_leases_run_out()
    emulator.clear_requests()
    outcome = summary_of(lake.run())["outcome"] if process else in_this_process(lake.arguments).outcome
    assert outcome == "complete"
    asked = [(each.endpoint, each.game_id) for each in emulator.requests if each.game_id]
    assert not before & set(asked)
    assert len(asked) == len(set(asked)) == 3 * GAMES - len(before)
    assert whole(lake.arguments)


MIDWAY = [
    # The second game's last body cannot be archived; or its rows, or the commit of what is archived, cannot be written.
    pytest.param("/_raw/playbyplayv3/", 2, id="archiving"),
    slow("/play-by-play/", 1, id="rows"),
    slow("/checkpoint.json", 2, id="checkpoint"),
]


@pytest.mark.parametrize(("part", "nth"), MIDWAY)
def test_credentials_expire(emulator: Emulator, lake: Lake, part: str, nth: int) -> None:
    """78, saying that they expired and where new ones come from; with new ones the same command goes on."""
    lake.proxy.fail(from_then_on("PUT", part, EXPIRED, nth=nth))
    done = lake.run()
    probed = [json.loads(line) for line in done.stdout.splitlines() if '"store_probed"' in line]
    assert [line["conditional_writes"] for line in probed] == [True]
    one_line(done, 78, "ExpiredToken", "have expired", "AWS_SESSION_TOKEN", "run the same command again")
    assert lake.proxy.failed.is_set()
    goes_on(emulator, lake, process=part != "/_raw/playbyplayv3/")


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        (UNKNOWN_KEY, ("InvalidAccessKeyId", "AWS_ACCESS_KEY_ID")),
        (NO_BUCKET, ("no bucket lake", "--s3-bucket")),
    ],
    ids=["keys-withdrawn", "bucket-gone"],
)
@pytest.mark.slow
def test_the_bucket_is_taken_away(emulator: Emulator, lake: Lake, fault: Fault, expected: tuple[str, ...]) -> None:
    """78: keys that are withdrawn, a bucket that vanishes."""
    lake.proxy.fail(from_then_on("PUT", "/_raw/playbyplayv3/", fault, nth=2))
    one_line(lake.run(), 78, *expected)
    goes_on(emulator, lake)


@pytest.mark.parametrize(
    ("fault", "code", "expected"),
    [
        (NO_BUCKET, 78, "no bucket lake"),
        slow(Refusal(403, "AccessDenied", "Access Denied"), 78, "policy of the bucket"),
        slow(Refusal(507, "InsufficientStorage", "full"), 75, "make room"),
        slow(Refusal(500, "InternalError", "We encountered an internal error."), 75, "the store worked before"),
    ],
    ids=["bucket-gone", "not-allowed", "full", "broken"],
)
def test_what_a_bucket_may_say_from_one_request_to_the_next(
    emulator: Emulator, lake: Lake, monkeypatch: pytest.MonkeyPatch, fault: Fault, code: int, expected: str
) -> None:
    """The same, and more of it, without a process."""
    monkeypatch.setattr("botocore.endpoint.time.sleep", lambda _seconds: None)
    lake.proxy.fail(from_then_on("PUT", "/_raw/playbyplayv3/", fault, nth=2))
    with pytest.raises(BackfillError, match=expected) as caught:
        in_this_process(lake.arguments)
    assert caught.value.exit_code == code
    goes_on(emulator, lake)


def test_a_store_that_asks_for_fewer_requests_gets_them(
    emulator: Emulator, lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SlowDown: tried again later and counted; the run completes, and its summary says how often it was."""
    monkeypatch.setattr("botocore.endpoint.time.sleep", lambda _seconds: None)
    slow_down = Refusal(503, "SlowDown", "Please reduce your request rate.")
    lake.proxy.fail(only_then("PUT", "/_raw/playbyplayv3/", slow_down, nth=2, times=3))
    found = in_this_process(lake.arguments)
    assert (found.outcome, found.store_throttled) == ("complete", 3)
    assert found.requests_by_verdict == {"ok": found.requests}
    assert whole(lake.arguments)


def stopped(lake: Lake, number: signal.Signals, *, twice: bool = False) -> tuple[tuple[int, str, str], float]:
    """A run that is sent a signal as soon as the proxy fails: (exit code, output, errors), and how long it took."""
    process = lake.start()
    try:
        assert lake.proxy.failed.wait(60)
        sent = time.monotonic()
        process.send_signal(number)
        if twice:
            time.sleep(0.3)
            process.send_signal(number)
        out, errors = process.communicate(timeout=30)
    finally:
        process.kill()
    return (process.returncode, out, errors), time.monotonic() - sent


@pytest.mark.parametrize(
    ("method", "part", "nth"),
    [
        pytest.param("PUT", "/play-by-play/", 1, id="commit"),
        slow("PUT", "/_raw/playbyplayv3/", 2, id="archiving"),
        slow("GET", "/checkpoint.json", 1, id="opening"),
        slow("PUT", "/leases/season-", 1, id="lease"),
    ],
)
@pytest.mark.parametrize("number", [signal.SIGTERM, slow(signal.SIGINT)])
def test_a_signal_while_the_store_hangs(
    emulator: Emulator, lake: Lake, method: str, part: str, nth: int, number: signal.Signals
) -> None:
    """Exit within ten seconds whatever the store does, saying that a commit may be missing and that nothing is lost."""
    lake.proxy.fail(from_then_on(method, part, Hang(), nth=nth))
    done, seconds = stopped(lake, number)
    one_line(done, 128 + number, "the last commit may be missing", "nothing is lost", "run the same command again")
    assert seconds < 10
    if lake.archived():
        goes_on(emulator, lake)


def test_a_second_signal_while_the_store_hangs(emulator: Emulator, lake: Lake) -> None:
    """It does not wait for anything, and even then nothing is lost."""
    lake.proxy.fail(from_then_on("PUT", "/play-by-play/", Hang()))
    (code, _, _), seconds = stopped(lake, signal.SIGTERM, twice=True)
    assert code == 143
    assert seconds < 3
    goes_on(emulator, lake)


@pytest.mark.slow
@pytest.mark.parametrize("answer", [False, True], ids=["request", "answer"])
@pytest.mark.parametrize("part", ["/play-by-play/", "/checkpoint.json", "/leases/season-", "/_raw/playbyplayv3/"])
def test_a_store_that_is_slow_by_half_a_minute(emulator: Emulator, lake: Lake, part: str, *, answer: bool) -> None:
    """In real time: one PUT takes 30 s more, a lease's too; the run completes."""
    lake.proxy.fail(only_then("PUT", part, Delay(30.0, answer=answer), nth=1 if "lease" in part else 2))
    done = lake.run()
    assert done.returncode == 0, done.stderr
    assert lake.proxy.failed.is_set()
    assert whole(lake.arguments)


@pytest.mark.slow
@pytest.mark.parametrize("answer", [False, True], ids=["request", "answer"])
def test_a_renewal_that_is_slow_by_half_a_minute(emulator: Emulator, lake: Lake, *, answer: bool) -> None:
    """In real time: the season's lease is renewed 30 s late, while the run works; it goes on holding it."""
    lake.proxy.fail(only_then("PUT", "/leases/season-", Delay(30.0, answer=answer), nth=2))
    began = time.monotonic()
    done = backfill(*lake.arguments, "--rate-limit", "6", environment=lake.environment)
    assert done.returncode == 0, done.stderr
    # The second write of the lease was a renewal, and the run was not over when it came back.
    assert time.monotonic() - began > 55
    assert sum(asked.method == "PUT" and "/leases/season-" in asked.path for asked in lake.proxy.asked) >= 4
    assert whole(lake.arguments)


# A folder.


def temporary_files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.name.endswith(".tmp")]


def archived_in(folder: Path) -> set[tuple[str, str]]:
    found = [path.relative_to(folder).parts for path in folder.glob("_raw/*/*/*/*.json.gz")]
    return {(parts[1], parts[3]) for parts in found if parts[3].isdigit() and not parts[4].startswith(".")}


def goes_on_in(emulator: Emulator, folder: Path, arguments: Arguments, games: int) -> None:
    """As ``goes_on``, of a folder."""
    before = archived_in(folder)
    assert 0 < len(before) <= 3 * games
    emulator.clear_requests()
    assert in_this_process(arguments).outcome == "complete"
    asked = [(each.endpoint, each.game_id) for each in emulator.requests if each.game_id]
    assert not before & set(asked)
    assert len(asked) == len(set(asked)) == 3 * games - len(before)
    assert whole(arguments)


def until(emulator: Emulator, folder: Path, arguments: Arguments, act: Callable[[int], object]) -> Done:
    """A run with which something is done (its process id is given) as soon as some bodies are archived."""
    command = [sys.executable, "-m", "nba_season_backfill", *map(str, arguments)]
    emulator.set_behaviour(Behaviour(latency=Constant(0.1)))
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        deadline = time.monotonic() + 60
        while len(archived_in(folder)) < 4 and time.monotonic() < deadline:
            time.sleep(0.01)
        act(process.pid)
        out, errors = process.communicate(timeout=60)
    finally:
        process.kill()
        emulator.set_behaviour(None)
    return subprocess.CompletedProcess(command, process.returncode, out, errors)


def test_no_file_may_grow_any_more(emulator: Emulator, tmp_path: Path) -> None:
    """A limit on the size of files (EFBIG) that comes over a run: 75, nothing half-written, and it goes on without."""
    folder = tmp_path / "lake"
    arguments = from_emulator(emulator, "--output", folder, "--limit", "6", "--checkpoint-every", "2")
    unlimited = resource.RLIM_INFINITY
    done = until(
        emulator, folder, arguments, lambda pid: resource.prlimit(pid, resource.RLIMIT_FSIZE, (2048, unlimited))
    )
    one_line(done, 75, str(folder), "File too large", "make room", "run the same command again")
    assert temporary_files(folder) == []
    goes_on_in(emulator, folder, arguments, 6)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Callable[[str], Path]]:
    """A disk of its own, of a size that can be changed: ``disk("1m")``. Skipped where the test may not mount one."""
    where = tmp_path / "disk"
    where.mkdir()
    mounted = False

    def of_size(options: str) -> Path:
        nonlocal mounted
        command = ["mount", "-t", "tmpfs", "-o", f"{'remount,' if mounted else ''}{options}", "tmpfs", str(where)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode and not mounted:
            pytest.skip(f"no disk can be mounted here ({done.stderr.strip()})")
        assert done.returncode == 0, done.stderr
        mounted = True
        return where

    if os.geteuid() != 0 or shutil.which("mount") is None:
        pytest.skip("only root mounts a disk")
    yield of_size
    if mounted:
        subprocess.run(["umount", str(where)], check=True)


@pytest.mark.slow
def test_the_disk_is_full(emulator: Emulator, disk: Callable[[str], Path]) -> None:
    """ENOSPC of a real file system: 75, nothing half-written; with room the same command goes on."""
    folder = disk("size=900k") / "lake"
    arguments = from_emulator(emulator, "--output", folder, "--limit", "6", "--checkpoint-every", "2")
    one_line(backfill(*arguments), 75, str(folder), "No space left", "make room", "run the same command again")
    assert temporary_files(folder) == []
    disk("size=20m")
    goes_on_in(emulator, folder, arguments, 6)


@pytest.fixture
def forbid() -> Iterator[Callable[[Path], None]]:
    """Make folders so that nothing can be written in them: by their mode, or, for root, by an attribute."""
    frozen: list[Path] = []

    def attribute(sign: str, folders: list[Path]) -> subprocess.CompletedProcess[str]:
        command = ["chattr", f"{sign}i", *map(str, folders)]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    def freeze(root: Path) -> None:
        folders = [root, *(path for path in root.rglob("*") if path.is_dir())]
        if os.geteuid() != 0:
            for folder in folders:
                folder.chmod(0o555)
        elif shutil.which("chattr") is None or attribute("+", folders).returncode:
            attribute("-", folders)
            pytest.skip("root may write everywhere, and this file system knows no immutable folders")
        frozen.extend(folders)

    yield freeze
    if os.geteuid() == 0:
        attribute("-", frozen)
    for folder in frozen:
        folder.chmod(0o755)


@pytest.mark.slow
def test_the_folder_becomes_read_only(emulator: Emulator, tmp_path: Path, forbid: Callable[[Path], None]) -> None:
    """78, whose the folder is to be checked; as soon as it can be written the same command goes on."""
    folder = tmp_path / "lake"
    arguments = from_emulator(emulator, "--output", folder, "--limit", "6", "--checkpoint-every", "2")
    done = until(emulator, folder, arguments, lambda _pid: forbid(folder))
    one_line(done, 78, str(folder), "whose the folder is", "run the same command again")
    assert temporary_files(folder) == []
    if os.geteuid() == 0:
        subprocess.run(["chattr", "-R", "-i", str(folder)], check=True)
    else:
        for path in [folder, *folder.rglob("*")]:
            if path.is_dir():
                path.chmod(0o755)
    goes_on_in(emulator, folder, arguments, 6)

"""Leases between real processes: started at once, paused beyond their time, killed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from nba_season_backfill.lake.lease import acquire_lease, read_lease
from nba_season_backfill.lake.local import LocalStore
from nba_season_backfill.lake.store import ObjectStore

from .conftest import s3_store

CONTEND = """
import json, sys, time
from pathlib import Path
from nba_season_backfill.errors import Fenced
from nba_season_backfill.lake import open_store
from nba_season_backfill.lake.lease import acquire_lease
from nba_season_backfill.lake.state import StateFile

where, name, ttl, on_busy = json.loads(sys.argv[1]), sys.argv[2], float(sys.argv[3]), sys.argv[4]
if "folder" in where:
    where["folder"] = Path(where["folder"])
store = open_store(**where)
store.now()
print("ready", flush=True)
sys.stdin.readline()
lease = acquire_lease(store, "race", run_id=name, ttl_seconds=ttl, on_busy=on_busy,
                      wait=lambda stop, seconds: stop.wait(0.05))
if lease is None:
    print("skipped", flush=True)
    sys.exit(0)
with lease:
    file = StateFile(store, "_state/race.json", generations_prefix="_state/race/")
    loaded = file.load()
    done = dict(loaded.content) if loaded else {}
    print(f"held {lease.token}", flush=True)
    try:
        for line in sys.stdin:
            token = lease.ensure_held()
            done[name] = done.get(name, 0) + 1
            file.commit(done, token=token, run_id=name)
            print("committed", flush=True)
            if line == "end\\n":
                break
    except Fenced as fenced:
        print("fenced", flush=True)
        sys.exit(70)
"""


class Contender:
    """A process that wants the lease, and commits a count for each line it is told while it holds it."""

    def __init__(self, where: dict[str, str], name: str, *, ttl_seconds: float, on_busy: str) -> None:
        environ = {**os.environ, "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "testtest"}
        arguments = [json.dumps(where), name, str(ttl_seconds), on_busy]
        self.process = subprocess.Popen(
            [sys.executable, "-c", CONTEND, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environ,
        )

    def tell(self, line: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(f"{line}\n")
        self.process.stdin.flush()

    def hear(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def end(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(10)
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                pipe.close()


Start = Callable[..., Contender]


@pytest.fixture(params=["local", "moto"])
def where(request: pytest.FixtureRequest, tmp_path: Path) -> dict[str, str]:
    """Arguments of ``open_store`` for a lake that is empty."""
    if request.param == "local":
        return {"folder": str(tmp_path / "lake")}
    made = s3_store(request.getfixturevalue("moto_url"))
    bucket, _, prefix = made.url.removeprefix("s3://").partition("/")
    return {
        "bucket": bucket,
        "prefix": prefix,
        "endpoint_url": request.getfixturevalue("moto_url"),
        "region": "us-east-1",
    }


@pytest.fixture
def store(where: dict[str, str], request: pytest.FixtureRequest) -> ObjectStore:
    """The same lake, seen from here."""
    if "folder" in where:
        return LocalStore(Path(where["folder"]))
    from nba_season_backfill.lake.s3 import S3Store

    from .conftest import client

    return S3Store(where["bucket"], where["prefix"], client=client(where["endpoint_url"]))


@pytest.fixture
def start(where: dict[str, str]) -> Iterator[Start]:
    """Start contenders; they are ended with the test."""
    started: list[Contender] = []

    def begin(name: str, *, ttl_seconds: float = 30.0, on_busy: str = "skip") -> Contender:
        started.append(Contender(where, name, ttl_seconds=ttl_seconds, on_busy=on_busy))
        return started[-1]

    yield begin
    for contender in started:
        contender.end()


def state(store: ObjectStore) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(store.get("_state/race.json").body)["content"]
    return content


@pytest.mark.parametrize("number", [2, pytest.param(8, marks=pytest.mark.slow)])
def test_of_processes_started_at_once_one_works(start: Start, store: ObjectStore, number: int) -> None:
    """One holds the lease and commits, the others step aside; the next one gets a greater token."""
    contenders = [start(f"run-{which}") for which in range(number)]
    assert [contender.hear() for contender in contenders] == ["ready"] * number
    for contender in contenders:
        contender.tell("go")
    heard = [contender.hear() for contender in contenders]
    assert sorted(heard) == ["held 1", *["skipped"] * (number - 1)]
    winner = contenders[heard.index("held 1")]
    winner.tell("end")
    assert winner.hear() == "committed"
    assert winner.process.wait(10) == 0
    assert list(state(store).values()) == [1]
    record = read_lease(store, "race")
    assert record is not None
    assert record.released
    after = acquire_lease(store, "race", run_id="here", on_busy="fail")
    assert after is not None
    assert after.token == 2
    after.release()


@pytest.mark.slow
def test_eight_processes_take_turns(start: Start, store: ObjectStore) -> None:
    """Each waits for the one before it: every token once, every commit kept."""
    contenders = [start(f"run-{which}", on_busy="wait") for which in range(8)]
    assert [contender.hear() for contender in contenders] == ["ready"] * 8
    for contender in contenders:
        contender.tell("go")
        contender.tell("end")
    tokens = sorted(int(contender.hear().removeprefix("held ")) for contender in contenders)
    assert tokens == list(range(1, 9))
    assert [contender.process.wait(20) for contender in contenders] == [0] * 8
    assert state(store) == {f"run-{which}": 1 for which in range(8)}


@pytest.mark.slow
def test_a_worker_that_is_paused_beyond_its_lease_is_fenced(start: Start, store: ObjectStore) -> None:
    """Another takes over; continued, the first one writes nothing and ends with 70."""
    first = start("first", ttl_seconds=2.0)
    first.hear()
    first.tell("go")
    assert first.hear() == "held 1"
    first.tell("work")
    assert first.hear() == "committed"
    os.kill(first.process.pid, signal.SIGSTOP)
    second = start("second", ttl_seconds=2.0, on_busy="wait")
    second.hear()
    began = time.monotonic()
    second.tell("go")
    assert second.hear() == "held 2"
    assert time.monotonic() - began < 10
    second.tell("work")
    assert second.hear() == "committed"
    first.tell("work")
    os.kill(first.process.pid, signal.SIGCONT)
    assert first.hear() == "fenced"
    assert first.process.wait(10) == 70
    second.tell("end")
    assert second.hear() == "committed"
    assert second.process.wait(10) == 0
    assert state(store) == {"first": 1, "second": 2}
    record = read_lease(store, "race")
    assert record is not None
    assert (record.token, record.released) == (2, True)


@pytest.mark.parametrize("where", ["local"], indirect=True)
def test_a_killed_worker_on_this_machine_is_replaced_at_once(start: Start, store: ObjectStore) -> None:
    """Its file lock died with it: nobody waits for its lease to run out."""
    first = start("first", ttl_seconds=3600.0)
    first.hear()
    first.tell("go")
    assert first.hear() == "held 1"
    first.process.send_signal(signal.SIGKILL)
    first.process.wait(10)
    lease = acquire_lease(store, "race", run_id="here", on_busy="fail")
    assert lease is not None
    assert lease.token == 2
    lease.release()

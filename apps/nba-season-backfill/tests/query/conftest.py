"""A lake with a game or two of every month of the sample season, written by the job itself; and stores that count."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest

from nba_season_backfill.lake.local import LocalStore
from nba_season_backfill.lake.memory import MemoryStore
from nba_season_backfill.lake.s3 import S3Store
from nba_season_backfill.lake.store import ObjectRange, StoredObject
from nba_season_backfill.query import Lake

SEASON = "2024-25"
# The Lakers' in every month they played in, and one of each month they did not.
GAMES = (
    "0022400062",
    "0022400085",
    "0022400015",
    "0022400026",
    "0022400311",
    "0022400318",
    "0022400468",
    "0022400524",
    "0022400537",
    "0022401117",
    "0022401126",
    "0042400126",
    "0042400401",
)


@pytest.fixture(scope="session")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the lake."""
    folder = tmp_path_factory.mktemp("query") / "lake"
    arguments = [argument for game_id in GAMES for argument in ("--game-id", game_id)]
    done = subprocess.run(
        [sys.executable, "-m", "nba_season_backfill", "--source", "sample", "--output", str(folder), *arguments],
        capture_output=True,
        text=True,
        env=dict(os.environ),
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


@pytest.fixture
def lake(filled: Path) -> Iterator[Lake]:
    """The lake, open."""
    with Lake.open(filled) as opened:
        yield opened


class CountingStore(MemoryStore):
    """A store in memory that notes every reading request, as S3 would be asked it."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[str] = []
        self.before_range: Callable[[str], None] = lambda _key: None

    def get(self, key: str, *, if_match: str | None = None) -> StoredObject:
        self.asked.append(f"get {key}")
        return super().get(key, if_match=if_match)

    def get_range(self, key: str, start: int, end: int | None = None, *, if_match: str | None = None) -> ObjectRange:
        self.asked.append(f"range {key}")
        self.before_range(key)
        # Past the counting ``get``: one range is one request.
        whole = MemoryStore.get(self, key, if_match=if_match)
        first = max(0, whole.info.size + start) if start < 0 else start
        return ObjectRange(whole.info, first, whole.body[first:end])

    def list(self, prefix: str = "") -> Iterator:  # type: ignore[type-arg]  # as the parent's
        self.asked.append(f"list {prefix}")
        return super().list(prefix)


@pytest.fixture(scope="session")
def s3_endpoint() -> Iterator[str]:
    """An S3 server on loopback."""
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture(scope="session")
def on_s3(filled: Path, s3_endpoint: str) -> tuple[S3Store, Any]:
    """The lake as ``s3://query/lake``, but for its archive; and the client that it is read with."""
    client: Any = boto3.client(
        "s3",
        endpoint_url=s3_endpoint,
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )
    client.create_bucket(Bucket="query")
    store, source = S3Store("query", "lake", client=client), LocalStore(filled)
    for info in source.list():
        if not info.key.startswith(("_raw/", "_runs/")):
            store.put(info.key, source.get(info.key).body)
    return store, client


@pytest.fixture
def counting(filled: Path) -> CountingStore:
    """The lake in memory, but for its archive; what is asked of it is noted."""
    store, source = CountingStore(), LocalStore(filled)
    for info in source.list():
        if not info.key.startswith(("_raw/", "_runs/")):
            store.put(info.key, source.get(info.key).body)
    return store

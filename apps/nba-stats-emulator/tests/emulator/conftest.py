"""Shared by the emulator's tests: the sample season, an emulator to ask, and where the recorded bodies are."""

from __future__ import annotations

import gzip
import http.client
import json
import os
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from nba_stats_emulator import Emulator
from nba_stats_emulator.sample import SampleSeason

Get = Callable[..., "Answer"]


class Answer:
    """What came back: status, headers with lower-case names, the body as sent and as decoded."""

    def __init__(self, response: http.client.HTTPResponse) -> None:
        self.status = response.status
        self.headers = {name.lower(): value for name, value in response.getheaders()}
        self.sent = response.read()
        packed = self.headers.get("content-encoding") == "gzip"
        self.body = gzip.decompress(self.sent) if packed else self.sent

    @property
    def json(self) -> Any:
        return json.loads(self.body)


def get(base_url: str, path: str, *, headers: dict[str, str] | None = None, **parameters: object) -> Answer:
    """GET a path of an emulator, on a connection of its own."""
    host = base_url.removeprefix("http://")
    connection = http.client.HTTPConnection(host, timeout=10)
    try:
        query = f"?{urlencode(parameters)}" if parameters else ""
        connection.request("GET", path + query, headers={"Accept-Encoding": "gzip"} if headers is None else headers)
        return Answer(connection.getresponse())
    finally:
        connection.close()


@pytest.fixture(name="get", scope="session")
def get_fixture() -> Get:
    """A function that asks: `get(base_url, path, **parameters)`."""
    return get


@pytest.fixture(scope="session")
def season() -> SampleSeason:
    """The sample season, without a server."""
    return SampleSeason("2024-25")


@pytest.fixture(scope="session")
def over(season: SampleSeason) -> datetime:
    """A moment after the season's end."""
    return season.over_at


@pytest.fixture
def emulator() -> Iterator[Emulator]:
    """A well-behaved emulator of the sample season."""
    with Emulator() as running:
        yield running


@pytest.fixture(scope="session")
def emulator_corpus() -> Path:
    """The folder of recorded bodies; the test is skipped where there is none."""
    default = Path(__file__).resolve().parents[5] / "shared" / "corpus"
    folder = Path(os.environ.get("HOOPSTAT_CORPUS", default))
    if not folder.is_dir():
        pytest.skip("no recorded bodies here: set HOOPSTAT_CORPUS")
    return folder


@pytest.fixture(scope="session")
def recorded_body(emulator_corpus: Path) -> Callable[[str], Any]:
    """A function that reads a recorded body: `recorded_body("playbyplayv3/0022500610")`."""

    def read(name: str) -> Any:
        return json.loads(gzip.decompress((emulator_corpus / f"{name}.json.gz").read_bytes()))

    return read

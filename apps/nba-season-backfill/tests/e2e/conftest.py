"""The job as a process, and an emulator to ask."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from nba_stats_emulator import Emulator


def backfill(
    *arguments: str | Path, cwd: Path | None = None, environment: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run ``nba-backfill`` to its end."""
    return subprocess.run(
        [sys.executable, "-m", "nba_season_backfill", *map(str, arguments)],
        capture_output=True,
        text=True,
        cwd=cwd,
        env={**os.environ, **(environment or {})},
        timeout=120,
        check=False,
    )


def summary_of(done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    """The summary in the last log line."""
    assert done.stdout, done.stderr
    return dict(json.loads(done.stdout.splitlines()[-1])["summary"])


def from_emulator(emulator: Emulator, *more: str | Path) -> list[str | Path]:
    """Arguments for a run that asks the emulator as if it were the NBA, without a pace to speak of."""
    arguments: list[str | Path] = ["--source", "nba", "--base-url", emulator.base_url, "--season", "2024-25"]
    return [*arguments, "--rate-limit", "0.001", "--request-budget", "0", *more]


@pytest.fixture(scope="module")
def emulator() -> Iterator[Emulator]:
    """The simulated season, for a module's tests."""
    with Emulator() as running:
        yield running


@pytest.fixture(scope="module")
def bucket() -> Iterator[dict[str, str]]:
    """An S3 server on loopback with a bucket: the environment that reaches it, and its endpoint."""
    import boto3
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    endpoint = f"http://{host}:{port}"
    environment = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "verysecretkey", "AWS_REGION": "us-east-1"}
    made = boto3.client(
        "s3",
        endpoint_url=endpoint,
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="verysecretkey",
    )
    made.create_bucket(Bucket="lake")
    yield {**environment, "endpoint": endpoint}
    server.stop()

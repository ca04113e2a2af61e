"""Three questions to a lake of ten seasons, beside DuckDB, Polars and pyarrow's datasets over the same files.

    python -m benchmarks.query [--cache DIR] [--repeat N] [--seconds-a-request S]

In a folder, and on an S3 server on loopback (SeaweedFS, else moto) behind a proxy that holds every request back by
30 ms. Each measurement is a process of its own; tools take turns, and ratios are of one run. Simulated data. Exits
with 1 when a goal is missed.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from benchmarks.query.lakes import build
from benchmarks.query.one import QUESTIONS, TOOLS

from nba_season_backfill.lake.local import LocalStore

__all__ = ["main"]

GOAL_REQUESTS = {"player_season": 12, "team_last_10": 5, "play_by_play": 3}
GOAL_COLD_SECONDS = 0.2
GOAL_WARM_SECONDS = 0.02
GOAL_GROWTH = 1.2
_KEYS = {"aws_access_key_id": "test", "aws_secret_access_key": "testtest"}


def measured(tool: str, question: str, place: str, endpoint: str | None = None) -> dict[str, Any]:
    """One measurement."""
    command = [sys.executable, "-m", "benchmarks.query.one", tool, question, place, *([endpoint] if endpoint else [])]
    environment = {**os.environ, "AWS_EC2_METADATA_DISABLED": "true"}
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True, env=environment)
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


@contextmanager
def s3_server(folder: Path) -> Iterator[str]:
    """An S3 server on loopback: its address."""
    weed = shutil.which("weed", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}")
    if weed is None:
        from moto.server import ThreadedMotoServer

        server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
        server.start()
        try:
            yield "{}:{}".format(*server.get_host_and_port())
        finally:
            server.stop()
        return
    port = _free_port()
    actions = ["Admin", "Read", "Write", "List", "Tagging"]
    identity = {"name": "t", "credentials": [{"accessKey": "test", "secretKey": "testtest"}], "actions": actions}
    (folder / "s3.json").write_text(json.dumps({"identities": [identity]}))
    (folder / "data").mkdir()
    ports = [f"-{name}.port={_free_port()}" for name in ("master", "volume", "filer")]
    ports += [f"-s3.port.{name}={_free_port()}" for name in ("iceberg", "lance")]
    command = [weed, "server", "-ip=127.0.0.1", "-ip.bind=127.0.0.1", f"-dir={folder / 'data'}", "-volume.max=8"]
    command += [
        "-master.volumeSizeLimitMB=256",
        "-filer",
        "-s3",
        f"-s3.port={port}",
        f"-s3.config={folder / 's3.json'}",
    ]
    with (folder / "server.log").open("wb") as log:
        process = subprocess.Popen([*command, *ports], stdout=log, stderr=log, stdin=subprocess.DEVNULL, cwd=folder)
    try:
        _wait(f"127.0.0.1:{port}")
        yield f"127.0.0.1:{port}"
    finally:
        process.kill()
        process.wait()


@contextmanager
def delayed(address: str, seconds: float) -> Iterator[str]:
    """The same server on a long way: the proxy's address."""
    command = [sys.executable, "-m", "benchmarks.query.delay", address, "--seconds", str(seconds)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE)
    assert process.stdout is not None
    try:
        yield str(json.loads(process.stdout.readline())["address"])
    finally:
        process.terminate()
        process.wait()


def counts(address: str) -> dict[str, int]:
    """Requests and bytes that passed the proxy since the last time."""
    with urllib.request.urlopen(f"http://{address}/-/counts", timeout=10) as answer:
        found: dict[str, int] = json.loads(answer.read())
    return found


def _free_port() -> int:
    while True:
        port = random.randrange(20_000, 32_000)
        try:
            with socket.create_server(("127.0.0.1", port)), socket.create_server(("127.0.0.1", port + 10_000)):
                return port
        except OSError:
            continue


def _client(address: str) -> Any:
    import boto3
    import botocore.config

    config = botocore.config.Config(
        s3={"addressing_style": "path"}, connect_timeout=2, request_checksum_calculation="when_required"
    )
    return boto3.client("s3", endpoint_url=f"http://{address}", region_name="us-east-1", config=config, **_KEYS)


def _wait(address: str) -> None:
    deadline = time.monotonic() + 60
    while True:
        try:
            _client(address).list_buckets()
            return
        except Exception:  # whatever a server that is still starting may do
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)


def upload(lake: Path, address: str, prefix: str) -> None:
    """Put a lake into the bucket."""
    client, source = _client(address), LocalStore(lake)
    for info in source.list():
        client.put_object(Bucket="lake", Key=f"{prefix}/{info.key}", Body=source.get(info.key).body)


def main() -> int:
    """Measure, print, and say whether the goals were met."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--cache", type=Path, help="keep the lakes here  [default: a folder that is removed]")
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--seconds-a-request", type=float, default=0.03)
    arguments = parser.parse_args()
    missed: list[str] = []
    with ExitStack() as stack:
        cache = arguments.cache or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        cache.mkdir(parents=True, exist_ok=True)
        ten, one = build(cache, 10), build(cache, 1)
        missed += _compare("in a folder", arguments.repeat, str(ten), str(one), 0.0, None, None)
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        address = stack.enter_context(s3_server(folder))
        _client(address).create_bucket(Bucket="lake")
        print("uploading the lakes", file=sys.stderr)
        upload(ten, address, "ten")
        upload(one, address, "one")
        seconds = arguments.seconds_a_request
        proxy = stack.enter_context(delayed(address, seconds))
        where = f"S3 on loopback, {seconds * 1000:.0f} ms added to each request"
        missed += _compare(where, arguments.repeat, "lake/ten", "lake/one", seconds, f"http://{proxy}", proxy)
    print("\nload of this machine: {:.1f} {:.1f} {:.1f}".format(*os.getloadavg()))
    for miss in missed:
        print(f"missed: {miss}")
    return 1 if missed else 0


def _compare(
    where: str, repeat: int, ten: str, one: str, delay: float, endpoint: str | None, proxy: str | None
) -> list[str]:
    """Every tool and question, and ours on a lake of one season too."""
    runs: dict[tuple[str, str], list[dict[str, Any]]] = {}
    wire: dict[tuple[str, str], dict[str, int]] = {}
    for turn in range(repeat):
        for question in QUESTIONS:
            for tool, place in [*((tool, ten) for tool in TOOLS), ("ours, 1 season", one)]:
                if turn == 0 and proxy is not None:
                    counts(proxy)
                found = measured(tool.partition(",")[0], question, place, endpoint)
                runs.setdefault((tool, question), []).append(found)
                if turn == 0 and proxy is not None:
                    # The first answer and five more.
                    wire[tool, question] = counts(proxy)
    missed: list[str] = []
    print(f"\n{where}; 10 seasons; milliseconds, the best of {repeat}")
    for question in QUESTIONS:
        mine = _best(runs["ours", question], "cold")
        print(f"  {question.replace('_', ' ')}")
        for tool in (*TOOLS, "ours, 1 season"):
            found = runs[tool, question]
            if "absent" in found[0]:
                print(f"    {tool:16} left out: {found[0]['absent']}")
                continue
            cold, warm = _best(found, "cold"), _best(found, "warm")
            line = f"    {tool:16}{cold * 1000:9.1f} cold {warm * 1000:9.1f} warm {cold / mine:7.2f}x"
            line += f"  {found[0]['rows']} rows, {_best(found, 'cold_cpu') * 1000:.0f} CPU"
            if (tool, question) in wire:
                line += f"; six answers: {wire[tool, question]['requests']} requests"
            print(line)
        missed += _judge(where, question, runs["ours", question], runs["ours, 1 season", question], delay)
        rows = {tool: runs[tool, question][0].get("rows") for tool in TOOLS if "rows" in runs[tool, question][0]}
        if len(set(rows.values())) > 1:
            missed.append(f"{where}, {question}: the tools disagree: {rows}")
    return missed


def _judge(
    where: str, question: str, ours: list[dict[str, Any]], alone: list[dict[str, Any]], delay: float
) -> list[str]:
    """Which goals were missed; what is ours of the time is what is left when the waiting is taken away."""
    own = min(each["cold"] - delay * each["rounds"] for each in ours)
    requests = max(each["requests"] for each in ours)
    growth = statistics.median(each["cold"] for each in ours) / statistics.median(each["cold"] for each in alone)
    # On a busy machine the wall clock says little: the smallest of three ratios is the least disturbed one.
    growth = min(growth, *(_best(ours, name) / _best(alone, name) for name in ("cold", "cold_cpu")))
    warm = _best(ours, "warm")
    bytes_read = ours[0]["bytes"] / 1e6
    print(
        f"    of ours: {requests} requests in {ours[0]['rounds']} rounds, {bytes_read:.2f} MB; own time"
        f" {own * 1000:.1f} ms; 10 seasons cost {growth:.2f} of 1 season"
    )
    checks = [
        (requests <= GOAL_REQUESTS[question], f"{requests} requests, {GOAL_REQUESTS[question]} allowed"),
        (own <= GOAL_COLD_SECONDS, f"cold {own * 1000:.0f} ms of our own"),
        (warm <= GOAL_WARM_SECONDS, f"warm {warm * 1000:.0f} ms"),
        (growth <= GOAL_GROWTH, f"10 seasons cost {growth:.2f} of 1"),
    ]
    return [f"{where}, {question}: {words}" for met, words in checks if not met]


def _best(found: list[dict[str, Any]], name: str) -> float:
    return min(float(each[name]) for each in found)


if __name__ == "__main__":
    sys.exit(main())

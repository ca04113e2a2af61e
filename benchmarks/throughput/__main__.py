"""A whole sample season with the pace off, beside a bare loop that makes the same requests and throws the bodies away.

    .venv/bin/python benchmarks/throughput [--games N] [--rounds N]

Both are measured in one run, as whole processes from their start to their end, each against an emulator of its own that
starts cold: the bare loop (nba_api's endpoint classes, one after the other, as a script would) and the backfill
(discovery, checks, raw archive, typed Parquet, checkpoints every 10 games, the audit at the end; it also starts its own
emulator, which counts). They take turns, three times, and the best of each is compared: what a neighbour on the same
machine costs only ever adds. Printed: seconds of every round, the ratio of the best, and the peak memory: of the
backfill's processes together but the emulator's, looked at once a second, each shared page counted once (PSS; Linux).
Simulated data.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

BARE_LOOP = """
import json, sys
base_url, games = sys.argv[1], int(sys.argv[2])
from nba_api.stats.library.http import NBAStatsHTTP
NBAStatsHTTP.base_url = base_url + "/stats/{endpoint}"
from nba_api.stats.endpoints import BoxScoreAdvancedV3, BoxScoreTraditionalV3, LeagueGameLog, PlayByPlayV3
log = LeagueGameLog(season="2024-25", timeout=30)
ids = sorted({row[4] for row in log.league_game_log.data["data"]})[:games]
requests = 1
for game_id in ids:
    for endpoint in (BoxScoreTraditionalV3, BoxScoreAdvancedV3, PlayByPlayV3):
        endpoint(game_id=game_id, timeout=30)
        requests += 1
print(json.dumps({"requests": requests}))
"""


def emulator() -> tuple[subprocess.Popen[bytes], str]:
    """An emulator of its own, and its base URL."""
    process = subprocess.Popen(
        [sys.executable, "-m", "nba_stats_emulator", "--port", "0", "--exit-with", str(os.getpid())],
        stdout=subprocess.PIPE,
    )
    assert process.stdout is not None
    return process, json.loads(process.stdout.readline())["base_url"]


def bare_loop(games: int) -> dict[str, float]:
    """Requests through nba_api and nothing else."""
    process, base_url = emulator()
    try:
        started = time.perf_counter()
        printed, peak_mb = _watched([sys.executable, "-c", BARE_LOOP, base_url, str(games)])
        return {**json.loads(printed), "peak_mb": peak_mb, "seconds": time.perf_counter() - started}
    finally:
        process.terminate()
        process.wait()


def backfill(games: int) -> dict[str, float]:
    """The main job over the same games."""
    with tempfile.TemporaryDirectory() as folder:
        arguments = ["--source", "sample", "--season", "2024-25", "--season-type", "Regular Season"]
        arguments += ["--limit", str(games), "--output", f"{folder}/lake", "--output-format", "json"]
        arguments += ["--log-level", "ERROR"]
        started = time.perf_counter()
        printed, peak_mb = _watched([sys.executable, "-m", "nba_season_backfill", *arguments])
        seconds = time.perf_counter() - started
        summary = json.loads(printed.splitlines()[-1])
        size = sum(path.stat().st_size for path in Path(folder).rglob("*") if path.is_file())
        return {
            "seconds": seconds,
            "requests": summary["requests"],
            "peak_mb": peak_mb,
            "lake_mb": size / 1e6,
        }


def _watched(command: list[str]) -> tuple[bytes, float]:
    """Run a command to its end; what it printed, and the peak memory of it and its children in MB."""
    process = subprocess.Popen(command, stdout=subprocess.PIPE, env=_environment())
    assert process.stdout is not None
    over, peak = threading.Event(), [0.0]

    def look() -> None:
        while not over.wait(1.0):
            peak[0] = max(peak[0], sum(map(_megabytes, _with_children(process.pid))))

    threading.Thread(target=look, daemon=True).start()
    printed = process.stdout.read()
    over.set()
    if process.wait():
        raise SystemExit(f"{command[1:3]} ended with {process.returncode}")
    return printed, peak[0]


def _with_children(pid: int) -> list[int]:
    found = [pid]
    with contextlib.suppress(OSError):
        for children in Path(f"/proc/{pid}/task").glob("*/children"):
            found += [each for child in children.read_text().split() for each in _with_children(int(child))]
    return found


def _megabytes(pid: int) -> float:
    """A process's memory, without the emulator's."""
    with contextlib.suppress(OSError):
        if b"nba_stats_emulator" not in Path(f"/proc/{pid}/cmdline").read_bytes():
            for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
                if line.startswith("Pss:"):
                    return int(line.split()[1]) / 1000
    return 0.0


def _environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name != "NBA_API_REQUIRE_PROXY"}


def main() -> None:
    """Measure both and print the ratio."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--games", type=int, default=1230)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    line = "{:20}{:7.1f} s  {:5.0f} requests  peak {:4.0f} MB"
    bares, ours = [], []
    for _ in range(options.rounds):
        bares.append(bare_loop(options.games))
        print(line.format("bare nba_api loop", bares[-1]["seconds"], bares[-1]["requests"], bares[-1]["peak_mb"]))
        ours.append(found := backfill(options.games))
        print(line.format("backfill", found["seconds"], found["requests"], found["peak_mb"]), end="")
        print(f"  lake {found['lake_mb']:.0f} MB  ratio {found['seconds'] / bares[-1]['seconds']:.2f}", flush=True)
    best = min(found["seconds"] for found in ours) / min(found["seconds"] for found in bares)
    peak = max(found["peak_mb"] for found in ours)
    print(f"ratio of the best   {best:7.2f}    (goal <= 1.5)")
    print(f"peak memory of all  {peak:7.0f} MB (goal <= 400 MB)")


if __name__ == "__main__":
    main()

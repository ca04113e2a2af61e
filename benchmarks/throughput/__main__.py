"""A whole sample season with the pace off, beside a bare loop that makes the same requests and throws the bodies away.

    .venv/bin/python benchmarks/throughput [--games N]

Both are measured in one run, as whole processes from their start to their end, each against an emulator of its own that
starts cold: the bare loop (nba_api's endpoint classes, one after the other, as a script would) and the backfill
(discovery, checks, raw archive, typed Parquet, checkpoints every 10 games, the audit at the end; it also starts its own
emulator, which counts). Printed: seconds, the ratio, and each process's peak memory. Simulated data.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

BARE_LOOP = """
import json, resource, sys
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
print(json.dumps({"requests": requests,
                  "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000}))
"""


def emulator() -> tuple[subprocess.Popen[bytes], str]:
    """An emulator of its own, and its base URL."""
    process = subprocess.Popen(
        [sys.executable, "-m", "nba_stats_emulator", "--port", "0", "--exit-with-parent"], stdout=subprocess.PIPE
    )
    assert process.stdout is not None
    return process, json.loads(process.stdout.readline())["base_url"]


def bare_loop(games: int) -> dict[str, float]:
    """Requests through nba_api and nothing else."""
    process, base_url = emulator()
    try:
        started = time.perf_counter()
        printed = subprocess.run(
            [sys.executable, "-c", BARE_LOOP, base_url, str(games)],
            check=True,
            stdout=subprocess.PIPE,
            env=_environment(),
        ).stdout
        return {**json.loads(printed), "seconds": time.perf_counter() - started}
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
        done = subprocess.Popen(
            [sys.executable, "-m", "nba_season_backfill", *arguments], stdout=subprocess.PIPE, env=_environment()
        )
        assert done.stdout is not None
        printed = done.stdout.read()
        _, status, usage = os.wait4(done.pid, 0)
        seconds = time.perf_counter() - started
        if status:
            raise SystemExit(f"the backfill ended with {os.waitstatus_to_exitcode(status)}")
        summary = json.loads(printed.splitlines()[-1])
        size = sum(path.stat().st_size for path in Path(folder).rglob("*") if path.is_file())
        return {
            "seconds": seconds,
            "requests": summary["requests"],
            "peak_mb": usage.ru_maxrss / 1000,
            "lake_mb": size / 1e6,
        }


def _environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name != "NBA_API_REQUIRE_PROXY"}


def main() -> None:
    """Measure both and print the ratio."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--games", type=int, default=1230)
    games = parser.parse_args().games
    bare = bare_loop(games)
    ours = backfill(games)
    line = "{:20}{:7.1f} s  {:5.0f} requests  peak {:4.0f} MB"
    print(line.format("bare nba_api loop", bare["seconds"], bare["requests"], bare["peak_mb"]))
    print(
        line.format("backfill", ours["seconds"], ours["requests"], ours["peak_mb"]), f" lake {ours['lake_mb']:.0f} MB"
    )
    print(f"ratio               {ours['seconds'] / bare['seconds']:7.2f}    (goal <= 1.5; peak memory goal <= 400 MB)")


if __name__ == "__main__":
    main()

"""The emulator as a process: ready quickly, the same bytes every time, gone when it should be."""

from __future__ import annotations

import http.client
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from nba_stats_emulator.sample import BOX_ENDPOINTS, GAME_ENDPOINTS

DIGESTS = """
import hashlib, json, sys
from nba_stats_emulator.answers import SampleAnswers
from nba_stats_emulator.catalogue import Catalogue
from nba_stats_emulator.wire import Request

answers = SampleAnswers(Catalogue())
now = answers.catalogue.over_at
found = {}
for line in json.load(sys.stdin):
    endpoint, query = line
    reply = answers.reply(Request("GET", "/stats/" + endpoint, endpoint, tuple(map(tuple, query)), {}), now)
    assert reply.status == 200, line
    found[json.dumps(line)] = hashlib.sha256(reply.document.packed).hexdigest()
json.dump(found, sys.stdout)
"""


@contextmanager
def running(*options: str) -> Iterator[tuple[subprocess.Popen[bytes], dict[str, Any]]]:
    command = [sys.executable, "-m", "nba_stats_emulator", *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        try:
            assert process.stdout is not None
            yield process, json.loads(process.stdout.readline())
        finally:
            process.kill()


def status_of(port: int, path: str) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("GET", path)
        return connection.getresponse().status
    finally:
        connection.close()


def test_two_processes_give_the_same_bytes() -> None:
    """Every body is the same in another process, with another hash seed, asked for in another order."""
    games = ("0022400061", "0022400147", "0022401230", "0042400407", "0062400001", "0052400101", "0012400060")
    asked: list[tuple[str, list[list[str]]]] = [
        (endpoint, [["GameID", game_id]])
        for game_id in games
        for endpoint in ("boxscoretraditionalv3", "boxscoreadvancedv3", "playbyplayv3", "boxscoresummaryv3")
    ]
    asked += [(endpoint, [["GameID", games[1]]]) for endpoint in sorted(GAME_ENDPOINTS.keys() - set(BOX_ENDPOINTS))]
    asked.append(("gamerotation", [["GameID", games[1]], ["LeagueID", "00"]]))
    asked.append(("winprobabilitypbp", [["GameID", games[1]], ["RunType", "each second"]]))
    known = [["LeagueID", "00"], ["Season", "2024-25"]]
    asked.append(("playergamelogs", [*known, ["SeasonType", "IST"], ["MeasureType", "Usage"]]))
    asked.append(("teamgamelogs", [*known, ["SeasonType", "Regular Season"], ["MeasureType", "Four Factors"]]))
    asked += [("commonteamroster", [*known, ["TeamID", "1610612742"]]), ("commonteamyears", [["LeagueID", "00"]])]
    asked += [("scheduleleaguev2", known), ("playerindex", known)]
    asked += [("scoreboardv3", [["LeagueID", "00"], ["GameDate", day]]) for day in ("2024-11-02", "2025-06-22")]
    rest = [["Counter", "0"], ["Direction", "ASC"], ["Sorter", "DATE"]]
    for season_type in ("Regular Season", "Playoffs", "Pre Season"):
        for whose in "PT":
            own = [["PlayerOrTeam", whose], ["SeasonType", season_type]]
            asked.append(("leaguegamelog", known + own + rest))
    digests = []
    for seed, order in (("0", asked), ("4242", asked[::-1])):
        done = subprocess.run(
            [sys.executable, "-c", DIGESTS], input=json.dumps(order).encode(), capture_output=True, check=True,
            env=os.environ | {"PYTHONHASHSEED": seed}, timeout=120,
        )  # fmt: skip
        digests.append(json.loads(done.stdout))
    assert len(digests[0]) == len(asked)
    assert digests[0] == digests[1]
    assert len(set(digests[0].values())) == len(asked)


def test_it_says_where_it_listens_and_ends_on_sigterm_and_ctrl_c() -> None:
    """One line of JSON with port and base_url when ready; SIGTERM and SIGINT end it with 0 and nothing on stderr."""
    for stop in (signal.SIGTERM, signal.SIGINT):
        with running("--port", "0") as (process, ready):
            assert ready["event"] == "listening"
            assert ready["base_url"] == f"http://127.0.0.1:{ready['port']}"
            assert status_of(ready["port"], "/stats/playbyplayv3?GameID=0022400061") == 200
            process.send_signal(stop)
            assert process.wait(timeout=10) == 0
            assert process.stderr is not None
            assert process.stderr.read() == b""


def test_options_reach_the_emulator(tmp_path: Path) -> None:
    """Latency, scenario, clock and log on the command line do what they say."""
    log = tmp_path / "arrivals.jsonl"
    options = ("--latency", "0.01", "--scenario", "blocked-page", "--log", str(log), "--now", "2024-10-23T12:00:00Z")
    with running(*options) as (process, ready):
        assert status_of(ready["port"], "/stats/playbyplayv3?GameID=0022400061") == 403
        connection = http.client.HTTPConnection("127.0.0.1", ready["port"], timeout=10)
        connection.request("GET", "/_emulator")
        state = json.loads(connection.getresponse().read())
        connection.close()
        assert state["now"] == "2024-10-23T12:00:00Z"
        assert state["behaviour"]["latency"] == {"kind": "constant", "seconds": 0.01}
        process.terminate()
        process.wait(timeout=10)
    assert json.loads(log.read_text())["outcome"] == "fault:blocked"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--host", "0.0.0.0"), "not loopback"),
        (("--season", "1901-02"), "no sample of season '1901-02' is packed"),
        (("--scenario", "unheard-of"), "is neither a scenario"),
        (("--recorded", "."), "holds no recorded bodies"),
        (("--now", "soon"), "Invalid isoformat"),
        (("--seasons", "2015-17"), "is no season"),
        (("--leagues", "euroleague"), "is no league"),
        (("--story", "boring"), "neither a story"),
    ],
)
def test_wrong_options_are_one_clear_line(options: tuple[str, str], message: str, tmp_path: Path) -> None:
    """A wrong option ends it with 2 and a message that names what is wrong, without a traceback."""
    done = subprocess.run(
        [sys.executable, "-m", "nba_stats_emulator", *options], capture_output=True, text=True, timeout=30,
        cwd=tmp_path, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_it_ends_when_its_parent_died_before_it_was_ready() -> None:
    """However early that was: it says what it would, and is gone."""
    starter = (
        "import os, subprocess, sys\n"
        "command = [sys.executable, '-m', 'nba_stats_emulator', '--exit-with', str(os.getpid())]\n"
        "print(subprocess.Popen(command, stdout=subprocess.DEVNULL).pid, flush=True)\n"
        "os.kill(os.getpid(), 9)\n"
    )
    with subprocess.Popen([sys.executable, "-c", starter], stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        orphan = int(parent.stdout.readline())
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline and is_running(orphan):
        time.sleep(0.05)
    assert not is_running(orphan)


def is_running(pid: int) -> bool:
    try:
        # An orphan in a container may be left unburied: then it has ended all the same.
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except FileNotFoundError:
        return False


def test_it_ends_with_its_parent() -> None:
    """With --exit-with it ends when the process that started it has died."""
    starter = (
        "import os, subprocess, sys\n"
        "command = [sys.executable, '-m', 'nba_stats_emulator', '--exit-with', str(os.getpid())]\n"
        "child = subprocess.Popen(command, stdout=subprocess.PIPE)\n"
        "sys.stdout.write(child.stdout.readline().decode()); sys.stdout.flush(); sys.stdin.read()\n"
    )
    with subprocess.Popen([sys.executable, "-c", starter], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        port = json.loads(parent.stdout.readline())["port"]
        assert status_of(port, "/_emulator") == 200
        parent.kill()
    ended = threading.Event()
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline and not ended.is_set():
        try:
            status_of(port, "/_emulator")
        except OSError:
            ended.set()
        ended.wait(0.05)
    assert ended.is_set()


@pytest.mark.slow
def test_a_whole_season_walked_stays_small_and_quick() -> None:
    """All 3,690 bodies of a season, walked on one connection, take less than 150 MB of memory at any time."""
    status = Path("/proc/self/status")
    if not status.exists():
        pytest.skip("memory is read from /proc")
    with running() as (process, ready):
        connection = http.client.HTTPConnection("127.0.0.1", ready["port"], timeout=30)
        for number in range(1, 1231):
            for endpoint in ("boxscoretraditionalv3", "boxscoreadvancedv3", "playbyplayv3"):
                path = f"/stats/{endpoint}?GameID=00224{number:05d}"
                connection.request("GET", path, headers={"Accept-Encoding": "gzip"})
                assert connection.getresponse().read()
        connection.close()
        lines = Path(f"/proc/{process.pid}/status").read_text().splitlines()
        (peak,) = (int(line.split()[1]) for line in lines if line.startswith("VmHWM"))
        assert peak < 150_000

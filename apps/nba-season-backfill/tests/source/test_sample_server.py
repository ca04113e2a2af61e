"""The sample's emulator: begun early, ended once, and never left behind."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

from nba_season_backfill.errors import SourceUnavailable
from nba_season_backfill.season import Season
from nba_season_backfill.source.sample import SampleServer


def test_it_is_begun_early_and_used_by_two() -> None:
    """Whoever began it and the run both end it: the first to do so ends it, and it could be started anew."""
    with SampleServer(Season(2024)) as begun:
        with begun as server:
            first = server.start()
            assert server.start() == first
            with urllib.request.urlopen(f"{first}/_emulator", timeout=10) as answer:
                assert answer.status == 200
        with pytest.raises(OSError, match="refused"):
            urllib.request.urlopen(f"{first}/_emulator", timeout=10)
        assert begun.start() != first
    begun.stop()


def test_where_no_process_can_be_started_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """Early it is no matter; when it is needed it is an unreachable source, in one line."""

    def refuse(*_arguments: object, **_keywords: object) -> None:
        raise OSError(errno.EAGAIN, "Resource temporarily unavailable")

    monkeypatch.setattr(subprocess, "Popen", refuse)
    server = SampleServer(Season(2024))
    with pytest.raises(OSError, match="Resource temporarily"):
        server.begin()
    with pytest.raises(SourceUnavailable, match="the sample's emulator cannot be started: Resource temporarily"):
        server.start()
    server.stop()


def children(pid: int) -> list[int]:
    try:
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except (FileNotFoundError, ProcessLookupError):
        return []


def is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except FileNotFoundError:
        return False


@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="children are found in /proc")
@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL, signal.SIGINT])
def test_a_run_that_ends_while_it_is_loaded_leaves_no_emulator(tmp_path: Path, how: signal.Signals) -> None:
    """It is begun before the run listens to signals, and long before the emulator itself is ready."""
    command = [sys.executable, "-m", "nba_season_backfill", "--source", "sample", "--season", "2024-25"]
    run = subprocess.Popen([*command, "--limit", "1", "--output", tmp_path], stderr=subprocess.PIPE)
    deadline = time.monotonic() + 30
    while not (begun := children(run.pid)) and time.monotonic() < deadline:
        time.sleep(0.002)
    os.kill(run.pid, how)
    run.communicate(timeout=30)
    assert len(begun) == 1
    while any(map(is_running, begun)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not any(map(is_running, begun))

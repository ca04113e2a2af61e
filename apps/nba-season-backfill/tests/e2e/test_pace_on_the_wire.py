"""The pace as the server sees it: in real time, over HTTP. Slow."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest

from nba_stats_emulator import Behaviour, Constant, Emulator

from .conftest import backfill, from_emulator, summary_of

INTERVAL_SECONDS = 0.3
JITTER_SECONDS = 0.02


@pytest.mark.slow
@pytest.mark.parametrize("latency_seconds", [0.2 * INTERVAL_SECONDS, 3 * INTERVAL_SECONDS])
def test_the_pace_is_kept_within_a_per_cent(tmp_path: Path, latency_seconds: float) -> None:
    """At latencies of 0.2 and 3 intervals: mean spacing within 1 %, none closer than the interval less jitter."""
    arguments = ["--limit", "40", "--no-player-info", "--rate-limit", str(INTERVAL_SECONDS)]
    arguments += ["--jitter-seconds", str(JITTER_SECONDS), "--output", str(tmp_path / "lake")]
    with Emulator() as emulator:
        # Made once before, so that what is measured is the pace and not the making of games.
        assert backfill(*from_emulator(emulator, "--limit", "40", "--output", tmp_path / "warm")).returncode == 0
        emulator.clear_requests()
        emulator.set_behaviour(Behaviour(latency=Constant(latency_seconds)))
        done = backfill(*from_emulator(emulator, *arguments))
        assert done.returncode == 0, done.stderr
        assert summary_of(done)["units_stored"] == 120
        arrivals = [each.at_seconds for each in emulator.requests if each.game_id]
    gaps = [later - earlier for earlier, later in pairwise(arrivals)]
    assert len(arrivals) == 120
    assert (arrivals[-1] - arrivals[0]) / len(gaps) == pytest.approx(INTERVAL_SECONDS, rel=0.01)
    # The way through two processes of a busy machine varies by some milliseconds.
    assert min(gaps) > INTERVAL_SECONDS - JITTER_SECONDS - 0.03

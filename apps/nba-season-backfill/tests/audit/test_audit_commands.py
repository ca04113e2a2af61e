"""``audit``, ``explain`` and ``quarantine`` as their user runs them: processes, exit codes, text and JSON."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from nba_season_backfill.cli import cli
from nba_season_backfill.errors import BackfillError

GAME = "0022400061"
_PEAK = """
import resource, sys
from nba_season_backfill.cli import cli
try:
    cli(["audit", "--source", "sample", "--output", sys.argv[1]])
except SystemExit:
    pass
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
"""


def backfill(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "nba_season_backfill", *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )


def audited(lake: Path, *more: str) -> tuple[int, dict[str, Any]]:
    done = backfill("audit", "--source", "sample", "--output", lake, "--output-format", "json", *more)
    return done.returncode, json.loads(done.stdout.splitlines()[-1])


def test_a_part_of_the_sample_from_fill_to_repair(tmp_path: Path) -> None:
    """Fill, audit clean, lose a file, audit 65 and named, repair 0, audit clean; explain and quarantine speak."""
    lake = tmp_path / "lake"
    assert backfill("--source", "sample", "--limit", "4", "--output", lake).returncode == 0
    code, found = audited(lake, "--limit", "4")
    assert (code, found["clean"], found["units"], found["simulated"]) == (0, True, 13, True)
    (lake / "play-by-play/season=2024-25/month=10/part-0.parquet").unlink()
    done = backfill("audit", "--source", "sample", "--limit", "4", "--output", lake)
    assert done.returncode == 65
    assert done.stdout.startswith("partition_missing")
    assert "1 findings in season 2024-25" in done.stderr
    done = backfill("audit", "--source", "sample", "--limit", "4", "--output", lake, "--repair")
    assert done.returncode == 0, done.stderr
    summary = json.loads(done.stdout.splitlines()[-1])["summary"]
    assert (summary["outcome"], summary["findings_mended"], summary["units_from_archive"]) == ("mended", 1, 4)
    # What was not asked for is missed by an audit of the whole season, and nothing else.
    code, found = audited(lake)
    assert code == 65
    assert {each["kind"] for each in found["findings"]} == {"dataset_missing"}
    assert len(found["findings"]) == (1321 - 4) * 3
    done = backfill("explain", GAME, "--output", lake)
    assert (done.returncode, "BOS 132" in done.stdout) == (0, True)
    done = backfill("quarantine", "list", "--season", "2024-25", "--output", lake)
    assert (done.returncode, "0 refused bodies in season 2024-25" in done.stdout) == (0, True)


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("explain", "22400061"), 2, "not a game id"),
        (("audit", "--season", "2024-25"), 65, "no checkpoint of season 2024-25: nothing of it is stored"),
        (("quarantine", "show", GAME), 2, "nothing of game 0022400061 is in the quarantine"),
        (("quarantine", "show", GAME, "--dataset", "shots"), 2, "no dataset 'shots'"),
        (("quarantine", "accept", GAME, "play-by-play"), 2, "--reason"),
        (("quarantine", "accept", GAME, "play-by-play", "--reason", ""), 2, "--reason"),
        (("quarantine", "accept", GAME, "play-by-play", "--reason", " \t "), 2, "--reason"),
    ],
)
def test_what_makes_no_sense_is_said_in_a_line(
    tmp_path: Path, arguments: tuple[str, ...], code: int, said: str
) -> None:
    """Wrong ids, unknown datasets, an empty lake: one line that names it, and the documented exit code."""
    done = CliRunner().invoke(cli, [*arguments, "--output", str(tmp_path / "lake")])
    error = done.exception
    found = error.exit_code if isinstance(error, BackfillError) else done.exit_code
    assert found == code
    assert said in (str(error) if isinstance(error, BackfillError) else done.output)


@pytest.mark.slow
def test_the_whole_sample_season_is_clean(tmp_path: Path) -> None:
    """1,321 games that count: filled, audited clean in seconds and in less than 300 MB, then every value compared."""
    lake = tmp_path / "lake"
    done = backfill("--source", "sample", "--output", lake)
    assert done.returncode == 0, done.stderr
    code, found = audited(lake)
    assert (code, found["findings"], found["final_games"]) == (0, [], 1400)
    assert found["units"] == 1321 * 3 + 1
    assert found["duration_in_seconds"] < 15
    peak = subprocess.run(
        [
            sys.executable,
            "-c",
            _PEAK,
            str(lake),
        ],
        capture_output=True,
        text=True,
        check=True,
    )
    assert int(peak.stdout.splitlines()[-1]) < 300
    started = time.monotonic()
    code, found = audited(lake, "--deep")
    assert (code, found["findings"], found["deep"]) == (0, [], True)
    assert time.monotonic() - started < 300

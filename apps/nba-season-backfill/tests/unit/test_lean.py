"""What our own processes leave out, and that programs which use the library keep it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("pandas", reason="where pandas is not installed nothing needs to be left out")

TOLD = """
import atexit, sys
atexit.register(lambda: print("pandas is", "loaded" if "pandas" in sys.modules else "left out", file=sys.stderr))
"""


def run(code: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", TOLD + code, *map(str, arguments)], capture_output=True, text=True, check=False
    )


def test_a_command_does_not_load_pandas(tmp_path: Path) -> None:
    """Arrow would, for its first array: a quarter of a second and 50 MB, for nothing."""
    code = "from nba_season_backfill.cli import main; main()"
    arguments = ["--source", "sample", "--season", "2024-25", "--limit", "1"]
    done = run(code, *arguments, "--report", tmp_path / "report.html", "--output", tmp_path / "lake")
    assert done.returncode == 0, done.stderr
    assert done.stderr.splitlines()[-1] == "pandas is left out"
    asked = run(code, "query", "coverage", "--output", tmp_path / "lake")
    assert asked.returncode == 0, asked.stderr
    assert asked.stderr.splitlines()[-1] == "pandas is left out"


def test_the_process_that_examines_does_not_load_pandas() -> None:
    """It ends at once where nobody is connected."""
    done = run("from nba_season_backfill.backfill.examiner import main; main()\nimport pyarrow as pa; pa.array([1])")
    assert done.returncode == 0, done.stderr
    assert done.stderr.splitlines()[-1] == "pandas is left out"


def test_a_program_that_uses_the_library_has_pandas() -> None:
    """Frames are what `to_pandas` is for: a library takes nothing away."""
    code = """
import nba_season_backfill.cli, nba_season_backfill.daily_api
import nba_season_backfill.query
import pyarrow as pa
print(len(pa.table({"a": [1, 2]}).to_pandas()))
"""
    done = run(code)
    assert done.stdout == "2\n", done.stderr
    assert done.stderr.splitlines()[-1] == "pandas is loaded"


def test_where_pandas_is_there_already_it_stays() -> None:
    """Asking twice, or after somebody loaded it, harms nothing."""
    code = """
import pandas
from nba_season_backfill.lean import without_pandas
without_pandas()
without_pandas()
import pandas as again
assert again is pandas
assert sum(type(finder).__name__ == "_NoPandas" for finder in sys.meta_path) == 1
"""
    assert run(code).returncode == 0

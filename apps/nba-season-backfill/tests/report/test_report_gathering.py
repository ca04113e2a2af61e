"""What a report reads from a lake, and the command line around it."""

from __future__ import annotations

import datetime as dt
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import orjson
import pytest
from click.testing import CliRunner

from nba_season_backfill.backfill.opening import lake_identity, load_checkpoint
from nba_season_backfill.backfill.summary import Summary
from nba_season_backfill.checkpoint import UnitRecord, UnitStatus
from nba_season_backfill.cli.entry import cli
from nba_season_backfill.cli.reporting import report_after_run
from nba_season_backfill.errors import BackfillError, UsageError
from nba_season_backfill.lake import layout
from nba_season_backfill.lake.local import LocalStore
from nba_season_backfill.report import ReportFacts, gather, render
from nba_season_backfill.report.flights import read_run
from nba_season_backfill.season import Season
from nba_season_backfill.settings import BackfillSettings

NOW = dt.datetime(2026, 11, 21, 12, 0, tzinfo=dt.UTC)
SEASON = Season(2024)


def gathered(lake: Path, **more: Any) -> ReportFacts:
    """The facts of a lake in a folder."""
    settings = BackfillSettings(output=lake, season="2024-25", source="sample")
    return gather(settings, LocalStore(lake), SEASON, now=NOW, **more)


def test_coverage_counts_what_the_checkpoint_says(sample_lake: Path) -> None:
    """60 of the season's final games are stored, the others are open; days before the last one are full."""
    facts = gathered(sample_lake, with_audit=False)
    assert [dataset.name for dataset in facts.coverage] == [
        "box-scores-traditional",
        "box-scores-advanced",
        "play-by-play",
    ]
    for dataset in facts.coverage:
        total = dataset.total
        assert (total.stored, total.failed, total.absent) == (60, 0, 0)
        assert total.games == facts.games_final > 1300
    assert facts.games_complete == 60
    assert facts.simulated
    assert facts.run is None
    assert facts.failures == []
    newest = {each.dataset: each.newest_game for each in facts.freshness}
    assert newest["play-by-play"] == max(day for day, found in facts.coverage[0].days.items() if found.stored)
    assert not facts.audit.done


def test_failures_and_absences_are_told_apart(sample_lake: Path, tmp_path: Path) -> None:
    """A failed unit and a doubtful absence are failures with a verdict and a game; a plain absence is none."""
    lake = tmp_path / "lake"
    shutil.copytree(sample_lake, lake)
    settings = BackfillSettings(output=lake, season="2024-25")
    store = LocalStore(lake)
    opened = load_checkpoint(settings, store, SEASON, SEASON.league, lake_identity(store, SEASON.league, create=False))
    checkpoint = opened.checkpoint
    assert checkpoint is not None
    at = "2025-01-01T00:00:00+00:00"
    error = "dataset_checks: game.actions[0].shotDistance: got '0', want int"
    checkpoint.record("0022400061", "play-by-play", UnitRecord(UnitStatus.FAILED, at, error=error, attempts=3))
    checkpoint.record("0022400062", "play-by-play", UnitRecord(UnitStatus.ABSENT, at, suspicious=True))
    checkpoint.record("0022400063", "play-by-play", UnitRecord(UnitStatus.ABSENT, at))
    opened.file.commit(checkpoint.to_content(), token=opened.fencing_token, run_id="another")
    facts = gathered(lake, with_audit=False)
    assert [(each.game_id, each.verdict, each.attempts) for each in facts.failures] == [
        ("0022400061", "contract_violation", 3),
        ("0022400062", "absent", 1),
    ]
    assert facts.failures[0].game_date == dt.date(2024, 10, 22)
    assert " at " in facts.failures[0].game
    plays = facts.coverage[2].total
    assert (plays.stored, plays.failed, plays.absent) == (57, 1, 2)
    assert facts.games_complete == 58


def test_the_audit_is_part_of_it(sample_lake: Path, tmp_path: Path) -> None:
    """A partition that is gone is found and explained; games that were not fetched yet are no finding."""
    clean = gathered(sample_lake).audit
    assert clean.done
    assert clean.groups == []
    assert any("not stored yet" in note for note in clean.notes)
    lake = tmp_path / "lake"
    shutil.copytree(sample_lake, lake)
    shutil.rmtree(lake / "play-by-play")
    found = gathered(lake).audit
    assert found.groups
    assert all(group.meaning and group.what_to_do and group.examples for group in found.groups)
    assert "play-by-play" in render(gathered(lake))


def test_a_season_that_is_not_there_is_said(sample_lake: Path) -> None:
    """No checkpoint, no report: what to do is said."""
    with pytest.raises(UsageError, match="holds nothing of season 1999-00"):
        gather(BackfillSettings(output=sample_lake), LocalStore(sample_lake), Season(1999), now=NOW)


def test_the_newest_run_of_the_season_is_shown(sample_lake: Path, tmp_path: Path) -> None:
    """Records of other seasons and damaged ones are passed over; a run can be named."""
    lake = tmp_path / "lake"
    shutil.copytree(sample_lake, lake)
    store = LocalStore(lake)
    for day, run_id, season in [(1, "a", "2024-25"), (2, "b", "2024-25"), (3, "c", "2023-24")]:
        record = {"format": 1, "run_id": run_id, "season": season, "started_at": f"2025-01-0{day}T00:00:00+00:00"}
        store.put(layout.run_key(dt.date(2025, 1, day), run_id), orjson.dumps(record))
    store.put(layout.run_key(dt.date(2025, 1, 4), "d"), b"{torn")
    newest, named, none = (gathered(lake, with_audit=False, run_id=run_id).run for run_id in (None, "a", "nobody"))
    assert newest is not None
    assert newest.run_id == "b"
    assert named is not None
    assert named.run_id == "a"
    assert none is None


def test_a_record_of_another_version_is_read_as_far_as_it_goes() -> None:
    """What is missing or unknown in a flight record is taken as nothing, not as an error."""
    run = read_run({"run_id": "x", "started_at": "2025-01-01T00:00:00+00:00", "timeline": None, "novelty": {"a": 1}})
    assert run.points == []
    assert run.requests == 0
    assert run.outcome == ""


def test_a_run_ends_with_its_report(tmp_path: Path) -> None:
    """--report writes the page of that very run, under its own name, with the run drawn."""
    arguments = ["--source", "sample", "--limit", "2", "--output", str(tmp_path / "lake")]
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "nba_season_backfill",
            *arguments,
            "--report",
            str(tmp_path / "new" / "{season}-{run_id}.html"),
        ],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    run_id = json.loads(done.stdout.splitlines()[-1])["summary"]["run_id"]
    page = (tmp_path / "new" / f"2024-25-{run_id}.html").read_text(encoding="utf-8")
    assert run_id in page
    assert 'class="chart"' in page
    assert "Simulated data." in page


def test_a_report_that_fails_is_said_and_no_more(sample_lake: Path, tmp_path: Path) -> None:
    """A file that cannot be written and a lake that cannot be read give words, never an error."""
    (tmp_path / "file").write_text("in the way")
    settings = BackfillSettings(output=sample_lake, season="2024-25", report=tmp_path / "file" / "report.html")
    summary = Summary("x", "2024-25", "sample", str(sample_lake), "")
    [said] = report_after_run(settings, summary, stopped=True)
    assert "the report was not written" in said
    elsewhere = BackfillSettings(output=tmp_path / "nothing", season="2024-25", report=tmp_path / "r.html")
    [said] = report_after_run(elsewhere, summary, stopped=False)
    assert "holds nothing of season 2024-25" in said
    assert report_after_run(settings, None, stopped=False) == []
    assert report_after_run(BackfillSettings(output=sample_lake), summary, stopped=False) == []


def test_a_report_in_place_of_a_fifo_or_folder_is_not_written(sample_lake: Path, tmp_path: Path) -> None:
    """At the end of a run: said in one line, and what is there stays."""
    os.mkfifo(tmp_path / "fifo")
    summary = Summary("x", "2024-25", "sample", str(sample_lake), "")
    for path, kind in ((tmp_path / "fifo", "a FIFO"), (tmp_path, "a folder"), (Path("/"), "a folder")):
        settings = BackfillSettings(output=sample_lake, season="2024-25", report=path)
        [said] = report_after_run(settings, summary, stopped=True)
        assert "the report was not written" in said
        assert f"{str(path)!r} is {kind}" in said
        assert "name a regular file" in said
    assert (tmp_path / "fifo").is_fifo()
    assert [each.name for each in tmp_path.iterdir()] == ["fifo"]


def test_the_command_replaces_nothing_but_files(
    sample_lake: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A FIFO and folders are refused in words; a link stays, the file that it names is replaced."""
    monkeypatch.chdir(tmp_path)
    os.mkfifo("fifo")
    Path("to-fifo").symlink_to("fifo")
    Path("link.html").symlink_to("page.html")
    Path("page.html").write_text("old")
    runner = CliRunner()
    arguments = ["report", "--output", str(sample_lake), "--no-audit", "--report-file"]
    for name, kind in (("fifo", "a FIFO"), ("to-fifo", "a FIFO"), (".", "a folder"), ("/", "a folder")):
        refused = runner.invoke(cli, [*arguments, name])
        assert isinstance(refused.exception, BackfillError)
        assert refused.exception.exit_code == 75
        assert f"{name!r} is {kind}" in str(refused.exception)
    done = runner.invoke(cli, [*arguments, "link.html"])
    assert done.exit_code == 0, done.output
    assert Path("link.html").is_symlink()
    assert Path("page.html").read_text(encoding="utf-8").startswith("<!doctype html>")
    assert Path("fifo").is_fifo()
    assert sorted(each.name for each in tmp_path.iterdir()) == ["fifo", "link.html", "page.html", "to-fifo"]


def test_the_command_writes_where_it_is_told(sample_lake: Path, tmp_path: Path) -> None:
    """A file by name, the default name, or standard output; an unknown run and an empty lake are refused in words."""
    runner = CliRunner()
    file = tmp_path / "deep" / "r.html"
    done = runner.invoke(cli, ["report", "--output", str(sample_lake), "--report-file", str(file), "--no-audit"])
    assert done.exit_code == 0, done.output
    assert file.read_text(encoding="utf-8").startswith("<!doctype html>")
    assert not list(file.parent.glob(".*"))
    printed = runner.invoke(cli, ["report", "--output", str(sample_lake), "--report-file", "-", "--no-audit"])
    assert printed.stdout.startswith("<!doctype html>")
    assert printed.stdout.rstrip().endswith("</html>")
    for arguments in (["--run", "nobody"], ["--season", "2011-12"]):
        refused = runner.invoke(cli, ["report", "--output", str(sample_lake), "--no-audit", *arguments])
        assert isinstance(refused.exception, BackfillError)
        assert refused.exception.exit_code == 2

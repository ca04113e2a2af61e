"""``runs``, ``runs show`` and ``status`` as their user meets them."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from nba_season_backfill.backfill import looking
from nba_season_backfill.backfill.looking import status_document
from nba_season_backfill.backfill.opening import lake_identity, open_state
from nba_season_backfill.backfill.process import this_process
from nba_season_backfill.checkpoint import Checkpoint, UnitRecord, UnitStatus
from nba_season_backfill.cli import cli
from nba_season_backfill.errors import UsageError
from nba_season_backfill.lake.flight import close_records, write_record
from nba_season_backfill.lake.lease import acquire_lease
from nba_season_backfill.lake.local import LocalStore
from nba_season_backfill.lake.memory import MemoryStore
from nba_season_backfill.lake.store import StoredObject
from nba_season_backfill.season import League, Season
from nba_season_backfill.settings import BackfillSettings

from .conftest import START, record_of

NOW = dt.datetime.now(dt.UTC).replace(microsecond=0)
SEASON = Season(2024)


def nba(*arguments: str | Path, today: str = "") -> Result:
    environment = {"COLUMNS": "200", "NBA_BACKFILL_TODAY": today}
    return CliRunner().invoke(cli, [str(each) for each in arguments], env=environment)


def keep(store: LocalStore | MemoryStore, *records: dict[str, Any]) -> None:
    """Keep records of runs that ended, with their rows."""
    for record in records:
        write_record(store, record)
        close_records(store, record["started_at"][:7], closed_by="x", is_gone=lambda *_: False, own=None)


def check_in(store: Any, settings: BackfillSettings, **more: Any) -> None:
    """A checkpoint with two games, of which one is not whole."""
    identity = lake_identity(store, League.NBA, create=True)
    assert identity is not None
    checkpoint = Checkpoint(SEASON, League.NBA, identity, NOW.isoformat(), **more)
    ok = UnitRecord(UnitStatus.OK, NOW.isoformat(), raw="a" * 64, rows={"play-by-play": 3})
    failed = UnitRecord(UnitStatus.FAILED, NOW.isoformat(), error="no answer", attempts=4)
    day = dt.date(2024, 10, 22)
    for game, record in (("0022400061", ok), ("0022400062", failed)):
        checkpoint.record(game, "box-scores-traditional", ok, game_date=day)
        checkpoint.record(game, "play-by-play", record, game_date=day)
    checkpoint.record("season", "players", ok)
    file, _ = open_state(settings, store, SEASON)
    file.load()
    file.commit(checkpoint.to_content(), token=1, run_id="run-1")


@pytest.fixture
def lake(tmp_path: Path) -> Path:
    """A lake in which four runs were recorded."""
    store = LocalStore(tmp_path / "lake")
    day = dt.timedelta(days=1)
    keep(
        store,
        record_of("20250101T083000Z-aaaaaa", started=NOW - 3 * day),
        record_of(
            "20250102T083000Z-bbbbbb",
            started=NOW - 2 * day,
            outcome="blocked",
            exit_code=69,
            message="silence\nfor an hour",
            errors=[{"type": "SourceBlocked", "message": "silence", "hint": "wait", "traceback": "Traceback: here"}],
            timeline={"columns": [], "points": [], "marks": [{"seconds": 2.5, "what": "circuit open"}]},
        ),
        record_of("20250103T083000Z-cccccc", started=NOW - day, season="2023-24"),
    )
    write_record(store, record_of("20250104T083000Z-dddddd", started=NOW, state="running", updated_at=NOW.isoformat()))
    return tmp_path / "lake"


def test_runs_are_listed_newest_first(lake: Path) -> None:
    """A line each, with what went wrong; a run at work is one of them."""
    found = nba("runs", "--output", lake)
    assert found.exit_code == 0, found.output
    heading, *lines = found.output.splitlines()
    assert heading.split()[:5] == ["RUN", "COMMAND", "SEASON", "TOOK", "OUTCOME"]
    assert [line.split()[0][-6:] for line in lines] == ["dddddd", "cccccc", "bbbbbb", "aaaaaa"]
    assert "  running  " in lines[0]
    assert "blocked   69" in lines[2]
    assert lines[2].endswith("silence for an hour")


def test_runs_are_listed_as_json(lake: Path) -> None:
    """For programs: every column of the table and the record's key."""
    found = json.loads(nba("runs", "--output", lake, "--output-format", "json", "--season", "2024-25").stdout)
    assert [run["run_id"][-6:] for run in found] == ["dddddd", "bbbbbb", "aaaaaa"]
    assert found[1]["exit_code"] == 69
    assert (lake / found[1]["record"]).is_file()
    assert dt.datetime.fromisoformat(found[2]["started_at"]) == NOW - dt.timedelta(days=3)
    limited = json.loads(nba("runs", "--output", lake, "--output-format", "json", "--last", "1").stdout)
    assert len(limited) == 1


def test_a_lake_without_runs_says_so(tmp_path: Path) -> None:
    """No traceback, nothing written."""
    found = nba("runs", "--output", tmp_path / "none")
    assert (found.exit_code, found.output) == (0, "no run is recorded in this lake\n")
    assert not (tmp_path / "none").exists()


def test_a_run_is_shown_by_a_part_of_its_id(lake: Path) -> None:
    """Everything that helps to understand it, for people and for programs."""
    found = nba("runs", "show", "bbbbbb", "--output", lake)
    assert found.exit_code == 0, found.output
    for text in ("20250102T083000Z-bbbbbb  (ended)", "blocked (exit 69)", "circuit open", "Traceback: here", "wait"):
        assert text in found.output
    record = json.loads(nba("runs", "show", "bbbbbb", "--output", lake, "--output-format", "json").stdout)
    assert record["errors"][0]["type"] == "SourceBlocked"


@pytest.mark.parametrize(("run_id", "words"), [("nothing", "there is no such record"), ("2025010", "4 runs have that")])
def test_a_run_that_is_not_there_is_a_wrong_argument(lake: Path, run_id: str, words: str) -> None:
    """One line that says how to find the right one, exit 2."""
    found = nba("runs", "show", run_id, "--output", lake)
    assert isinstance(found.exception, UsageError)
    assert words in str(found.exception)
    assert "`nba-backfill runs` lists them" in str(found.exception)


def settings_of(lake: Path, **more: object) -> BackfillSettings:
    return BackfillSettings.load({"output": str(lake), "season": "2024-25", **more}, environ={})


def test_status_is_the_pulse(lake: Path) -> None:
    """Watermark, freshness, coverage, what is open, who is at work, the last runs, and the next thing to do."""
    store = LocalStore(lake)
    watermark = {"date": "2025-01-10", "held_by": ["0022400062"], "last_game": "2025-04-13"}
    check_in(store, settings_of(lake), watermark=watermark)
    lease = acquire_lease(store, "season-2024-25", run_id="20250104T083000Z-dddddd")
    assert lease is not None
    document = status_document(settings_of(lake, today="2025-01-12"), SEASON)
    assert (document["fresh"], document["freshness_hours"]) == (True, 36.0)
    assert document["watermark"] == watermark
    assert document["coverage"]["play-by-play"] == {"stored": 1, "absent": 0, "of": 2, "ratio": 0.5}
    assert document["coverage"]["players"] == {"stored": 1, "absent": 0, "of": 1, "ratio": 1.0}
    assert document["datasets"]["play-by-play"] == {"ok": 1, "failed": 1}
    assert [unit["game_id"] for unit in document["open"]] == ["0022400062"]
    [held] = document["leases"]
    assert (held["name"], held["run_id"], held["held"]) == ("season-2024-25", "20250104T083000Z-dddddd", True)
    assert dt.datetime.fromisoformat(held["since"]) < dt.datetime.fromisoformat(held["expires"])
    assert "is at work" in document["next_action"]
    text = nba("status", "--output", lake, "--season", "2024-25", today="2025-01-12")
    assert text.exit_code == 0, text.output
    for words in (
        "(fresh)",
        "watermark   2025-01-10",
        "36 h; stale after 36 h",
        "play-by-play: 1 failed, 1 ok (50 % of 2)",
    ):
        assert words in text.output
    lease.release()


@pytest.mark.parametrize(
    ("today", "more", "code"),
    [
        ("2025-01-12", [], 0),
        ("2025-01-13", [], 75),
        ("2025-01-13", ["--stale-after", "60h"], 0),
        ("2025-01-12", ["--stale-after", "1d"], 75),
    ],
)
def test_status_is_a_probe(tmp_path: Path, today: str, more: list[str], code: int) -> None:
    """0 fresh, 75 stale, in both forms."""
    lake = tmp_path / "lake"
    check_in(LocalStore(lake), settings_of(lake), watermark={"date": "2025-01-10", "last_game": "2025-04-13"})
    for form in ("text", "json"):
        found = nba("status", "--output", lake, "--season", "2024-25", "--output-format", form, *more, today=today)
        assert found.exit_code == code, found.output


def test_status_of_nothing_is_stale_and_says_what_to_do(tmp_path: Path) -> None:
    """An empty lake: 75, and the command that fills it."""
    found = nba("status", "--output", tmp_path / "none", "--season", "2024-25")
    assert found.exit_code == 75
    assert "next        run `nba-backfill run --season 2024-25`: nothing has been fetched yet" in found.output
    assert not (tmp_path / "none").exists()


class CountingStore(MemoryStore):
    """Counts reads."""

    def __init__(self) -> None:
        super().__init__()
        self.reads = 0

    def get(self, key: str, *, if_match: str | None = None) -> StoredObject:
        self.reads += 1
        return super().get(key, if_match=if_match)

    def list(self, prefix: str = "") -> Any:
        self.reads += 1
        return super().list(prefix)


def test_status_costs_a_few_reads(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many runs there were: a probe every minute must cost next to nothing, and write nothing."""
    store = CountingStore()
    settings = BackfillSettings.load({"season": "2024-25"}, environ={})
    check_in(store, settings)
    keep(store, *(record_of(f"run-{number}", started=NOW - dt.timedelta(minutes=number)) for number in range(60)))
    before = {info.key: info.etag for info in MemoryStore.list(store)}
    monkeypatch.setattr(looking, "open_lake", lambda _settings: store)
    store.reads = 0
    document = status_document(settings, SEASON)
    assert len(document["last_runs"]) == 5
    assert store.reads <= 9
    assert {info.key: info.etag for info in MemoryStore.list(store)} == before


def test_a_killed_run_that_nobody_closed_is_seen_as_one(tmp_path: Path) -> None:
    """Its process is gone: status says so at once, without writing anything."""
    lake = tmp_path / "lake"
    store = LocalStore(lake)
    check_in(store, settings_of(lake), watermark={"date": "2025-01-10", "last_game": "2025-04-13"})
    process = this_process() | {"started": "1"}
    write_record(store, record_of("killed", started=NOW, state="running", process=process))
    document = status_document(settings_of(lake, today="2025-01-12"), SEASON, now=lambda: NOW)
    assert [(run["run_id"], run["outcome"]) for run in document["last_runs"]] == [("killed", "interrupted")]
    assert "run killed was killed" in document["next_action"]
    runs = json.loads(nba("runs", "--output", lake, "--output-format", "json").stdout)
    assert [(run["run_id"], run["outcome"], run["exit_code"]) for run in runs] == [("killed", "interrupted", None)]


def test_rows_have_the_start_of_their_record() -> None:
    """A row leads to its record by its start and id."""
    row: Mapping[str, Any] = {"run_id": "r", "started_at": START, "exit_code": None}
    assert looking.run_document(row)["record"] == "_runs/2025-01-02/r.json"

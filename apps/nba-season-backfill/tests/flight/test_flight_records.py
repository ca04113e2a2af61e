"""Records and the table made from them: merged by run id, whatever crashes, races or is damaged."""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import duckdb
import orjson
import pyarrow.dataset as pads
import pytest
from faults.faulty import FAULTS, FaultyStore, SimulatedKill, Trap

from nba_season_backfill.lake import layout
from nba_season_backfill.lake.flight import (
    AUDIT_SCHEMA,
    audited_months,
    close_records,
    month_before,
    month_of,
    read_audit,
    read_record,
    recent_runs,
    write_record,
)
from nba_season_backfill.lake.local import LocalStore
from nba_season_backfill.lake.memory import MemoryStore
from nba_season_backfill.lake.store import ObjectInfo, ObjectMissing, StoreError

from .conftest import START, Close, record_of

MONTH = "2025-01"
KEY = "pipeline-audit/run_month=2025-01/part-0.parquet"


def never(_info: ObjectInfo, _record: Mapping[str, Any]) -> bool:
    """Everybody lives."""
    return False


def test_a_run_that_ended_has_a_row(store: MemoryStore, close: Close) -> None:
    """The row says what the record says."""
    own = record_of("run-1")
    write_record(store, own)
    rows = close(store, own=own, by="run-1")
    assert list(rows) == ["run-1"]
    row = read_audit(store, MONTH).rows["run-1"]
    assert row == rows["run-1"]
    assert (row["outcome"], row["exit_code"], row["games_done"], row["rows_written"]) == ("complete", 0, 12, 12)
    assert (row["started_at"], row["duration_in_seconds"], row["warnings"]) == (START, 90.0, 2)
    assert (row["version"], row["python"], row["host"]) == ("0.1.0", "3.11.7", "elsewhere")
    assert set(row) == set(AUDIT_SCHEMA.names)


def test_appending_again_changes_nothing(store: MemoryStore, close: Close) -> None:
    """A run is one row, however often it is told; the same rows are not even written."""
    own = record_of("run-1")
    close(store, own=own)
    etag = store.head(KEY).etag
    close(store, own=own)
    assert store.head(KEY).etag == etag
    close(store, own={**own, "outcome": "incomplete", "exit_code": 75})
    [row] = read_audit(store, MONTH).rows.values()
    assert (row["outcome"], row["exit_code"]) == ("incomplete", 75)


def test_an_open_record_is_closed_as_interrupted(store: MemoryStore, close: Close) -> None:
    """Of a killed run its last sign of life remains; what it had done by then is in its row."""
    write_record(store, record_of("killed", state="running"))
    rows = close(store)
    record = read_record(store, "killed")
    assert (record["state"], record["outcome"], record["closed_by"]) == ("interrupted", "interrupted", "closer")
    assert record["ended_at"] == record["updated_at"]
    row = rows["killed"]
    assert (row["outcome"], row["exit_code"], row["games_done"], row["requests_throttled"]) == (
        "interrupted",
        None,
        3,
        1,
    )
    etag = store.head(KEY).etag
    close(store, by="another")
    assert store.head(KEY).etag == etag
    assert read_record(store, "killed")["closed_by"] == "closer"


def test_a_run_at_work_is_left_alone(store: MemoryStore, close: Close) -> None:
    """Its record stays open and has no row."""
    write_record(store, record_of("alive", state="running"))
    assert close(store, gone=False) == {}
    assert read_record(store, "alive")["state"] == "running"
    assert audited_months(store) == []


def test_a_run_taken_for_dead_has_the_last_word(store: MemoryStore, close: Close) -> None:
    """A laptop that slept: closed by another, it ends all the same, and the table says so."""
    write_record(store, record_of("sleeper", state="running"))
    close(store)
    own = record_of("sleeper")
    write_record(store, own)
    close(store, own=own, by="sleeper")
    assert read_record(store, "sleeper")["state"] == "ended"
    assert read_audit(store, MONTH).rows["sleeper"]["outcome"] == "complete"


def test_a_run_that_writes_while_it_is_closed_is_not_closed(store: MemoryStore) -> None:
    """Between the look and the closing it gave a sign of life: the closing is conditional."""
    write_record(store, record_of("alive", state="running"))

    def writes_meanwhile(_info: ObjectInfo, record: Mapping[str, Any]) -> bool:
        write_record(store, {**record, "updated_at": (START + dt.timedelta(seconds=120)).isoformat()})
        return True

    rows = close_records(store, MONTH, closed_by="closer", is_gone=writes_meanwhile)
    assert rows == {}
    assert read_record(store, "alive")["state"] == "running"


def test_what_a_crash_took_from_the_table_comes_back(store: MemoryStore, close: Close) -> None:
    """A run that ended but was killed before it had its row gets it from the next one."""
    write_record(store, record_of("run-1"))
    own = record_of("run-2", started=START + dt.timedelta(hours=1))
    write_record(store, own)
    rows = close(store, own=own, by="run-2")
    assert list(read_audit(store, MONTH).rows) == ["run-1", "run-2"]
    assert rows.keys() == {"run-1", "run-2"}


@pytest.mark.parametrize("damage", [b"", b"PAR1 but not really PAR1", b"{}"])
def test_a_damaged_table_is_made_anew_from_the_records(store: MemoryStore, close: Close, damage: bytes) -> None:
    """The table holds nothing that the records do not."""
    for number in range(3):
        write_record(store, record_of(f"run-{number}", started=START + dt.timedelta(hours=number)))
    close(store)
    before = read_audit(store, MONTH).rows
    store.put(KEY, damage)
    close(store)
    assert read_audit(store, MONTH).rows == before


def test_a_record_that_is_none_is_passed_over(store: MemoryStore, close: Close) -> None:
    """Half a file, another format, somebody else's file: the rest is told all the same."""
    write_record(store, record_of("run-1"))
    for name, body in {
        "half": b'{"format": 1, "run_id": "ha',
        "list": b"[]",
        "newer": orjson.dumps(record_of("newer") | {"format": 99}),
        "renamed": orjson.dumps(record_of("other")),
        "empty": b"",
    }.items():
        store.put(layout.run_key(START.date(), name), body)
    assert close(store).keys() == {"run-1"}
    with pytest.raises(StoreError, match="format 99"):
        read_record(store, "newer")


def test_many_runs_may_end_at_once(store: MemoryStore) -> None:
    """Sixteen threads, one table: every row is there."""
    barrier = threading.Barrier(16)

    def end(number: int) -> None:
        own = record_of(f"run-{number:02d}", started=START + dt.timedelta(seconds=number))
        write_record(store, own)
        barrier.wait()
        close_records(store, MONTH, closed_by=own["run_id"], is_gone=never, own=own)

    threads = [threading.Thread(target=end, args=(number,)) for number in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(read_audit(store, MONTH).rows) == [f"run-{number:02d}" for number in range(16)]


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_at_every_operation_costs_no_run_its_row(fault: str) -> None:
    """Kill it, fail it, lose or repeat its answer, at every operation: after the next run all is as it should be."""
    at = 0
    while True:
        at += 1
        inner = MemoryStore()
        write_record(inner, record_of("killed", state="running"))
        write_record(inner, record_of("ended"))
        own = record_of("faulty", started=START + dt.timedelta(hours=1))
        trap = Trap(fault, at)
        faulty = FaultyStore(inner, trap)
        try:
            write_record(faulty, {**own, "state": "running", "ended_at": None})
            write_record(faulty, own)
            close_records(
                faulty, MONTH, closed_by="faulty", is_gone=lambda _, record: record["run_id"] == "killed", own=own
            )
        except (StoreError, SimulatedKill):
            pass
        if not trap.sprung:
            assert at > 5
            return
        last = record_of("last", started=START + dt.timedelta(hours=2))
        write_record(inner, last)
        rows = close_records(inner, MONTH, closed_by="last", is_gone=lambda *_: True, own=last)
        # Nothing is known of a run that could not even say that it began.
        assert rows.keys() | {"faulty"} == {"killed", "ended", "faulty", "last"}, f"{fault} at {at}"
        assert rows["killed"]["outcome"] == "interrupted"
        assert rows["ended"]["outcome"] == rows["last"]["outcome"] == "complete"
        assert "faulty" in rows or at == 1


def test_other_readers_see_the_table(tmp_path: Path, close: Close) -> None:
    """pyarrow and duckdb read it as a Hive table, in order of start."""
    store = LocalStore(tmp_path)
    for number in (2, 0, 1):
        write_record(store, record_of(f"run-{number}", started=START + dt.timedelta(hours=number)))
    close(store)
    table = pads.dataset(tmp_path / "pipeline-audit", partitioning="hive").to_table()
    assert table.column("run_id").to_pylist() == ["run-0", "run-1", "run-2"]
    assert set(table.column("run_month").to_pylist()) == {MONTH}
    query = f"select run_month, count(*), max(exit_code) from '{tmp_path}/pipeline-audit/*/*.parquet' group by 1"
    assert duckdb.connect().execute(query).fetchall() == [(MONTH, 3, 0)]


def test_a_part_of_an_id_finds_the_record(store: MemoryStore) -> None:
    """As long as it names one run only; a whole id that begins another one's is that run's."""
    for run_id in ("20250102T083000Z-a1b2c3", "20250102T083000Z-a1b2c3-again", "mine"):
        write_record(store, record_of(run_id))
    assert read_record(store, "20250102T083000Z-a1b2c3")["run_id"] == "20250102T083000Z-a1b2c3"
    assert read_record(store, "again")["run_id"].endswith("again")
    assert read_record(store, "mine")["run_id"] == "mine"
    with pytest.raises(ObjectMissing, match="2 runs"):
        read_record(store, "a1b2")
    for unknown in ("nothing", "20251399T000000Z", "../../x", ""):
        with pytest.raises(ObjectMissing):
            read_record(store, unknown)


def test_the_latest_runs_come_first(store: MemoryStore) -> None:
    """Rows of this month and before, runs at work and dead ones that nobody has closed; no more than asked for."""
    for month in (10, 11, 12):
        started = dt.datetime(2024, month, 5, tzinfo=dt.UTC)
        own = record_of(f"run-{month}", started=started)
        close_records(store, month_of(started), closed_by="x", is_gone=never, own=own)
    write_record(store, record_of("dead", state="running"))
    write_record(store, record_of("alive", started=START + dt.timedelta(hours=1), state="running"))
    write_record(store, record_of("other-season", season="2023-24", started=START + dt.timedelta(hours=2)))

    def found(most: int, **more: Any) -> list[tuple[str, str]]:
        rows = recent_runs(store, MONTH, most=most, is_gone=lambda _, record: record["run_id"] == "dead", **more)
        return [(row["run_id"], row["outcome"]) for row in rows]

    assert found(10) == [
        ("other-season", "complete"),
        ("alive", "running"),
        ("dead", "interrupted"),
        ("run-12", "complete"),
        ("run-11", "complete"),
        ("run-10", "complete"),
    ]
    assert [run_id for run_id, _ in found(4, seasons={"2024-25"})] == ["alive", "dead", "run-12", "run-11"]
    # Looking changes nothing.
    assert read_record(store, "dead")["state"] == "running"


@pytest.mark.parametrize(("month", "before"), [("2025-01", "2024-12"), ("2025-03", "2025-02"), ("2024-12", "2024-11")])
def test_months_follow_each_other(month: str, before: str) -> None:
    """Across the turn of a year too."""
    assert month_before(month) == before

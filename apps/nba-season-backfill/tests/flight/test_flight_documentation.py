"""docs/runs.md says what the code does."""

from __future__ import annotations

import os
import re
from pathlib import Path

import duckdb

from hoopstat_observability import RunIds
from nba_season_backfill.backfill.flight import Flight
from nba_season_backfill.backfill.timeline import MOST_POINTS
from nba_season_backfill.lake.flight import AUDIT_SCHEMA, close_records, write_record
from nba_season_backfill.lake.local import LocalStore
from nba_season_backfill.settings import BackfillSettings

from .conftest import record_of

PATH = Path(__file__).parents[4] / "docs" / "runs.md"
BEGIN = "<!-- begin: generated from the schema; run the tests with HOOPSTAT_UPDATE_DOCS=1 to renew -->\n"
HEAD = "| Column | Type | Meaning |\n|---|---|---|\n"
END = "<!-- end: generated -->"


def test_the_documented_columns_are_those_of_the_table() -> None:
    """Name, type and meaning of each."""
    rows = [f"| `{field.name}` | {field.type} | {field.metadata[b'doc'].decode()} |\n" for field in AUDIT_SCHEMA]
    page = PATH.read_text(encoding="utf-8")
    before, _, rest = page.partition(BEGIN)
    wanted = before + BEGIN + HEAD + "".join(rows) + END + rest.partition(END)[2]
    if os.environ.get("HOOPSTAT_UPDATE_DOCS"):
        PATH.write_text(wanted, encoding="utf-8")
        page = PATH.read_text(encoding="utf-8")
    assert page == wanted, "run this test with HOOPSTAT_UPDATE_DOCS=1 and commit docs/"


def test_every_field_of_a_record_is_documented() -> None:
    """Other programs, the report among them, read records."""
    page = PATH.read_text(encoding="utf-8")
    flight = Flight(BackfillSettings.load({"source": "sample", "season": "2024-25"}, environ={}), RunIds("r", "c"))
    flight.end(None, None)
    table = page.partition("| Field | What it holds |")[2].partition("\n\n")[0]
    assert set(flight._record()) <= set(re.findall(r"`(\w+)`", table))
    assert f"no more than {MOST_POINTS} points" in page


def test_the_documented_query_works(tmp_path: Path) -> None:
    """As it stands, over a lake in ./bronze."""
    store = LocalStore(tmp_path / "bronze")
    record = record_of("run-1")
    write_record(store, record)
    close_records(store, "2025-01", closed_by="run-1", is_gone=lambda *_: False, own=record)
    query = PATH.read_text(encoding="utf-8").partition("```sql\n")[2].partition("```")[0]
    query = query.replace("'bronze/", f"'{tmp_path}/bronze/")
    # Of the whole only what needs no package for time zones.
    found = duckdb.connect().execute(f"select season, outcome, exit_code from ({query})").fetchall()
    assert found == [("2024-25", "complete", 0)]

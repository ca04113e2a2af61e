"""What is kept of runs: a flight record each (``_runs/``), and a row each in the ``pipeline-audit`` table.

A record belongs to its run alone, which writes it when it starts, now and then, and when it ends. The table is made
from the records: whatever a crash, a race or a damaged file takes from it, the next run puts back. So no run needs to
be told what another did: a record that the table does not know has ended since, or is of a run that is at work, or is
of one that was killed. The last kind is closed as ``interrupted``.

Rows are merged by run id and written conditionally, so any number of runs can end at once.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.parquet as pq

from nba_season_backfill.lake import layout
from nba_season_backfill.lake.store import ObjectInfo, ObjectMissing, ObjectStore, PreconditionFailed, StoreError

__all__ = [
    "AUDIT_SCHEMA",
    "RECORD_FORMAT",
    "RUNNING",
    "AuditedMonth",
    "audited_months",
    "close_records",
    "month_before",
    "month_of",
    "open_records",
    "read_audit",
    "read_record",
    "recent_runs",
    "write_record",
]

RECORD_FORMAT = 1
RUNNING, INTERRUPTED = "running", "interrupted"

Record = Mapping[str, Any]
Row = dict[str, Any]
IsGone = Callable[[ObjectInfo, Record], bool]

# As many runs may end at one moment.
_MOST_TRIES = 30
# More than that are read by the next runs.
_MOST_READ = 500
_TIME = pa.timestamp("us", tz="UTC")


def _column(name: str, kind: pa.DataType, doc: str) -> pa.Field:
    return pa.field(name, kind, nullable=name != "run_id", metadata={"doc": doc, "source": "derived"})


AUDIT_SCHEMA = pa.schema(
    [
        _column("run_id", pa.string(), "The run; its record is `_runs/DATE/RUN_ID.json`."),
        _column("correlation_id", pa.string(), "The larger story it belongs to."),
        _column("command", pa.string(), "run, daily, repair, rebuild."),
        _column("season", pa.string(), "The season, YYYY-YY."),
        _column("source", pa.string(), "nba, sample, archive."),
        _column("simulated", pa.bool_(), "Whether the data are made up (the sample)."),
        _column("outcome", pa.string(), "complete, nothing_to_do, skipped, incomplete, blocked, interrupted, ..."),
        _column("exit_code", pa.int32(), "The exit code; null for a run that was killed."),
        _column("message", pa.string(), "What went wrong, in a sentence; null when nothing did."),
        _column("started_at", _TIME, "Start."),
        _column("ended_at", _TIME, "End; of a killed run its last sign of life."),
        _column("duration_in_seconds", pa.float64(), "Between the two."),
        _column("games_selected", pa.int64(), "Games that the settings ask for."),
        _column("games_not_final", pa.int64(), "Those of them that were not over yet."),
        _column("games_done", pa.int64(), "Games settled by this run."),
        _column("games_left", pa.int64(), "Games left for the next one."),
        _column("units_stored", pa.int64(), "Answers stored (a game's dataset is one)."),
        _column("units_from_archive", pa.int64(), "Those of them that needed no request."),
        _column("units_absent", pa.int64(), "Answers without content."),
        _column("units_failed", pa.int64(), "Answers that could not be had, or broke their contract."),
        _column("missing", pa.int64(), "Values that should be there and are not."),
        _column("type_errors", pa.int64(), "Values of a wrong type."),
        _column("outliers", pa.int64(), "Values beyond their plausible bounds."),
        _column("filtered_out_count", pa.int64(), "Rows left out."),
        _column("quarantined", pa.int64(), "Bodies put into quarantine."),
        _column("findings", pa.int64(), "Findings of the audit at the end."),
        _column("corrections", pa.int64(), "Stat corrections found."),
        _column("watermark", pa.string(), "US Eastern date up to which every game was complete at the end, or null."),
        _column("requests", pa.int64(), "Requests sent."),
        _column("requests_throttled", pa.int64(), "Those that were throttled."),
        _column("requests_blocked", pa.int64(), "Those that met silence or a denial."),
        _column("requests_transient", pa.int64(), "Those that met a passing fault."),
        _column("waited_seconds", pa.float64(), "Time spent waiting for the pace."),
        _column("rows_written", pa.int64(), "Rows derived, all tables."),
        _column("archived_bytes", pa.int64(), "Raw bodies, as stored."),
        _column("table_bytes", pa.int64(), "Parquet written."),
        _column("commits", pa.int64(), "Commits of the checkpoint."),
        _column("warnings", pa.int64(), "Warnings said."),
        _column("new_fields", pa.list_(pa.string()), "DATASET:PATH of each field that no schema knows."),
        _column("config_fingerprint", pa.string(), "Of the settings that decide what a complete season is."),
        _column("host", pa.string(), "Machine."),
        _column("version", pa.string(), "Of nba-season-backfill."),
        _column("python", pa.string(), "Of Python."),
    ]
)
"""``pipeline-audit``: one row a run, sorted by start."""

_COUNTS = (
    "games_selected",
    "games_done",
    "games_left",
    "units_stored",
    "units_from_archive",
    "units_absent",
    "units_failed",
    "missing",
    "type_errors",
    "outliers",
    "filtered_out_count",
    "quarantined",
    "corrections",
    "watermark",
    "requests",
    "archived_bytes",
    "table_bytes",
    "commits",
)


def month_of(moment: dt.datetime) -> str:
    """The UTC month that a run beginning then is filed under: ``2025-10``."""
    return f"{moment.astimezone(dt.UTC):%Y-%m}"


def write_record(store: ObjectStore, record: Record) -> str:
    """Write a run's own record, whatever is there; gives its key."""
    key = layout.run_key(dt.datetime.fromisoformat(record["started_at"]).date(), record["run_id"])
    store.put(key, orjson.dumps(record))
    return key


def read_record(store: ObjectStore, run_id: str) -> dict[str, Any]:
    """A run's record. Where a part of an id names one run only, that part is enough.

    Raises:
        ObjectMissing: there is none, or more than one.
    """
    if run_id.isprintable() and "/" not in run_id and len(run_id) >= 8 and run_id[:8].isdecimal():
        try:
            key = layout.run_key(dt.datetime.strptime(run_id[:8], "%Y%m%d").date(), run_id)  # noqa: DTZ007  # a date
            return _parse(store.get(key).body, key)
        except (ObjectMissing, ValueError):
            pass
    keys = [info.key for info in store.list(layout.runs_prefix()) if run_id in _run_id(info.key)]
    exact = [key for key in keys if _run_id(key) == run_id]
    if len(exact or keys) != 1:
        found = f"{len(keys)} runs have that in their id" if keys else "there is no such record"
        raise ObjectMissing(f"run {run_id}: {found} in {store.url}/{layout.runs_prefix()}", key=run_id)
    key = (exact or keys)[0]
    return _parse(store.get(key).body, key)


@dataclass(frozen=True, slots=True)
class AuditedMonth:
    """A month's rows by run id, and the version they were read from (None: there is no partition yet)."""

    month: str
    rows: Mapping[str, Row] = field(default_factory=dict)
    etag: str | None = None


def audited_months(store: ObjectStore) -> list[str]:
    """The months that have rows, the newest first."""
    prefix = f"{layout.AUDIT_PREFIX}run_month="
    return sorted({info.key.removeprefix(prefix).partition("/")[0] for info in store.list(prefix)}, reverse=True)


def read_audit(store: ObjectStore, month: str) -> AuditedMonth:
    """A month's rows. A damaged partition has none: they are made anew from the records."""
    key = layout.audit_key(month)
    try:
        stored = store.get(key)
    except ObjectMissing:
        return AuditedMonth(month)
    except StoreError as error:
        if error.kind != "corrupt":
            raise
        return AuditedMonth(month, etag=store.head(key).etag)
    try:
        rows = pq.ParquetFile(pa.BufferReader(stored.body)).read().to_pylist()
        return AuditedMonth(month, {row["run_id"]: row for row in rows}, stored.info.etag)
    except (pa.ArrowInvalid, OSError, KeyError):
        return AuditedMonth(month, etag=stored.info.etag)


def open_records(
    store: ObjectStore, audited: AuditedMonth, *, but: str | None = None
) -> list[tuple[ObjectInfo, Record]]:
    """The records of a month that the table does not know, oldest first: of runs at work, killed, or just ended.

    ``but`` is a run whose record is not looked at.
    """
    found: list[tuple[ObjectInfo, Record]] = []
    for info in store.list(layout.runs_of_month_prefix(audited.month)):
        run_id = _run_id(info.key)
        if run_id == but or run_id in audited.rows or len(found) >= _MOST_READ:
            continue
        try:
            stored = store.get(info.key)
            # The listing's time is of an older version, if the run has written since.
            found.append((stored.info, _parse(stored.body, info.key)))
        except ObjectMissing:
            continue
        except StoreError as error:
            if error.kind != "corrupt":
                raise
    return found


def close_records(
    store: ObjectStore,
    month: str,
    *,
    closed_by: str,
    is_gone: IsGone,
    own: Record | None = None,
) -> Mapping[str, Row]:
    """Close the records of runs that were killed, and bring a month's table up to date; gives its rows by run id.

    Args:
        closed_by: the run that does it.
        is_gone: whether the run of an open record can write nothing more.
        own: the record of the run that does it, once it has ended.

    Raises:
        StoreError: the store failed. Doing it again, or by another run, completes it.
    """
    audited = read_audit(store, month)
    new: dict[str, Row] = {}
    for info, record in open_records(store, audited, but=closed_by):
        if record["state"] == RUNNING:
            if not is_gone(info, record):
                continue
            closed = {**record, "state": INTERRUPTED, "outcome": INTERRUPTED, "ended_at": record["updated_at"]}
            closed |= {"closed_by": closed_by}
            try:
                store.put_if_match(info.key, orjson.dumps(closed), info.etag)
            except PreconditionFailed:
                # It lives.
                continue
            record = closed
        new[record["run_id"]] = _row(record)
    if own is not None and month_of(dt.datetime.fromisoformat(own["started_at"])) == month:
        new[own["run_id"]] = _row(own)
    return _merge(store, audited, new)


def recent_runs(
    store: ObjectStore, this_month: str, *, most: int, seasons: Collection[str] | None = None, is_gone: IsGone
) -> list[Row]:
    """The latest runs as rows, the newest first; those at work and killed ones that nobody has closed yet among them.

    Args:
        this_month: the UTC month that it is.
        most: how many rows; no more months are read than that takes.
        seasons: only runs of these.
        is_gone: as for ``close_records``.

    Raises:
        StoreError: the store failed.
    """
    found: list[Row] = []
    recent = (this_month, month_before(this_month))
    known = audited_months(store)
    for month in sorted({*recent, *known}, reverse=True):
        audited = read_audit(store, month) if month in known else AuditedMonth(month)
        rows = list(audited.rows.values())
        if month in recent:
            rows += [_seen(info, record, is_gone) for info, record in open_records(store, audited)]
        rows = [row for row in rows if seasons is None or row["season"] in seasons]
        found += sorted(rows, key=lambda row: (row["started_at"], row["run_id"]), reverse=True)
        if len(found) >= most:
            break
    return found[:most]


def month_before(month: str) -> str:
    """``2024-12`` of ``2025-01``."""
    return f"{dt.date.fromisoformat(f'{month}-01') - dt.timedelta(days=1):%Y-%m}"


def _merge(store: ObjectStore, audited: AuditedMonth, new: Mapping[str, Row]) -> Mapping[str, Row]:
    key = layout.audit_key(audited.month)
    for _ in range(_MOST_TRIES):
        rows = {**audited.rows, **new}
        if all(audited.rows.get(run_id) == row for run_id, row in new.items()):
            return rows
        body = _encode(rows.values())
        try:
            if audited.etag is None:
                store.put_if_absent(key, body)
            else:
                store.put_if_match(key, body, audited.etag)
        except PreconditionFailed:
            # Another run has ended, or our own write arrived though its answer did not.
            audited = read_audit(store, audited.month)
            continue
        return rows
    raise StoreError(f"{key}: other runs write it all the time", key=key)


def _encode(rows: Iterable[Row]) -> bytes:
    ordered = sorted(rows, key=lambda row: (row["started_at"], row["run_id"]))
    table = pa.Table.from_pylist(ordered, schema=AUDIT_SCHEMA)
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, compression="zstd", store_schema=False)
    return bytes(sink.getvalue())


def _row(record: Record) -> Row:
    """What the table says of a run that has ended."""
    started, ended = (dt.datetime.fromisoformat(record[name]) for name in ("started_at", "ended_at"))
    counts: Mapping[str, Any] = record.get("summary") or record.get("progress") or {}
    verdicts = counts.get("requests_by_verdict") or {}
    versions: Mapping[str, str] = record.get("versions") or {}
    found: Row = {
        "run_id": record["run_id"],
        "correlation_id": record.get("correlation_id"),
        "command": record.get("command"),
        "season": record.get("season"),
        "source": record.get("source"),
        "simulated": record.get("simulated"),
        "outcome": record.get("outcome"),
        "exit_code": record.get("exit_code"),
        "message": record.get("message") or None,
        "started_at": started,
        "ended_at": ended,
        "duration_in_seconds": round((ended - started).total_seconds(), 3),
        "games_not_final": sum((counts.get("games_not_final") or {}).values()),
        "waited_seconds": counts.get("waited_seconds"),
        "rows_written": sum((counts.get("rows_by_table") or {}).values()),
        "findings": counts.get("findings_in_all"),
        "warnings": len(counts.get("warnings") or ()),
        "new_fields": _new_fields(counts.get("drift") or {}),
        "config_fingerprint": record.get("config_fingerprint"),
        "host": (record.get("process") or {}).get("host"),
        "version": versions.get("nba-season-backfill"),
        "python": versions.get("python"),
    }
    found |= {name: counts.get(name) for name in _COUNTS}
    found |= {f"requests_{verdict}": verdicts.get(verdict, 0) for verdict in ("throttled", "blocked", "transient")}
    return {name: found[name] for name in AUDIT_SCHEMA.names}


def _new_fields(drift: Mapping[str, Sequence[str]]) -> list[str]:
    return sorted(f"{dataset}:{path}" for dataset, paths in drift.items() for path in paths)


def _run_id(key: str) -> str:
    return key.rpartition("/")[2].removesuffix(".json")


def _parse(body: bytes, key: str) -> dict[str, Any]:
    try:
        record = orjson.loads(body)
        if record["format"] != RECORD_FORMAT:
            raise StoreError(
                f"{key}: a record of format {record['format']!r}, known here is 1", kind="corrupt", key=key
            )
        if record["run_id"] != _run_id(key) or not {"state", "started_at", "updated_at"} <= record.keys():
            raise StoreError(f"{key}: not the record of that run", kind="corrupt", key=key)
    except (orjson.JSONDecodeError, KeyError, TypeError) as error:
        raise StoreError(f"{key}: not a flight record ({type(error).__name__})", kind="corrupt", key=key) from None
    return dict(record)


def _seen(info: ObjectInfo, record: Record, is_gone: IsGone) -> Row:
    """A row of a record that the table does not have."""
    if record["state"] != RUNNING:
        return _row(record)
    outcome = INTERRUPTED if is_gone(info, record) else RUNNING
    return _row({**record, "outcome": outcome, "ended_at": record["updated_at"]})

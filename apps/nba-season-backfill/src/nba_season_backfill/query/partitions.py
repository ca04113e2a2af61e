"""Partitions: which there are, and their rows, read so that no two versions are ever mixed.

A small partition is read whole, in one request: a body is one version by itself. Of a large one the footer is read, and
then, pinned to the footer's version by If-Match, the row groups and columns that are needed, as few ranges as may be.
Where the version is gone by then, the partition is read again from its footer.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Collection, Iterable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from nba_season_backfill.lake.store import ObjectMissing, PreconditionFailed, StoreError
from nba_season_backfill.query.answers import Explanation, FileRead
from nba_season_backfill.query.errors import LakeChanging
from nba_season_backfill.query.memory import Memory
from nba_season_backfill.query.readonly import ReadOnlyStore

__all__ = ["READ_IN_PARTS", "WHOLE_BYTES", "Partition", "PartitionReader", "parse_partition"]

READ_IN_PARTS = frozenset({"play-by-play"})
"""Tables of which a month is large beside what is mostly wanted of it, a game."""

WHOLE_BYTES = 1_000_000
"""Up to this size a partition is read whole: a second request would take longer than the bytes it saves."""

_TAIL_BYTES = 65_536
_GAP_BYTES = 65_536
_ATTEMPTS = 6
_MAGIC = b"PAR1"
_PARTITION = re.compile(r"([a-z0-9-]+)/season=(\d{4}(?:-\d{2})?)/(?:month=(\d{2})/)?part-0\.parquet")


@dataclass(frozen=True, slots=True)
class Partition:
    """An object of a table. ``size`` and ``etag`` are what a listing said, where there was one and it said them."""

    key: str
    table: str
    season: str
    month: int | None
    size: int | None = None
    etag: str = ""

    @property
    def first_day(self) -> dt.date:
        """The first day of its month; of a table without months, of the season's first."""
        return dt.date(self._year, self.month or self._first_month, 1)

    @property
    def last_day(self) -> dt.date:
        """The last day of its month; of a table without months, of the season's first."""
        return (self.first_day + dt.timedelta(days=31)).replace(day=1) - dt.timedelta(days=1)

    @property
    def _first_month(self) -> int:
        # A season that is named by one year (the WNBA's) begins and ends in it; another one begins in October.
        return 1 if len(self.season) == 4 else 10

    @property
    def _year(self) -> int:
        return int(self.season[:4]) + (self.month is not None and self.month < self._first_month)


def parse_partition(key: str, size: int | None = None, etag: str = "") -> Partition | None:
    """The partition that a key names; None for any other key."""
    found = _PARTITION.fullmatch(key)
    if found is None:
        return None
    return Partition(key, found[1], found[2], int(found[3]) if found[3] else None, size, etag)


@dataclass(frozen=True, slots=True)
class _Footer:
    etag: str
    size: int
    metadata: Any
    names: frozenset[str]
    tail: bytes


class PartitionReader:
    """Reads partitions for one question.

    Args:
        ranges: runs the requests of one partition side by side.
    """

    def __init__(self, store: ReadOnlyStore, memory: Memory, explanation: Explanation, ranges: Executor) -> None:
        self._store = store
        self._memory = memory
        self._explanation = explanation
        self._ranges = ranges

    def read(
        self, partition: Partition, schema: pa.Schema, columns: Sequence[str], games: Collection[str] | None = None
    ) -> pa.Table:
        """These columns of a partition, of one version; with ``games`` only their rows. Absent: no rows.

        Columns that the file does not have yet are null.

        Raises:
            LakeChanging: it was replaced each time.
            StoreError: the store failed, or the file is damaged.
        """
        wanted = pa.schema([schema.field(name) for name in columns])
        for attempt in range(_ATTEMPTS):
            try:
                table = self._read(partition, wanted.names, games, newest=attempt > 0)
            except ObjectMissing:
                self._memory.doubt(("version", partition.key))
                return wanted.empty_table()
            except PreconditionFailed:
                self._explanation.changed()
                self._memory.doubt(("version", partition.key))
                continue
            return _conform(_of_games(table, games), wanted)
        raise LakeChanging(
            f"{self._store.url}/{partition.key} was replaced {_ATTEMPTS} times while it was read",
            hint="ask again in a moment",
        )

    def _read(
        self, partition: Partition, columns: Sequence[str], games: Collection[str] | None, *, newest: bool
    ) -> pa.Table:
        key = partition.key
        known = None if newest else partition.etag or self._memory.believed(("version", key))
        in_parts = partition.table in READ_IN_PARTS if partition.size is None else partition.size > WHOLE_BYTES
        if in_parts:
            return self._in_parts(key, known, columns, games)
        names = tuple(columns)
        if known is not None:
            table = self._memory.kept((key, known, names))
            if table is not None:
                self._explanation.file(FileRead(key, "remembered", 0, table.num_rows, 0, 0, names, 0))
                return table
        stored = self._store.get(key)
        self._memory.believe(("version", key), stored.info.etag)
        table = self._memory.kept((key, stored.info.etag, names))
        if table is None:
            with _readable(self._store, key):
                file = pq.ParquetFile(pa.BufferReader(stored.body), page_checksum_verification=True)
                there = _names(file.metadata)
                table = file.read([name for name in columns if name in there], use_threads=False)
                groups, width = file.metadata.num_row_groups, len(there)
            self._memory.keep((key, stored.info.etag, names), table, table.nbytes)
        else:
            groups, width = 0, 0
        read = FileRead(key, "whole", stored.info.size, table.num_rows, groups, groups, names, width)
        self._explanation.file(read)
        return table

    def _in_parts(self, key: str, known: str | None, columns: Sequence[str], games: Collection[str] | None) -> pa.Table:
        footer = self._memory.kept((key, known, "footer")) if known is not None else None
        read = 0
        if footer is None:
            footer, read = self._footer(key)
        metadata, names = footer.metadata, tuple(columns)
        groups = tuple(_groups_with(metadata, games))
        name = (key, footer.etag, names, groups)
        table = self._memory.kept(name)
        how = "remembered" if table is not None and not read else "parts"
        if table is None:
            chosen = [name for name in columns if name in footer.names]
            ranges = _ranges(metadata, groups, set(chosen))
            body = bytearray(footer.size)
            body[footer.size - len(footer.tail) :] = footer.tail
            missing = [(start, end) for start, end in ranges if start < footer.size - len(footer.tail)]
            read += self._fill(key, footer.etag, body, missing)
            with _readable(self._store, key):
                file = pq.ParquetFile(
                    pa.BufferReader(pa.py_buffer(body)), metadata=metadata, page_checksum_verification=True
                )
                table = file.read_row_groups(list(groups), columns=chosen, use_threads=False)
            self._memory.keep(name, table, table.nbytes)
        self._explanation.file(
            FileRead(key, how, read, table.num_rows, len(groups), metadata.num_row_groups, names, len(footer.names))
        )
        return table

    def _fill(self, key: str, etag: str, body: bytearray, ranges: Sequence[tuple[int, int]]) -> int:
        """Put these bytes of that version in their places; gives how many were sent."""

        def fetch(start: int, end: int) -> int:
            part = self._store.get_range(key, start, end, if_match=etag)
            body[part.start : part.start + len(part.body)] = part.body
            return len(part.body)

        if len(ranges) == 1:
            return fetch(*ranges[0])
        return sum(each.result() for each in [self._ranges.submit(fetch, start, end) for start, end in ranges])

    def _footer(self, key: str) -> tuple[_Footer, int]:
        """The newest version's footer, and the bytes that were sent for it."""
        last = self._store.get_range(key, -_TAIL_BYTES)
        etag, size, tail = last.info.etag, last.info.size, last.body
        read = len(tail)
        with _readable(self._store, key):
            if size < 12 or tail[-4:] != _MAGIC:
                raise pa.ArrowInvalid("it does not end as a Parquet file does")
            length = int.from_bytes(tail[-8:-4], "little") + 8
            if length > size:
                raise pa.ArrowInvalid("its footer is longer than itself")
        if length > len(tail):
            before = self._store.get_range(key, size - length, size - len(tail), if_match=etag).body
            tail, read = before + tail, read + len(before)
        with _readable(self._store, key):
            # Its readers want a file: a footer alone, between two magic words, is one without rows to look at.
            metadata = pq.read_metadata(pa.BufferReader(_MAGIC + tail[-length:]))
        footer = _Footer(etag, size, metadata, _names(metadata), tail)
        self._memory.believe(("version", key), etag)
        self._memory.keep((key, etag, "footer"), footer, len(tail) + 2 * length)
        return footer, read


class _readable:  # noqa: N801  # a context manager, named as it reads
    """Say of a file that is none which one it is."""

    def __init__(self, store: ReadOnlyStore, key: str) -> None:
        self._where = f"{store.url}/{key}"

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, StoreError):
            return
        if isinstance(error, pa.ArrowInvalid | OSError):
            raise StoreError(f"{self._where}: not a readable Parquet file ({error})", kind="corrupt") from None


def _groups_with(metadata: Any, games: Collection[str] | None) -> Iterable[int]:
    """The row groups that can have rows of these games, by their bounds."""
    every = range(metadata.num_row_groups)
    if games is None:
        return every
    position = next(
        (number for number in range(metadata.num_columns) if metadata.schema.column(number).path == "game_id"), None
    )
    if position is None:
        return every

    def may_have(group: int) -> bool:
        bounds = metadata.row_group(group).column(position).statistics
        if bounds is None or not bounds.has_min_max:
            return True
        return any(bounds.min <= game <= bounds.max for game in games)

    return [group for group in every if may_have(group)]


def _ranges(metadata: Any, groups: Iterable[int], columns: Collection[str]) -> list[tuple[int, int]]:
    """Where these columns of these row groups lie; neighbours together, what lies between them read along."""
    chunks = []
    for group in groups:
        row_group = metadata.row_group(group)
        for number in range(metadata.num_columns):
            chunk = row_group.column(number)
            if chunk.path_in_schema.partition(".")[0] in columns:
                start = chunk.dictionary_page_offset if chunk.has_dictionary_page else None
                start = chunk.data_page_offset if start is None else min(start, chunk.data_page_offset)
                chunks.append((start, start + chunk.total_compressed_size))
    merged: list[tuple[int, int]] = []
    for start, end in sorted(chunks):
        if merged and start - merged[-1][1] <= _GAP_BYTES:
            merged[-1] = merged[-1][0], max(end, merged[-1][1])
        else:
            merged.append((start, end))
    return merged


def _names(metadata: Any) -> frozenset[str]:
    schema = metadata.schema
    return frozenset(schema.column(number).path.partition(".")[0] for number in range(metadata.num_columns))


def _of_games(table: pa.Table, games: Collection[str] | None) -> pa.Table:
    if games is None or not table.num_rows:
        return table
    return table.filter(pc.is_in(table.column("game_id"), value_set=pa.array(sorted(games), pa.string())))


def _conform(table: pa.Table, wanted: pa.Schema) -> pa.Table:
    """In the declared order and types, whatever the version that wrote the file declared."""
    there = set(table.column_names)
    arrays = [
        table.column(field.name).cast(field.type) if field.name in there else pa.nulls(table.num_rows, field.type)
        for field in wanted
    ]
    return pa.Table.from_arrays(arrays, schema=wanted)

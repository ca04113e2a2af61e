"""Bronze: typed Parquet, one object a partition, rows merged by game id, replaced atomically.

The same content gives the same bytes, so a partition that did not change is not written again. While a run holds the
season's lease it keeps the partitions it works on in memory, with their ETags: every write is conditional, and a
refusal means that another writer took over.

Encoding and writing take time and need no interpreter lock, so they can be left to another thread: ``prepare`` takes a
snapshot of what changed, ``Flush.write`` writes it, and rows may be added meanwhile.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Protocol

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.parquet as pq

from nba_season_backfill.errors import Fenced
from nba_season_backfill.lake import layout
from nba_season_backfill.lake.store import ObjectMissing, ObjectStore, PreconditionFailed, StoreError

__all__ = ["PROVENANCE_KEY", "BronzeWriter", "Flush", "TableShape", "Written", "read_partition"]

_GAME = "game_id"
_FORMAT = b"1"
PROVENANCE_KEY = b"hoopstat.raw"
# About twenty games of play-by-play: who wants one of them reads a tenth of a month, and the footer stays small.
_ROW_GROUP_ROWS = 10_000
# A dictionary costs more than it saves where every value differs.
_NO_DICTIONARY = frozenset({"description"})


class TableShape(Protocol):
    """What the writer must know of a table: its name, its schema, and the key that is unique within a game."""

    @property
    def name(self) -> str: ...

    @property
    def schema(self) -> pa.Schema: ...

    @property
    def key(self) -> tuple[str, ...]: ...


@dataclass(frozen=True, slots=True)
class Written:
    """One partition that was written: its key, rows in it, bytes of it."""

    key: str
    rows: int
    size: int


@dataclass(slots=True)
class _Partition:
    shape: TableShape
    key: str
    etag: str | None
    digest: bytes
    games: dict[str, pa.Table] = field(default_factory=dict)
    whole: pa.Table | None = None
    provenance: dict[str, str] = field(default_factory=dict)
    dirty: bool = False
    # Written after all others: a game that moves must stand in its new partition before it leaves the old one.
    left: bool = False


class BronzeWriter:
    """Merges rows into a season's partitions. Used by one thread; nothing is written before ``flush``.

    Rows stay in memory until they are written, and as long as their partition is added to between two commits.

    Args:
        tables: the tables that may be written, by name.
    """

    def __init__(
        self,
        store: ObjectStore,
        season: str,
        tables: Mapping[str, TableShape],
    ) -> None:
        self._store = store
        self._season = season
        self._tables = tables
        self._open: dict[str, _Partition] = {}

    def add(self, name: str, month: int, game_id: str, rows: pa.Table, raw_sha256: str) -> None:
        """Put a game's rows into its month: they replace all rows that the game had there. No rows leave none.

        Raises:
            ValueError: two rows have the same key, a row is of another game, or the columns are not the declared
                ones; nothing is changed.
        """
        shape = self._tables[name]
        if not rows.schema.equals(shape.schema):
            raise ValueError(f"{name}, game {game_id}: the columns are not the declared ones")
        if not _all_are(rows.column(_GAME), game_id):
            others = set(rows.column(_GAME).to_pylist()) - {game_id}
            raise ValueError(f"{name}, game {game_id}: a row is of game {min(map(str, others))}")
        ordered = _in_order(rows, shape, game_id)
        partition = self._partition(shape, month)
        if not rows.num_rows:
            partition.provenance.pop(game_id, None)
            partition.dirty |= partition.games.pop(game_id, None) is not None
            return
        before = partition.games.get(game_id)
        # The same body may give other rows: when the code that reads it has changed, or the stored rows were.
        if before is not None and partition.provenance.get(game_id) == raw_sha256 and before.equals(ordered):
            return
        partition.games[game_id] = ordered
        partition.provenance[game_id] = raw_sha256
        partition.dirty = True

    def rows(self, name: str, month: int, game_id: str) -> tuple[pa.Table, str] | None:
        """A game's rows in a month and the hash of the body they were made from; None if it has none there."""
        partition = self._partition(self._tables[name], month)
        rows = partition.games.get(game_id)
        return None if rows is None else (rows, partition.provenance.get(game_id, ""))

    def move(self, name: str, game_id: str, from_month: int, to_month: int) -> None:
        """Take a game's rows from one month to another. The new partition is written before the old one."""
        found = self.rows(name, from_month, game_id)
        if found is None or from_month == to_month:
            return
        self.add(name, to_month, game_id, *found)
        self.leave(name, from_month, game_id)

    def leave(self, name: str, month: int, game_id: str) -> None:
        """Take a game's rows out of a month; written after every partition that gained rows."""
        partition = self._partition(self._tables[name], month)
        partition.provenance.pop(game_id, None)
        if partition.games.pop(game_id, None) is not None:
            partition.dirty = partition.left = True

    def drop(self, name: str, month: int) -> None:
        """Take a whole month away."""
        partition = self._partition(self._tables[name], month, read=False)
        partition.games, partition.provenance, partition.whole = {}, {}, None
        partition.dirty = partition.left = True

    def months(self, name: str) -> list[int]:
        """The months of which the store has a partition."""
        prefix = layout.partition_key(name, self._season, None).rpartition("/")[0] + "/month="
        keys = (info.key.removeprefix(prefix) for info in self._store.list(prefix))
        return sorted(int(rest.partition("/")[0]) for rest in keys if rest.endswith(".parquet"))

    def replace(self, name: str, month: int | None, rows: pa.Table, raws: Sequence[str]) -> None:
        """Put a whole partition, made from these raw bodies, in place of what it was.

        Raises:
            ValueError: two rows have the same key, or the columns are not the declared ones; nothing is changed.
        """
        shape = self._tables[name]
        if not rows.schema.equals(shape.schema):
            raise ValueError(f"{name}: the columns are not the declared ones")
        rows = _ordered(rows, (*((_GAME,) if _GAME in shape.schema.names else ()), *shape.key), name)
        partition = self._partition(shape, month, read=False)
        partition.games = {}
        partition.whole = rows
        # Which list said so changes every day; the partition should only change when a row does.
        del raws
        partition.dirty = True

    def flush(self) -> list[Written]:
        """Write every partition that changed; gives those whose bytes did.

        Raises:
            Fenced: a partition was changed by another writer since it was read.
        """
        return self.prepare().write()

    def let_go(self) -> None:
        """Keep nothing in memory that has been written and not been added to since: it can be read again.

        The flush before must have been written.
        """
        kept = {key: partition for key, partition in self._open.items() if partition.dirty}
        if len(kept) < len(self._open):
            self._open = kept
            # Rows come and go in thousands of small pieces: what they leave behind is not given back by itself.
            pa.default_memory_pool().release_unused()

    def prepare(self) -> Flush:
        """A snapshot of every partition that changed, to be written by ``Flush.write``.

        The flush before must have been written: a partition's ETag is known only then.
        """
        # Before anything new is under way: what is dropped now has been written, and can be read again. Games come in
        # order of date, so a month that nothing was added to since the last flush is over.
        self.let_go()
        jobs = []
        for partition in sorted(self._open.values(), key=lambda partition: partition.left):
            if partition.dirty:
                tables = [partition.games[game] for game in sorted(partition.games)]
                jobs.append(
                    _Job(
                        partition,
                        [partition.whole] if partition.whole is not None else tables,
                        dict(partition.provenance),
                        left=partition.left,
                    )
                )
                partition.dirty = partition.left = False
        return Flush(self._store, jobs)

    def _partition(self, shape: TableShape, month: int | None, *, read: bool = True) -> _Partition:
        key = layout.partition_key(shape.name, self._season, month)
        partition = self._open.get(key)
        if partition is None:
            partition = self._open[key] = self._load(shape, key, read=read)
        return partition

    def _load(self, shape: TableShape, key: str, *, read: bool) -> _Partition:
        try:
            stored = self._store.get(key)
        except ObjectMissing:
            return _Partition(shape, key, None, b"")
        partition = _Partition(shape, key, stored.info.etag, hashlib.sha256(stored.body).digest())
        if read:
            table = _parse(stored.body, f"{self._store.url}/{key}")
            provenance = orjson.loads((table.schema.metadata or {}).get(PROVENANCE_KEY, b"{}"))
            table = _conform(table, shape)
            partition.games = dict(_by_game(table.combine_chunks()))
            partition.provenance = {game: sha for game, sha in provenance.items() if game in partition.games}
        return partition


@dataclass(frozen=True, slots=True)
class _Job:
    partition: _Partition
    tables: list[pa.Table]
    provenance: dict[str, str]
    left: bool = False


class Flush:
    """What changed at one moment, to be written once, by any thread."""

    def __init__(self, store: ObjectStore, jobs: list[_Job]) -> None:
        self._store = store
        self._jobs = jobs

    def write(self, held: Callable[[], object] = lambda: None) -> list[Written]:
        """Write each changed partition; gives those whose bytes did change.

        Args:
            held: called before each of them; raises Fenced when the season is another run's.

        Raises:
            Fenced: a partition was changed by another writer since it was read.
            StoreError: the store failed. What was not written is still to be written, by the next flush.
        """
        written = []
        try:
            while self._jobs:
                held()
                written.append(self._write(self._jobs[0]))
                del self._jobs[0]
        finally:
            for job in self._jobs:
                job.partition.dirty = True
                job.partition.left |= job.left
        return [each for each in written if each is not None]

    def _write(self, job: _Job) -> Written | None:
        partition = job.partition
        body, rows = _encode(partition.shape, job.tables, job.provenance)
        digest = hashlib.sha256(body).digest()
        if digest == partition.digest and (rows or not job.left):
            return None
        try:
            if partition.etag is None:
                info = self._store.put_if_absent(partition.key, body)
            else:
                info = self._store.put_if_match(partition.key, body, partition.etag)
        except PreconditionFailed:
            raise Fenced(
                f"{self._store.url}/{partition.key} was changed by another run",
                hint="it is at work; nothing more was written by this one",
            ) from None
        partition.etag, partition.digest = info.etag, digest
        if job.left and not rows:
            # Emptied under its condition first: nobody else's rows can be deleted with it.
            self._store.delete(partition.key)
            partition.etag, partition.digest = None, b""
        return Written(partition.key, rows, len(body))


def read_partition(store: ObjectStore, key: str) -> pa.Table:
    """A partition's rows, whole, with the file's metadata."""
    return _parse(store.get(key).body, f"{store.url}/{key}")


def _parse(body: bytes, where: str) -> pa.Table:
    try:
        return pq.ParquetFile(pa.BufferReader(body)).read()
    except (pa.ArrowInvalid, OSError) as error:
        raise StoreError(f"{where}: not a readable Parquet file ({error})", kind="corrupt") from None


def _conform(table: pa.Table, shape: TableShape) -> pa.Table:
    """An older partition in today's schema: missing columns are null, ones no longer declared are left out."""
    columns = []
    for declared in shape.schema:
        if declared.name in table.column_names:
            columns.append(table.column(declared.name).cast(declared.type))
        else:
            columns.append(pa.nulls(table.num_rows, declared.type))
    return pa.Table.from_arrays(columns, schema=shape.schema)


def _by_game(table: pa.Table) -> Iterable[tuple[str, pa.Table]]:
    """Runs of rows of one game: partitions are sorted by game id."""
    games = table.column(_GAME).to_pylist()
    start = 0
    for end in range(1, len(games) + 1):
        if end == len(games) or games[end] != games[start]:
            yield games[start], table.slice(start, end - start)
            start = end


def _in_order(rows: pa.Table, shape: TableShape, game_id: str) -> pa.Table:
    """The rows in order of their key, which must be unique; mostly they come that way."""
    if not shape.key:
        if rows.num_rows > 1:
            raise ValueError(f"{shape.name}, game {game_id}: {rows.num_rows} rows, one expected")
        return rows
    if _increases(rows, shape.key):
        return rows
    return _ordered(rows, shape.key, f"{shape.name}, game {game_id}")


def _ordered(rows: pa.Table, key: tuple[str, ...], what: str) -> pa.Table:
    """The rows in order of a key that is never null, which must be unique."""
    keys = list(zip(*(rows.column(column).to_pylist() for column in key), strict=True))
    if len(set(keys)) != len(keys):
        twice = next(each for each, number in Counter(keys).items() if number > 1)
        raise ValueError(f"{what}: two rows have the key {dict(zip(key, twice, strict=True))}")
    if all(earlier < later for earlier, later in pairwise(keys)):
        return rows
    return rows.take(pa.array(sorted(range(len(keys)), key=keys.__getitem__), pa.int64()))


# These two look at every row of every game. As arrays of numbers: as Python's values they would take a twentieth of a
# run, and Arrow's kernels give the interpreter's lock away for each small column.


def _all_are(column: pa.ChunkedArray, text: str) -> bool:
    """Whether every value of a text column is this one."""
    value = text.encode()
    for chunk in column.chunks:
        if not len(chunk):
            continue
        if chunk.null_count:
            return False
        _, offsets, data = chunk.buffers()
        bounds = np.frombuffer(offsets, np.int32, len(chunk) + 1, chunk.offset * 4)
        first = int(bounds[0])
        if not np.array_equal(bounds - first, np.arange(len(chunk) + 1) * len(value)):
            return False
        if value and data.slice(first, len(chunk) * len(value)).to_pybytes() != value * len(chunk):
            return False
    return True


def _increases(rows: pa.Table, key: tuple[str, ...]) -> bool:
    """Whether whole-number keys stand in strictly increasing order: then they are unique too."""
    above, level = np.False_, np.True_
    for name in key:
        column = rows.column(name)
        if not pa.types.is_integer(column.type) or column.null_count:
            return False
        values = column.to_numpy()
        above = above | (level & (values[1:] > values[:-1]))
        level = level & (values[1:] == values[:-1])
    return bool(np.all(above))


def _encode(shape: TableShape, tables: Sequence[pa.Table], provenance: Mapping[str, str]) -> tuple[bytes, int]:
    # One chunk a column: the encoder starts anew with every chunk.
    table = pa.concat_tables(tables).combine_chunks() if tables else shape.schema.empty_table()
    metadata = {b"hoopstat.format": _FORMAT, b"hoopstat.table": shape.name.encode()}
    if provenance:
        metadata[PROVENANCE_KEY] = orjson.dumps(provenance, option=orjson.OPT_SORT_KEYS)
    sink = pa.BufferOutputStream()
    with pq.ParquetWriter(
        sink,
        shape.schema,
        compression="zstd",
        compression_level=1,
        # Text repeats, numbers are small as they are; partitions are sorted by game, so only its bounds ever prune.
        use_dictionary=[
            field.name for field in shape.schema if pa.types.is_string(field.type) and field.name not in _NO_DICTIONARY
        ],
        write_statistics=[_GAME] if _GAME in shape.schema.names else True,
        write_page_index=True,
        # Who reads a part of the file cannot compare it with the checksum of the whole.
        write_page_checksum=True,
        # Arrow's own schema would say again what Parquet's says. Without it a table's metadata is not written
        # either, so it is added by itself.
        store_schema=False,
    ) as writer:
        writer.write_table(table, row_group_size=_ROW_GROUP_ROWS)
        writer.add_key_value_metadata(metadata)
    return sink.getvalue().to_pybytes(), table.num_rows

"""Do checkpoint, archive and tables agree? Reads only; every disagreement is named."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.compute as pc

from nba_season_backfill.checkpoint import SEASON_LEVEL, Checkpoint, UnitRecord, UnitStatus
from nba_season_backfill.datasets import DATASETS, SEASON_DATASETS, TABLES
from nba_season_backfill.datasets.base import Expectation
from nba_season_backfill.lake import layout
from nba_season_backfill.lake.bronze import PROVENANCE_KEY, read_partition
from nba_season_backfill.lake.raw import RawArchive, RawRef
from nba_season_backfill.lake.store import ObjectMissing, ObjectStore, StoreError
from nba_season_backfill.season import GameId

__all__ = ["PARTITION_DAMAGED", "Finding", "verify_season"]

PARTITION_DAMAGED = "partition_damaged"
"""The kind of a finding about a partition that cannot be read."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One disagreement. ``subject`` and ``dataset`` name the unit, where it is one; ``key`` the object."""

    kind: str
    key: str
    detail: str
    subject: str = ""
    dataset: str = ""

    def to_document(self) -> dict[str, Any]:
        """As JSON."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class _Held:
    """What a partition holds of a game."""

    rows: int
    raw: str | None


def verify_season(store: ObjectStore, checkpoint: Checkpoint, *, deep: bool = False) -> Iterator[Finding]:
    """Every disagreement between the checkpoint, the raw archive and the tables of its season.

    Existence and row counts are always compared. ``deep`` also reads every archived body that the checkpoint names,
    checks its hash, and derives its rows again to compare them with those stored.
    """
    season = str(checkpoint.season)
    units = [unit for unit in checkpoint.units() if unit[2].status is UnitStatus.OK]
    archive = RawArchive(store)
    named = {unit[:2]: _bodies(*unit) for unit in units}
    bodies = {
        endpoint: {(ref.subject, ref.sha256): ref for ref in archive.list_all(endpoint, season)}
        for endpoint in {endpoint for places in named.values() for endpoint, _about, _sha256 in places}
    }
    partitions: dict[str, Mapping[str, _Held] | Finding] = {}
    deep_partitions = _Partitions(store)
    for subject, dataset, record in units:
        refs = []
        for endpoint, about, sha256 in named[subject, dataset]:
            ref = bodies[endpoint].get((about, sha256))
            if ref is not None:
                refs.append(ref)
                continue
            key = layout.raw_key(endpoint, season, about, sha256 or "none")
            yield Finding("body_missing", key, "the checkpoint names it, the archive has it not", subject, dataset)
        for table in record.rows:
            key = _partition_key(checkpoint, table, subject)
            if key not in partitions:
                partitions[key] = _read(store, key, subject)
            if record.rows[table] or not isinstance(partitions[key], Finding):
                yield from _compare(partitions[key], key, subject, dataset, record, table)
        for ref in refs if deep else ():
            yield from _derive_again(deep_partitions, archive, checkpoint, ref, subject, dataset)
    reported = set()
    for key, held in partitions.items():
        if isinstance(held, Finding):
            continue
        for game in held:
            if game not in checkpoint.dates and game != SEASON_LEVEL and (key, game) not in reported:
                reported.add((key, game))
                yield Finding("rows_unaccounted", key, "rows of a game that the checkpoint does not name", game)
    yield from _unnamed(store, season, partitions)


def _unnamed(store: ObjectStore, season: str, named: Collection[str]) -> Iterator[Finding]:
    """Partitions that no line of the checkpoint names (any more), and that would stop whoever adds to them."""
    for dataset in DATASETS.values():
        for table in dataset.tables:
            prefix = layout.partition_key(table.name, season, None).rpartition("/")[0] + "/"
            for info in store.list(prefix):
                if info.key.endswith(".parquet") and info.key not in named:
                    held = _read(store, info.key, "")
                    if isinstance(held, Finding):
                        yield Finding(held.kind, info.key, held.detail, dataset=dataset.name)


def _bodies(subject: str, dataset: str, record: UnitRecord) -> list[tuple[str, str, str]]:
    """(endpoint, subject in the archive, sha256) of each body that a unit's rows were made from."""
    if record.raws:
        return [(*place.split("/", 1), sha256) for place, sha256 in record.raws.items()]  # type: ignore[misc]  # two parts
    endpoint = (SEASON_DATASETS.get(dataset) or DATASETS[dataset]).endpoint
    return [(endpoint, subject, record.raw or "")]


def _partition_key(checkpoint: Checkpoint, table: str, subject: str) -> str:
    season = str(checkpoint.season)
    if subject == SEASON_LEVEL:
        return layout.partition_key(table, season, None)
    return layout.partition_key(table, season, int(checkpoint.dates[subject][5:7]))


def _read(store: ObjectStore, key: str, subject: str) -> Mapping[str, _Held] | Finding:
    try:
        table = read_partition(store, key)
    except ObjectMissing:
        return Finding("partition_missing", key, "the checkpoint names rows in it")
    except StoreError as error:
        if error.kind != "corrupt":
            raise  # a store that does not answer damages nothing
        return Finding(PARTITION_DAMAGED, key, str(error))
    if subject == SEASON_LEVEL:
        return {SEASON_LEVEL: _Held(table.num_rows, None)}
    raws = orjson.loads((table.schema.metadata or {}).get(PROVENANCE_KEY, b"{}"))
    counts = Counter(table.column("game_id").to_pylist())
    return {game: _Held(rows, raws.get(game)) for game, rows in counts.items()}


def _compare(
    held: Mapping[str, _Held] | Finding, key: str, subject: str, dataset: str, record: UnitRecord, table: str
) -> Iterator[Finding]:
    if isinstance(held, Finding):
        yield Finding(held.kind, key, held.detail, subject, dataset)
        return
    found = held.get(subject)
    if found is None and not record.rows[table]:
        return
    if found is None:
        yield Finding("rows_missing", key, f"{record.rows[table]} rows expected, none there", subject, dataset)
    elif found.rows != record.rows[table]:
        yield Finding("rows_differ", key, f"{record.rows[table]} rows expected, {found.rows} there", subject, dataset)
    elif found.raw is not None and found.raw != record.raw:
        yield Finding("rows_of_another_body", key, f"derived from {found.raw[:12]}", subject, dataset)


def _derive_again(
    partitions: _Partitions, archive: RawArchive, checkpoint: Checkpoint, ref: RawRef, subject: str, dataset: str
) -> Iterator[Finding]:
    try:
        body = archive.get(ref)
    except StoreError as error:
        yield Finding("body_damaged", ref.key, str(error), subject, dataset)
        return
    if subject == SEASON_LEVEL:
        return
    expectation = Expectation(subject, GameId(subject).season)
    assessment = DATASETS[dataset].assess(orjson.loads(body), expectation)
    if assessment.kind != "ok":
        yield Finding("body_fails_its_checks", ref.key, "; ".join(assessment.problems), subject, dataset)
        return
    for name, rows in assessment.tables.items():
        key = _partition_key(checkpoint, name, subject)
        try:
            stored = partitions.rows_of(key, subject)
        except StoreError:
            continue
        shape = TABLES[name]
        ordered = rows.sort_by([(column, "ascending") for column in shape.key]) if shape.key else rows
        if stored.num_rows == ordered.num_rows and stored.to_pylist() != ordered.to_pylist():
            yield Finding("rows_altered", key, "they are not what their body gives", subject, dataset)


@dataclass(slots=True)
class _Partitions:
    """Partitions as they are needed; the last few are kept, because games come month by month."""

    store: ObjectStore
    kept: dict[str, pa.Table] = field(default_factory=dict)

    def rows_of(self, key: str, game_id: str) -> pa.Table:
        if key not in self.kept:
            while len(self.kept) >= len(TABLES):
                del self.kept[next(iter(self.kept))]
            self.kept[key] = read_partition(self.store, key)
        table = self.kept[key]
        return table.filter(pc.equal(table.column("game_id"), game_id))

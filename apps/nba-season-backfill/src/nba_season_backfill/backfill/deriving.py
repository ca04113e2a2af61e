"""The deep part of an audit: every archived body is read, its rows derived anew and compared value by value."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import replace

import orjson
import pyarrow as pa
import pyarrow.compute as pc

from nba_season_backfill.audit import Finding, FindingKind
from nba_season_backfill.backfill.accepting import Acceptances
from nba_season_backfill.checkpoint import SEASON_LEVEL, Checkpoint, UnitRecord, UnitStatus
from nba_season_backfill.datasets import DATASETS, TABLES
from nba_season_backfill.datasets.base import Dataset, Expectation
from nba_season_backfill.lake import layout
from nba_season_backfill.lake.bronze import read_partition
from nba_season_backfill.lake.quarantine import Quarantine
from nba_season_backfill.lake.raw import RawArchive
from nba_season_backfill.lake.store import ObjectMissing, ObjectStore, StoreError
from nba_season_backfill.season import GameId

__all__ = ["derive_all"]

# One wrong column may be wrong in every row: the first few say enough.
_SHOWN = 3


def derive_all(store: ObjectStore, archive: RawArchive, checkpoint: Checkpoint) -> Iterator[Finding]:
    """What the archive would give, held against what is stored: dataset by dataset, month by month."""
    accepted = Acceptances(Quarantine(store).acceptances(str(checkpoint.season)))
    work: dict[tuple[str, int], list[tuple[str, UnitRecord]]] = defaultdict(list)
    for subject, name, record in checkpoint.units():
        if subject != SEASON_LEVEL and record.status is UnitStatus.OK and name in DATASETS:
            work[name, int(checkpoint.dates[subject][5:7])].append((subject, record))
    for (name, month), units in sorted(work.items()):
        dataset = DATASETS[name]
        stored = _stored(store, dataset, str(checkpoint.season), month)
        for game_id, record in units:
            yield from _derive(archive, accepted, dataset, game_id, record, stored, str(checkpoint.season))


def _stored(store: ObjectStore, dataset: Dataset, season: str, month: int) -> dict[str, tuple[str, pa.Table]]:
    """table -> (key, rows); what cannot be read is found elsewhere."""
    found = {}
    for table in dataset.tables:
        key = layout.partition_key(table.name, season, month)
        try:
            found[table.name] = (key, read_partition(store, key))
        except StoreError:
            continue
    return found


def _derive(
    archive: RawArchive,
    accepted: Acceptances,
    dataset: Dataset,
    game_id: str,
    record: UnitRecord,
    stored: Mapping[str, tuple[str, pa.Table]],
    season: str,
) -> Iterator[Finding]:
    key = layout.raw_key(dataset.endpoint, season, game_id, record.raw or "")
    about = Finding(FindingKind.BODY_DAMAGED, season, "", game_id=game_id, dataset=dataset.name, key=key)
    try:
        body = archive.get(key)
    except ObjectMissing:
        return
    except StoreError as error:
        if error.kind != "corrupt":
            raise
        yield replace(about, detail=str(error))
        return
    assessment = dataset.assess(orjson.loads(body), Expectation(game_id, GameId(game_id).season))
    taken = (dataset.endpoint, game_id, record.raw or "") in accepted.reasons
    if assessment.kind != "ok" and not (taken and assessment.tables):
        detail = "; ".join(assessment.problems) or assessment.kind
        yield replace(about, kind=FindingKind.BODY_FAILS, detail=detail)
        return
    for name, rows in assessment.tables.items():
        if name in stored:
            where, table = stored[name]
            own = table.filter(pc.equal(table.column("game_id"), game_id))
            yield from _compare(own, rows, name, where, season, dataset.name, game_id)


def _compare(
    stored: pa.Table, derived: pa.Table, name: str, key: str, season: str, dataset: str, game_id: str
) -> Iterator[Finding]:
    order = [(column, "ascending") for column in TABLES[name].key]
    if stored.num_rows != derived.num_rows or any(column not in stored.column_names for column in derived.column_names):
        return
    if order:
        stored, derived = stored.sort_by(order), derived.sort_by(order)
    for column in derived.column_names:
        if stored.column(column).equals(derived.column(column)):
            continue
        values = zip(stored.column(column).to_pylist(), derived.column(column).to_pylist(), strict=True)
        wrong = [(number, was, is_) for number, (was, is_) in enumerate(values) if was != is_]
        for number, found, expected in wrong[:_SHOWN]:
            row = ", ".join(f"{part}={derived.column(part)[number].as_py()}" for part in TABLES[name].key)
            yield Finding(
                FindingKind.VALUE_ALTERED,
                season,
                "not what the archived body gives",
                game_id=game_id,
                dataset=dataset,
                table=name,
                column=column,
                row=row,
                expected=f"{expected!s:.80}",
                found=f"{found!s:.80}",
                key=key,
                count=len(wrong),
            )

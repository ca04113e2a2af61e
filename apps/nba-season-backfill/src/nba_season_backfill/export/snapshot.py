"""A season's rows as one checkpoint names them, read while a run may be writing.

A partition may be ahead of the checkpoint (rows are written first) and may be replaced at any time. So every game's
rows are compared with the checkpoint by the body they were made from; where a run came in between, all is read again.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import orjson
import pyarrow as pa
import pyarrow.compute as pc

from nba_season_backfill.backfill.opening import OpenState, lake_identity, load_checkpoint
from nba_season_backfill.backfill.provenance import is_simulated
from nba_season_backfill.checkpoint import Checkpoint, UnitStatus
from nba_season_backfill.datasets import DATASETS, GAMES_TABLE, TABLES
from nba_season_backfill.errors import Incomplete, UsageError
from nba_season_backfill.lake import layout
from nba_season_backfill.lake.bronze import PROVENANCE_KEY, read_partition
from nba_season_backfill.lake.store import ObjectMissing, ObjectStore
from nba_season_backfill.season import Season
from nba_season_backfill.settings import BackfillSettings

__all__ = ["SeasonSnapshot", "read_snapshot"]

_TRIES = 5
_THREADS = 8
_TRADITIONAL, _ADVANCED = "box-scores-traditional", "box-scores-advanced"


@dataclass(frozen=True, slots=True)
class SeasonSnapshot:
    """What one generation of a season's checkpoint names: its tables by name, committed games only.

    ``simulated``: the data is not real.
    """

    season: Season
    lake_id: str
    generation: int
    config_fingerprint: str
    simulated: bool
    tables: dict[str, pa.Table]


class _Moved(Exception):
    """A run replaced what was being read."""


def read_snapshot(settings: BackfillSettings, store: ObjectStore, season: Season) -> SeasonSnapshot:
    """The season's games and box scores, whole and of one state.

    Raises:
        UsageError: the lake has no such season.
        Incomplete: a run changes the lake faster than it can be read.
        CheckpointUnusable, StoreError: as a run would.
    """
    identity = lake_identity(store, season.league, create=False)
    moved = ""
    for _ in range(_TRIES):
        opened = load_checkpoint(settings, store, season, season.league, identity)
        if opened.checkpoint is None:
            raise UsageError(f"{store.url} holds nothing of season {season}", hint="fill it first: nba-backfill run")
        try:
            return _read(store, season, opened, opened.checkpoint)
        except _Moved as reason:
            moved = str(reason)
    raise Incomplete(
        f"{store.url}, season {season}: rows and checkpoint disagree ({moved})",
        hint="try again when no run is at work; if it stays, see `nba-backfill verify`",
    )


def _read(store: ObjectStore, season: Season, opened: OpenState, checkpoint: Checkpoint) -> SeasonSnapshot:
    committed = {
        dataset: {
            subject: record.raw or ""
            for subject, name, record in checkpoint.units()
            if name == dataset and record.status is UnitStatus.OK
        }
        for dataset in (_TRADITIONAL, _ADVANCED)
    }
    names = [(table.name, dataset) for dataset in committed for table in DATASETS[dataset].tables]
    found: dict[str, list[pa.Table]] = {name: [] for name in (*(name for name, _dataset in names), GAMES_TABLE.name)}
    months = range(1, 13)
    wanted = [(name, month) for name in found for month in months]
    with ThreadPoolExecutor(_THREADS, thread_name_prefix="snapshot") as pool:
        for (name, _month), table in zip(
            wanted, pool.map(lambda each: _partition(store, str(season), *each), wanted), strict=True
        ):
            found[name] += [table] if table is not None else []
    tables = {}
    for name, dataset in names:
        tables[name] = pa.concat_tables(
            [_committed(table, name, committed[dataset]) for table in found[name]]
            or [TABLES[name].schema.empty_table()]
        )
        missing = committed[dataset].keys() - set(tables[name].column("game_id").unique().to_pylist())
        if missing:
            raise _Moved(f"{name} has no rows of game {min(missing)}")
    games = [_in_todays_columns(table, GAMES_TABLE.name) for table in found[GAMES_TABLE.name]]
    tables[GAMES_TABLE.name] = pa.concat_tables(games or [GAMES_TABLE.schema.empty_table()])
    return SeasonSnapshot(
        season,
        checkpoint.lake_id,
        opened.generation,
        checkpoint.config_fingerprint,
        is_simulated(store, checkpoint),
        tables,
    )


def _partition(store: ObjectStore, season: str, name: str, month: int) -> pa.Table | None:
    try:
        return read_partition(store, layout.partition_key(name, season, month))
    except ObjectMissing:
        return None


def _committed(table: pa.Table, name: str, committed: dict[str, str]) -> pa.Table:
    """The rows that the checkpoint names."""
    provenance = orjson.loads((table.schema.metadata or {}).get(PROVENANCE_KEY, b"{}"))
    for game, raw in provenance.items():
        if committed.get(game, raw) != raw:
            raise _Moved(f"{name} has game {game} from another body")
    kept = table.filter(pc.is_in(table.column("game_id"), pa.array(sorted(committed), pa.string())))
    return _in_todays_columns(kept, name)


def _in_todays_columns(table: pa.Table, name: str) -> pa.Table:
    """A partition may be older than a column."""
    schema = TABLES[name].schema
    columns = [
        table.column(declared.name).cast(declared.type)
        if declared.name in table.column_names
        else pa.chunked_array([pa.nulls(table.num_rows, declared.type)])
        for declared in schema
    ]
    return pa.Table.from_arrays(columns, schema=schema)

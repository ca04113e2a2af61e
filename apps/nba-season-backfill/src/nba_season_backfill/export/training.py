"""A training set: samples of one or more seasons, split by time, with what is to be known about them. Pure."""

from __future__ import annotations

import datetime as dt
import hashlib
import io
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

from nba_season_backfill.export.samples import SampleColumn, SeasonTables, sample_columns, season_samples
from nba_season_backfill.export.splitting import SPLITS, Split, split_at, split_by_shares

__all__ = ["TrainingOptions", "TrainingSet", "as_csv", "as_parquet", "training_set"]

_ROW_GROUP_ROWS = 50_000


@dataclass(frozen=True, slots=True)
class TrainingOptions:
    """What samples are wanted.

    Args:
        windows: lengths of the rolling means, in games played.
        min_games: players with fewer samples than that are dropped; so are theirs.
        season_types, start_date, end_date: which samples are given; features come from all earlier games.
        shares: percentages of train, validation and test, where no first day of either is given.
    """

    windows: tuple[int, ...] = (5, 10)
    min_games: int = 10
    season_types: tuple[str, ...] = ()
    start_date: dt.date | None = None
    end_date: dt.date | None = None
    shares: tuple[int, int, int] = (70, 15, 15)
    validation_from: dt.date | None = None
    test_from: dt.date | None = None

    def to_document(self) -> dict[str, Any]:
        """As JSON."""
        explicit = self.validation_from is not None or self.test_from is not None
        return {
            "windows": list(self.windows),
            "min_games": self.min_games,
            "season_types": list(self.season_types),
            "start_date": _iso(self.start_date),
            "end_date": _iso(self.end_date),
            "shares": None if explicit else list(self.shares),
            "validation_from": _iso(self.validation_from),
            "test_from": _iso(self.test_from),
        }


@dataclass(frozen=True, slots=True)
class TrainingSet:
    """The samples, in order of date, game and player, and what was left out.

    ``version_id`` is made of the columns and the values alone: the same samples have the same one, wherever, whenever
    and in whichever format they are written.
    """

    table: pa.Table
    columns: tuple[SampleColumn, ...]
    split: Split
    version_id: str
    dropped_players: int
    dropped_samples: int

    def split_dates(self) -> dict[str, list[str] | None]:
        """First and last day of each part; None where it has no sample."""
        days: dict[str, list[dt.date]] = {}
        for part, day in zip(
            self.table.column("split").to_pylist(), self.table.column("game_date").to_pylist(), strict=True
        ):
            days.setdefault(part, []).append(day)
        return {part: [str(min(days[part])), str(max(days[part]))] if part in days else None for part in SPLITS}

    def describe(self) -> dict[str, Any]:
        """What the metadata says of the samples themselves."""
        counts = Counter(self.table.column("split").to_pylist())
        return {
            "version_id": self.version_id,
            "rows": self.table.num_rows,
            "rows_by_split": {part: counts[part] for part in SPLITS},
            "split_dates": self.split_dates(),
            "players": len(self.table.column("person_id").unique()),
            "games": len(self.table.column("game_id").unique()),
            "dropped": {"players": self.dropped_players, "samples": self.dropped_samples},
            "columns": [
                {"name": column.name, "type": str(column.type), "role": column.role, "doc": column.doc}
                for column in self.columns
            ],
        }


def training_set(seasons: Sequence[SeasonTables], options: TrainingOptions) -> TrainingSet:
    """Every wanted sample of these seasons; means begin anew with each season.

    Raises:
        ValueError: there is no sample, or too few days to split them.
    """
    explicit = options.validation_from is not None or options.test_from is not None
    split = split_at(options.validation_from, options.test_from) if explicit else None
    made = [season_samples(tables, options.windows) for tables in sorted(seasons, key=lambda each: each.season)]
    table = _wanted(pa.concat_tables(made), options)
    table, players, samples = _without_newcomers(table, options.min_games)
    if not table.num_rows:
        raise ValueError(
            f"no sample is left: {samples} of {players} players with fewer than {options.min_games} games were dropped"
        )
    days = table.column("game_date").to_pylist()
    split = split or split_by_shares(days, options.shares)
    parts = pa.array([split.of(day) for day in days], pa.string())
    columns = tuple(sample_columns(options.windows))
    table = table.add_column(0, pa.field("split", pa.string()), parts).select([column.name for column in columns])
    table = table.combine_chunks()
    return TrainingSet(table, columns, split, _version_id(table), players, samples)


def _wanted(table: pa.Table, options: TrainingOptions) -> pa.Table:
    kept = pc.is_in(table.column("season_type"), pa.array(sorted(options.season_types), pa.string()))
    if not options.season_types:
        kept = pa.array([True] * table.num_rows, pa.bool_())
    days = table.column("game_date")
    if options.start_date is not None:
        kept = pc.and_(kept, pc.greater_equal(days, pa.scalar(options.start_date)))
    if options.end_date is not None:
        kept = pc.and_(kept, pc.less_equal(days, pa.scalar(options.end_date)))
    return table.filter(kept)


def _without_newcomers(table: pa.Table, min_games: int) -> tuple[pa.Table, int, int]:
    """The samples of players with enough games; how many players and samples were dropped."""
    people = table.column("person_id").to_pylist()
    games = Counter(people)
    kept = table.filter(pa.array([games[person] >= min_games for person in people], pa.bool_()))
    few = [person for person, number in games.items() if number < min_games]
    return kept, len(few), table.num_rows - kept.num_rows


def _version_id(table: pa.Table) -> str:
    digest = hashlib.sha256()
    digest.update(orjson.dumps([(field.name, str(field.type)) for field in table.schema]))
    digest.update(as_csv(table))
    return digest.hexdigest()[:16]


def as_csv(table: pa.Table) -> bytes:
    """The samples as CSV: a header, ``\\n``, an empty cell for null. The same samples give the same bytes."""
    sink = io.BytesIO()
    pacsv.write_csv(table, sink, pacsv.WriteOptions(include_header=True, quoting_style="needed"))
    return sink.getvalue()


def as_parquet(table: pa.Table, facts: Mapping[str, str]) -> bytes:
    """The samples as Parquet, ``facts`` in the file's metadata. The same samples give the same bytes."""
    sink = pa.BufferOutputStream()
    with pq.ParquetWriter(sink, table.schema, compression="zstd", store_schema=False) as writer:
        writer.write_table(table, row_group_size=_ROW_GROUP_ROWS)
        writer.add_key_value_metadata({f"hoopstat.{name}": value for name, value in sorted(facts.items())})
    return bytes(sink.getvalue().to_pybytes())


def _iso(day: dt.date | None) -> str | None:
    return None if day is None else day.isoformat()

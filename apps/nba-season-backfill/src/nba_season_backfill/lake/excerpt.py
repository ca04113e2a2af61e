"""Some columns of a partition, and what its file says of itself: for who looks at many and keeps little."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import orjson
import pyarrow as pa
import pyarrow.parquet as pq

from nba_season_backfill.lake.bronze import PROVENANCE_KEY
from nba_season_backfill.lake.store import ObjectStore, StoreError

__all__ = ["Excerpt", "read_excerpt"]


@dataclass(frozen=True, slots=True)
class Excerpt:
    """A partition's rows in some of its columns.

    ``schema`` is that of the whole file. ``provenance``: game id -> SHA-256 of the body its rows were made from.
    """

    rows: pa.Table
    schema: pa.Schema
    provenance: Mapping[str, str] = field(default_factory=dict)


def read_excerpt(store: ObjectStore, key: str, columns: Sequence[str]) -> Excerpt:
    """Read those of the columns that the file has.

    Raises:
        ObjectMissing: there is no such partition.
        StoreError: of kind ``corrupt`` when it is not a readable Parquet file; names it.
    """
    body = store.get(key).body
    try:
        file = pq.ParquetFile(pa.BufferReader(body))
        schema = file.schema_arrow
        rows = file.read(columns=[name for name in columns if name in schema.names])
        provenance = orjson.loads((file.metadata.metadata or {}).get(PROVENANCE_KEY, b"{}"))
    except (pa.ArrowException, OSError, orjson.JSONDecodeError) as error:
        raise StoreError(f"{store.url}/{key}: not a readable Parquet file ({error})", kind="corrupt", key=key) from None
    return Excerpt(rows.replace_schema_metadata(None), schema, provenance)

"""The lake: object stores, and what is kept in them. Knows no NBA."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from nba_season_backfill.lake.bounded import SecondsLeft
from nba_season_backfill.lake.keeping import Keeping
from nba_season_backfill.lake.local import LocalStore
from nba_season_backfill.lake.store import ObjectInfo, ObjectMissing, ObjectStore, PreconditionFailed, StoreError

if TYPE_CHECKING:
    from nba_season_backfill.lake.s3 import S3Store

__all__ = ["Keeping", "ObjectInfo", "ObjectMissing", "ObjectStore", "PreconditionFailed", "StoreError", "open_store"]


def open_store(
    *,
    folder: Path | None = None,
    bucket: str | None = None,
    prefix: str = "",
    endpoint_url: str | None = None,
    region: str | None = None,
    keeping: Keeping = Keeping(),  # noqa: B008  # frozen
    seconds_left: SecondsLeft | None = None,
) -> LocalStore | S3Store:
    """The store that is named: a folder, or a bucket with a prefix. Nothing is asked or written yet.

    Args:
        seconds_left: how long the store is waited for, once that matters; see ``S3Store``.
    """
    if folder is not None:
        return LocalStore(folder, seconds_left=seconds_left)
    if bucket is None:
        raise ValueError("a store is a folder or a bucket")
    # boto3 takes a fifth of a second to import: only those who use it should pay.
    from nba_season_backfill.lake.s3 import S3Store

    return S3Store(bucket, prefix, endpoint_url=endpoint_url, region=region, keeping=keeping, seconds_left=seconds_left)

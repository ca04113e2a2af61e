"""Where a season's data came from: the NBA, or the emulator. Whatever shows data of a lake says so."""

from __future__ import annotations

from nba_season_backfill.checkpoint import Checkpoint, UnitStatus
from nba_season_backfill.datasets import DATASETS
from nba_season_backfill.lake import layout
from nba_season_backfill.lake.store import ObjectMissing, ObjectStore
from nba_season_backfill.settings.values import is_loopback

__all__ = ["is_simulated"]


def is_simulated(store: ObjectStore, checkpoint: Checkpoint) -> bool:
    """Whether the season is (in part) simulated: filled from the sample, or from a server on loopback.

    The checkpoint remembers the source of its last run only; a later run from the archive does not make simulated
    data real. So some of the archived bodies are asked where they came from: the first, the middle and the last one.

    Raises:
        StoreError: the archive cannot be read.
    """
    if checkpoint.config.get("source") == "sample":
        return True
    held = sorted(
        (subject, dataset, record.raw)
        for subject, dataset, record in checkpoint.units()
        if record.status is UnitStatus.OK and record.raw and dataset in DATASETS
    )
    for subject, dataset, sha256 in [held[0], held[len(held) // 2], held[-1]] if held else []:
        key = layout.raw_key(DATASETS[dataset].endpoint, str(checkpoint.season), subject, sha256)
        try:
            url = store.head(key).metadata.get("url", "")
        except ObjectMissing:
            continue
        if is_loopback(url):
            return True
    return False

"""When a run's partitions are written: by time, and before too much waits in memory."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

import pytest

from nba_season_backfill.backfill import ledger
from nba_season_backfill.backfill.job import run_season
from nba_season_backfill.lake.memory import MemoryStore
from nba_season_backfill.lake.store import ObjectInfo
from nba_season_backfill.season import Season
from nba_season_backfill.settings import BackfillSettings

KEY = "play-by-play/season=2024-25/month=10/part-0.parquet"


class Counting(MemoryStore):
    """Counts the writes of each object."""

    def __init__(self) -> None:
        super().__init__()
        self.written: Counter[str] = Counter()

    def put_if_absent(self, key: str, body: bytes, *, metadata: Mapping[str, str] | None = None) -> ObjectInfo:
        self.written[key] += 1
        return super().put_if_absent(key, body, metadata=metadata)

    def put_if_match(
        self, key: str, body: bytes, etag: str, *, metadata: Mapping[str, str] | None = None
    ) -> ObjectInfo:
        self.written[key] += 1
        return super().put_if_match(key, body, etag, metadata=metadata)


@pytest.mark.parametrize(("most", "writes"), [(ledger.MOST_UNFLUSHED, {1}), (6, {2, 3, 4})])
def test_partitions_are_written_before_too_much_waits(
    monkeypatch: pytest.MonkeyPatch, most: int, writes: set[int]
) -> None:
    """However long they may wait by the clock: six games of three answers.

    How often exactly depends on which answers come in between two commits.
    """
    monkeypatch.setattr(ledger, "MOST_UNFLUSHED", most)
    given = {"source": "sample", "season": "2024-25", "limit": "6", "checkpoint_every": "2", "player_info": "no"}
    settings = BackfillSettings.load(given, environ={})
    store = Counting()
    run_season(settings, Season(2024), run_id="test", store=store, flush_seconds=3600.0)
    assert store.written[KEY] in writes

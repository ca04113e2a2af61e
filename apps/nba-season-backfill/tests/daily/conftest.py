"""A season that is played day by day: an emulator with a clock of ours, a lake in memory, a run every morning."""

from __future__ import annotations

import contextlib
import datetime as dt
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import orjson
import pytest

from hoopstat_observability import configure_logging
from nba_season_backfill.backfill.daily_job import daily_seasons
from nba_season_backfill.backfill.job import run_season
from nba_season_backfill.backfill.observer import NoObserver
from nba_season_backfill.backfill.stopping import Stop
from nba_season_backfill.backfill.summary import Summary
from nba_season_backfill.checkpoint import Checkpoint
from nba_season_backfill.errors import BackfillError
from nba_season_backfill.lake.bronze import PROVENANCE_KEY, read_partition
from nba_season_backfill.lake.memory import MemoryStore
from nba_season_backfill.lake.store import ObjectStore
from nba_season_backfill.season import EASTERN, Season
from nba_season_backfill.settings import BackfillSettings
from nba_season_backfill.source.stats_api import StatsApiSource
from nba_stats_emulator import Behaviour, Emulator

if TYPE_CHECKING:
    from faults.faulty import FaultyStore

SEASON = Season(2024)
CHECKPOINT = "_state/season=2024-25/checkpoint.json"
AFTER_THE_END = dt.datetime(2025, 7, 15, 12, tzinfo=dt.UTC)
Row = dict[str, Any]


@dataclass
class Simulation:
    """A simulated 2024-25, a lake, and the clock that both go by.

    ``moments`` are those of the runs that ended well, ``requests`` counts what all runs asked, well or not.
    """

    emulator: Emulator
    settings: BackfillSettings
    now: dt.datetime = dt.datetime(2024, 10, 1, 10, tzinfo=dt.UTC)
    store: MemoryStore = field(init=False)
    moments: list[dt.datetime] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.store = MemoryStore(clock=self.clock)
        self.emulator.set_clock(self.clock)

    def clock(self) -> dt.datetime:
        """What the time is, for everybody."""
        return self.now

    @property
    def today(self) -> dt.date:
        """The US Eastern date."""
        return self.now.astimezone(EASTERN).date()

    def morning(self, now: dt.datetime, *, store: ObjectStore | None = None, **more: object) -> Summary:
        """One daily run at that moment; raises what it raises."""
        self.now = now
        settings = self.settings if not more else self.with_settings(**more)
        with contextlib.closing(self.source()) as source:
            summaries = daily_seasons(
                settings.resolved(self.today),
                run_id=f"daily-{now:%Y%m%dT%H%M}",
                observer=NoObserver(),
                stop=Stop(),
                store=store or self.store,
                source=source,
                now=self.clock,
            )
        self.moments.append(now)
        return summaries[-1]

    def fails(self, now: dt.datetime, behaviour: Behaviour) -> BackfillError:
        """A daily run while the upstream behaves like that; the error it ends with."""
        self.emulator.set_behaviour(behaviour)
        try:
            with pytest.raises(BackfillError) as caught:
                self.morning(now, max_retries="0", max_wait="1s")
        finally:
            self.emulator.set_behaviour(Behaviour())
        return caught.value

    def killed(self, now: dt.datetime, store: FaultyStore) -> None:
        """A daily run whose process is gone when the store's trap springs."""
        from faults.faulty import SimulatedKill

        with pytest.raises(SimulatedKill):
            self.morning(now, store=store)
        assert store.trap.sprung

    def full(self, now: dt.datetime = AFTER_THE_END) -> MemoryStore:
        """Another lake, filled by one run over the season as it stands at that moment."""
        self.now = now
        store = MemoryStore(clock=self.clock)
        with contextlib.closing(self.source()) as source:
            settings = self.settings.resolved(self.today)
            summary = run_season(settings, SEASON, run_id="full", store=store, source=source, now=self.clock)
        assert summary.outcome == "complete"
        return store

    @property
    def watermark(self) -> str | None:
        """The watermark's date as it is stored."""
        document = self.checkpoint().watermark
        return document["date"] if document is not None else None

    def source(self) -> StatsApiSource:
        """The emulator, its answers fetched at the time that it is here."""
        return StatsApiSource(self.emulator.base_url, utc_now=self.clock)

    def with_settings(self, **more: object) -> BackfillSettings:
        """The settings with some others."""
        given = {name: self.settings.origin(name) for name in type(self.settings).model_fields}
        explicit = {name: getattr(self.settings, name) for name, origin in given.items() if origin.explicit}
        return BackfillSettings.load({**explicit, **more}, environ={})

    def checkpoint(self, store: MemoryStore | None = None) -> Checkpoint:
        """The checkpoint as it is stored."""
        content = orjson.loads((store or self.store).get(CHECKPOINT).body)["content"]
        return Checkpoint.from_content(content, CHECKPOINT)


def partitions(store: ObjectStore) -> dict[str, tuple[list[Row], Any]]:
    """key -> (rows, bodies they were made from) of every table, without what only a lake that watched can know."""
    found = {}
    for info in store.list():
        if not info.key.endswith(".parquet") or info.key.startswith(("stat-corrections/", "_", "pipeline-audit/")):
            continue
        table = read_partition(store, info.key)
        rows = [{name: value for name, value in row.items() if name != "revision"} for row in table.to_pylist()]
        found[info.key] = (rows, orjson.loads((table.schema.metadata or {}).get(PROVENANCE_KEY, b"{}")))
    return found


def rows_of(store: ObjectStore, table: str) -> list[Row]:
    """A table's rows, partition by partition."""
    keys = sorted(info.key for info in store.list(f"{table}/") if info.key.endswith(".parquet"))
    return [row for key in keys for row in read_partition(store, key).to_pylist()]


def contents(checkpoint: Checkpoint) -> dict[str, Any]:
    """What the checkpoint says of each unit, without its revision."""
    return {name: fact[:3] for name, fact in checkpoint.facts().items()}


@pytest.fixture(autouse=True, scope="session")
def _quiet_runs() -> None:
    """Hundreds of runs have nothing to say."""
    configure_logging(level="CRITICAL", format="json")


@pytest.fixture
def simulation() -> Iterator[Callable[..., Simulation]]:
    """Begin a season: ``simulation(story=..., season_type=...)``; settings by name."""
    with contextlib.ExitStack() as stack:

        def begin(*, story: Any = None, **settings: object) -> Simulation:
            emulator = stack.enter_context(Emulator(story=story))
            given = {
                "source": "nba",
                "base_url": emulator.base_url,
                "rate_limit": "0.001",
                "jitter_seconds": "0",
                "request_budget": "0",
            }
            return Simulation(emulator, BackfillSettings.load({**given, **settings}, environ={}))

        yield begin

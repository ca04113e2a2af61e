"""A season that is played day by day: an emulator with a clock of ours, a lake in memory, a run every morning.

Each morning's run is ``run_daily``, as a program calls it: recorded in the lake, and told to a receiver.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import orjson
import pytest
from alert.receiving import Receiver

from hoopstat_observability import configure_logging
from nba_season_backfill.backfill import flight
from nba_season_backfill.backfill.daily_job import run_daily
from nba_season_backfill.backfill.job import run_season
from nba_season_backfill.backfill.observer import NoObserver, Observer
from nba_season_backfill.backfill.process import this_process
from nba_season_backfill.backfill.summary import Summary
from nba_season_backfill.checkpoint import Checkpoint
from nba_season_backfill.errors import BackfillError
from nba_season_backfill.lake import layout
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
    """A simulated 2024-25, a lake, the clock that both go by, and a receiver of what the runs tell.

    ``runs`` are all mornings' runs: when, and with which exit code; None of one that was killed.
    """

    emulator: Emulator
    settings: BackfillSettings
    receiver: Receiver
    now: dt.datetime = dt.datetime(2024, 10, 1, 10, tzinfo=dt.UTC)
    store: MemoryStore = field(init=False)
    runs: list[tuple[dt.datetime, int | None]] = field(default_factory=list)

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

    @property
    def moments(self) -> list[dt.datetime]:
        """Those of the runs that ended well."""
        return [moment for moment, code in self.runs if code == 0]

    def morning(
        self, now: dt.datetime, *, store: ObjectStore | None = None, observer: Observer | None = None, **more: object
    ) -> Summary:
        """One daily run at that moment; raises what it raises."""
        self.now = now
        code: int | None = None
        try:
            with contextlib.closing(self.source()) as source:
                summary = run_daily(
                    self.settings if not more else self.with_settings(**more),
                    run_id=run_id_of(now),
                    observer=observer,
                    store=store or self.store,
                    source=source,
                    now=self.clock,
                )
            code = summary.exit_code
        except BackfillError as error:
            code = error.exit_code
            raise
        finally:
            self.runs.append((now, code))
        return summary.seasons[-1]

    def fails(self, now: dt.datetime, behaviour: Behaviour) -> BackfillError:
        """A daily run while the upstream behaves like that; the error it ends with."""
        self.emulator.set_behaviour(behaviour)
        try:
            with pytest.raises(BackfillError) as caught:
                self.morning(now, max_retries="0", max_wait="1s")
        finally:
            self.emulator.set_behaviour(Behaviour())
        return caught.value

    def killed(self, now: dt.datetime, store: FaultyStore, *, after_answers: int | None = None, **more: object) -> None:
        """A daily run whose process is gone when the store's trap springs.

        Args:
            after_answers: have it spring once the run's record is in the lake, and so many answers were judged.
        """
        from faults.faulty import SimulatedKill

        told = len(self.receiver.received)
        doom = None if after_answers is None else Doom(store, record_key(now), after_answers)
        with the_dead_are_silent():
            try:
                self.morning(now, store=store, observer=doom, **more)
            except SimulatedKill:
                assert len(self.receiver.received) == told
        assert store.trap.dead

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
        return BackfillSettings.load({**explicit, **more}, environ=self.receiver.environ)

    def records(self) -> list[Row]:
        """The flight records, by the runs' beginning."""
        found = [orjson.loads(self.store.get(info.key).body) for info in self.store.list(layout.runs_prefix())]
        return sorted(found, key=lambda record: str(record["started_at"]))

    def checkpoint(self, store: MemoryStore | None = None) -> Checkpoint:
        """The checkpoint as it is stored."""
        content = orjson.loads((store or self.store).get(CHECKPOINT).body)["content"]
        return Checkpoint.from_content(content, CHECKPOINT)


@dataclass
class Doom(NoObserver):
    """A run dies at its next operation, once its record is in the lake and so many answers were judged."""

    store: FaultyStore
    record: str
    answers: int
    judging: threading.Lock = field(default_factory=threading.Lock)

    def judged(self, endpoint: str, verdict: str) -> None:
        """One less to live for."""
        del endpoint, verdict
        with self.judging:
            self.answers -= 1
            if self.answers <= 0 and not self.store.trap.fault and any(self.store.inner.list(self.record)):
                self.store.trap.set("killed_before")


@contextlib.contextmanager
def the_dead_are_silent() -> Iterator[None]:
    """Threads of a process that is gone end without a word, and within the block."""
    from faults.faulty import SimulatedKill

    complain = threading.excepthook

    def unless_dead(arguments: threading.ExceptHookArgs) -> None:
        if not issubclass(arguments.exc_type, SimulatedKill):
            complain(arguments)

    threading.excepthook = unless_dead
    try:
        yield
        for thread in threading.enumerate():
            if thread.name == "flight":
                thread.join(10)
    finally:
        threading.excepthook = complain


def run_id_of(now: dt.datetime) -> str:
    """The id of the run at that moment."""
    return f"daily-{now:%Y%m%dT%H%M}"


def record_key(now: dt.datetime) -> str:
    """Where its flight record is."""
    return layout.run_key(now.date(), run_id_of(now))


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
def simulation(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Simulation]]:
    """Begin a season: ``simulation(story=..., season_type=...)``; settings by name."""
    # Each morning's run has a machine of its own: whether one is gone, only its silence tells.
    monkeypatch.setattr(flight, "this_process", lambda: this_process() | {"machine": "a new one each morning"})
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
            loaded = BackfillSettings.load({**given, **settings}, environ=receiver.environ)
            return Simulation(emulator, loaded, receiver)

        yield begin

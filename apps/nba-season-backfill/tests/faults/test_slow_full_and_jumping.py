"""A whole run while its store is slow, hangs at a signal, fills up or becomes read-only, and while the clock jumps.

In one process, with clocks of the tests' own, at a sample of a run's operations (at all of them when slow tests run).
The same with real processes and in real time: ``tests/e2e/test_lake_fails_midway.py``.
"""

from __future__ import annotations

import datetime as dt
import errno
import functools
import itertools
import os
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import orjson
import pytest
from faults.faulty import FaultyStore, Trap

from nba_season_backfill.backfill import job
from nba_season_backfill.backfill.job import run_season
from nba_season_backfill.backfill.stopping import Stop
from nba_season_backfill.backfill.summary import Summary
from nba_season_backfill.checkpoint import Checkpoint
from nba_season_backfill.errors import BackfillError, Fenced, Interrupted
from nba_season_backfill.lake.bronze import read_partition
from nba_season_backfill.lake.lease import acquire_lease
from nba_season_backfill.lake.local import LocalStore
from nba_season_backfill.lake.memory import MemoryStore
from nba_season_backfill.lake.state import StateFile
from nba_season_backfill.lake.store import ObjectStore, StoreError
from nba_season_backfill.season import Season
from nba_season_backfill.settings import BackfillSettings

from .conftest import RecordedSource

SEASON = Season(2024)
STATE = "_state/season=2024-25/"
LEASE = "season-2024-25"
# While the season is on: three games are not too few then.
TODAY = dt.datetime(2024, 10, 25, tzinfo=dt.UTC)

Bodies = Mapping[tuple[str, str], bytes]
Lake = tuple[dict[str, Any], dict[str, Any]]
every = functools.partial(pytest.param, 1, id="every operation", marks=pytest.mark.slow)


def run(
    store: ObjectStore,
    bodies: Bodies,
    run_id: str = "first",
    stop: Stop | None = None,
    now: Callable[[], dt.datetime] = lambda: TODAY,
) -> tuple[Summary | BackfillError, list[tuple[str, str]]]:
    """One run: its summary or the error that ended it, and what it asked for."""
    line = {"source": "sample", "season_type": ("Regular Season",), "checkpoint_every": "1", "max_in_flight": "1"}
    settings = BackfillSettings.load(line, environ={})
    source = RecordedSource(bodies, Trap())
    try:
        done = run_season(
            settings, SEASON, run_id=run_id, store=store, source=source, stop=stop, now=now, flush_seconds=0.0
        )
    except BackfillError as error:
        return error, source.asked
    return done, source.asked


def lake(store: ObjectStore) -> Lake:
    """The rows of every table and the facts of the checkpoint, which must be good."""
    keys = [info.key for info in store.list() if info.key.endswith(".parquet")]
    file = StateFile(store, f"{STATE}checkpoint.json", generations_prefix=f"{STATE}generations/")
    loaded = file.load()
    assert loaded is not None
    assert loaded.recovered_from is None
    rows = {key: read_partition(store, key).to_pylist() for key in keys}
    return rows, Checkpoint.from_content(loaded.content, "here").facts()


def archived(store: ObjectStore) -> set[tuple[str, str]]:
    parts = [info.key.split("/") for info in store.list("_raw/")]
    return {(each[1], each[3]) for each in parts if each[3].isdigit()}


def goes_on(store: ObjectStore, bodies: Bodies, undisturbed: Lake) -> None:
    """The next run completes what is left, asks for nothing archived, and the lake is as if nothing had happened."""
    before = archived(store)
    done, asked = run(store, bodies, "next")
    assert isinstance(done, Summary), done
    assert not before & set(asked)
    assert lake(store) == undisturbed


@pytest.fixture(scope="module")
def undisturbed(bodies: Bodies) -> Lake:
    """The lake of a run that nothing disturbed."""
    store = MemoryStore()
    done, _ = run(store, bodies)
    assert isinstance(done, Summary)
    assert len(lake(store)[1]) == 10
    return lake(store)


class Clock:
    """A moment that only moves when it is told to; the store's clock and the leases' monotonic one."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def monotonic(self) -> float:
        return self.seconds

    def utc(self) -> dt.datetime:
        return TODAY + dt.timedelta(seconds=self.seconds)


class Interfering(FaultyStore):
    """A store with which something happens at its k-th operation: before it is done, or between it and its answer."""

    def __init__(self, inner: ObjectStore, at: int, happen: Callable[[], None], *, answered_late: bool) -> None:
        super().__init__(inner)
        self._at = at
        self._happen = happen
        self._answered_late = answered_late
        self._numbers = itertools.count(1)
        # The clock moves for all threads at once, so none of them may go on while it does.
        self._one_at_a_time = threading.Lock()
        self.happened = False
        self.written_after: list[str] = []

    def _do(self, name: str, key: str, *arguments: Any, **keywords: Any) -> Any:
        with self._one_at_a_time:
            return self._done(name, key, *arguments, **keywords)

    def _done(self, name: str, key: str, *arguments: Any, **keywords: Any) -> Any:
        now = next(self._numbers) == self._at
        if now and not self._answered_late:
            self.happened = True
            self._happen()
        try:
            result = FaultyStore._do(self, name, key, *arguments, **keywords)
            if self.happened and name not in ("get", "get_range", "head", "list"):
                self.written_after.append(key)
            return result
        finally:
            # A refusal is an answer too.
            if now and self._answered_late:
                self.happened = True
                self._happen()


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Leases of runs are counted by it."""
    made = Clock()
    monkeypatch.setattr(job, "acquire_lease", functools.partial(acquire_lease, monotonic=made.monotonic))
    return made


@pytest.mark.parametrize("step", [61, every()])
@pytest.mark.parametrize("answered_late", [False, True])
@pytest.mark.parametrize("late_seconds", [30.0, 90.0])
def test_a_store_that_is_slow(
    bodies: Bodies, undisturbed: Lake, clock: Clock, step: int, late_seconds: float, *, answered_late: bool
) -> None:
    """One operation takes 30 s, or longer than the lease lasts, and nobody else is there: the run completes."""
    for at in itertools.count(1 + int(answered_late), step):

        def happen() -> None:
            clock.seconds += late_seconds

        inner = MemoryStore(clock=clock.utc)
        store = Interfering(inner, at, happen, answered_late=answered_late)
        done, asked = run(store, bodies)
        assert isinstance(done, Summary), f"operation {at}: {done}"
        assert (done.outcome, len(asked)) == ("complete", 12)
        assert lake(inner) == undisturbed, f"operation {at}"
        if not store.happened:
            break


@pytest.mark.parametrize("step", [23, every()])
@pytest.mark.parametrize("answered_late", [False, True])
def test_a_store_so_slow_that_another_run_took_over(
    bodies: Bodies, undisturbed: Lake, clock: Clock, step: int, *, answered_late: bool
) -> None:
    """Meanwhile another run takes the lease and does all the work: the first one is fenced (70) and harms nothing."""
    fenced = 0
    for at in itertools.count(1, step):
        inner = MemoryStore(clock=clock.utc)
        rival: list[Summary | BackfillError] = []

        def take_over(inner: MemoryStore = inner, rival: list[Summary | BackfillError] = rival) -> None:
            clock.seconds += 90.0
            rival.append(run(inner, bodies, "rival")[0])

        store = Interfering(inner, at, take_over, answered_late=answered_late)
        done, _ = run(store, bodies)
        assert not rival or isinstance(rival[0], Summary), f"operation {at}: {rival[0]}"
        assert lake(inner) == undisturbed, f"operation {at}: {done}"
        if not store.happened:
            break
        document = orjson.loads(inner.get(f"{STATE}checkpoint.json").body)
        if isinstance(done, Fenced):
            fenced += 1
            assert done.exit_code == 70
            assert document["run_id"] == "rival"
            # What is create-only, or a copy of what was committed before; but no table, no checkpoint, no lease.
            allowed = ("_raw/", f"{STATE}generations/", "_probe", "_state/probe", "_state/lake")
            strange = [key for key in store.written_after if not key.startswith(allowed)]
            assert strange == [], f"operation {at}"
        else:
            # The other one took over before this one held the lease, or after its work was done.
            assert isinstance(done, Summary), f"operation {at}: {done}"
            assert done.outcome in ("complete", "nothing_to_do")
    assert fenced >= 2


@pytest.mark.parametrize("step", [29, every()])
def test_a_signal_while_the_store_hangs(bodies: Bodies, undisturbed: Lake, clock: Clock, step: int) -> None:
    """From an operation on the store gives no answer: 143, nothing lost, and the lease runs out by itself."""
    for at in itertools.count(1, step):
        stop = Stop()

        def hang(stop: Stop = stop) -> None:
            stop.request(15)

        class Hanging(Interfering):
            """Nothing is answered any more; of odd operations the first one is done all the same."""

            def _do(self, name: str, key: str, *arguments: Any, **keywords: Any) -> Any:
                left_behind = StoreError(f"{key}: left behind", kind="left_behind", key=key)
                if self.happened:
                    raise left_behind
                try:
                    result = super()._do(name, key, *arguments, **keywords)
                except StoreError:
                    if self.happened:
                        raise left_behind from None
                    raise
                if self.happened:
                    raise left_behind
                return result

        inner = MemoryStore(clock=clock.utc)
        store = Hanging(inner, at, hang, answered_late=bool(at % 2))
        done, _ = run(store, bodies, stop=stop)
        if not store.happened:
            break
        if isinstance(done, Summary):
            # It was the lease that could not be given back: the work was done.
            assert done.outcome == "complete"
        else:
            assert isinstance(done, Interrupted), f"operation {at}: {done}"
            assert done.exit_code == 143
        clock.seconds += 90.0
        goes_on(inner, bodies, undisturbed)


class Failing(LocalStore):
    """A folder in which no file can be made any more from the k-th on."""

    def __init__(self, root: Path, number: int, at: int) -> None:
        super().__init__(root)
        self._number = number
        self._at = at
        self._made = itertools.count(1)
        self.failed = False

    def _publish(self, path: Path, body: bytes, publish: Callable[[Path, Path], None], *, sync: bool) -> None:
        if next(self._made) >= self._at:
            self.failed = True
            raise OSError(self._number, os.strerror(self._number))
        super()._publish(path, body, publish, sync=sync)


@pytest.mark.parametrize("step", [90, every()])
@pytest.mark.parametrize(
    ("number", "code", "hint"),
    [
        (errno.EROFS, 78, "writable"),
        (errno.EACCES, 78, "whose the folder is"),
        (errno.ENOSPC, 75, "make room"),
        (errno.EIO, 75, "run the same command again"),
    ],
    ids=["read-only", "no access", "full", "broken"],
)
def test_a_folder_that_takes_no_more_files(
    bodies: Bodies, undisturbed: Lake, tmp_path: Path, number: int, code: int, hint: str, step: int
) -> None:
    """From any file on: the right code and what to do, no temporary files; with a good folder the next run goes on."""
    for at in itertools.count(5, step):
        root = tmp_path / f"{at}"
        store = Failing(root, number, at)
        done, _ = run(store, bodies)
        store.close()
        if not store.failed:
            break
        if isinstance(done, Summary):
            # Only the lease could not be given back: its record runs out by itself.
            continue
        assert (done.exit_code, hint in done.hint) == (code, True), f"file {at}: {done}"
        assert os.strerror(number) in done.message
        assert not list(root.rglob("*.tmp"))
        again = LocalStore(root)
        goes_on(again, bodies, undisturbed)
        again.close()


@pytest.fixture
def jump(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """The machine's clock, for everything that reads it: ``jump(3600)`` and it is an hour later."""
    real = dt.datetime
    ahead = dt.timedelta(0)

    class Kind(type):
        def __instancecheck__(cls, instance: object) -> bool:
            return isinstance(instance, real)

    class Jumping(real, metaclass=Kind):  # type: ignore[valid-type, misc]  # a class in a variable
        def __new__(cls, *arguments: Any, **keywords: Any) -> Any:
            return real(*arguments, **keywords)

        @classmethod
        def now(cls, tz: dt.tzinfo | None = None) -> Any:
            return real.now(tz) + ahead

    def move(seconds: float) -> None:
        nonlocal ahead
        ahead += dt.timedelta(seconds=seconds)

    monkeypatch.setattr(dt, "datetime", Jumping)
    return move


class Jumpy(LocalStore):
    """A folder at whose k-th write the machine's clock jumps."""

    def __init__(self, root: Path, at: int, happen: Callable[[], None]) -> None:
        super().__init__(root)
        self._at = at
        self._happen = happen
        self._numbers = itertools.count(1)
        self._counting = threading.Lock()
        self.happened = False

    def _publish(self, path: Path, body: bytes, publish: Callable[[Path, Path], None], *, sync: bool) -> None:
        super()._publish(path, body, publish, sync=sync)
        with self._counting:
            now = next(self._numbers) == self._at
        if now:
            self.happened = True
            self._happen()


@pytest.mark.parametrize("step", [80, every()])
@pytest.mark.parametrize("hours", [1, -1])
def test_the_clock_jumps_by_an_hour(
    bodies: Bodies, undisturbed: Lake, tmp_path: Path, jump: Callable[[float], None], hours: int, step: int
) -> None:
    """Forwards or back, at any write of a run: it completes, its lease is kept, the next run finds all done."""
    for at in itertools.count(6, step):
        root = tmp_path / f"{at}"

        def happen(root: Path = root) -> None:
            jump(hours * 3600)
            assert acquire_lease(LocalStore(root), LEASE, run_id="rival", on_busy="skip") is None

        store = Jumpy(root, at, happen)
        base = dt.datetime.now(dt.UTC)
        moving = functools.partial(_since, base)
        done, asked = run(store, bodies, now=moving)
        assert isinstance(done, Summary), f"write {at}: {done}"
        assert (done.outcome, len(asked)) == ("complete", 12)
        assert lake(store) == undisturbed, f"write {at}"
        store.close()
        if not store.happened:
            break
        # The clock is put right, or jumps the same way once more: either way there is nothing left to do.
        for seconds in (-hours * 3600, 2 * hours * 3600, -hours * 3600):
            jump(seconds)
            again, asked = run(LocalStore(root), bodies, "next", now=moving)
            assert isinstance(again, Summary)
            assert again.outcome == "nothing_to_do"
            assert not [game for _, game in asked if game.isdigit()]


def _since(base: dt.datetime) -> dt.datetime:
    return TODAY + (dt.datetime.now(dt.UTC) - base)

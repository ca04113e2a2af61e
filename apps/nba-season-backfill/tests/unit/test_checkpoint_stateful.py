"""Whatever runs do to a checkpoint and in whatever order, each unit says what was said of it last."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import orjson
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from nba_season_backfill.checkpoint import SEASON_LEVEL, Checkpoint, UnitRecord, UnitStatus
from nba_season_backfill.errors import Fenced
from nba_season_backfill.lake.memory import MemoryStore
from nba_season_backfill.lake.state import StateFile
from nba_season_backfill.season import Season

KEY = "_state/season=2024-25/checkpoint.json"
GENERATIONS = "_state/season=2024-25/generations/"
SEASON = Season(2024)
CREATED = "2025-07-01T00:00:00+00:00"
MOMENTS = [f"2025-07-{day:02d}T00:00:00+00:00" for day in range(1, 10)]

subjects = st.sampled_from(["0022400001", "0022400002", "0042400101", SEASON_LEVEL])
datasets = st.sampled_from(["play-by-play", "box-scores-traditional"])
bodies = st.sampled_from(["a" * 64, "b" * 64, "c" * 64])
moments = st.sampled_from(MOMENTS)
days = st.none() | st.dates(dt.date(2024, 10, 22), dt.date(2025, 6, 22))

Units = dict[tuple[str, str], UnitRecord]
Dates = dict[str, str]


@dataclass
class Run:
    """A run: its checkpoint, the file it commits to, and what the model says of both."""

    checkpoint: Checkpoint
    file: StateFile
    token: int
    units: Units
    dates: Dates


class Runs(RuleBasedStateMachine):
    """Runs that follow each other over one checkpoint, the ones before still holding theirs, against plain dicts."""

    @initialize()
    def begin(self) -> None:
        self.store = MemoryStore()
        self.committed: tuple[Units, Dates] = ({}, {})
        self.generation = 0
        self.token = 0
        self.late: list[Run] = []
        self.run = self._open()

    def _open(self) -> Run:
        self.token += 1
        file = StateFile(self.store, KEY, generations_prefix=GENERATIONS, keep=3)
        loaded = file.load()
        if loaded is None:
            assert self.generation == 0
            checkpoint = Checkpoint(SEASON, "00", "lake", CREATED)
        else:
            assert loaded.generation == self.generation
            checkpoint = Checkpoint.from_content(loaded.content, KEY)
        units, dates = self.committed
        return Run(checkpoint, file, self.token, dict(units), dict(dates))

    def _put(self, subject: str, dataset: str, record: UnitRecord, date: dt.date | None) -> None:
        run = self.run
        run.checkpoint.record(subject, dataset, record, game_date=None if subject == SEASON_LEVEL else date)
        run.units[subject, dataset] = record
        if date is not None and subject != SEASON_LEVEL:
            run.dates[subject] = date.isoformat()

    @rule(subject=subjects, dataset=datasets, raw=bodies, moment=moments, date=days, rows=st.integers(0, 500))
    def store_unit(self, subject: str, dataset: str, raw: str, moment: str, date: dt.date | None, rows: int) -> None:
        """An answer, or a revision of one: the new line replaces the old one, whole."""
        before = self.run.units.get((subject, dataset))
        record = UnitRecord(UnitStatus.OK, moment, raw=raw, rows={dataset: rows}, attempts=1)
        if before is not None:
            changed = before.status is UnitStatus.OK and before.raw != raw
            record = replace(
                record, revision=before.revision + changed, attempts=before.attempts + 1,
                raw_before=before.raw if changed else before.raw_before,
            )  # fmt: skip
        self._put(subject, dataset, record, date)

    @rule(
        subject=subjects, dataset=datasets, moment=moments, believed_until=st.none() | moments, doubtful=st.booleans()
    )
    def find_absent(
        self, subject: str, dataset: str, moment: str, believed_until: str | None, *, doubtful: bool
    ) -> None:
        """An absence, believed for a while or for good."""
        record = UnitRecord(UnitStatus.ABSENT, moment, believed_until=believed_until, suspicious=doubtful)
        self._put(subject, dataset, record, None)

    @rule(subject=subjects, dataset=datasets, moment=moments, error=st.text(min_size=1, max_size=20))
    def fail(self, subject: str, dataset: str, moment: str, error: str) -> None:
        """A failure, with whatever text it has."""
        before = self.run.units.get((subject, dataset))
        attempts = 1 + (before.attempts if before is not None else 0)
        self._put(subject, dataset, UnitRecord(UnitStatus.FAILED, moment, attempts=attempts, error=error), None)

    @rule(forgotten=st.sets(st.tuples(subjects, datasets), max_size=4))
    def forget(self, forgotten: set[tuple[str, str]]) -> None:
        """Units that are doubted; a game of which nothing is left has no date either."""
        self.run.checkpoint.forget(forgotten)
        for unit in forgotten:
            if self.run.units.pop(unit, None) is not None and not any(unit[0] == each[0] for each in self.run.units):
                self.run.dates.pop(unit[0], None)

    @rule()
    def reload_from_json(self) -> None:
        """Through JSON and back, as ``--resume`` has it, without a commit."""
        content = orjson.loads(orjson.dumps(self.run.checkpoint.to_content()))
        self.run.checkpoint = Checkpoint.from_content(content, KEY)

    @rule()
    def commit(self) -> None:
        """The run's state becomes the stored one; the generation grows by one."""
        run = self.run
        content = orjson.Fragment(orjson.dumps(run.checkpoint.to_content()))
        generation = run.file.commit(content, token=run.token, run_id=f"run-{run.token}")
        assert generation == self.generation + 1
        self.generation = generation
        self.committed = (dict(run.units), dict(run.dates))

    @rule()
    def crash_and_start_again(self) -> None:
        """What was not committed is gone; the next run begins with what was. The dead one may turn out to be alive."""
        self.late.append(self.run)
        self.run = self._open()

    @precondition(lambda self: self.late and self.generation)
    @rule(data=st.data())
    def a_late_run_commits(self, data: st.DataObject) -> None:
        """One that was taken over writes nothing as soon as its successor has committed."""
        late = data.draw(st.sampled_from(self.late))
        before = self.store.get(KEY).info.etag
        content = orjson.dumps(late.checkpoint.to_content())
        try:
            generation = late.file.commit(orjson.Fragment(content), token=late.token, run_id=f"run-{late.token}")
        except Fenced:
            assert self.store.get(KEY).info.etag == before
            return
        # Nobody had committed since it loaded: it is the newest there is, and its successor is the one that is late.
        assert generation == self.generation + 1
        self.generation = generation
        self.committed = (dict(late.units), dict(late.dates))
        self.late.remove(late)
        self.late.append(self.run)
        self.run = late

    @invariant()
    def the_last_write_of_each_unit_stands(self) -> None:
        """In memory, and in the store as of the last commit."""
        if not hasattr(self, "run"):
            return
        _agrees(self.run.checkpoint, self.run.units, self.run.dates)
        if self.generation:
            document: Mapping[str, Any] = orjson.loads(self.store.get(KEY).body)
            assert document["generation"] == self.generation
            _agrees(Checkpoint.from_content(document["content"], KEY), *self.committed)


def _agrees(checkpoint: Checkpoint, units: Units, dates: Dates) -> None:
    assert {(subject, dataset): record for subject, dataset, record in checkpoint.units()} == units
    assert checkpoint.dates == dates
    moment = dt.datetime.fromisoformat(MOMENTS[4])
    for (subject, dataset), record in units.items():
        assert checkpoint.unit(subject, dataset) == record
        assert checkpoint.holds(subject, dataset, moment) == record.holds(moment)
    assert sum(sum(counted.values()) for counted in checkpoint.counts().values()) == len(units)
    assert {name.rpartition("/")[0] for name in checkpoint.facts()} == {subject for subject, _ in units}


TestAnyInterleavingOfRuns: Any = Runs.TestCase
TestAnyInterleavingOfRuns.settings = settings(
    max_examples=40, stateful_step_count=25, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)

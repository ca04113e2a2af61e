"""What a report says, as plain values: gathered in one place, drawn in others. Pure."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

__all__ = [
    "AuditFacts",
    "DatasetCoverage",
    "DayCoverage",
    "Failure",
    "FindingGroup",
    "Freshness",
    "PastRun",
    "ReportFacts",
    "RunFacts",
]


@dataclass(frozen=True, slots=True)
class DayCoverage:
    """What became of one dataset on one US Eastern date: of ``games`` that are final, how many are what."""

    games: int = 0
    stored: int = 0
    absent: int = 0
    failed: int = 0

    @property
    def open(self) -> int:
        """Games that were not fetched yet."""
        return self.games - self.stored - self.absent - self.failed

    def __add__(self, other: DayCoverage) -> DayCoverage:
        return DayCoverage(
            self.games + other.games,
            self.stored + other.stored,
            self.absent + other.absent,
            self.failed + other.failed,
        )


@dataclass(frozen=True, slots=True)
class DatasetCoverage:
    """One dataset over the season. ``days`` has the days with final games only."""

    name: str
    days: Mapping[dt.date, DayCoverage]

    @property
    def total(self) -> DayCoverage:
        """All days together."""
        return sum(self.days.values(), DayCoverage())


@dataclass(frozen=True, slots=True)
class Failure:
    """A unit that is not stored and should be. ``verdict`` is empty where it is not known any more."""

    game_id: str
    game_date: dt.date | None
    game: str
    dataset: str
    verdict: str
    reason: str
    attempts: int


@dataclass(frozen=True, slots=True)
class RunFacts:
    """The last run, from its flight record. ``points`` are rows of ``columns``; ``marks`` are (seconds, what)."""

    run_id: str
    command: str
    source: str
    state: str
    outcome: str
    exit_code: int | None
    message: str
    hint: str
    started_at: dt.datetime
    ended_at: dt.datetime | None
    columns: Sequence[str]
    points: Sequence[Sequence[float]]
    marks: Sequence[tuple[float, str]]
    requests: int
    requests_by_verdict: Mapping[str, int]
    waited_seconds: float
    games_done: int
    games_to_do: int
    request_budget: int
    interval_seconds: float
    warnings: Sequence[str] = ()
    versions: Mapping[str, str] = field(default_factory=dict)
    config: Mapping[str, Any] = field(default_factory=dict)

    def series(self, column: str) -> list[tuple[float, float]]:
        """(seconds, value) of one column."""
        if column not in self.columns or "seconds" not in self.columns:
            return []
        at, place = self.columns.index("seconds"), self.columns.index(column)
        return [(point[at], point[place]) for point in self.points]


@dataclass(frozen=True, slots=True)
class PastRun:
    """One line of the history."""

    run_id: str
    command: str
    started_at: dt.datetime
    seconds: float | None
    outcome: str
    exit_code: int | None
    games_done: int
    requests: int


@dataclass(frozen=True, slots=True)
class FindingGroup:
    """Findings of one kind: what it means, what mends it, some of them in words."""

    kind: str
    meaning: str
    what_to_do: str
    count: int
    examples: Sequence[str]


@dataclass(frozen=True, slots=True)
class AuditFacts:
    """What the audit found. ``done`` is False where it was left out; ``why_not`` says why."""

    done: bool
    why_not: str = ""
    groups: Sequence[FindingGroup] = ()
    accepted: int = 0
    checked: str = ""
    notes: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Freshness:
    """How new a dataset is: its newest game, and when its newest answer was fetched (UTC)."""

    dataset: str
    newest_game: dt.date | None
    fetched_at: dt.datetime | None
    rows: int


@dataclass(frozen=True, slots=True)
class ReportFacts:
    """Everything that a report shows. ``made_at`` is UTC; counts of games are of the selected season types."""

    season: str
    lake: str
    lake_id: str
    generation: int
    made_at: dt.datetime
    simulated: bool
    season_types: Sequence[str]
    games_known: int
    games_final: int
    games_complete: int
    games_by_state: Mapping[str, int]
    newest_final: dt.date | None
    lists_written_at: dt.datetime | None
    committed_at: dt.datetime | None
    coverage: Sequence[DatasetCoverage]
    freshness: Sequence[Freshness]
    failures: Sequence[Failure]
    failures_in_all: int
    run: RunFacts | None
    history: Sequence[PastRun]
    audit: AuditFacts

"""What a run did: one typed object, rendered as text or JSON by the command line."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from nba_season_backfill.datasets.base import Quality

__all__ = ["Failed", "Summary", "Validation"]

# Of each dataset's outliers only the first few are named.
_MOST_EXAMPLES = 5


@dataclass(frozen=True, slots=True)
class Failed:
    """A unit that is not stored and should be: which, and why in plain words."""

    game_id: str
    dataset: str
    verdict: str
    reason: str


@dataclass(slots=True)
class Validation:
    """What the checks over a dataset's rows counted in a run; see ``datasets.base.Quality``."""

    rows: int = 0
    missing: int = 0
    type_errors: int = 0
    outliers: int = 0
    filtered_out_count: int = 0
    examples: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Summary:
    """A run's result. Counts are of this run unless they say otherwise; ``outcome`` is what the exit code means."""

    run_id: str
    season: str
    source: str
    lake: str
    checkpoint: str
    outcome: str = "running"
    exit_code: int = 1
    message: str = ""
    continued_from: str | None = None
    simulated: bool = False
    games_selected: int = 0
    games_done: int = 0
    games_already_complete: int = 0
    games_left: int = 0
    games_not_final: Mapping[str, int] = field(default_factory=dict)
    units_stored: int = 0
    units_from_archive: int = 0
    units_absent: int = 0
    units_failed: int = 0
    units_left: int = 0
    units_never_existed: int = 0
    missing: int = 0
    type_errors: int = 0
    outliers: int = 0
    filtered_out_count: int = 0
    validation: dict[str, Validation] = field(default_factory=dict)
    corrections: int = 0
    games_moved: int = 0
    since: str | None = None
    watermark: str | None = None
    rows_by_table: dict[str, int] = field(default_factory=dict)
    requests: int = 0
    requests_by_verdict: Mapping[str, int] = field(default_factory=dict)
    body_bytes: int = 0
    archived_bytes: int = 0
    table_bytes: int = 0
    commits: int = 0
    store_throttled: int = 0
    waited_seconds: float = 0.0
    duration_in_seconds: float = 0.0
    failures: list[Failed] = field(default_factory=list)
    quarantined: int = 0
    findings: list[dict[str, Any]] = field(default_factory=list)
    findings_in_all: int = 0
    findings_mended: int = 0
    to_audit: list[int] = field(default_factory=list)
    drift: dict[str, list[str]] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)

    def validated(self, dataset: str, quality: Quality) -> None:
        """Count what the checks over one answer of a dataset found."""
        counts = self.validation.setdefault(dataset, Validation())
        for each in (counts, self):
            each.missing += quality.missing
            each.type_errors += quality.type_errors
            each.outliers += quality.outliers
            each.filtered_out_count += quality.filtered_out_count
        counts.rows += quality.rows
        counts.examples += quality.examples[: _MOST_EXAMPLES - len(counts.examples)]

    def to_document(self) -> dict[str, Any]:
        """As JSON."""
        return asdict(self)

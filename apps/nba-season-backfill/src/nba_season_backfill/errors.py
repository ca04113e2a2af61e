"""The exception tree, and the one table from error to exit code.

::

    BackfillError                      1   internal error
    ├── UsageError                     2   an option that makes no sense here
    ├── ConfigurationError            78   settings, credentials, a store that cannot be used
    │   ├── CheckpointUnusable        78   of another season or place, corrupt, or of an unknown format
    │   └── StoreUnusable             78   missing bucket, no access, unwritable folder, no conditional writes
    ├── ContractViolated              65   the upstream's answer is not what the dataset declares
    ├── AuditFailed                   65   lake, checkpoint and schedule disagree
    ├── SourceUnavailable             69   unreachable
    │   └── SourceBlocked             69   reachable for others, silent for us
    ├── Fenced                        70   another writer took over
    ├── Incomplete                    75   run again: failed games left
    │   ├── Throttled                 75   the wait foreseen exceeds what is allowed
    │   └── Busy                      75   another run holds the lease
    └── Interrupted                  130   Ctrl-C (143 for SIGTERM); the checkpoint is saved

Exit code 0 means complete, or nothing to do.
"""

from __future__ import annotations

import signal
from typing import Any

__all__ = [
    "AuditFailed",
    "BackfillError",
    "Busy",
    "CheckpointUnusable",
    "ConfigurationError",
    "ContractViolated",
    "Fenced",
    "Incomplete",
    "Interrupted",
    "SourceBlocked",
    "SourceUnavailable",
    "StoreUnusable",
    "Throttled",
    "UsageError",
]


class BackfillError(Exception):
    """Whatever this package raises on purpose. ``message`` says what happened and where, ``hint`` what to do next.

    ``summary`` is the run's ``backfill.summary.Summary`` so far, once there is one; this room does not know its type.
    """

    exit_code: int = 1

    def __init__(self, message: str, *, hint: str = "", exit_code: int | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.summary: Any = None
        if exit_code is not None:
            self.exit_code = exit_code

    def __str__(self) -> str:
        return f"{self.message}; {self.hint}" if self.hint else self.message


class UsageError(BackfillError):
    """An option that makes no sense here."""

    exit_code = 2


class ConfigurationError(BackfillError):
    """Settings, credentials or a store that cannot be used as configured."""

    exit_code = 78


class CheckpointUnusable(ConfigurationError):
    """The checkpoint is of another season or place, corrupt, or of an unknown format."""


class StoreUnusable(ConfigurationError):
    """The lake cannot be used: missing bucket, no access, unwritable folder, no conditional writes."""


class ContractViolated(BackfillError):
    """The upstream's answer is not what the dataset declares."""

    exit_code = 65


class AuditFailed(BackfillError):
    """Lake, checkpoint and schedule disagree."""

    exit_code = 65


class SourceUnavailable(BackfillError):
    """The upstream cannot be reached."""

    exit_code = 69


class SourceBlocked(SourceUnavailable):
    """The upstream is there, but does not answer us."""


class Fenced(BackfillError):
    """Another writer took over; this process must write nothing more."""

    exit_code = 70


class Incomplete(BackfillError):
    """Something is left to do; running again continues."""

    exit_code = 75


class Throttled(Incomplete):
    """The upstream refuses more requests for longer than this run may wait."""


class Busy(Incomplete):
    """Another run holds the lease on the season or on the upstream host."""


class Interrupted(BackfillError):
    """A signal asked the run to stop; what was done is saved, unless the store kept it from being (``saved``)."""

    def __init__(self, signal_number: int, *, saved: bool = True) -> None:
        by = f"interrupted by {signal.Signals(signal_number).name}"
        hint = "run the same command again to continue"
        if not saved:
            by += "; the store did not answer in time, so the last commit may be missing"
            hint = f"nothing is lost: what is not committed is derived again from the archive; {hint}"
        super().__init__(
            f"{by}; the checkpoint is saved" if saved else by,
            hint=hint,
            exit_code=128 + signal_number,
        )
        self.saved = saved

"""Every key of the lake in one place. Keys are relative to the lake's root; the same in a folder and in a bucket."""

from __future__ import annotations

import datetime as dt

__all__ = [
    "AUDIT_PREFIX",
    "LAKE_IDENTITY",
    "audit_key",
    "checkpoint_key",
    "generations_prefix",
    "lease_key",
    "partition_key",
    "probe_key",
    "quarantine_key",
    "raw_key",
    "raw_prefix",
    "run_key",
    "runs_of_month_prefix",
    "runs_prefix",
]

AUDIT_PREFIX = "pipeline-audit/"
"""Under it the table of all runs."""

LAKE_IDENTITY = "_state/lake.json"


def checkpoint_key(season: str) -> str:
    """The season's checkpoint."""
    return f"_state/season={season}/checkpoint.json"


def generations_prefix(season: str) -> str:
    """Under it the last few generations of the checkpoint, ``<n>.json`` each."""
    return f"_state/season={season}/generations/"


def lease_key(name: str) -> str:
    """The lease of that name, which is one part of a key."""
    if "/" in name:
        raise ValueError(f"not a name for a lease: {name!r}")
    return f"_state/leases/{name}.json"


def probe_key(nonce: str) -> str:
    """A throw-away object by which a store's honesty is probed."""
    return f"_state/probe/{nonce}"


def raw_prefix(endpoint: str, season: str, subject: str | None = None) -> str:
    """Under it the archived bodies of an endpoint's season, or of one subject (a game id) in it."""
    prefix = f"_raw/{endpoint}/season={season}/"
    return prefix if subject is None else f"{prefix}{subject}/"


def raw_key(endpoint: str, season: str, subject: str, sha256: str) -> str:
    """One archived body, named by the hash of its verbatim bytes."""
    return f"{raw_prefix(endpoint, season, subject)}{sha256}.json.gz"


def partition_key(table: str, season: str, month: int | None) -> str:
    """One partition of a table: one object. ``month`` is None for tables without months (``players``)."""
    if month is None:
        return f"{table}/season={season}/part-0.parquet"
    return f"{table}/season={season}/month={month:02d}/part-0.parquet"


def runs_prefix(date: dt.date | None = None) -> str:
    """Under it the flight records of all runs, or of those that began on one UTC date."""
    return "_runs/" if date is None else f"_runs/{date:%Y-%m-%d}/"


def run_key(date: dt.date, run_id: str) -> str:
    """The flight record of a run that began on that UTC date."""
    return f"{runs_prefix(date)}{run_id}.json"


def runs_of_month_prefix(month: str) -> str:
    """Under it the flight records of runs that began in that UTC month (``2025-10``)."""
    return f"_runs/{month}-"


def audit_key(month: str) -> str:
    """The rows of ``pipeline-audit`` about runs that began in that UTC month (``2025-10``), of every season."""
    return f"{AUDIT_PREFIX}run_month={month}/part-0.parquet"


def quarantine_key(endpoint: str, season: str, subject: str, sha256: str) -> str:
    """A body that was refused, kept to be looked at; named like an archived one."""
    return f"_quarantine/{endpoint}/season={season}/{subject}/{sha256}.json.gz"

"""Every key of the lake, as it is documented."""

from __future__ import annotations

import datetime as dt

import pytest

from nba_season_backfill.lake import layout
from nba_season_backfill.lake.store import check_key


def test_the_keys_are_the_documented_ones() -> None:
    """Other programs read a lake by these names."""
    day = dt.date(2025, 1, 2)
    keys = {
        layout.checkpoint_key("2024-25"): "_state/season=2024-25/checkpoint.json",
        layout.generations_prefix("2024-25") + "7.json": "_state/season=2024-25/generations/7.json",
        layout.lease_key("season-2024-25"): "_state/leases/season-2024-25.json",
        layout.raw_key("e", "2024-25", "0022400061", "ab"): "_raw/e/season=2024-25/0022400061/ab.json.gz",
        layout.quarantine_key("e", "2024-25", "0022400061", "ab"): "_quarantine/e/season=2024-25/0022400061/ab.json.gz",
        layout.run_key(day, "r"): "_runs/2025-01-02/r.json",
        layout.partition_key("games", "2024-25", 4): "games/season=2024-25/month=04/part-0.parquet",
        layout.partition_key("players", "2024-25", None): "players/season=2024-25/part-0.parquet",
        layout.LAKE_IDENTITY: "_state/lake.json",
        layout.audit_key("2025-01"): "pipeline-audit/run_month=2025-01/part-0.parquet",
    }
    for key, documented in keys.items():
        assert key == documented
        check_key(key)
    assert layout.run_key(day, "r").startswith(layout.runs_prefix(day))
    assert layout.runs_prefix(day).startswith(layout.runs_prefix())
    assert layout.run_key(day, "r").startswith(layout.runs_of_month_prefix("2025-01"))
    assert layout.probe_key("n").startswith("_state/")


def test_a_lease_has_one_name() -> None:
    """A slash would make it a folder."""
    with pytest.raises(ValueError, match="a/b"):
        layout.lease_key("a/b")

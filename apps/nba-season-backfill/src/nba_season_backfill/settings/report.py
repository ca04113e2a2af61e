"""Whether a run ends with a report."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import BeforeValidator

from hoopstat_config import Option, Settings, SettingsConfigDict
from nba_season_backfill.settings import values

__all__ = ["ReportOptions"]

_LocalPath = Annotated[Path, BeforeValidator(values.local_path)]


class ReportOptions(Settings):
    """Whether a run ends with a report."""

    model_config = SettingsConfigDict(env_prefix="NBA_BACKFILL_")

    report: Annotated[
        _LocalPath | None,
        Option(
            "--report",
            group="What it tells",
            metavar="FILE",
            help="Write a report of season and run to this HTML file at the end; {season} and {run_id} stand for them.",
        ),
    ] = None

"""What a run tells, to whom, in which form."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator

from hoopstat_config import Option, Settings, SettingsConfigDict
from nba_season_backfill.settings import values

__all__ = ["TellingOptions"]

GROUP = "What it tells"

_LocalPath = Annotated[Path, BeforeValidator(values.local_path)]
_ServiceUrl = Annotated[str, AfterValidator(values.service_url)]


class TellingOptions(Settings):
    """What a run tells, to whom, in which form."""

    model_config = SettingsConfigDict(env_prefix="NBA_BACKFILL_")

    log_format: Annotated[
        Literal["json", "console", "auto"],
        Option(
            "--log-format",
            env="LOG_FORMAT",
            group=GROUP,
            help="A JSON object a line, or for people; auto: for people on a terminal.",
        ),
    ] = "auto"
    log_level: Annotated[
        Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"],
        Option("--log-level", env="LOG_LEVEL", group=GROUP, metavar="LEVEL", help="DEBUG, INFO, WARNING, ERROR..."),
    ] = "INFO"
    log_file: Annotated[
        _LocalPath | None,
        Option("--log-file", group=GROUP, metavar="FILE", help="Write the log to this file too."),
    ] = None
    output_format: Annotated[
        Literal["text", "json"], Option("--output-format", group=GROUP, help="How the result at the end is printed.")
    ] = "text"
    metrics_textfile: Annotated[
        _LocalPath | None,
        Option("--metrics-textfile", group=GROUP, metavar="FILE", help="Write metrics for node-exporter to this file."),
    ] = None
    pushgateway_url: Annotated[
        _ServiceUrl | None,
        Option("--pushgateway-url", group=GROUP, metavar="URL", help="Push metrics to this Prometheus Pushgateway."),
    ] = None

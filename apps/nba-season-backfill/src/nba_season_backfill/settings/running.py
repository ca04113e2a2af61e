"""How a run goes about its work."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from hoopstat_config import Option, Settings, SettingsConfigDict
from nba_season_backfill.settings import values

__all__ = ["RunningOptions"]

GROUP = "How it runs"


class RunningOptions(Settings):
    """How a run goes about its work."""

    model_config = SettingsConfigDict(env_prefix="NBA_BACKFILL_")

    dry_run: Annotated[
        bool,
        Option("--dry-run", env="DRY_RUN", group=GROUP, help="Validate everything, print the plan, fetch nothing."),
    ] = False
    resume: Annotated[
        bool,
        Option(
            "--resume/--no-resume",
            env="RESUME_FROM_CHECKPOINT",
            group=GROUP,
            help="Continue from the checkpoint, if there is one; or fetch anew, as new revisions.",
        ),
    ] = True
    max_retries: Annotated[
        Annotated[int, Field(ge=0, le=100)],
        Option(
            "--max-retries",
            group=GROUP,
            metavar="N",
            expects="further tries after the first, e.g. 3",
            help="How often to try a failed request again.",
        ),
    ] = 3
    checkpoint_every: Annotated[
        Annotated[int, Field(ge=1, le=values.MOST)],
        Option("--checkpoint-every", group=GROUP, metavar="N", expects="games, e.g. 10", help="Commit every N games."),
    ] = 10
    single_writer: Annotated[
        bool,
        Option(
            "--single-writer",
            group=GROUP,
            help="Accept a store without conditional writes; nothing else may write to the lake then.",
        ),
    ] = False

"""Which lake is filled, and where its checkpoint is kept."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator

from hoopstat_config import Option, Settings, SettingsConfigDict
from nba_season_backfill.settings import values

__all__ = ["LakeOptions"]

GROUP = "Where it goes"

_LocalPath = Annotated[Path, BeforeValidator(values.local_path)]


class LakeOptions(Settings):
    """Which lake is filled, and where its checkpoint is kept."""

    model_config = SettingsConfigDict(env_prefix="NBA_BACKFILL_")

    output: Annotated[
        _LocalPath,
        Option(
            "--output",
            group=GROUP,
            metavar="DIR",
            help="The folder of a local lake.",
            shown_default="./bronze, when no bucket is named",
        ),
    ] = Path("bronze")
    s3_bucket: Annotated[
        Annotated[str, AfterValidator(values.bucket_name)] | None,
        Option("--s3-bucket", env="AWS_S3_BUCKET", group=GROUP, metavar="NAME", help="The bucket of a lake in S3."),
    ] = None
    s3_prefix: Annotated[
        Annotated[str, AfterValidator(values.object_prefix)],
        Option(
            "--s3-prefix",
            env="AWS_S3_PREFIX",
            group=GROUP,
            metavar="PREFIX",
            help="What every key in the bucket begins with.",
        ),
    ] = "historical-backfill"
    s3_endpoint_url: Annotated[
        Annotated[str, AfterValidator(values.base_url)] | None,
        Option("--s3-endpoint-url", group=GROUP, metavar="URL", help="Another S3 than Amazon's."),
    ] = None
    aws_region: Annotated[
        Annotated[str, AfterValidator(values.region)] | None,
        Option("--aws-region", env="AWS_REGION", group=GROUP, metavar="REGION", help="The bucket's region."),
    ] = None
    state_file_path: Annotated[
        Annotated[str, AfterValidator(values.state_file_path)] | None,
        Option(
            "--state-file-path",
            env="STATE_FILE_PATH",
            group=GROUP,
            metavar="PATH",
            help="Where the checkpoint is kept: a file, or s3://BUCKET/KEY.",
            shown_default="in the lake",
        ),
    ] = None

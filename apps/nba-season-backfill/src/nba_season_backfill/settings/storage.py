"""How S3 keeps what is written."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator

from hoopstat_config import Option, Settings, SettingsConfigDict, rule
from nba_season_backfill.settings import values

__all__ = ["StorageOptions"]

GROUP = "Where it goes"


class StorageOptions(Settings):
    """How S3 keeps what is written."""

    model_config = SettingsConfigDict(env_prefix="NBA_BACKFILL_")

    s3_sse: Annotated[
        Literal["AES256", "aws:kms", "aws:kms:dsse"] | None,
        Option(
            "--s3-sse",
            group=GROUP,
            help="Ask S3 to encrypt each object this way.",
            shown_default="as the bucket does",
        ),
    ] = None
    s3_kms_key_id: Annotated[
        Annotated[str, AfterValidator(values.kms_key)] | None,
        Option(
            "--s3-kms-key-id",
            group=GROUP,
            metavar="KEY",
            help="Encrypt with this KMS key (its id, ARN or alias); means --s3-sse aws:kms where that says nothing.",
        ),
    ] = None
    # No class that an object must be thawed from: rebuilding and resuming read the archive at once.
    s3_raw_storage_class: Annotated[
        Literal["STANDARD", "STANDARD_IA", "ONEZONE_IA", "INTELLIGENT_TIERING", "GLACIER_IR"] | None,
        Option(
            "--s3-raw-storage-class",
            group=GROUP,
            help="Storage class of the raw archive, which is written once; tables and state stay in the bucket's.",
            shown_default="the bucket's",
        ),
    ] = None

    @rule("s3_kms_key_id", "s3_sse")
    def _a_key_needs_kms(self) -> str | None:
        if self.s3_kms_key_id is None or self.s3_sse != "AES256":
            return None
        return f"is no key for {self.origin('s3_sse').with_value()}; --s3-sse aws:kms uses it"

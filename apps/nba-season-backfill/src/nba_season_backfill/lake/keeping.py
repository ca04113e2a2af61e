"""How S3 is asked to keep what is written: encrypted how, and in which storage class."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Keeping"]

_WRITTEN_ONCE = "_raw/"


@dataclass(frozen=True, slots=True)
class Keeping:
    """What every write asks for. The default asks for nothing: the bucket's own defaults hold.

    Args:
        sse: ``AES256``, ``aws:kms`` or ``aws:kms:dsse``.
        kms_key_id: the key of ``aws:kms`` (id, ARN or alias); else the bucket's, else Amazon's own.
        raw_storage_class: of the raw archive, which is written once and seldom read. Tables and state are rewritten
            too often: classes with a least time of storage would bill every version for it.
    """

    sse: str | None = None
    kms_key_id: str | None = None
    raw_storage_class: str | None = None

    def arguments(self, key: str) -> dict[str, str | bool]:
        """What ``put_object`` is given besides, for an object of that key (relative to the lake's root)."""
        asked: dict[str, str | bool] = {}
        if self.sse is not None:
            asked["ServerSideEncryption"] = self.sse
        if self.kms_key_id is not None:
            asked["SSEKMSKeyId"] = self.kms_key_id
        if self.sse == "aws:kms":
            # One call of KMS for many objects instead of one each; double encryption knows no such thing.
            asked["BucketKeyEnabled"] = True
        if self.raw_storage_class is not None and key.startswith(_WRITTEN_ONCE):
            asked["StorageClass"] = self.raw_storage_class
        return asked

"""Does the store honour conditional writes? Some accept the condition and ignore it."""

from __future__ import annotations

import contextlib
import secrets
from dataclasses import dataclass

from nba_season_backfill.lake import layout
from nba_season_backfill.lake.store import ObjectStore, PreconditionFailed, StoreError

__all__ = ["ProbeResult", "probe_conditional_writes"]


@dataclass(frozen=True, slots=True)
class ProbeResult:
    """What the probe found. ``detail`` names the write that should have been refused."""

    honest: bool
    detail: str = ""


def probe_conditional_writes(store: ObjectStore) -> ProbeResult:
    """Try writes whose condition is false, on a throw-away object; leaves nothing behind. Five operations.

    Raises:
        StoreError: the store cannot be written at all.
    """
    key = layout.probe_key(secrets.token_hex(8))
    try:
        first = store.put_if_absent(key, b"first")
        try:
            store.put_if_absent(key, b"second")
        except PreconditionFailed:
            pass
        else:
            return ProbeResult(False, "it created an object that was there")
        try:
            second = store.put_if_match(key, b"third", first.etag)
        except PreconditionFailed:
            return ProbeResult(False, "it would not replace the version that was there")
        try:
            store.put_if_match(key, b"fourth", first.etag)
        except PreconditionFailed:
            pass
        else:
            return ProbeResult(False, "it replaced a version that was not there any more")
        if second.etag == first.etag:
            return ProbeResult(False, "its etags do not change with the content")
        return ProbeResult(True)
    finally:
        with contextlib.suppress(StoreError):
            store.delete(key)

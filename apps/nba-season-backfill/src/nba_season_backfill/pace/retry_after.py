"""The Retry-After header."""

from __future__ import annotations

import datetime as dt
import math
import re
from email.utils import parsedate_to_datetime

__all__ = ["LONGEST_RETRY_AFTER_SECONDS", "parse_retry_after"]

LONGEST_RETRY_AFTER_SECONDS = 86_400.0
_SECONDS = re.compile(r"[+-]?[0-9]{1,18}(\.[0-9]{1,9})?")


def parse_retry_after(value: str | None, now_utc: dt.datetime) -> float | None:
    """Seconds to wait that a Retry-After header asks for, or None when it says nothing that can be understood.

    Both forms are read: seconds (``120``) and an HTTP date. What lies in the past is 0; nothing is longer than a day.
    ``now_utc`` is an aware time; the server's own Date header is the best one.
    """
    if value is None:
        return None
    text = value.strip()
    if _SECONDS.fullmatch(text):
        seconds = float(text)
    else:
        try:
            moment = parsedate_to_datetime(text)
        except (ValueError, TypeError, IndexError, OverflowError):
            return None
        if moment.tzinfo is None:  # "-0000": a time in UTC that does not say where it was written
            moment = moment.replace(tzinfo=dt.UTC)
        try:
            seconds = (moment - now_utc).total_seconds()
        except OverflowError:
            return None
    if not math.isfinite(seconds):
        return None
    return min(max(0.0, seconds), LONGEST_RETRY_AFTER_SECONDS)

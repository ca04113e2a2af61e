"""Retry-After in all its forms."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nba_season_backfill.pace import parse_retry_after

NOW = dt.datetime(2026, 1, 15, 12, 0, 0, tzinfo=dt.UTC)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("120", 120.0),
        (" 7 ", 7.0),
        ("1.5", 1.5),
        ("0", 0.0),
        ("-5", 0.0),
        ("+9", 9.0),
        ("99999999", 86_400.0),
        ("Thu, 15 Jan 2026 12:01:30 GMT", 90.0),
        ("Thu, 15 Jan 2026 12:01:30 -0000", 90.0),
        ("Thu, 15 Jan 2026 13:01:30 +0100", 90.0),
        ("Thursday, 15-Jan-26 12:00:10 GMT", 10.0),
        ("Thu Jan 15 12:00:10 2026", 10.0),
        ("Thu, 15 Jan 2026 11:59:00 GMT", 0.0),
        ("Fri, 15 Jan 2036 12:00:00 GMT", 86_400.0),
    ],
)
def test_seconds_and_http_dates_are_understood(value: str, seconds: float) -> None:
    """Both forms give seconds from now: never negative, never more than a day."""
    assert parse_retry_after(value, NOW) == seconds


@pytest.mark.parametrize(
    "value", [None, "", "soon", "1e3", "nan", "inf", "12 minutes", "0x10", "٣", "Thu, 99 Foo 2026"]
)
def test_nonsense_is_none(value: str | None) -> None:
    """What cannot be understood asks for nothing."""
    assert parse_retry_after(value, NOW) is None


@given(st.text(max_size=40))
def test_no_text_raises(value: str) -> None:
    """Whatever a service writes there, the answer is None or between zero and a day."""
    seconds = parse_retry_after(value, NOW)
    assert seconds is None or 0 <= seconds <= 86_400

"""Dates and lengths of time are read as people write them, and nothing is taken for what it is not."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hoopstat_config import format_duration, parse_duration


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("2700", 2700),
        ("0", 0),
        ("0.5", 0.5),
        ("45m", 2700),
        ("45 min", 2700),
        ("1h", 3600),
        ("1h30m", 5400),
        ("1 hour 30 minutes", 5400),
        ("1H", 3600),
        ("90s", 90),
        ("1.5h", 5400),
        ("500ms", 0.5),
        ("2d", 172800),
        (2700, 2700),
        (0.5, 0.5),
        (dt.timedelta(seconds=7), 7),
    ],
)
def test_a_length_of_time_is_read(text: object, seconds: float) -> None:
    """A number is seconds; units may be combined."""
    assert parse_duration(text) == dt.timedelta(seconds=seconds)


@pytest.mark.parametrize("text", ["", "m", "45x", "-5", "1h-5m", "5 5", "h5", "inf", "nan", "1e3", "٤٥m", "true"])
def test_what_is_no_length_of_time_is_refused(text: str) -> None:
    """Nothing is guessed."""
    with pytest.raises(ValueError, match="not a length of time; write 45m, 1h30m, 90s, or a number of seconds"):
        parse_duration(text)


def test_a_length_of_time_beyond_all_bounds_is_refused() -> None:
    """Python's own limit is an error in words, not an OverflowError."""
    with pytest.raises(ValueError, match="too long a time"):
        parse_duration("9" * 30)
    with pytest.raises(ValueError, match="too long a time"):
        parse_duration("9" * 400)


@given(st.timedeltas(min_value=dt.timedelta(0), max_value=dt.timedelta(days=9999)))
def test_the_short_form_is_read_back(value: dt.timedelta) -> None:
    """What is shown can be typed: format and parse are inverse, to the microsecond."""
    assert abs(parse_duration(format_duration(value)) - value) <= dt.timedelta(microseconds=1)


def test_the_short_form_is_short() -> None:
    """Zeros are left out."""
    forms = {0: "0s", 0.2: "0.2s", 60: "1m", 2700: "45m", 3600: "1h", 5400: "1h30m", 86400: "1d", 90061: "1d1h1m1s"}
    assert {seconds: format_duration(dt.timedelta(seconds=seconds)) for seconds in forms} == forms
    with pytest.raises(ValueError, match="not negative"):
        format_duration(dt.timedelta(seconds=-1))

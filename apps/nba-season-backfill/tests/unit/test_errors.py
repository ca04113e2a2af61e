"""The exception tree and its exit codes."""

from __future__ import annotations

import inspect

import pytest

from nba_season_backfill import errors
from nba_season_backfill.errors import BackfillError, Interrupted


def test_every_error_says_what_to_do() -> None:
    """Message first, then the hint, in one line."""
    assert str(BackfillError("it broke", hint="mend it")) == "it broke; mend it"


@pytest.mark.parametrize(("number", "code"), [(2, 130), (15, 143)])
def test_a_signal_gives_its_own_exit_code(number: int, code: int) -> None:
    """130 for Ctrl-C, 143 for SIGTERM."""
    assert Interrupted(number).exit_code == code


def test_the_documented_tree_is_the_real_one() -> None:
    """Each class stands in the module's drawing with its exit code, and in __all__."""
    drawing = errors.__doc__ or ""
    classes = [
        value for _name, value in inspect.getmembers(errors, inspect.isclass) if value.__module__ == errors.__name__
    ]
    assert sorted(cls.__name__ for cls in classes) == sorted(errors.__all__)
    assert list(errors.__all__) == sorted(errors.__all__)
    for cls in classes:
        assert issubclass(cls, BackfillError)
        line = next(line for line in drawing.splitlines() if cls.__name__ in line.split())
        assert str(130 if cls is Interrupted else cls.exit_code) in line.split()

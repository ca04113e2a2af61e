"""The README is true: its examples run and print what it says."""

from __future__ import annotations

import contextlib
import io
import re
from pathlib import Path
from typing import Any

import pytest

README = Path(__file__).parent.parent / "README.md"
_FENCE = re.compile(r"^```(python|text)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def test_the_readmes_examples_print_what_it_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each example is run, in order and in one session; what stands below it is its output."""
    monkeypatch.chdir(tmp_path)
    for name in ("TARGET_SEASON", "JOB_RESUME"):
        monkeypatch.delenv(name, raising=False)
    session: dict[str, Any] = {"__name__": "readme"}
    printed = io.StringIO()
    shown = 0
    for kind, text in _FENCE.findall(README.read_text(encoding="utf-8")):
        if kind == "python":
            printed = io.StringIO()
            with contextlib.redirect_stdout(printed):
                exec(compile(text, str(README), "exec", dont_inherit=True), session)
        else:
            assert printed.getvalue().rstrip() == text.rstrip()
            shown += 1
    assert shown >= 4

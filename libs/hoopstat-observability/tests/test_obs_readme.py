"""The README's examples run."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from hoopstat_observability import shutdown_logging

README = Path(__file__).parents[1] / "README.md"
EXAMPLES = re.findall(r"```python\n(.*?)```", README.read_text(), re.DOTALL)


@pytest.mark.parametrize("number", range(len(EXAMPLES)))
def test_an_example_runs(number: int, capsys: pytest.CaptureFixture[str]) -> None:
    """As it stands there, and without its secret."""
    exec(EXAMPLES[number], {})
    shutdown_logging()
    assert "hunter2" not in capsys.readouterr().out


def test_every_public_name_is_explained() -> None:
    """What is in __all__ stands in the README."""
    import hoopstat_observability

    text = README.read_text()
    explained = {"Measured", "RunIds"}  # what the explained ones give
    assert [name for name in hoopstat_observability.__all__ if name not in text and name not in explained] == []

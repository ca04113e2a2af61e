"""Work is measured, always, and told of in numbers."""

from __future__ import annotations

import asyncio
import io
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from hoopstat_observability import configure_logging, performance_context, performance_monitor, shutdown_logging


@pytest.fixture
def records() -> Iterator[Callable[[], list[dict[str, Any]]]]:
    stream = io.StringIO()
    configure_logging(format="json", stream=stream)
    yield lambda: [json.loads(line) for line in stream.getvalue().splitlines()]
    shutdown_logging()


Records = Callable[[], list[dict[str, Any]]]


def test_work_is_measured_also_when_it_fails(records: Records) -> None:
    """duration_in_seconds and records_processed are numbers, status and error_type tell."""

    @performance_monitor()
    def three() -> list[int]:
        return [1, 2, 3]

    @performance_monitor("named")
    async def four() -> tuple[int, ...]:
        return (1, 2, 3, 4)

    assert three() == [1, 2, 3]
    assert asyncio.run(four()) == (1, 2, 3, 4)

    def fail() -> None:
        with performance_context("failing", game_id="g") as measured:
            measured.records_processed = 7
            raise KeyError("x")

    with pytest.raises(KeyError):
        fail()
    first, second, third = records()
    assert isinstance(first["duration_in_seconds"], float)
    assert (first["records_processed"], first["status"], first["error_type"]) == (3, "success", None)
    assert (second["operation"], second["records_processed"]) == ("named", 4)
    assert (third["records_processed"], third["status"], third["error_type"]) == (7, "failed", "KeyError")
    assert (third["level"], third["game_id"]) == ("error", "g")


def test_a_failure_has_its_traceback(records: Records) -> None:
    """Type, message and frames, as every error line has; the exception goes on as it was."""

    @performance_monitor("parse")
    def parse() -> None:
        raise ValueError("password=hunter2")

    with pytest.raises(ValueError, match="hunter2"):
        parse()
    (record,) = records()
    assert (record["status"], record["error_type"], record["error_message"]) == ("failed", "ValueError", "password=***")
    assert record["traceback"][0]["frames"][-1]["function"].endswith("parse")


@pytest.mark.parametrize("raised", [KeyboardInterrupt, SystemExit, asyncio.CancelledError, GeneratorExit])
def test_an_interruption_is_measured_too(records: Records, raised: type[BaseException]) -> None:
    """Whatever ends the block."""
    with pytest.raises(raised), performance_context("interrupted"):
        raise raised
    (record,) = records()
    assert (record["status"], record["error_type"]) == ("failed", raised.__name__)


def test_a_failing_coroutine_is_measured(records: Records) -> None:
    """Until it ends, not until it is made; it stays a coroutine function."""

    @performance_monitor()
    async def fail() -> None:
        await asyncio.sleep(0)
        raise KeyError("x")

    assert asyncio.iscoroutinefunction(fail)
    with pytest.raises(KeyError):
        asyncio.run(fail())
    (record,) = records()
    assert (record["operation"].rpartition(".")[2], record["status"]) == ("fail", "failed")


def test_what_is_measured_cannot_be_overwritten(records: Records) -> None:
    """Fields of any name are kept beside the numbers, which stay numbers."""
    with performance_context("p", status="mine", event="mine", operation="mine", name="n") as measured:
        measured.records_processed = None  # type: ignore[assignment]  # a mistake that must not cost the record
    (record,) = records()
    assert (record["event"], record["operation"], record["status"], record["name"]) == (
        "performance",
        "p",
        "success",
        "n",
    )
    assert (record["field_status"], record["field_event"], record["field_operation"]) == ("mine", "mine", "mine")
    assert (record["records_processed"], record["error_type"]) == (0, None)
    assert isinstance(record["duration_in_seconds"], float)


def test_the_decorator_keeps_what_it_decorates(records: Records) -> None:
    """Name, docstring, result and arguments."""

    @performance_monitor()
    def add(one: int, *, other: int = 0) -> int:
        """Adds."""
        return one + other

    assert (add(1, other=2), add.__name__, add.__doc__) == (3, "add", "Adds.")
    assert records()[0]["records_processed"] == 0


def test_the_decorator_without_parentheses_is_refused() -> None:
    """Instead of putting something else in the function's place."""
    with pytest.raises(TypeError, match=r"@performance_monitor\(\)"):

        @performance_monitor  # type: ignore[arg-type]  # the mistake
        def work() -> None: ...

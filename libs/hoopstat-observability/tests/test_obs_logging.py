"""One JSON object a line, whatever is logged, by whomever, into whatever output."""

from __future__ import annotations

import asyncio
import dataclasses
import datetime as dt
import decimal
import enum
import io
import json
import logging
import os
import re
import subprocess
import sys
import threading
import warnings
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog
from hypothesis import given, settings
from hypothesis import strategies as st

from hoopstat_observability import (
    ContextThreadPoolExecutor,
    bind_run,
    carry_context,
    configure_logging,
    correlation,
    current_ids,
    get_logger,
    shutdown_logging,
)

LOG = get_logger("made.before.it.was.configured")
EVERY_LINE = {"timestamp", "level", "event", "logger", "service", "run_id", "correlation_id"}


class Lines(io.StringIO):
    """A stream that gives what was written as parsed lines."""

    @property
    def parsed(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.getvalue().splitlines()]


@pytest.fixture
def lines() -> Iterator[Lines]:
    stream = Lines()
    configure_logging(level="DEBUG", format="json", service="a-service", stream=stream)
    yield stream
    shutdown_logging()


def test_a_line_has_what_every_line_has(lines: Lines) -> None:
    """Time in UTC with milliseconds and Z, level, event, logger, service, both ids; then the fields."""
    LOG.info("game_committed", game_id="0022400061", rows=27)
    (line,) = lines.parsed
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", line["timestamp"])
    assert (line["level"], line["event"], line["logger"]) == ("info", "game_committed", "made.before.it.was.configured")
    assert (line["service"], line["game_id"], line["rows"]) == ("a-service", "0022400061", 27)
    assert line.keys() >= EVERY_LINE


def test_records_of_other_libraries_have_the_same_shape(lines: Lines) -> None:
    """botocore's, urllib3's and warnings' records are lines like ours."""
    logging.getLogger("botocore.client").warning("retry %d of %s", 2, "put")
    (ours,) = [handler for handler in logging.getLogger().handlers if "hoopstat" in type(handler).__module__]
    ours.handle(logging.makeLogRecord({"msg": "bad arguments %d", "args": ("text",), "levelname": "ERROR"}))
    warnings.warn("careful", stacklevel=1)
    first, second, third = lines.parsed
    assert (first["event"], first["logger"], first["level"]) == ("retry 2 of put", "botocore.client", "warning")
    assert second["event"] == "bad arguments %d ['text']"
    assert "careful" in third["event"]
    assert all(line.keys() >= EVERY_LINE for line in (first, second, third))


def test_levels_are_kept(lines: Lines) -> None:
    """What is below the level is not written, also by a logger that was made before."""
    configure_logging(level="WARNING", format="json", stream=lines)
    LOG.info("quiet")
    LOG.warning("loud")
    assert [line["event"] for line in lines.parsed] == ["loud"]


def test_an_error_line_has_type_and_traceback(lines: Lines) -> None:
    """Frames of file, line and function, causes included; no local variables, no secrets."""
    try:
        secret_word = "hunter2"  # a local variable that must not appear
        try:
            raise KeyError("inner")
        except KeyError as inner:
            raise ValueError(f"at https://user:{secret_word}@host/") from inner
    except ValueError:
        LOG.exception("broken")
    (line,) = lines.parsed
    assert (line["level"], line["error_type"]) == ("error", "ValueError")
    assert [link["error_type"] for link in line["traceback"]] == ["ValueError", "KeyError"]
    assert line["traceback"][0]["frames"][-1]["function"] == "test_an_error_line_has_type_and_traceback"
    assert "hunter2" not in lines.getvalue()


class Hostile:
    """Cannot be looked at."""

    def __repr__(self) -> str:
        raise RuntimeError("no")

    def __str__(self) -> str:
        raise RuntimeError("no")


class Colour(enum.Enum):
    RED = "red"


@dataclasses.dataclass
class Shown:
    name: str
    hidden: str = dataclasses.field(repr=False)


ODD = {
    "date": dt.date(2025, 1, 2),
    "time": dt.datetime(2025, 1, 2, tzinfo=dt.UTC),
    "decimal": decimal.Decimal("1.10"),
    "bytes": b"\xff\x00x",
    "set": {3, 1, 2},
    "nan": float("nan"),
    "infinite": float("inf"),
    "huge": 10**40,
    "surrogate": "a\ud800b",
    "hostile": Hostile(),
    "path": Path("/a/b"),
    "class": Hostile,
    "exception": ValueError("x"),
    "delta": dt.timedelta(seconds=90),
    "thousands of digits": 10**6_000,
    "hostile set": {Hostile(), 1},
    "complex": 1 + 2j,
    "memory": memoryview(b"abc"),
    "enum": Colour.RED,
    "range": range(3),
    "deque": deque([1, 2]),
    "keys": {"a": 1}.keys(),
    "dataclass": Shown("a", "b"),
    "big bytes": b"x" * 100_000,
    "text with every kind of line end": "a\nb\rc\x0bd\x0ce\x1cf\x85g\u2028h\u2029i",
}


@pytest.mark.parametrize("name", ODD)
def test_odd_values_are_written_not_lost(lines: Lines, name: str) -> None:
    """Each gives one line, and something readable."""
    LOG.info("odd", value=ODD[name])
    (line,) = lines.parsed
    assert line["value"] not in (None, "")


def test_a_cycle_and_a_flood_are_cut(lines: Lines) -> None:
    """What contains itself, and what is too long, is cut with a mark; the line stays small."""
    cycle: dict[str, Any] = {"a": 1}
    cycle["self"] = cycle
    LOG.info("cut", cycle=cycle, flood="x" * 10_000_000, many=list(range(100_000)))
    (line,) = lines.parsed
    assert line["cycle"]["self"] == "<the same again>"
    assert len(lines.getvalue()) < 100_000
    assert "10000000 characters" in line["flood"]
    assert line["many"][-1] == "... [100000 items]"


def test_what_shares_its_parts_is_bounded(lines: Lines) -> None:
    """Ten thousand million values by way of the same ten: the line is small, and soon there."""
    shared: list[Any] = ["x" * 1_000]
    for _ in range(9):
        shared = [shared] * 10
    LOG.info("bounded", shared=shared, wide=["y" * 16_000] * 2_000)
    (line,) = lines.parsed
    assert len(lines.getvalue()) < 1_000_000
    assert line["wide"][-1] == "... [2000 items]"


def test_values_look_as_one_expects(lines: Lines) -> None:
    """Sets sorted, enums by value, dataclasses by field but for those hidden from their repr, numbers as numbers."""
    LOG.info("e", a={3, 1, 2}, b=Colour.RED, c=Shown("n", "h"), d=range(3), e=2**63, f=True, g=decimal.Decimal("1.10"))
    (line,) = lines.parsed
    assert [line[key] for key in "abcdefg"] == [[1, 2, 3], "red", {"name": "n"}, [0, 1, 2], str(2**63), True, "1.10"]


def test_keys_that_become_the_same_are_both_kept(lines: Lines) -> None:
    """1 and "1", a reserved name and the name that it is kept under."""
    LOG.info("e", value={1: "a", "1": "b"}, level="mine", field_level="also")
    (line,) = lines.parsed
    assert line["value"] == {"1": "a", "1_2": "b"}
    assert sorted([line["field_level"], line["field_level_2"]]) == ["also", "mine"]


def test_a_field_may_have_any_name(lines: Lines) -> None:
    """Those of structlog's own arguments included."""
    LOG.info("e", **{"event": "mine", "self": 1, "method_name": 2, "exc_info": "text", "": 3, "a b\n": 4})
    (line,) = lines.parsed
    assert (line["event"], line["field_event"], line["self"], line["method_name"]) == ("e", "mine", 1, 2)
    assert (line["exc_info"], line[""], line["a b\n"]) == ("text", 3, 4)


def test_arguments_that_do_not_fit_are_shown(lines: Lines) -> None:
    """A wrong format does not fail the job."""
    LOG.info("%s of %s", 1, 2)
    LOG.info("%d of %d", "x")
    LOG.bind(a=1).warning("bound", b=2)
    assert [line["event"] for line in lines.parsed] == ["1 of 2", "%d of %d ['x']", "bound"]
    assert (lines.parsed[2]["a"], lines.parsed[2]["b"]) == (1, 2)


def test_contextvars_of_structlog_are_in_the_line(lines: Lines) -> None:
    """As its users expect; a field of the call wins."""
    with structlog.contextvars.bound_contextvars(game_id="g", n=1):
        LOG.info("inside", n=2)
    LOG.info("outside")
    assert (lines.parsed[0]["game_id"], lines.parsed[0]["n"]) == ("g", 2)
    assert "game_id" not in lines.parsed[1]


def test_structlogs_own_test_tool_works(lines: Lines) -> None:
    """capture_logs sees our events, and nothing is written meanwhile."""
    with structlog.testing.capture_logs() as captured:
        LOG.info("seen", n=1)
    assert captured == [{"event": "seen", "n": 1, "log_level": "info"}]
    assert lines.getvalue() == ""


def test_extras_and_stacks_of_other_libraries_are_kept(lines: Lines) -> None:
    """What a record was given as extra stands in fields."""
    logging.getLogger("x").warning("m", extra={"bucket": "b", "run_id": "theirs"}, stack_info=True)
    (line,) = lines.parsed
    assert (line["bucket"], line["field_run_id"]) == ("b", "theirs")
    assert "Stack" in line["stack"]


def test_groups_and_notes_of_exceptions_are_told(lines: Lines) -> None:
    """Each error of a group with its own type, message and frames."""
    error = ValueError("with a note")
    error.add_note("password=hunter2")
    LOG.error("grouped", exc_info=ExceptionGroup("several", [error, KeyError("k")]))
    (line,) = lines.parsed
    inner = line["traceback"][0]["exceptions"]
    assert (line["error_type"], [each["error_type"] for each in inner]) == (
        "ExceptionGroup",
        ["ValueError", "KeyError"],
    )
    assert inner[0]["notes"] == ["password=***"]


def test_an_endless_chain_of_causes_ends(lines: Lines) -> None:
    """Errors that cause each other, and one that cannot be looked at."""

    class Unspeakable(Exception):
        def __str__(self) -> str:
            raise RuntimeError("no")

    first, second = ValueError("a"), Unspeakable()
    first.__cause__, second.__cause__ = second, first
    LOG.error("circular", exc_info=first)
    (line,) = lines.parsed
    assert [link["error_type"] for link in line["traceback"]] == ["ValueError", "Unspeakable"]
    assert "RuntimeError while it was written" in line["traceback"][1]["error_message"]


def test_fields_of_a_failure_are_kept_beside_what_is_told_of_it(lines: Lines) -> None:
    """A field called traceback is not overwritten."""
    LOG.error("e", exc_info=ValueError("x"), traceback="mine", error_type="ValueError")
    (line,) = lines.parsed
    assert (line["field_traceback"], line["error_type"], line["traceback"][0]["error_message"]) == (
        "mine",
        "ValueError",
        "x",
    )
    assert "field_error_type" not in line


def test_fields_do_not_overwrite_what_every_line_has(lines: Lines) -> None:
    """A field of a reserved name is kept beside it."""
    LOG.info("e", timestamp="mine", level="mine", run_id="mine", logger="mine")
    (line,) = lines.parsed
    assert (line["level"], line["field_level"], line["field_run_id"]) == ("info", "mine", "mine")
    assert line["field_timestamp"] == line["field_logger"] == "mine"


NAMES = [*sorted(EVERY_LINE), "self", "event", "exc_info", "traceback", "stack_info", "key", "password"]

anything = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.booleans().map(lambda _: 10**5_000),
        st.floats(),
        st.text(),
        st.text(alphabet="\ud800\udfff", max_size=3),
        st.binary(),
        st.decimals(),
        st.datetimes(),
        st.builds(Hostile),
    ),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text() | st.binary() | st.integers(), inner, max_size=4)
        | st.tuples(inner, inner)
    ),
    max_leaves=12,
)


@settings(max_examples=200, deadline=None)
@given(
    event=st.text(),
    fields=st.dictionaries(st.text() | st.sampled_from(NAMES), anything, max_size=6),
)
def test_any_event_is_exactly_one_valid_line(event: str, fields: dict[str, Any]) -> None:
    """Never lost, never invalid, never two."""
    stream = Lines()
    configure_logging(format="json", stream=stream)
    LOG.info(event, **fields)
    shutdown_logging()
    assert stream.getvalue().count("\n") == 1
    (line,) = stream.parsed
    assert line.keys() >= EVERY_LINE


def test_ids_reach_threads_and_tasks(lines: Lines) -> None:
    """Without being passed around: a pool's tasks, a carried function, asyncio tasks."""
    bind_run("run-1", "story-1")
    with ContextThreadPoolExecutor(2) as pool:
        pool.submit(LOG.info, "in_pool").result()
    with correlation("story-2"):
        thread = threading.Thread(target=carry_context(LOG.info), args=("carried",))
        thread.start()
        thread.join()

        async def task() -> None:
            LOG.info("in_task")

        async def main() -> None:
            await asyncio.gather(asyncio.create_task(task()), task())

        asyncio.run(main())
    LOG.info("after")
    found = [(line["event"], line["run_id"], line["correlation_id"]) for line in lines.parsed]
    assert found == [
        ("in_pool", "run-1", "story-1"),
        ("carried", "run-1", "story-2"),
        ("in_task", "run-1", "story-2"),
        ("in_task", "run-1", "story-2"),
        ("after", "run-1", "story-1"),
    ]


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({"CORRELATION_ID": "order-66"}, "order-66"),
        (
            {"TRACEPARENT": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"},
            "0af7651916cd43dd8448eb211c80319c",
        ),
        ({"CORRELATION_ID": "a b\n{}"}, "run-1"),
        ({"TRACEPARENT": "nonsense"}, "run-1"),
        ({}, "run-1"),
    ],
)
def test_the_callers_correlation_is_taken(environ: dict[str, str], expected: str) -> None:
    """CORRELATION_ID, else TRACEPARENT's trace, else the run's own id; nonsense is not taken."""
    assert bind_run("run-1", environ=environ).correlation_id == expected


def test_run_ids_sort_by_time() -> None:
    """A run id begins with its moment in UTC."""
    assert re.fullmatch(r"\d{8}T\d{6}Z-[0-9a-f]{6}", bind_run().run_id)
    assert current_ids().correlation_id == current_ids().run_id


def test_a_file_gets_json_whatever_the_stream_gets(tmp_path: Path) -> None:
    """The second output is always JSON."""
    stream = io.StringIO()
    configure_logging(format="console", stream=stream, file=tmp_path / "logs" / "job.log")
    LOG.warning("both", n=1)
    shutdown_logging()
    assert json.loads((tmp_path / "logs" / "job.log").read_text())["n"] == 1
    assert re.fullmatch(r"\d\d:\d\d:\d\d warning  both  n=1\n", stream.getvalue())


def test_lines_do_not_tear_what_a_console_draws() -> None:
    """With a rich console, lines go through it, markup in them is not obeyed, and nothing is wrapped."""
    from rich.console import Console

    out = io.StringIO()
    configure_logging(console=Console(file=out, width=40))
    LOG.info("drawn", text="[bold]not markup[/bold] " + "x" * 100)
    shutdown_logging()
    assert "[bold]not markup[/bold]" in out.getvalue()
    assert out.getvalue().count("\n") == 1


SCRIPT = """
import sys
from hoopstat_observability import configure_logging, get_logger, shutdown_logging
configure_logging(format="json")
for number in range(2000):
    get_logger("x").info("line", number=number, text="x" * 200)
sys.stderr.write("the job went on")
shutdown_logging()
sys.exit(7)
"""


def test_a_full_standard_output_does_not_kill_the_job() -> None:
    """/dev/full refuses every byte: the job ends with its own exit code."""
    if not Path("/dev/full").exists():
        pytest.skip("this system has no /dev/full")
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-c", SCRIPT], stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )
    assert (done.returncode, done.stderr) == (7, "the job went on")


def test_a_closed_pipe_does_not_kill_the_job() -> None:
    """Somebody piped the log into head: the job ends with its own exit code."""
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run([sys.executable, "-c", SCRIPT], stdout=write, stderr=subprocess.PIPE, text=True, check=False)
    os.close(write)
    assert (done.returncode, done.stderr) == (7, "the job went on")


def test_an_unknown_level_is_refused() -> None:
    """With the ones there are."""
    with pytest.raises(ValueError, match=r"LOUD.*DEBUG, INFO"):
        configure_logging(level="LOUD")

"""An output that is full, gone, slow or narrow does not fail the job, and says what it lost."""

from __future__ import annotations

import contextlib
import errno
import gzip
import io
import json
import logging
import os
import subprocess
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from hoopstat_observability import bind_run, configure_logging, get_logger, shutdown_logging
from hoopstat_observability._outputs import Line, StreamOutput, for_people

LOG = get_logger("outputs")


@pytest.fixture(autouse=True)
def _closed() -> Iterator[None]:
    yield
    shutdown_logging()


def line(**fields: Any) -> Line:
    every = {"timestamp": "2025-01-02T03:04:05.678Z", "level": "info", "event": "e", "run_id": "r"}
    return Line({**every, **fields})


def events(text: str) -> list[str]:
    return [json.loads(each)["event"] for each in text.splitlines() if each]


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[int | None], None]:
    """Lets every write fail from now on after so many bytes; None: no more."""
    real, room = os.write, {"bytes": None}

    def write(descriptor: int, data: bytes) -> int:
        left = room["bytes"]
        if left is None:
            return real(descriptor, data)
        if left == 0:
            raise OSError(errno.ENOSPC, "No space left on device")
        room["bytes"] = left - min(left, len(data))
        return real(descriptor, bytes(data)[:left])

    monkeypatch.setattr(os, "write", write)

    def leave(count: int | None) -> None:
        room["bytes"] = count  # type: ignore[assignment]  # a dictionary of one

    return leave


def test_a_disk_that_was_full_gets_lines_again(disk: Callable[[int | None], None], tmp_path: Path) -> None:
    """Lines are lost while it is full; then it is told how many, and no line is glued to half of another."""
    path = tmp_path / "out.log"
    with path.open("w") as stream:
        output = StreamOutput(stream, json=True)
        output.write(line(event="before"))
        disk(10)
        output.write(line(event="torn"))
        output.write(line(event="lost"))
        print("what others print is lost, and does not fail", file=stream, flush=True)
        disk(None)
        output.write(line(event="after"))
        output.close()
    whole = [each for each in path.read_text().splitlines() if each.endswith("}")]
    assert events("\n".join(whole)) == ["before", "log_lines_lost", "after"]
    assert json.loads(whole[1])["lines"] == 2
    assert json.loads(whole[1])["run_id"] == "r"


def test_a_slow_reader_is_waited_for(tmp_path: Path) -> None:
    """A pipe that does not block loses no line while somebody reads it."""
    read, write = os.pipe()
    os.set_blocking(write, False)
    received: list[bytes] = []

    def reader() -> None:
        while data := os.read(read, 4096):
            received.append(data)

    thread = threading.Thread(target=reader)
    thread.start()
    with os.fdopen(write, "w") as stream:
        output = StreamOutput(stream, json=True)
        for number in range(100):
            output.write(line(event=f"n{number}", text="x" * 5_000))
    thread.join()
    os.close(read)
    assert events(b"".join(received).decode()) == [f"n{number}" for number in range(100)]


def test_a_reader_that_sleeps_costs_lines_not_the_job(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody reads from a full pipe: lines are counted as lost, and told of when somebody does."""
    monkeypatch.setattr("hoopstat_observability._outputs._PATIENCE_SECONDS", 0.01)
    read, write = os.pipe()
    os.set_blocking(write, False)
    with os.fdopen(write, "w") as stream:
        output = StreamOutput(stream, json=True)
        for _ in range(200):
            output.write(line(text="x" * 2_000))
        taken = b""
        os.set_blocking(read, False)
        with contextlib.suppress(BlockingIOError):
            while True:
                taken += os.read(read, 65536)
        output.write(line(event="after"))
    os.set_blocking(read, True)
    while data := os.read(read, 65536):
        taken += data
    os.close(read)
    whole = [each for each in taken.decode().splitlines() if each.endswith("}")]
    assert events("\n".join(whole))[-2:] == ["log_lines_lost", "after"]


def test_a_closed_stream_is_given_up() -> None:
    """A test's captured output, closed behind our back."""
    stream = io.StringIO()
    configure_logging(format="json", stream=stream)
    stream.close()
    LOG.info("nowhere")
    LOG.info("nowhere")


@pytest.mark.parametrize("format_", ["json", "console"])
@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8"])
@pytest.mark.parametrize("direct", [True, False])
def test_names_are_written_whatever_the_locale(tmp_path: Path, format_: str, encoding: str, direct: bool) -> None:
    """LANG=C does not silence the log at the first name with an accent."""
    inside = (tmp_path / "out").open("wb") if direct else io.BytesIO()
    stream = io.TextIOWrapper(inside, encoding=encoding)
    configure_logging(format=format_, stream=stream)
    LOG.info("first", name="Nikola Jokić \u2028 Dončić")
    LOG.info("second")
    stream.flush()
    written = (tmp_path / "out").read_bytes() if direct else inside.getvalue()  # type: ignore[union-attr]  # as above
    rows = written.splitlines()
    assert len(rows) == 2
    if format_ == "json":
        assert json.loads(rows[0])["name"] == "Nikola Jokić \u2028 Dončić"


def test_what_others_printed_comes_first(tmp_path: Path) -> None:
    """Lines and prints to the same stream stay in order."""
    with (tmp_path / "out").open("w") as stream:
        configure_logging(format="json", stream=stream)
        print("one", file=stream)
        LOG.info("two")
        print("three", file=stream)
    rows = (tmp_path / "out").read_text().splitlines()
    assert (rows[0], json.loads(rows[1])["event"], rows[2]) == ("one", "two", "three")


def test_a_compressed_stream_gets_its_text(tmp_path: Path) -> None:
    """Bytes are written directly to plain files only."""
    with gzip.open(tmp_path / "out.gz", "wt") as stream:
        configure_logging(format="json", stream=stream)
        LOG.info("compressed")
    assert events(gzip.decompress((tmp_path / "out.gz").read_bytes()).decode()) == ["compressed"]


def test_lines_of_many_threads_are_whole(tmp_path: Path) -> None:
    """None is torn by another."""
    with (tmp_path / "out").open("w") as stream:
        configure_logging(format="json", stream=stream)
        threads = [
            threading.Thread(target=lambda: [LOG.info("x", text="y" * 3_000) for _ in range(50)]) for _ in range(8)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert events((tmp_path / "out").read_text()) == ["x"] * 400


def test_a_log_file_rotates_and_stays_json(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """At its limit the file is renamed; every line of every file is whole."""
    monkeypatch.setattr("hoopstat_observability._outputs._FILE_BYTES", 2_000)
    configure_logging(format="json", stream=io.StringIO(), file=tmp_path / "job.log")
    for number in range(20):
        LOG.info("n", number=number, text="é" * 100)
    shutdown_logging()
    files = sorted(tmp_path.iterdir())
    assert 1 < len(files) <= 6
    assert all(events(each.read_text()) for each in files)


def test_a_log_file_that_cannot_be_written_fails_nothing(tmp_path: Path) -> None:
    """Its folder went away; the stream still gets its lines."""
    stream = io.StringIO()
    folder = tmp_path / "logs"
    configure_logging(format="json", stream=stream, file=folder / "job.log")
    folder.rmdir()
    LOG.info("still")
    assert events(stream.getvalue()) == ["still"]


def test_nothing_in_a_line_is_obeyed_by_the_terminal() -> None:
    """Control characters, line ends and colours in values are shown, not done."""
    text = for_people(line(event="a\nb", evil="\x1b[2J\r\x07\x9b1m\u202e", empty="", eq="a=b").fields, colours=False)
    assert text.isprintable()
    assert "error_type" not in for_people(line(error_type=None).fields, colours=False)
    assert r'evil="\u001b[2J\r\u0007\u009b1m\u202e" empty="" eq="a=b"' in text


def test_people_see_a_failure_as_a_block() -> None:
    """The error, its notes, its frames, its causes, indented below the line."""
    stream = io.StringIO()
    configure_logging(format="console", stream=stream)
    try:
        try:
            raise KeyError("inner")
        except KeyError as inner:
            error = ValueError("outer")
            error.add_note("a note")
            raise error from inner
    except ValueError:
        LOG.exception("failed", game_id="0022400061")
    rows = stream.getvalue().splitlines()
    assert rows[0].endswith("error    failed  game_id=0022400061 error_type=ValueError error_message=outer")
    assert [row.strip() for row in rows if row.startswith("    ") and row[4] != " "] == [
        "ValueError: outer",
        "KeyError: 'inner'",
    ]
    assert rows[2] == "      a note"


def test_a_terminal_gets_colours_unless_it_wants_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """NO_COLOR is heeded; auto means for people there."""

    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.delenv("NO_COLOR", raising=False)
    for value, coloured in (("", True), ("1", False)):
        monkeypatch.setenv("NO_COLOR", value)
        stream = Terminal()
        configure_logging(format="auto", stream=stream)
        LOG.warning("seen", a=1)
        assert ("\x1b[" in stream.getvalue()) is coloured


def test_a_live_progress_bar_is_not_torn() -> None:
    """Lines appear above it, in colour, each whole."""
    from rich.console import Console
    from rich.progress import Progress

    out = io.StringIO()
    console = Console(file=out, force_terminal=True, width=60, color_system="standard", legacy_windows=False)
    configure_logging(console=console)
    with Progress(console=console, auto_refresh=False) as progress:
        task = progress.add_task("games", total=3)
        for number in range(3):
            LOG.warning("slow_answer", number=number, text="[red]no markup[/red] " + "x" * 100)
            progress.advance(task)
            progress.refresh()
    plain = [row for row in out.getvalue().split("\n") if "slow_answer" in row]
    assert len(plain) == 3
    assert all("[red]no markup[/red]" in row and "x" * 100 in row for row in plain)
    assert all("games" not in row.split("slow_answer")[1] for row in plain)


def test_a_narrow_console_gets_names_all_the_same() -> None:
    """One that knows only ASCII shows escapes."""
    from rich.console import Console

    inside = io.BytesIO()
    configure_logging(console=Console(file=io.TextIOWrapper(inside, encoding="ascii", write_through=True)))
    LOG.warning("seen", name="Jokić")
    assert b"Joki\\u0107" in inside.getvalue()


def test_what_was_taken_is_given_back() -> None:
    """Handlers, level, hooks and warnings are as they were before; other handlers were never touched."""
    root = logging.getLogger()
    printing, collecting = logging.StreamHandler(sys.stderr), logging.StreamHandler(io.StringIO())
    root.addHandler(printing)
    root.addHandler(collecting)
    before, level, hook, show = set(root.handlers), root.level, sys.excepthook, warnings.showwarning
    try:
        stream = io.StringIO()
        configure_logging(format="json", stream=stream)
        configure_logging(format="json", stream=stream)
        assert printing not in root.handlers
        assert collecting in root.handlers
        logging.getLogger("x").warning("once")
        assert events(stream.getvalue()) == ["once"]
        shutdown_logging()
        assert (set(root.handlers), root.level, sys.excepthook, warnings.showwarning) == (before, level, hook, show)
    finally:
        root.removeHandler(printing)
        root.removeHandler(collecting)


def test_what_nobody_caught_is_a_line_too() -> None:
    """In the main thread and in others: no raw traceback, no secret, the exit code of Python's own."""
    script = (
        "import threading, hoopstat_observability as o\n"
        "o.configure_logging(format='json')\n"
        "def fail(): raise ValueError('password=hunter2')\n"
        "thread = threading.Thread(target=fail, name='worker'); thread.start(); thread.join()\n"
        "fail()\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    rows = [json.loads(row) for row in done.stdout.splitlines()]
    assert (done.returncode, done.stderr) == (1, "")
    assert [(row["event"], row["level"], row.get("thread")) for row in rows] == [
        ("uncaught_exception", "critical", "worker"),
        ("uncaught_exception", "critical", None),
    ]
    assert "hunter2" not in done.stdout


def test_a_signal_handler_may_log() -> None:
    """Also while the same thread is writing a line: it does not wait for itself."""
    script = (
        "import os, signal, hoopstat_observability as o\n"
        "o.configure_logging(format='json')\n"
        "log = o.get_logger('x')\n"
        "signal.signal(signal.SIGUSR1, lambda *_: log.info('in_handler'))\n"
        "real = os.write\n"
        "def write(descriptor, data):\n"
        "    os.write = real\n"
        "    os.kill(os.getpid(), signal.SIGUSR1)\n"
        "    return real(descriptor, data)\n"
        "os.write = write\n"
        "log.info('outside')\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=30)
    assert sorted(events(done.stdout)) == ["in_handler", "outside"]


def test_an_unknown_format_is_refused() -> None:
    """With the ones there are."""
    with pytest.raises(ValueError, match="auto, console, json"):
        configure_logging(format="yaml")


def test_configuring_begins_a_run_with_what_the_caller_set() -> None:
    """The correlation id of the environment is in the lines; a run that has begun stays."""
    bind_run("run-7", "story-7")
    stream = io.StringIO()
    configure_logging(format="json", stream=stream, run_id="run-8", environ={"CORRELATION_ID": "story-8"})
    LOG.info("e")
    configure_logging(format="json", stream=stream, run_id="run-8")
    LOG.info("e")
    rows = [json.loads(row) for row in stream.getvalue().splitlines()]
    assert [(row["run_id"], row["correlation_id"]) for row in rows] == [("run-8", "story-8")] * 2

"""Receivers that misbehave, and runs whose work is made up. The receiver that behaves is in ``receiving``."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from alert.receiving import Receiver

from hoopstat_observability import bind_run, shutdown_logging
from nba_season_backfill.backfill.summary import Summary
from nba_season_backfill.cli.running import carry_out
from nba_season_backfill.errors import BackfillError
from nba_season_backfill.settings import BackfillSettings


@pytest.fixture
def closed_port() -> str:
    """An address where nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return f"http://127.0.0.1:{taken.getsockname()[1]}/token-in-the-path"


Misbehaviour = Callable[[socket.socket, threading.Event], None]


@pytest.fixture
def misbehaving() -> Iterator[Callable[[Misbehaviour], str]]:
    """Start a server that does what it is told with each connection; gives its address."""
    over = threading.Event()
    servers = []

    def start(misbehave: Misbehaviour) -> str:
        server = socket.create_server(("127.0.0.1", 0))
        servers.append(server)

        def serve(connection: socket.socket) -> None:
            with contextlib.suppress(OSError), connection:
                misbehave(connection, over)

        def accept() -> None:
            with contextlib.suppress(OSError):
                while True:
                    connection, _ = server.accept()
                    threading.Thread(target=serve, args=(connection,), daemon=True).start()

        threading.Thread(target=accept, daemon=True).start()
        return f"http://127.0.0.1:{server.getsockname()[1]}/token-in-the-path"

    yield start
    over.set()
    for server in servers:
        with contextlib.suppress(OSError):
            server.shutdown(socket.SHUT_RDWR)
        server.close()


def hang(connection: socket.socket, over: threading.Event) -> None:
    """Take everything, say nothing."""
    connection.recv(65536)
    over.wait(60)


def drip(connection: socket.socket, over: threading.Event) -> None:
    """A header that never ends, a byte at a time: no single read ever takes long."""
    connection.recv(65536)
    connection.sendall(b"HTTP/1.1 200 OK\r\nX-Slow: ")
    while not over.wait(0.01):
        connection.sendall(b"x")


def endless_body(connection: socket.socket, over: threading.Event) -> None:
    """An answer at once, with a body without end."""
    connection.recv(65536)
    connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
    while not over.is_set():
        connection.sendall(b"x" * 65536)


def nonsense(connection: socket.socket, over: threading.Event) -> None:
    """Something that is not HTTP."""
    del over
    connection.recv(65536)
    connection.sendall(b"220 mail.example ESMTP\r\n")


def summary_of_run(run_id: str, outcome: str = "complete", **more: Any) -> Summary:
    """What a run came to."""
    exit_code = more.pop("exit_code", 0)
    return Summary(run_id, "2024-25", more.pop("source", "sample"), "lake", "", outcome, exit_code, **more)


@dataclass
class Runs:
    """Runs, one after the other, in one lake, telling one receiver. The work of each is made up."""

    lake: Path
    receiver: Receiver
    environ: dict[str, str]

    def settings(self, **more: object) -> BackfillSettings:
        line = {"source": "sample", "season": "2024-25", "output": str(self.lake), "log_format": "json", **more}
        return BackfillSettings.load(line, environ=self.environ)

    def succeeds(self, outcome: str = "complete", *, command: str = "run", **more: Any) -> int:
        """A run that ends with 0."""
        source = more.get("source", "sample")
        settings = self.settings(source=source)
        return carry_out(
            settings, lambda run_id, _observer, _stop: summary_of_run(run_id, outcome, **more), command=command
        )

    def fails(self, error: Exception, **more: Any) -> int:
        """A run that ends with this error; with a summary unless it is not one of ours."""

        def job(run_id: str, _observer: object, _stop: object) -> Summary:
            if isinstance(error, BackfillError):
                error.summary = summary_of_run(run_id, "failed", exit_code=error.exit_code, **more)
            raise error

        return carry_out(self.settings(), job)


@pytest.fixture
def runs(tmp_path: Path, receiver: Receiver) -> Iterator[Runs]:
    """Runs in a fresh lake."""
    yield Runs(tmp_path / "lake", receiver, receiver.environ)
    bind_run(run_id="test")
    shutdown_logging()

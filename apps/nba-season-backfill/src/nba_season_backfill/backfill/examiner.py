"""A process beside this one that examines answers.

Judging a game's answers holds the interpreter's lock for as long as fetching them does. A pace leaves time for both;
without one (the sample, a rebuild from the archive) a second process takes a third off the time. It only computes: it
has no store, no network and no state, so a run that loses it goes on without it, and it ends when the run does, however
that ends.
"""

from __future__ import annotations

import contextlib
import gc
import os
import pickle
import selectors
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from functools import lru_cache
from multiprocessing.connection import Connection, Pipe
from types import TracebackType
from typing import Any, NamedTuple

import pyarrow as pa

from hoopstat_observability import get_logger
from nba_season_backfill.backfill.examining import Examined, GameChecks, Question, examine
from nba_season_backfill.datasets import DATASETS, TABLES
from nba_season_backfill.datasets.base import Assessment, Dataset, Expectation, SchemaContract
from nba_season_backfill.datasets.contract import under_contract
from nba_season_backfill.lake.raw import Packed
from nba_season_backfill.lean import without_pandas
from nba_season_backfill.source.base import Answer
from nba_season_backfill.source.verdict import Verdict

__all__ = ["Examiner", "main", "serve"]

_LOG = get_logger("nba_season_backfill.examiner")
_END_SECONDS = 5.0
# NumPy's threads would wait for work that never comes.
_ENVIRONMENT = {"OPENBLAS_NUM_THREADS": "1"}


class _Job(NamedTuple):
    """An answer, and the names by which the other process finds its checks."""

    answer: Answer
    root: str | None
    dataset: str
    contract: SchemaContract
    expectation: Expectation


class _Result(NamedTuple):
    """What ``examine`` gave, its parts side by side; or ``error``, what it raised.

    ``tables`` are (name, record batches in Arrow's IPC format): both sides know the schemas, which are larger than most
    games' rows.
    """

    verdict: tuple[Any, ...] = ()
    assessment: tuple[Any, ...] | None = None
    tables: Sequence[tuple[str, Sequence[bytes]]] = ()
    packed: tuple[str, bytes] | None = None
    error: Exception | None = None


class Examiner:
    """Examines answers: in this process, or, once ``begin`` was called, in one of its own. Thread-safe.

    Each thread has a connection of its own, so that none waits for another's answer to be read.
    """

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._free: list[Connection] = []
        self._every: list[Connection] = []
        self._lock = threading.Lock()
        self._local = threading.local()

    def begin(self, threads: int) -> None:
        """Start the process, for so many threads; any other examines in this one. It is used as soon as it is ready.

        Once is enough: a second call does nothing.
        """
        if self._process is not None:
            return
        pairs = [Pipe() for _ in range(threads)]
        theirs = [end for _, end in pairs]
        descriptors = [end.fileno() for end in theirs]
        try:
            self._process = subprocess.Popen(  # noqa: S603  # our own module, by our own interpreter
                [sys.executable, "-c", f"from {__name__} import main; main()", *map(str, descriptors)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                pass_fds=descriptors,
                env={**_ENVIRONMENT, **os.environ},
                # A Ctrl-C goes to the whole foreground group: what is being examined is still worth a commit.
                start_new_session=True,
            )
        except OSError as error:
            _LOG.warning("examiner_not_started", reason=str(error), consequence="slower, no less exact")
            for ours, end in pairs:
                ours.close()
                end.close()
            return
        for end in theirs:
            # From here on only the process has them: when it is gone, so are they.
            end.close()
        self._every = [ours for ours, _ in pairs]
        self._free = list(self._every)

    def examine(self, answer: Answer, question: Question) -> Examined:
        """Judge an answer and pack its body."""
        job = _job(answer, question)
        connection = self._connection() if job is not None else None
        if connection is None:
            return examine(answer, question)
        try:
            connection.send_bytes(pickle.dumps(job, pickle.HIGHEST_PROTOCOL))
            result: _Result = pickle.loads(connection.recv_bytes())  # noqa: S301  # from our own process
        except (OSError, EOFError) as error:
            self._gone(error)
            return examine(answer, question)
        if result.error is not None:
            raise result.error
        return _examined(result)

    def close(self) -> None:
        """End the process. Idempotent."""
        process, self._process = self._process, None
        with self._lock:
            connections, self._every, self._free = self._every, [], []
        for connection in connections:
            connection.close()
        if process is None:
            return
        try:
            process.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def __enter__(self) -> Examiner:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _connection(self) -> Connection | None:
        """This thread's, if there is one and the process is ready."""
        connection: Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            with self._lock:
                # Each begins with a word of the process's own.
                if not self._free or not self._free[-1].poll():
                    return None
                connection = self._free.pop()
            try:
                connection.recv_bytes()
            except (OSError, EOFError) as error:
                self._gone(error)
                return None
            self._local.connection = connection
        return None if connection.closed else connection

    def _gone(self, error: BaseException) -> None:
        """The process has died (of a lack of memory, or by a hand): its work is done here from now on."""
        with self._lock:
            connections, self._every, self._free = self._every, [], []
        if not connections:
            return
        self._local.connection = None
        # The others' threads find out by themselves: what they wait for is at an end, too.
        _LOG.warning("examiner_gone", reason=f"{type(error).__name__}: {error}", consequence="slower, no less exact")


def _job(answer: Answer, question: Question) -> _Job | None:
    """None for what only this process can examine."""
    checks = question.assess
    if not isinstance(checks, GameChecks) or checks.dataset.name not in DATASETS:
        return None
    return _Job(answer, question.root, checks.dataset.name, checks.dataset.contract, checks.expectation)


def _result(examined: Examined) -> _Result:
    verdict, packed = examined.verdict, examined.packed
    assessment = verdict.assessment
    return _Result(
        (verdict.kind, verdict.rule, verdict.explanation, verdict.retry_after, verdict.believed_for),
        None
        if assessment is None
        else (assessment.kind, assessment.problems, assessment.unknown_fields, assessment.quality),
        [] if assessment is None else [(name, _batches(name, table)) for name, table in assessment.tables.items()],
        None if packed is None else (packed.sha256, packed.gzipped),
    )


def _batches(name: str, table: pa.Table) -> list[bytes]:
    assert table.schema.equals(TABLES[name].schema)
    return [batch.serialize().to_pybytes() for batch in table.to_batches()]


def _examined(result: _Result) -> Examined:
    kind, rule, explanation, retry_after, believed_for = result.verdict
    assessment = None
    if result.assessment is not None:
        worth, problems, unknown_fields, quality = result.assessment
        tables = {name: _table(name, batches) for name, batches in result.tables}
        assessment = Assessment(worth, problems, tables, unknown_fields, quality)
    verdict = Verdict(kind, rule, explanation, assessment, retry_after, believed_for)
    return Examined(verdict, None if result.packed is None else Packed(*result.packed))


def _table(name: str, batches: Sequence[bytes]) -> pa.Table:
    schema = TABLES[name].schema
    return pa.Table.from_batches([pa.ipc.read_record_batch(pa.py_buffer(each), schema) for each in batches], schema)


@lru_cache
def _dataset(name: str, contract: SchemaContract) -> Dataset:
    return under_contract(DATASETS[name], contract)


def _done(job: _Job) -> _Result:
    checks = GameChecks(_dataset(job.dataset, job.contract), job.expectation)
    try:
        return _result(examine(job.answer, Question(job.answer.request, job.root, checks)))
    except Exception as error:  # noqa: BLE001  # the boundary of a process: the caller raises it again
        return _Result(error=error)


def serve(connections: Sequence[Connection]) -> None:
    """Answer until the last connection is closed: then whoever asked has ended, too."""
    with selectors.DefaultSelector() as open_ones:
        for connection in connections:
            with contextlib.suppress(OSError):
                connection.send_bytes(b"ready")
            open_ones.register(connection, selectors.EVENT_READ, connection)
        while open_ones.get_map():
            for ready, _ in open_ones.select():
                connection = ready.data
                try:
                    job: _Job = pickle.loads(connection.recv_bytes())  # noqa: S301  # from who started this process
                    connection.send_bytes(pickle.dumps(_done(job), pickle.HIGHEST_PROTOCOL))
                except (OSError, EOFError):
                    open_ones.unregister(connection)


def main() -> None:
    """What the process runs; the arguments are the descriptors of its connections."""
    # The run is told to stop, and tells this process by closing its connections.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    without_pandas()
    pa.set_memory_pool(pa.system_memory_pool())
    # Answers are trees of a thousand pieces without a cycle among them: looking for one after every few hundred is
    # a tenth of the work.
    gc.freeze()
    gc.set_threshold(100_000, 20, 20)
    serve([Connection(int(descriptor)) for descriptor in sys.argv[1:]])

"""A process that examines answers beside the run: it finds the same, nobody needs it, and it outlives nobody."""

from __future__ import annotations

import datetime as dt
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson
import pytest

from nba_season_backfill.backfill import examiner, job
from nba_season_backfill.backfill.choosing import at_most, examines_apart
from nba_season_backfill.backfill.examiner import Examiner
from nba_season_backfill.backfill.examining import Examined, GameChecks, Question, examine
from nba_season_backfill.datasets import DATASETS
from nba_season_backfill.datasets.base import Assessment, Dataset, Expectation
from nba_season_backfill.datasets.contract import SchemaContract, under_contract
from nba_season_backfill.lake.local import LocalStore
from nba_season_backfill.season import Season
from nba_season_backfill.settings import BackfillSettings
from nba_season_backfill.source.base import Answer, Failure, FailureKind, StatsRequest
from nba_season_backfill.source.verdict import VerdictKind

if TYPE_CHECKING:
    from datasets.conftest import Simulated

GAME, HOME, AWAY = "0022400061", 1610612738, 1610612752
KNOWN = Expectation(GAME, Season(2024), True, HOME, AWAY, 2, 2)


def question(dataset: Dataset, known: Expectation = KNOWN, contract: SchemaContract = "evolve") -> Question:
    request = StatsRequest(dataset.endpoint, {"GameID": GAME}, Season(2024), GAME)
    return Question(request, dataset.root, GameChecks(under_contract(dataset, contract), known))


def answer(asked: Question, body: bytes, **more: Any) -> Answer:
    given = {"status": 200, "headers": {"content-type": "application/json"}, **more}
    return Answer(asked.request, "http://127.0.0.1/", dt.datetime(2024, 11, 1, tzinfo=dt.UTC), 0.1, body=body, **given)


def alike(one: Examined, other: Examined) -> bool:
    """The same to the last value."""
    return one == other and _tables(one) == _tables(other)


def _tables(examined: Examined) -> dict[str, Any]:
    assessment = examined.verdict.assessment
    return {name: (rows.schema, rows.to_pylist()) for name, rows in (assessment.tables if assessment else {}).items()}


@pytest.fixture
def apart() -> Iterator[Examiner]:
    """One that is ready, for four threads."""
    with Examiner() as made:
        made.begin(4)
        ready(made)
        yield made


def ready(made: Examiner) -> None:
    """Wait until its process has said so."""
    assert all(connection.poll(30) for connection in made._free)


def in_use(made: Examiner) -> int:
    """How many of its connections threads have taken."""
    return len(made._every) - len(made._free)


def test_another_process_finds_the_same(apart: Examiner, every_answer: Sequence[Simulated]) -> None:
    """Every dataset: good answers, ones with a new field under both contracts, broken and empty ones, and no answer."""
    seen = set()
    for simulated in every_answer:
        if not isinstance(simulated.dataset, Dataset) or simulated.dataset.name not in DATASETS:
            continue
        payload = simulated.payload
        contracts: tuple[SchemaContract, ...] = ("evolve", "freeze")
        for contract in contracts:
            asked = question(simulated.dataset, contract=contract)
            new_field = orjson.dumps(payload).replace(b'"gameId"', b'"newField":1,"gameId"', 1)
            for given in (
                answer(asked, orjson.dumps(payload)),
                answer(asked, new_field),
                answer(asked, orjson.dumps(payload).replace(b"1", b'"1"')),
                answer(asked, b"{}"),
                answer(asked, b"<html>", headers={"content-type": "text/html"}),
                answer(asked, b"", status=503, headers={"retry-after": "7"}),
                answer(asked, b"", status=None, failure=Failure(FailureKind.READ_TIMEOUT, "silence")),
            ):
                found = apart.examine(given, asked)
                assert alike(found, examine(given, asked)), (simulated.label, contract, given)
                seen.add(found.verdict.kind)
    assert seen >= set(VerdictKind) - {VerdictKind.ABSENT}
    assert in_use(apart) == 1


def test_threads_do_not_get_each_others_answers(apart: Examiner, every_answer: Sequence[Simulated]) -> None:
    """Four at once, a hundred answers each, and a fifth without a connection: each gets what it asked for."""
    there = [each for each in every_answer if isinstance(each.dataset, Dataset) and each.dataset.name in DATASETS]

    def go(number: int) -> bool:
        simulated = there[number % len(there)]
        assert isinstance(simulated.dataset, Dataset)
        asked = question(simulated.dataset)
        given = answer(asked, orjson.dumps(simulated.payload))
        return alike(apart.examine(given, asked), examine(given, asked))

    with ThreadPoolExecutor(5) as threads:
        assert all(threads.map(go, range(500)))
    assert in_use(apart) == 4


def test_it_is_not_waited_for(every_answer: Sequence[Simulated]) -> None:
    """Until its process is ready, and where there is none, answers are examined here."""
    simulated = next(each for each in every_answer if each.label.startswith("box-scores-traditional"))
    assert isinstance(simulated.dataset, Dataset)
    asked = question(simulated.dataset)
    given = answer(asked, orjson.dumps(simulated.payload))
    with Examiner() as made:
        assert alike(made.examine(given, asked), examine(given, asked))
        made.begin(2)
        # An interpreter takes longer to start than this takes.
        assert alike(made.examine(given, asked), examine(given, asked))
        assert in_use(made) == 0
        ready(made)
        assert alike(made.examine(given, asked), examine(given, asked))
        assert in_use(made) == 1


@dataclass
class Log:
    """Keeps warnings."""

    lines: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    def warning(self, event: str, **fields: Any) -> None:
        self.lines.append((event, fields))


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> Log:
    """What is logged by it."""
    kept = Log()
    monkeypatch.setattr(examiner, "_LOG", kept)
    return kept


def test_a_process_that_dies_is_done_without(apart: Examiner, every_answer: Sequence[Simulated], log: Log) -> None:
    """Killed for its memory, say: what it had is examined here, so is the rest, and it is said once."""
    simulated = next(each for each in every_answer if each.label.startswith("play-by-play"))
    assert isinstance(simulated.dataset, Dataset)
    asked = question(simulated.dataset)
    given = answer(asked, orjson.dumps(simulated.payload))
    assert alike(apart.examine(given, asked), examine(given, asked))
    assert apart._process is not None
    apart._process.kill()
    apart._process.wait()
    with ThreadPoolExecutor(4) as threads:
        assert all(
            alike(found, examine(given, asked)) for found in threads.map(apart.examine, [given] * 40, [asked] * 40)
        )
    assert alike(apart.examine(given, asked), examine(given, asked))
    assert [event for event, _fields in log.lines] == ["examiner_gone"]


def test_a_process_that_cannot_be_started_is_done_without(
    monkeypatch: pytest.MonkeyPatch,
    every_answer: Sequence[Simulated],
    log: Log,
) -> None:
    """Where no process may be started, the run goes on in its own."""

    def refused(*_: object, **__: object) -> None:
        raise PermissionError("no more processes")

    monkeypatch.setattr(subprocess, "Popen", refused)
    simulated = next(each for each in every_answer if each.label.startswith("play-by-play"))
    assert isinstance(simulated.dataset, Dataset)
    asked = question(simulated.dataset)
    with Examiner() as made:
        made.begin(2)
        assert made.examine(answer(asked, b"{}"), asked).verdict.rule == "no_root"
    [(event, fields)] = log.lines
    assert (event, fields["reason"]) == ("examiner_not_started", "no more processes")


def test_signals_are_the_runs_alone(apart: Examiner) -> None:
    """A Ctrl-C or a SIGTERM to every process of the group: this one goes on as long as it is asked."""
    assert apart._process is not None
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGINT):
        apart._process.send_signal(number)
    asked = question(DATASETS["play-by-play"])
    assert apart.examine(answer(asked, b"{}"), asked).verdict.rule == "no_root"
    assert in_use(apart) == 1
    process = apart._process
    apart.close()
    assert process.returncode == 0
    apart.close()


_ORPHAN = """
import os, signal, sys
from nba_season_backfill.backfill.examiner import Examiner
made = Examiner()
made.begin(2)
assert made._free[-1].poll(30)
print(made._process.pid, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_it_ends_with_a_run_that_is_killed() -> None:
    """kill -9: nothing is left behind."""
    done = subprocess.run([sys.executable, "-c", _ORPHAN], stdout=subprocess.PIPE, text=True, check=False)
    assert done.returncode == -signal.SIGKILL
    pid = int(done.stdout)
    deadline = time.monotonic() + 20
    while _runs(pid):
        assert time.monotonic() < deadline
        threading.Event().wait(0.01)


def _runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_what_a_check_raises_there_is_raised_here(apart: Examiner) -> None:
    """A bug in a check ends the run as it would in the run's own process."""
    asked = question(DATASETS["play-by-play"], replace(KNOWN, home_score="x", season=None))  # type: ignore[arg-type]
    given = answer(asked, b'{"game":{"gameId":"0022400061","actions":[]}}')
    with pytest.raises(TypeError) as here:
        examine(given, asked)
    with pytest.raises(TypeError) as there:
        apart.examine(given, asked)
    assert str(there.value) == str(here.value)
    assert in_use(apart) == 1


def test_only_what_it_knows_by_name_is_sent(apart: Examiner) -> None:
    """Checks of a season's lists, and of datasets that are not registered, stay here."""
    request = StatsRequest("leaguegamelog", {}, Season(2024), "season")
    for checks in (lambda _payload: Assessment("ok"), GameChecks(replace(DATASETS["play-by-play"], name="x"), KNOWN)):
        asked = Question(request, "game", checks)
        body = b'{"game":{"gameId":"0022400061","actions":[]}}'
        assert apart.examine(answer(asked, body), asked) == examine(answer(asked, body), asked)
    assert in_use(apart) == 0


@pytest.mark.parametrize(
    ("given", "cores", "units", "expected"),
    [
        ({"source": "sample"}, 2, 3690, True),
        ({"source": "archive"}, 4, 3690, True),
        ({"source": "sample"}, 1, 3690, False),
        ({"source": "sample"}, 2, 60, False),
        ({"source": "sample", "rate_limit": "0.5"}, 2, 3690, False),
        ({"source": "nba"}, 8, 3690, False),
    ],
)
def test_when_it_pays(
    given: dict[str, str], cores: int, units: int, expected: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A second core, no pace, and more than a few games."""
    monkeypatch.setattr(os, "sched_getaffinity", lambda _pid: set(range(cores)), raising=False)
    settings = BackfillSettings.load({"season": "2024-25", **given}, environ={})
    assert examines_apart(settings, units) == expected


@pytest.mark.parametrize(
    ("given", "answers"),
    [
        ({}, 3690),
        ({"limit": "20"}, 60),
        ({"game_id": ["0022400061", "0022400062"]}, 6),
        ({"limit": "1230", "datasets": ["box-scores-traditional"]}, 1230),
    ],
)
def test_how_much_may_be_to_come_is_known_from_the_settings(given: dict[str, object], answers: int) -> None:
    """So that the process can be begun before the lists of games are there, and is not for a handful."""
    assert at_most(BackfillSettings.load({"source": "sample", "season": "2024-25", **given}, environ={})) == answers


def test_a_run_with_it_fills_the_same_lake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every object of tables and archive is the same without it, with it, and where it is killed on the way."""
    begun: list[Examiner] = []
    begin_as_ever = Examiner.begin
    settings = BackfillSettings.load({"source": "sample", "season": "2024-25", "limit": "15"}, environ={})

    def begin(self: Examiner, threads: int) -> None:
        if self in begun:
            return  # the run asks for it at its start, and again when it knows how much there is to do
        begun.append(self)
        begin_as_ever(self, threads)
        ready(self)
        if kind == "killed":
            assert self._process is not None
            threading.Timer(0.2, os.kill, [self._process.pid, signal.SIGKILL]).start()

    monkeypatch.setattr(Examiner, "begin", begin)
    lakes = {}
    for kind in ("without", "with", "killed"):
        monkeypatch.setattr(job, "examines_apart", lambda *_, kind=kind: kind != "without")
        store = LocalStore(tmp_path / kind, sync=lambda _descriptor: None)
        assert job.run_season(settings, Season(2024), run_id="test", store=store).outcome == "complete"
        keys = [info.key for info in store.list() if not info.key.startswith(("_state/", "_runs/"))]
        lakes[kind] = {key: store.get(key).body for key in keys}
        store.close()
    assert len(begun) == 2
    assert len(lakes["without"]) > 45
    assert lakes["with"] == lakes["without"]
    assert lakes["killed"] == lakes["without"]

"""The one loop for full backfill, resume, daily and repair: units in, judged replies out, commits every N games.

Worker threads do what waits (the pace, the network, archiving); the calling thread does what must be in order (rows,
partitions, checkpoint). So requests leave when the pace says, whatever the lake is doing, and nothing but the calling
thread touches the checkpoint.
"""

from __future__ import annotations

import datetime as dt
import queue
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from hoopstat_observability import carry_context, get_logger, span
from nba_season_backfill.backfill.examining import GameChecks, Question
from nba_season_backfill.backfill.exchange import Exchange, Reply
from nba_season_backfill.backfill.ledger import Ledger
from nba_season_backfill.backfill.observer import Observer
from nba_season_backfill.backfill.stopping import Stop
from nba_season_backfill.backfill.summary import Summary
from nba_season_backfill.datasets.base import Expectation
from nba_season_backfill.errors import ContractViolated, Fenced, SourceBlocked
from nba_season_backfill.pace import PaceStopped
from nba_season_backfill.plan import Unit
from nba_season_backfill.source.base import StatsRequest
from nba_season_backfill.source.verdict import VerdictKind

__all__ = ["Engine", "question_of"]

_LOG = get_logger("nba_season_backfill.engine")

# After a stop, answers to requests that are already out are waited for this long: they are worth a request each.
_GRACE_SECONDS = 2.0
# Without a pace there is no backoff either: this many refusals in a row and the run gives up.
_REFUSALS_IN_A_ROW = 40
# So many answers of a dataset that break its contract, one after the other, are no accident: the upstream has changed.
_VIOLATIONS_IN_A_ROW = 12


def question_of(unit: Unit) -> Question:
    """The request for a unit, and its dataset's checks bound to what is known of the game."""
    game, dataset = unit.game, unit.dataset
    expectation = Expectation(
        game_id=game.game_id.text,
        season=game.season,
        final=True,
        home_team_id=game.home_team_id,
        away_team_id=game.away_team_id,
        home_score=game.home_score,
        away_score=game.away_score,
    )
    request = StatsRequest(
        dataset.endpoint, dict(dataset.parameters(game.game_id.text)), game.season, game.game_id.text
    )
    return Question(request, dataset.root, GameChecks(dataset, expectation))


@dataclass(slots=True)
class _Task:
    unit: Unit
    attempts: int = 0


@dataclass(frozen=True, slots=True)
class _Done:
    task: _Task
    reply: Reply


@dataclass(frozen=True, slots=True)
class _Halted:
    task: _Task
    error: BaseException


_Event = _Done | _Halted | None


class Engine:
    """Works through units. One instance works through one list.

    Args:
        workers: requests in flight at most (the pace may allow fewer).
        max_retries: passing faults that a unit may have beyond the first try, in this run.
        checkpoint_every: games between two commits.
        ahead: units that lie ready for the workers, so that none waits for the thread that commits. Those may still be
            asked for when that thread finds, after a commit, that nothing more should be.
    """

    def __init__(
        self,
        exchange: Exchange,
        ledger: Ledger,
        summary: Summary,
        observer: Observer,
        stop: Stop,
        *,
        workers: int,
        max_retries: int,
        checkpoint_every: int,
        ahead: int,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._exchange = exchange
        self._ledger = ledger
        self._summary = summary
        self._observer = observer
        self._stop = stop
        self._workers = workers
        self._max_retries = max_retries
        self._checkpoint_every = checkpoint_every
        self._ahead = ahead
        self._monotonic = monotonic
        self._tasks: queue.SimpleQueue[_Task | None] = queue.SimpleQueue()
        self._events: queue.SimpleQueue[_Event] = queue.SimpleQueue()
        self._open: Counter[str] = Counter()
        self._games_since_commit = 0
        self._refusals = 0
        # dataset -> answers in a row that broke its contract
        self._broken: Counter[str] = Counter()

    def replay(self, replies: Iterable[tuple[Unit, Reply]]) -> set[tuple[str, str]]:
        """Settle units whose bodies are already in the archive, without a request; gives (game id, dataset) of each."""
        settled: set[tuple[str, str]] = set()
        games: set[str] = set()
        for unit, reply in replies:
            if self._stop.requested:
                break
            name = (unit.game.game_id.text, unit.dataset.name)
            if reply.verdict.kind is VerdictKind.OK:
                self._ledger.stored(unit, reply, attempts=1)
            elif reply.verdict.kind is VerdictKind.ABSENT and self._still_believed(reply):
                self._ledger.absent(unit, reply, attempts=1)
            else:
                continue
            settled.add(name)
            self._summary.units_from_archive += 1
            if unit.game.game_id.text not in games:
                games.add(unit.game.game_id.text)
                self._games_since_commit += 1
                if self._games_since_commit > self._checkpoint_every:
                    self._commit()
        if settled:
            self._commit()
            self._ledger.wait()
        return settled

    def _still_believed(self, reply: Reply) -> bool:
        believed_for = reply.verdict.believed_for
        suspicious = reply.verdict.assessment is not None and reply.verdict.assessment.problems
        return not suspicious and (believed_for is None or reply.fetched_at + believed_for > dt.datetime.now(dt.UTC))

    def work_through(self, units: Sequence[Unit]) -> None:
        """Fetch, judge and commit every unit.

        Returns early, with what is done committed, when a stop is requested.

        Raises:
            WaitTooLong, SourceUnavailable, Fenced, StoreError, ...: after what is done has been committed (a fenced
            run commits nothing more).
        """
        pending = deque(_Task(unit) for unit in units)
        self._open = Counter(unit.game.game_id.text for unit in units)
        if not pending:
            return
        threads = [
            threading.Thread(target=carry_context(self._worker), name=f"fetch-{number}", daemon=True)
            for number in range(min(self._workers, len(pending)))
        ]
        self._stop.on_request(lambda: self._events.put(None))
        for thread in threads:
            thread.start()
        out = 0
        halted: BaseException | None = None
        deadline: float | None = None
        try:
            while True:
                stopping = halted is not None or self._stop.requested
                if stopping and deadline is None:
                    # Workers that wait for the pace must not wait any longer, whoever asked.
                    self._stop.event.set()
                    deadline = self._monotonic() + _GRACE_SECONDS
                    out -= len(self._recall())
                if not stopping:
                    while pending and out < self._workers + self._ahead:
                        self._tasks.put(pending.popleft())
                        out += 1
                if out == 0:
                    break
                event = self._next(deadline)
                if isinstance(event, _Done):
                    out -= 1
                    retry = self._settle(event.task, event.reply)
                    if retry is not None:
                        pending.append(retry)
                    if self._refusals >= _REFUSALS_IN_A_ROW and halted is None:
                        halted = _refused(self._refusals, event.reply)
                    elif self._frozen(event.reply) and halted is None:
                        halted = _thawed(event.task.unit, event.reply)
                    elif self._broken[event.task.unit.dataset.name] == _VIOLATIONS_IN_A_ROW:
                        recalled = self._recall()
                        out -= len(recalled)
                        pending = self._without(event.task.unit.dataset.name, deque([*recalled, *pending]))
                elif isinstance(event, _Halted):
                    out -= 1
                    if halted is None and not isinstance(event.error, PaceStopped):
                        halted = event.error
                elif deadline is not None and self._monotonic() >= deadline:
                    break
        finally:
            if out:
                # An error ended it: what no worker has begun is not asked for any more.
                self._stop.event.set()
                self._recall()
            for _thread in threads:
                self._tasks.put(None)
        if isinstance(halted, Fenced):
            raise halted
        self._ledger.finish()
        self._observer.committed()
        if halted is not None:
            raise halted

    def _frozen(self, reply: Reply) -> bool:
        """Whether the answer has fields that a frozen schema does not know: the next ones would have them too."""
        assessment = reply.verdict.assessment
        violated = reply.verdict.kind is VerdictKind.CONTRACT_VIOLATION
        return violated and assessment is not None and bool(assessment.unknown_fields)

    def _without(self, dataset: str, pending: deque[_Task]) -> deque[_Task]:
        """Ask no more for a dataset whose answers break their contract one after the other."""
        self._broken[dataset] += 1
        left = deque(task for task in pending if task.unit.dataset.name != dataset)
        if len(left) < len(pending):
            dropped = len(pending) - len(left)
            _LOG.error("dataset_given_up", dataset=dataset, violations=_VIOLATIONS_IN_A_ROW, units_not_asked=dropped)
            self._observer.said(
                f"{dataset}: {_VIOLATIONS_IN_A_ROW} answers in a row break its contract; {dropped} are left out"
            )
        for task in pending:
            if task.unit.dataset.name == dataset:
                self._finish(task.unit)
        return left

    def _next(self, deadline: float | None) -> _Event:
        if deadline is None:
            return self._events.get()
        try:
            return self._events.get(timeout=max(0.0, deadline - self._monotonic()))
        except queue.Empty:
            return None

    def _recall(self) -> list[_Task]:
        """Take back what no worker has begun."""
        recalled: list[_Task] = []
        while True:
            try:
                task = self._tasks.get_nowait()
            except queue.Empty:
                return recalled
            if task is not None:
                recalled.append(task)

    def _worker(self) -> None:
        while True:
            task = self._tasks.get()
            if task is None:
                return
            try:
                self._observer.asking(task.unit)
                with span("game", game_id=task.unit.game.game_id.text, dataset=task.unit.dataset.name):
                    event: _Event = _Done(task, self._exchange.once(question_of(task.unit)))
            except BaseException as error:  # noqa: BLE001  # the boundary of a thread: the caller raises it again
                event = _Halted(task, error)
            self._events.put(event)
            if isinstance(event, _Halted):
                return

    def _settle(self, task: _Task, reply: Reply) -> _Task | None:
        """Act on a verdict; the task again if it is to be retried."""
        verdict = reply.verdict
        consequence = verdict.consequence
        if consequence.charges_attempt:
            task.attempts += 1
        self._refusals = self._refusals + 1 if consequence.slows_the_pace else 0
        if verdict.kind is VerdictKind.CONTRACT_VIOLATION:
            self._broken[task.unit.dataset.name] += 1
        elif verdict.kind in (VerdictKind.OK, VerdictKind.ABSENT):
            self._broken[task.unit.dataset.name] = 0
        if verdict.kind is VerdictKind.OK:
            self._ledger.stored(task.unit, reply, attempts=task.attempts + 1)
        elif verdict.kind is VerdictKind.ABSENT:
            self._ledger.absent(task.unit, reply, attempts=task.attempts + 1)
        elif consequence.retry and task.attempts <= self._max_retries:
            return task
        else:
            self._ledger.failed(task.unit, reply, attempts=task.attempts)
        self._finish(task.unit)
        return None

    def _finish(self, unit: Unit) -> None:
        game_id = unit.game.game_id.text
        self._open[game_id] -= 1
        if self._open[game_id]:
            return
        del self._open[game_id]
        self._summary.games_done += 1
        self._games_since_commit += 1
        _LOG.debug("game_settled", game_id=game_id, games_left=len(self._open))
        self._observer.game_done(unit.game, len(self._open))
        if self._games_since_commit >= self._checkpoint_every:
            self._commit()

    def _commit(self) -> None:
        self._ledger.commit()
        self._games_since_commit = 0
        self._observer.committed()


def _thawed(unit: Unit, reply: Reply) -> ContractViolated:
    return ContractViolated(
        f"{unit.dataset.name}, game {unit.game.game_id}: {reply.verdict.explanation}",
        hint="what is stored is kept; --schema-contract evolve stores such answers without the new fields",
    )


def _refused(refusals: int, reply: Reply) -> SourceBlocked:
    return SourceBlocked(
        f"{refusals} refusals in a row, last: {reply.verdict.explanation}",
        hint="the checkpoint is saved; run the same command again later",
    )

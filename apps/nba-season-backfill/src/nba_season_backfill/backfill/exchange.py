"""One exchange with the upstream: wait for the pace, ask, judge, tell the pace, archive.

What leaves here is a judged reply whose body, if it is worth anything, is already in the archive: nothing is derived
from bytes that could still be lost.
"""

from __future__ import annotations

import datetime as dt
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import orjson

from hoopstat_observability import get_logger, span
from nba_season_backfill.backfill.examining import Examined, Question, examine
from nba_season_backfill.errors import ContractViolated, Incomplete, SourceUnavailable
from nba_season_backfill.lake.raw import Packed, RawArchive, RawRef
from nba_season_backfill.pace import Outcome, Pacer, parse_retry_after
from nba_season_backfill.source.base import Answer, StatsRequest, StatsSource
from nba_season_backfill.source.verdict import Verdict, VerdictKind

__all__ = ["Exchange", "Question", "Reply", "Tally"]

_LOG = get_logger("nba_season_backfill.exchange")

_OUTCOME_OF_VERDICT = {
    VerdictKind.OK: Outcome.OK,
    VerdictKind.ABSENT: Outcome.OK,
    VerdictKind.CONTRACT_VIOLATION: Outcome.OK,
    VerdictKind.THROTTLED: Outcome.THROTTLED,
    VerdictKind.BLOCKED: Outcome.BLOCKED,
    VerdictKind.TRANSIENT: Outcome.TRANSIENT,
}


@dataclass(frozen=True, slots=True)
class Reply:
    """A judged answer. ``raw_sha256`` names its archived body; None where the body is not worth keeping.

    ``archived_since``: when the same body was archived first, if no other came between.
    ``payload`` is kept only when asked for (season lists); a game's reply carries its tables in the verdict.
    ``refused`` is the body that did not pass its dataset's checks, ``url`` where it came from.
    """

    question: Question
    verdict: Verdict
    fetched_at: dt.datetime
    raw_sha256: str | None = None
    payload: Any = None
    archived_since: dt.datetime | None = None
    refused: bytes = b""
    url: str = ""


@dataclass(slots=True)
class Tally:
    """What a run counted. Thread-safe through its lock."""

    requests: Counter[str] = field(default_factory=Counter)
    body_bytes: int = 0
    archived_bytes: int = 0
    archived_bodies: int = 0
    simulated: bool = False
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def count(self, endpoint: str, verdict: VerdictKind, body_bytes: int) -> None:
        """One more answer."""
        with self._lock:
            self.requests[f"{endpoint}|{verdict.value}"] += 1
            self.body_bytes += body_bytes

    def archived(self, size: int) -> None:
        """One more new body in the archive, of that many bytes as stored."""
        with self._lock:
            self.archived_bodies += 1
            self.archived_bytes += size

    def by_verdict(self) -> dict[str, int]:
        """verdict -> requests."""
        counted: Counter[str] = Counter()
        with self._lock:
            for name, number in self.requests.items():
                counted[name.split("|")[1]] += number
        return dict(counted)

    @property
    def total(self) -> int:
        """Requests sent in all."""
        with self._lock:
            return sum(self.requests.values())


class Exchange:
    """Paced, judged, archived exchanges. Thread-safe."""

    def __init__(
        self,
        source: StatsSource,
        pacer: Pacer,
        archive: RawArchive | None,
        stop: threading.Event,
        *,
        run_id: str,
        offline: bool = False,
        judged: Callable[[str, str], None] = lambda _endpoint, _verdict: None,
        heed: Callable[[StatsRequest, bytes, Verdict], Verdict] = lambda _request, _body, verdict: verdict,
        examine: Callable[[Answer, Question], Examined] = examine,
    ) -> None:
        self.tally = Tally()
        self._source = source
        self._pacer = pacer
        self._archive = archive
        self._stop = stop
        self._run_id = run_id
        self._offline = offline
        self._judged = judged
        self._heed = heed
        self._examine = examine
        self._answered = False

    @property
    def offline(self) -> bool:
        """Whether answers come from the archive alone."""
        return self._offline

    def once(self, question: Question, *, keep_payload: bool = False) -> Reply:
        """Ask once.

        Raises:
            PaceStopped, WaitTooLong: the pace does not let it go.
            SourceUnavailable: the very first contact failed for a reason that waiting does not mend.
            StoreError: the body cannot be archived.
        """
        request = question.request
        if self._offline:
            answer = self._source.fetch(request)
            examined = self._examine(answer, question)
        else:
            ticket = self._pacer.acquire(self._stop)
            reported = False
            try:
                with span("request", endpoint=request.endpoint, subject=request.subject):
                    answer = self._source.fetch(request, session_generation=ticket.session_generation)
                    examined = self._examine(answer, question)
                verdict = examined.verdict
                retry_after = parse_retry_after(verdict.retry_after, dt.datetime.now(dt.UTC))
                self._pacer.report(ticket, _OUTCOME_OF_VERDICT[verdict.kind], retry_after_seconds=retry_after)
                reported = True
            finally:
                if not reported:
                    self._pacer.report(ticket, Outcome.NEUTRAL)
        verdict = self._heed(request, answer.body, examined.verdict)
        self._log(answer, verdict)
        if answer.headers.get("x-simulated"):
            # The emulator says so of itself, whatever address it answers from.
            self.tally.simulated = True
        self.tally.count(request.endpoint, verdict.kind, len(answer.body))
        self._judged(request.endpoint, verdict.kind.value)
        self._first_contact(answer, verdict)
        kept = None
        if examined.packed is not None and self._archive is not None:
            kept = self._keep(self._archive, answer, examined.packed)
        return Reply(
            question,
            verdict,
            answer.fetched_at,
            raw_sha256=kept.sha256 if kept is not None else None,
            payload=orjson.loads(answer.body) if keep_payload and verdict.kind is VerdictKind.OK else None,
            archived_since=kept.fetched_at if kept is not None else None,
            refused=b"" if verdict.kind is VerdictKind.OK or verdict.assessment is None else answer.body,
            url=answer.url,
        )

    def settled(self, question: Question, *, tries: int, keep_payload: bool = True) -> Reply:
        """Ask until the answer is ok or absent; for what a run cannot go without.

        Args:
            keep_payload: parse the body for the reply, too (who judged it may have kept what it needs).

        Raises:
            ContractViolated: the answer is not what is expected, and asking again would not change that.
            Incomplete: ``tries`` passing faults in a row.
        """
        faults = 0
        while True:
            reply = self.once(question, keep_payload=keep_payload)
            verdict, request = reply.verdict, question.request
            if verdict.kind in (VerdictKind.OK, VerdictKind.ABSENT):
                return reply
            if verdict.kind is VerdictKind.CONTRACT_VIOLATION:
                raise ContractViolated(f"{request.endpoint} ({request.subject}): {verdict.explanation}")
            if verdict.consequence.charges_attempt:
                faults += 1
                if faults >= tries:
                    raise Incomplete(
                        f"{request.endpoint} ({request.subject}): {faults} tries, last: {verdict.explanation}",
                        hint="run the same command again later",
                    )

    def _first_contact(self, answer: Answer, verdict: Verdict) -> None:
        """A name that does not resolve or a port that refuses is not mended by polite waiting: say so at once."""
        if answer.status is not None:
            self._answered = True
        elif not self._answered and verdict.rule == "unreachable":
            raise SourceUnavailable(f"{self._source.name}: {verdict.explanation}")

    def _keep(self, archive: RawArchive, answer: Answer, packed: Packed) -> RawRef:
        request = answer.request
        ref = archive.put(
            request.endpoint,
            str(request.season),
            request.subject,
            packed,
            {
                "url": answer.url,
                "parameters": orjson.dumps(dict(request.parameters), option=orjson.OPT_SORT_KEYS).decode(),
                "status": str(answer.status),
                "fetched_at": answer.fetched_at.isoformat(timespec="milliseconds"),
                "run_id": self._run_id,
            },
        )
        if ref.healed:
            _LOG.warning("archived_body_healed", key=ref.key)
        if ref.created:
            self.tally.archived(ref.size)
        return ref

    def _log(self, answer: Answer, verdict: Verdict) -> None:
        level = _LOG.debug if verdict.kind in (VerdictKind.OK, VerdictKind.ABSENT) else _LOG.warning
        level(
            "request_judged",
            endpoint=answer.request.endpoint,
            subject=answer.request.subject,
            verdict=verdict.kind.value,
            rule=verdict.rule,
            explanation=verdict.explanation,
            http_status=answer.status,
            latency_seconds=round(answer.latency_seconds, 3),
            body_bytes=len(answer.body),
        )

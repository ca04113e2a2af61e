"""What an answer is worth, and what follows from it: one declarative table.

The upstream blocks by silence, throttles without saying so and sends HTML with status 200; nba_api turns ``{}`` into
rows of nulls. So no answer counts until a row of ``RULES`` says so, and the first row that matches decides. Rules look
at (failure, status, headers, body prefix, root key); what they let through is judged by the dataset's own checks.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import orjson

from nba_season_backfill.datasets.base import Assessment
from nba_season_backfill.source.base import Answer, FailureKind

__all__ = ["CONSEQUENCES", "RULES", "Consequence", "Rule", "Verdict", "VerdictKind", "judge"]


class VerdictKind(StrEnum):
    """What an answer is worth."""

    OK = "ok"
    ABSENT = "absent"
    THROTTLED = "throttled"
    BLOCKED = "blocked"
    TRANSIENT = "transient"
    CONTRACT_VIOLATION = "contract_violation"


@dataclass(frozen=True, slots=True)
class Consequence:
    """What follows from a verdict.

    ``retry``: asked again in the same run. ``slows_the_pace``: tells the pace that the host had enough.
    ``charges_attempt``: counts against the game's attempts. ``archived``: the body is worth keeping.
    ``believed_for``: how long before it is asked again in a later run; None = for good.
    """

    retry: bool
    slows_the_pace: bool
    charges_attempt: bool
    archived: bool
    believed_for: dt.timedelta | None


_NOT_AT_ALL = dt.timedelta(0)

CONSEQUENCES: Mapping[VerdictKind, Consequence] = {
    VerdictKind.OK: Consequence(False, False, False, True, None),
    # An empty answer may be the truth, or only early: it is asked again after a while (Verdict.believed_for).
    VerdictKind.ABSENT: Consequence(False, False, False, True, dt.timedelta(days=30)),
    VerdictKind.THROTTLED: Consequence(True, True, False, False, _NOT_AT_ALL),
    # Silence is aimed at us, not at the game: no game pays for it.
    VerdictKind.BLOCKED: Consequence(True, True, False, False, _NOT_AT_ALL),
    VerdictKind.TRANSIENT: Consequence(True, False, True, False, _NOT_AT_ALL),
    # Asking again at once gives the same bytes; the next run may find the upstream or our schema mended.
    VerdictKind.CONTRACT_VIOLATION: Consequence(False, False, True, True, _NOT_AT_ALL),
}


@dataclass(frozen=True, slots=True)
class Verdict:
    """The judgement on one answer: its kind, the rule that decided, and in plain words what was seen and what helps."""

    kind: VerdictKind
    rule: str
    explanation: str
    assessment: Assessment | None = None
    retry_after: str | None = None
    believed_for: dt.timedelta | None = None

    @property
    def consequence(self) -> Consequence:
        """What follows."""
        return CONSEQUENCES[self.kind]


@dataclass(slots=True)
class Evidence:
    """An answer as the rules see it; parsed at most once."""

    answer: Answer
    root: str | None
    prefix: bytes = b""
    payload: Any = None
    malformed: bool = False
    _parsed: bool = field(default=False, repr=False)

    def __post_init__(self) -> None:
        self.prefix = self.answer.body[:2048].lstrip(b"\xef\xbb\xbf \t\r\n")

    @property
    def status(self) -> int:
        return self.answer.status or 0

    def failed(self, *kinds: FailureKind) -> bool:
        return self.answer.failure is not None and self.answer.failure.kind in kinds

    def parse(self) -> Any:
        if not self._parsed:
            self._parsed = True
            try:
                self.payload = orjson.loads(self.answer.body)
            except orjson.JSONDecodeError:
                self.malformed = True
        return self.payload


@dataclass(frozen=True, slots=True)
class Rule:
    """One row of the table. ``explanation`` says what was seen and what helps."""

    name: str
    kind: VerdictKind
    matches: Callable[[Evidence], bool]
    explanation: str


def _is_html(evidence: Evidence) -> bool:
    return evidence.prefix[:1] == b"<" or "text/html" in evidence.answer.headers.get("content-type", "")


def _root_missing(evidence: Evidence) -> bool:
    payload = evidence.parse()
    if not isinstance(payload, dict) or not payload:
        return True
    if evidence.root is not None:
        return not isinstance(payload.get(evidence.root), dict)
    sets = payload.get("resultSets", payload.get("resultSet"))
    return not sets


_F = FailureKind
_SILENCE = (
    "this is how stats.nba.com blocks addresses of clouds and of clients that ask too often; wait an hour, run from "
    "a home or office connection, or set NBA_API_PROXY"
)

RULES: tuple[Rule, ...] = (
    Rule(
        "not_archived", VerdictKind.TRANSIENT, lambda e: e.failed(_F.NOT_ARCHIVED), "the raw archive has no such body"
    ),
    Rule(
        "unreachable",
        VerdictKind.BLOCKED,
        lambda e: e.failed(_F.NAME_RESOLUTION, _F.CONNECTION_REFUSED, _F.TLS, _F.PROXY),
        "the host cannot be reached; check the name, the network and NBA_API_PROXY",
    ),
    Rule(
        "silence",
        VerdictKind.BLOCKED,
        lambda e: e.failed(_F.CONNECT_TIMEOUT, _F.READ_TIMEOUT),
        "no answer; " + _SILENCE,
    ),
    Rule("reset", VerdictKind.BLOCKED, lambda e: e.failed(_F.RESET_NEW), "the connection was cut; " + _SILENCE),
    # A kept-alive connection may have gone stale while we were waiting: that says nothing about us yet.
    Rule(
        "stale_connection",
        VerdictKind.TRANSIENT,
        lambda e: e.failed(_F.RESET_REUSED),
        "a connection in use was cut; it is renewed",
    ),
    Rule("truncated", VerdictKind.TRANSIENT, lambda e: e.failed(_F.TRUNCATED), "the body ended before its length"),
    Rule("too_many_requests", VerdictKind.THROTTLED, lambda e: e.status == 429, "the host says: too many requests"),
    Rule(
        "overloaded",
        VerdictKind.THROTTLED,
        lambda e: e.status == 503 and "retry-after" in e.answer.headers,
        "the host asks for a pause",
    ),
    Rule(
        "forbidden",
        VerdictKind.BLOCKED,
        lambda e: e.status in (401, 403, 407, 451) or 300 <= e.status < 400,
        "the host's gate refuses us; " + _SILENCE,
    ),
    Rule(
        "headers_refused",
        VerdictKind.BLOCKED,
        lambda e: b"unable to process your request" in e.prefix[:512],
        "the host refuses our headers; a newer nba_api may send better ones",
    ),
    Rule(
        "not_json_200",
        VerdictKind.BLOCKED,
        lambda e: e.status == 200 and _is_html(e),
        "a web page came instead of JSON: the host takes us for a robot; " + _SILENCE,
    ),
    Rule(
        "server_fault",
        VerdictKind.TRANSIENT,
        lambda e: e.status >= 500 or e.status == 408,
        "a passing fault of the host",
    ),
    Rule(
        "refused_request",
        VerdictKind.CONTRACT_VIOLATION,
        lambda e: 400 <= e.status < 500,
        "the host does not know this request: a parameter or the endpoint changed; look for a newer version",
    ),
    Rule("empty_body", VerdictKind.TRANSIENT, lambda e: not e.prefix, "the body is empty"),
    Rule("not_whole_json", VerdictKind.TRANSIENT, lambda e: e.parse() is None, "the body is not whole JSON"),
    Rule(
        "no_root",
        VerdictKind.TRANSIENT,
        _root_missing,
        "the answer has no content under its root key: a passing fault, or a retired endpoint",
    ),
)
"""First match decides; an answer that no rule stops goes to the dataset's checks."""


def judge(answer: Answer, root: str | None, assess: Callable[[Mapping[str, Any]], Assessment]) -> Verdict:
    """The verdict on an answer. ``assess`` is only asked about a body that has its root key.

    Args:
        answer: what came back.
        root: the dataset's root key; None for ``resultSets`` bodies.
        assess: the dataset's checks, bound to what is known of the game.
    """
    evidence = Evidence(answer, root)
    for rule in RULES:
        if rule.matches(evidence):
            return Verdict(
                rule.kind,
                rule.name,
                f"{rule.explanation}{_seen(answer)}",
                retry_after=answer.headers.get("retry-after"),
                believed_for=CONSEQUENCES[rule.kind].believed_for,
            )
    assessment = assess(evidence.parse())
    kind = VerdictKind(assessment.kind)
    words = "; ".join(assessment.problems[:5]) or {"ok": "all checks passed", "absent": "no content"}.get(kind, kind)
    return Verdict(kind, "dataset_checks", words, assessment=assessment, believed_for=CONSEQUENCES[kind].believed_for)


def _seen(answer: Answer) -> str:
    if answer.failure is not None:
        return f" ({answer.failure.kind}: {answer.failure.detail})"
    start = answer.body[:60].decode("utf-8", "replace").replace("\n", " ").strip()
    return f" (HTTP {answer.status}, {len(answer.body)} bytes{f', starting {start!r}' if start else ''})"

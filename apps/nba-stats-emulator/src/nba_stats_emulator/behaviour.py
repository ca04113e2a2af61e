"""How the emulator misbehaves, as values: latencies, faults, rules that say when, and a limit on its callers.

    Behaviour(
        latency=Lognormal(0.4, 0.5),
        limit=PenaltyBox(TokenBucket(1.0, burst=5), 300.0),
        refusal=Tarpit(),
        rules=(Rule(HtmlPage(), endpoint="playbyplayv3", times=2), Rule(Reset(), at=(10, 20))),
        seed=7,
    )

A behaviour is only a description and can be used many times; `scenarios` reads one from JSON. Chance comes from its
own seed, so the same requests in the same order meet the same fate.
"""

from __future__ import annotations

import copy
import math
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from random import Random
from typing import ClassVar, Literal

from nba_stats_emulator.limits import Limiter
from nba_stats_emulator.wire import Request

__all__ = [
    "Behaviour", "Blocked", "Close", "Constant", "CutGzip", "Drift", "Drip", "EmptyBody", "EmptyObject", "Fate",
    "Fault", "Fortune", "HtmlPage", "InvalidJson", "Latency", "Lognormal", "NullRoot", "Reset", "Rule", "ServerError",
    "Tarpit", "TooManyRequests", "Truncate", "Unable", "Uniform", "WrongGame",
]  # fmt: skip


# --- latencies --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Constant:
    """Every answer takes this long."""

    kind: ClassVar[str] = "constant"
    seconds: float

    def draw(self, rng: Random) -> float:  # noqa: ARG002 - the same shape as its siblings, which draw
        """Seconds to wait before answering."""
        return self.seconds


@dataclass(frozen=True, slots=True)
class Uniform:
    """An answer takes anything between the two."""

    kind: ClassVar[str] = "uniform"
    low_seconds: float
    high_seconds: float

    def draw(self, rng: Random) -> float:
        """Seconds to wait before answering."""
        return rng.uniform(self.low_seconds, self.high_seconds)


@dataclass(frozen=True, slots=True)
class Lognormal:
    """Half of the answers are faster than the median, a few are very slow; `sigma` says how slow (0.5 is usual)."""

    kind: ClassVar[str] = "lognormal"
    median_seconds: float
    sigma: float = 0.5
    most_seconds: float = math.inf

    def draw(self, rng: Random) -> float:
        """Seconds to wait before answering."""
        return min(self.most_seconds, self.median_seconds * math.exp(rng.gauss(0.0, self.sigma)))


Latency = Constant | Uniform | Lognormal


# --- faults -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Tarpit:
    """Takes the request and never answers. After `seconds`, if given, the connection is closed."""

    kind: ClassVar[str] = "tarpit"
    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Reset:
    """Resets the connection, after `fraction` of the answer."""

    kind: ClassVar[str] = "reset"
    fraction: float = 0.0


@dataclass(frozen=True, slots=True)
class Close:
    """Closes the connection without a word."""

    kind: ClassVar[str] = "close"


@dataclass(frozen=True, slots=True)
class Truncate:
    """Announces the whole body, sends `fraction` of it and closes."""

    kind: ClassVar[str] = "truncate"
    fraction: float = 0.5


@dataclass(frozen=True, slots=True)
class CutGzip:
    """Sends `fraction` of the gzip stream as if it were all: lengths agree, the stream does not end."""

    kind: ClassVar[str] = "cut_gzip"
    fraction: float = 0.5


@dataclass(frozen=True, slots=True)
class Drip:
    """Sends the body in `pieces`, spread over `seconds`."""

    kind: ClassVar[str] = "drip"
    seconds: float
    pieces: int = 10


@dataclass(frozen=True, slots=True)
class HtmlPage:
    """A page for people, with a status of 200, as suspected bots get."""

    kind: ClassVar[str] = "html"
    status: int = 200


@dataclass(frozen=True, slots=True)
class Blocked:
    """The 403 page of the CDN."""

    kind: ClassVar[str] = "blocked"


@dataclass(frozen=True, slots=True)
class TooManyRequests:
    """429. `retry_after` is a number of seconds, `limit` for what the limiter says (1 without one), or None.

    `form` writes it as whole `seconds` or as an HTTP `date`.
    """

    kind: ClassVar[str] = "too_many_requests"
    retry_after: float | Literal["limit"] | None = None
    form: Literal["seconds", "date"] = "seconds"


@dataclass(frozen=True, slots=True)
class ServerError:
    """500, 502, 503 or 504; `retry_after_seconds` goes with a 503."""

    kind: ClassVar[str] = "server_error"
    status: int = 500
    retry_after_seconds: float | None = None


@dataclass(frozen=True, slots=True)
class EmptyObject:
    """200 with `{}`."""

    kind: ClassVar[str] = "empty_object"


@dataclass(frozen=True, slots=True)
class NullRoot:
    """200 with the root key, or the list of tables, null."""

    kind: ClassVar[str] = "null_root"


@dataclass(frozen=True, slots=True)
class EmptyBody:
    """200 with nothing in it."""

    kind: ClassVar[str] = "empty_body"


@dataclass(frozen=True, slots=True)
class InvalidJson:
    """200 with JSON that ends in the middle, its length right."""

    kind: ClassVar[str] = "invalid_json"


@dataclass(frozen=True, slots=True)
class Unable:
    """200 with the plain sentence of a service that dislikes the headers."""

    kind: ClassVar[str] = "unable"


@dataclass(frozen=True, slots=True)
class WrongGame:
    """The body of a game that was not asked for; `game_id` names it, else only the id in the body is another."""

    kind: ClassVar[str] = "wrong_game"
    game_id: str | None = None


@dataclass(frozen=True, slots=True)
class Drift:
    """The true body with its schema changed. Fields are dotted paths below the root key (or below each table's
    headers); `*` stands for every entry of a list.

    `add` puts in new fields, `remove` takes fields out, `retype` turns numbers into texts and texts into numbers.
    """

    kind: ClassVar[str] = "drift"
    add: tuple[str, ...] = ()
    remove: tuple[str, ...] = ()
    retype: tuple[str, ...] = ()


Fault = (
    Tarpit | Reset | Close | Truncate | CutGzip | Drip | HtmlPage | Blocked | TooManyRequests | ServerError
    | EmptyObject | NullRoot | EmptyBody | InvalidJson | Unable | WrongGame | Drift
)  # fmt: skip


# --- when -------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Rule:
    """When a fault happens. Requests that match `endpoint` and `game_id` (None matches all) are counted from 1.

    `at` names the ones that fail; without it every one after the first `skip` does, and of these every `every`-th,
    at most `times` of them, each with `probability`. `from_second` and `until_second` bound it in seconds since the
    behaviour was set.
    """

    fault: Fault
    endpoint: str | None = None
    game_id: str | None = None
    at: tuple[int, ...] = ()
    skip: int = 0
    every: int = 1
    times: int | None = None
    probability: float = 1.0
    from_second: float = 0.0
    until_second: float = math.inf


@dataclass(frozen=True, slots=True)
class Behaviour:
    """All there is to misbehaving; the default is to behave.

    Requests over `limit` meet `refusal`; the others the first of the `rules` that applies. Refusals come at once,
    everything else after the latency of its endpoint.
    """

    latency: Latency | None = None
    latency_by_endpoint: Mapping[str, Latency] = field(default_factory=dict)
    limit: Limiter | None = None
    refusal: Fault = TooManyRequests()
    rules: tuple[Rule, ...] = ()
    seed: int = 0


# --- in use -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Fate:
    """What happens to one request: how long it waits, which fault it meets, and what the limiter said."""

    latency_seconds: float = 0.0
    fault: Fault | None = None
    refused: bool = False
    retry_after_seconds: float | None = None


class Fortune:
    """A behaviour at work: counts requests, draws chances, keeps the limiter. Safe to use from several threads."""

    def __init__(self, behaviour: Behaviour, now: float) -> None:
        self.behaviour = behaviour
        self._limit = copy.deepcopy(behaviour.limit)
        self._rng = Random(behaviour.seed)
        self._since = now
        self._seen = [0] * len(behaviour.rules)
        self._done = [0] * len(behaviour.rules)
        self._lock = threading.Lock()

    def tell(self, request: Request, now: float) -> Fate:
        """The fate of a request that arrives at `now` (monotonic seconds)."""
        behaviour = self.behaviour
        with self._lock:
            if self._limit is not None:
                admission = self._limit.admit(now)
                if admission.refused:
                    return Fate(0.0, behaviour.refusal, True, admission.retry_after_seconds)
            latency = behaviour.latency_by_endpoint.get(request.endpoint, behaviour.latency)
            wait = latency.draw(self._rng) if latency is not None else 0.0
            fault = None
            for number, rule in enumerate(behaviour.rules):
                if self._applies(number, rule, request, now - self._since) and fault is None:
                    self._done[number] += 1
                    fault = rule.fault
            return Fate(wait, fault)

    def _applies(self, number: int, rule: Rule, request: Request, elapsed: float) -> bool:
        if rule.endpoint is not None and rule.endpoint.lower() != request.endpoint:
            return False
        if rule.game_id is not None and rule.game_id != request.game_id:
            return False
        if not rule.from_second <= elapsed < rule.until_second:
            return False
        self._seen[number] += 1
        count = self._seen[number]
        if rule.at:
            return count in rule.at
        if count <= rule.skip or (count - rule.skip - 1) % rule.every:
            return False
        if rule.times is not None and self._done[number] >= rule.times:
            return False
        return rule.probability >= 1 or self._rng.random() < rule.probability

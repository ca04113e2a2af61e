"""What is commonly pointed at unofficial APIs: the real code of each, driven by a virtual clock.

All of them keep the same distance of five seconds between two pieces of work that this project's pace keeps; what
differs is what they do about a refusal.
"""

from __future__ import annotations

import contextlib
import importlib.util
import random
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any
from unittest import mock

import tenacity
from benchmarks.pace.clients import GivenUp, Run, summary
from benchmarks.pace.servers import Server
from botocore.retries import adaptive, bucket, standard, throttling

__all__ = ["NOT_INSTALLED", "RIVALS"]

_INTERVAL_SECONDS = 5.0
_DETECTOR: Any = SimpleNamespace(
    is_throttling_error=lambda throttled: throttled, is_throttling_error_from_context=lambda _: True
)


class Refused(Exception):
    """The service did not let a request through."""


@dataclass
class Clock:
    """Time that passes only when somebody sleeps."""

    seconds: float = 0.0

    def now(self) -> float:
        return self.seconds

    def sleep(self, seconds: float) -> None:
        self.seconds += max(0.0, seconds)

    # The names that botocore's clock has.
    current_time = now


@dataclass
class Caller:
    """One request after another, in virtual time."""

    server: Server
    clock: Clock = field(default_factory=Clock)

    def send(self) -> bool:
        reply = self.server.request(self.clock.now())
        self.clock.sleep(reply.latency_seconds)
        return reply.ok

    def send_or_raise(self) -> None:
        if not self.send():
            raise Refused


def _spaced(server: Server, requests: int, piece: Callable[[Caller], bool], clock: Clock | None = None) -> Run:
    """Work off ``requests`` pieces, five seconds apart; a piece that fails is done again at the end."""
    caller = Caller(server, clock or Clock())
    done = 0
    try:
        while done < requests:
            began = caller.clock.now()
            done += piece(caller)
            caller.clock.sleep(began + _INTERVAL_SECONDS - caller.clock.now())
    except GivenUp:
        return summary(server, finished=False)
    return summary(server, finished=True)


def fixed_sleep(server: Server, requests: int, rng: random.Random) -> Run:  # noqa: ARG001 - the signature of all rivals
    """``time.sleep(5)`` between requests, whatever the answer."""
    return _spaced(server, requests, Caller.send)


def tenacity_exponential(server: Server, requests: int, rng: random.Random) -> Run:  # noqa: ARG001 - as above
    """tenacity with its exponential wait, for ever."""
    clock = Clock()
    retrying = tenacity.Retrying(wait=tenacity.wait_exponential(), sleep=clock.sleep)

    def piece(caller: Caller) -> bool:
        retrying(caller.send_or_raise)
        return True

    with _time_of(clock):
        return _spaced(server, requests, piece, clock)


def stamina_defaults(server: Server, requests: int, rng: random.Random) -> Run:  # noqa: ARG001 - as above
    """stamina as it comes: ten attempts within 45 s, waits of 0.1 to 5 s with jitter."""
    import stamina

    clock = Clock()
    stamina.instrumentation.set_on_retry_hooks([])
    call = stamina.RetryingCaller().on(Refused)

    def piece(caller: Caller) -> bool:
        try:
            call(caller.send_or_raise)
        except Refused:
            return False
        return True

    with _time_of(clock):
        return _spaced(server, requests, piece, clock)


@contextlib.contextmanager
def _time_of(clock: Clock) -> Iterator[None]:
    """Let tenacity (and stamina, which is built on it) live in virtual time."""
    virtual = SimpleNamespace(sleep=clock.sleep, monotonic=clock.now)
    with mock.patch.object(tenacity, "time", virtual), mock.patch.object(sys.modules["tenacity.nap"], "time", virtual):
        yield


class _VirtualCondition:
    """A condition variable whose waits pass virtual time; only one thread ever runs."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()

    def __enter__(self) -> bool:
        return self._lock.acquire()

    def __exit__(self, *_: object) -> None:
        self._lock.release()

    def wait(self, seconds: float) -> None:
        self._clock.sleep(seconds + 1e-9)

    def notify(self) -> None:
        pass


def botocore_adaptive(server: Server, requests: int, rng: random.Random) -> Run:
    """botocore's adaptive mode: its client rate limiter, and its standard retries (three attempts)."""
    clock = Clock()
    tokens = bucket.TokenBucket(max_rate=1, clock=clock)  # type: ignore[arg-type]  # time passes when it sleeps
    tokens._new_fill_rate_condition = _VirtualCondition(clock)  # type: ignore[attr-defined]  # private, not in stubs
    limiter = adaptive.ClientRateLimiter(
        rate_adjustor=throttling.CubicCalculator(starting_max_rate=0, start_time=clock.now()),
        rate_clocker=adaptive.RateClocker(clock),
        token_bucket=tokens,
        throttling_detector=_DETECTOR,
        clock=clock,
    )

    backoff: Any = standard.ExponentialBackoff(random=rng.random, throttling_detector=_DETECTOR)

    def piece(caller: Caller) -> bool:
        for attempt in range(1, 4):
            limiter.on_sending_request(request=None)
            ok = caller.send()
            limiter.on_receiving_response(throttled=not ok)
            if ok:
                return True
            clock.sleep(backoff.delay_amount(SimpleNamespace(attempt_number=attempt, http_response=None)))
        return False

    return _spaced(server, requests, piece, clock)


def scrapy_autothrottle(server: Server, requests: int, rng: random.Random) -> Run:
    """Scrapy's AutoThrottle with DOWNLOAD_DELAY=5 and one request at a time; refused requests are retried in turn."""
    from scrapy import Request
    from scrapy.core.downloader import Slot
    from scrapy.extensions.throttle import AutoThrottle
    from scrapy.http import Response
    from scrapy.settings import Settings

    settings = Settings({"AUTOTHROTTLE_ENABLED": True, "DOWNLOAD_DELAY": _INTERVAL_SECONDS})
    downloader = SimpleNamespace(slots={}, _delay=0.0)
    crawler: Any = SimpleNamespace(
        settings=settings,
        signals=SimpleNamespace(connect=lambda *_, **__: None),
        engine=SimpleNamespace(downloader=downloader),
    )
    throttle = AutoThrottle(crawler)
    throttle._spider_opened(spider=None)  # type: ignore[arg-type]  # the spider is not looked at
    slot = Slot(concurrency=1, delay=downloader._delay, jitter=0.5)
    downloader.slots["stats"] = slot
    clock = Clock()
    done = 0
    try:
        while done < requests:
            began = clock.now()
            reply = server.request(began)
            clock.sleep(reply.latency_seconds)
            done += reply.ok
            request = Request(
                "http://127.0.0.1/", meta={"download_slot": "stats", "download_latency": reply.latency_seconds}
            )
            response = Response("http://127.0.0.1/", status=200 if reply.ok else 429)
            throttle._response_downloaded(response, request, spider=None)  # type: ignore[arg-type]  # as above
            clock.sleep(began + slot.delay * rng.uniform(1 - slot.jitter, 1 + slot.jitter) - clock.now())
    except GivenUp:
        return summary(server, finished=False)
    return summary(server, finished=True)


_ALL: dict[str, tuple[str, Callable[[Server, int, random.Random], Run]]] = {
    "fixed sleep": ("time", fixed_sleep),
    "tenacity exponential": ("tenacity", tenacity_exponential),
    "stamina defaults": ("stamina", stamina_defaults),
    "botocore adaptive": ("botocore", botocore_adaptive),
    "Scrapy AutoThrottle": ("scrapy", scrapy_autothrottle),
}
RIVALS = {name: run for name, (module, run) in _ALL.items() if importlib.util.find_spec(module)}
NOT_INSTALLED = sorted(set(_ALL) - set(RIVALS))

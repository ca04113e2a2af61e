"""How this project's pace is driven in virtual time, and what is measured of any client."""

from __future__ import annotations

import heapq
import itertools
import math
import random
from dataclasses import dataclass

from benchmarks.pace.servers import GivenUp, Server

from nba_season_backfill.pace import Answered, Outcome, PaceConfig, PaceState, Resumed, Sent, decide

__all__ = ["GivenUp", "Run", "run_pace", "summary"]


@dataclass(frozen=True, slots=True)
class Run:
    """What came of one run: ``seconds`` until the last request was let in, or None when it never was."""

    seconds: float | None
    sends: int
    refused: int
    closest_seconds: float
    refused_at: tuple[float, ...]
    state: PaceState | None = None


def summary(server: Server, *, finished: bool, state: PaceState | None = None) -> Run:
    """The server's view of a run."""
    times = [at for at, _ in server.arrivals]
    return Run(
        seconds=times[-1] if finished else None,
        sends=len(times),
        refused=sum(not ok for _, ok in server.arrivals),
        closest_seconds=min((later - earlier for earlier, later in itertools.pairwise(times)), default=math.inf),
        refused_at=tuple(at for at, ok in server.arrivals if not ok),
        state=state,
    )


def run_pace(
    server: Server,
    config: PaceConfig,
    requests: int,
    rng: random.Random,
    *,
    state: PaceState | None = None,
    start: float = 0.0,
    away_seconds: float = 0.0,
) -> Run:
    """This project's pace: the pure core, several requests in flight, in virtual time."""
    now = start
    answers: list[tuple[float, int, float, Outcome, float | None]] = []
    if state is None:
        state, at = PaceState(config=config), now
    else:
        state, at = decide(state, Resumed(away_seconds), now, rng)
    done = sent = 0
    refusal = Outcome.BLOCKED if server.silent else Outcome.THROTTLED
    try:
        while done < requests:
            if at <= (answers[0][0] if answers else math.inf) and done + len(answers) < requests:
                now = max(now, at)
                reply = server.request(now)
                sent += 1
                state, at = decide(state, Sent(sent), now, rng)
                outcome = Outcome.OK if reply.ok else refusal
                heapq.heappush(answers, (now + reply.latency_seconds, sent, now, outcome, reply.retry_after_seconds))
            else:
                arrived, request, sent_at, outcome, asked = heapq.heappop(answers)
                now = max(now, arrived)
                done += outcome is Outcome.OK
                state, at = decide(state, Answered(request, sent_at, outcome, asked), now, rng)
    except GivenUp:
        return summary(server, finished=False, state=state)
    return summary(server, finished=True, state=state)

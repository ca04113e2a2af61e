"""The benchmark of the pace: hidden limits, in virtual time, beside what is commonly used.

``python -m benchmarks.pace`` from the checkout (``--quick`` for a taste). Exits with 1 when a goal is missed.
"""

from __future__ import annotations

import argparse
import copy
import json
import math
import random
import statistics
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks.pace.clients import run_pace
from benchmarks.pace.rivals import NOT_INSTALLED, RIVALS
from benchmarks.pace.servers import LATENCIES, MODELS, Model, Server, ideal_seconds

from nba_season_backfill.pace import PaceConfig, PaceState

__all__ = ["main"]

OURS = "hoopstat pace"
REQUESTS = 3690
SEEDS = 20
_RESUME_AFTER = 1200
_AWAY_SECONDS = (30.0, 900.0, 7200.0, 30_000.0)
_RESUME_WATCHED_SECONDS = 600.0


@dataclass(frozen=True, slots=True)
class Score:
    """One client against one service, for one seed."""

    model: str
    retry_after: bool
    client: str
    seed: int
    refused_share: float
    utilisation: float
    sends: int
    seconds: float | None
    closest_seconds: float
    refused_after_resume: int | None = None


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark, print its tables, and return 1 when a goal is missed, else 0."""
    parser = argparse.ArgumentParser(prog="benchmarks.pace", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="two seeds, no rivals but fixed sleep")
    parser.add_argument("--seeds", type=int, default=None, help=f"how many (default {SEEDS}, with --quick 2)")
    parser.add_argument("--only", default="", help="only services whose name contains this")
    parser.add_argument("--jobs", type=int, default=1, help="processes to use")
    parser.add_argument("--json", type=Path, default=None, help="write every score to this file")
    options = parser.parse_args(arguments)
    seeds = options.seeds or (2 if options.quick else SEEDS)
    rivals = ["fixed sleep"] if options.quick else list(RIVALS)
    models = [model for model in MODELS if options.only in model.name]
    began = time.monotonic()
    work = [(model.name, seed, rivals) for model in models for seed in range(seeds)]
    if options.jobs > 1:
        with ProcessPoolExecutor(options.jobs) as pool:
            scores = [score for found in pool.map(_scores, work) for score in found]
    else:
        scores = [score for item in work for score in _scores(item)]
    if options.json:
        options.json.write_text(json.dumps([asdict(score) for score in scores], indent=1))
    print(f"{REQUESTS} requests, {seeds} seeds, one request per 5 s allowed; refused share and utilisation are means")
    print("(in brackets the worst seed); utilisation is of what a client could do that knows the hidden limit.\n")
    if NOT_INSTALLED and not options.quick:
        print(f"left out, because not installed: {', '.join(NOT_INSTALLED)}\n")
    missed = _report(models, scores, [OURS, *rivals])
    print(f"\n{len(scores)} runs in {time.monotonic() - began:.0f} s")
    for line in missed:
        print("MISSED:", line)
    print("goals missed" if missed else "all goals met")
    return 1 if missed else 0


def _scores(item: tuple[str, int, list[str]]) -> list[Score]:
    name, seed, rivals = item
    model = next(model for model in MODELS if model.name == name)
    limiter = model.limiter(random.Random(f"{name}/{seed}"))
    latency = LATENCIES[seed % (2 if model.auto else len(LATENCIES))]
    config = PaceConfig(auto=model.auto, request_budget=0 if model.auto else 720)
    ideal = ideal_seconds(limiter, REQUESTS, config.shortest_interval_seconds)

    def server(rng: random.Random, *, retry_after: bool) -> Server:
        return Server(
            copy.deepcopy(limiter),
            latency,
            rng,
            retry_after=retry_after,
            silent=model.silent,
            most_sends=20 * REQUESTS,
            longest_seconds=5 * ideal,
        )

    scores = []
    for retry_after in (False,) if model.silent else (False, True):
        rng = random.Random(seed)
        run = run_pace(server(rng, retry_after=retry_after), config, REQUESTS, rng)
        scores.append(
            Score(
                model.name,
                retry_after,
                OURS,
                seed,
                run.refused / run.sends,
                ideal / run.seconds if run.seconds else 0.0,
                run.sends,
                run.seconds,
                run.closest_seconds,
                _refused_after_resume(server(rng, retry_after=retry_after), config, rng, seed),
            )
        )
    for rival in [] if model.auto else rivals:
        rng = random.Random(seed)
        run = RIVALS[rival](server(rng, retry_after=False), REQUESTS, rng)
        utilisation = ideal / run.seconds if run.seconds else 0.0
        share = run.refused / run.sends
        scores.append(
            Score(model.name, False, rival, seed, share, utilisation, run.sends, run.seconds, run.closest_seconds)
        )
    return scores


def _refused_after_resume(server: Server, config: PaceConfig, rng: random.Random, seed: int) -> int:
    """How many requests are refused in the first ten minutes of a run that starts from a stored state."""
    first = run_pace(server, config, _RESUME_AFTER, rng)
    if first.state is None or first.seconds is None:
        return -1
    away = _AWAY_SECONDS[seed % len(_AWAY_SECONDS)]
    stored = PaceState.from_json(first.state.to_json())
    state = PaceState.from_json(stored.to_json()).under(config)
    start = max(first.seconds, first.state.as_of) + away
    second = run_pace(server, config, 150, rng, state=state, start=start, away_seconds=away)
    return sum(start <= at < start + _RESUME_WATCHED_SECONDS for at in second.refused_at)


def _report(models: Sequence[Model], scores: Sequence[Score], clients: Sequence[str]) -> list[str]:
    missed: list[str] = []
    columns = (
        f"{'service':<20} {'Retry-After':<11} {'client':<21} {'refused %':>16} {'utilisation':>15} {'finished':>9}"
    )
    print(columns + "\n" + "-" * len(columns))
    for model in models:
        for retry_after in (False, True):
            for client in clients:
                found = [
                    score
                    for score in scores
                    if (score.model, score.retry_after, score.client) == (model.name, retry_after, client)
                ]
                if not found:
                    continue
                refused = [100 * score.refused_share for score in found]
                used = [score.utilisation for score in found]
                finished = sum(score.seconds is not None for score in found)
                print(
                    f"{model.name:<20} {'yes' if retry_after else 'no':<11} {client:<21} "
                    f"{statistics.mean(refused):>7.3f} ({max(refused):>6.3f}) "
                    f"{statistics.mean(used):>6.3f} ({min(used):>5.3f}) {finished:>4}/{len(found)}"
                )
                if client == OURS:
                    missed += _missed(model, f"{model.name}, Retry-After {retry_after}", found)
    ours = [score for score in scores if score.client == OURS]
    resumed = [score.refused_after_resume for score in ours if score.refused_after_resume is not None]
    print(
        f"\nrefused in the first 10 minutes after a resumption: "
        f"at most {max(resumed)}, mean {statistics.mean(resumed):.3f}"
    )
    paced = [score.closest_seconds for score in ours if score.model != "auto"]
    if paced:
        print(f"closest two sends: {min(paced):.3f} s (5.0 s - 0.2 s of jitter allowed)")
    return missed


def _missed(model: Model, where: str, scores: Sequence[Score]) -> list[str]:
    refused = statistics.mean(score.refused_share for score in scores)
    used = statistics.mean(score.utilisation for score in scores)
    closest = min(score.closest_seconds for score in scores)
    resumed = max(score.refused_after_resume or 0 for score in scores)
    config = PaceConfig(auto=model.auto)
    shortest = config.shortest_gap_seconds(config.shortest_interval_seconds)
    found = []
    if model.refused_goal is not None and refused > model.refused_goal:
        found.append(f"{where}: refused share {refused:.4f}, goal {model.refused_goal}")
    if model.utilisation_goal is not None and used < model.utilisation_goal:
        found.append(f"{where}: utilisation {used:.3f}, goal {model.utilisation_goal}")
    if any(score.seconds is None for score in scores):
        found.append(f"{where}: a run did not finish")
    if closest < shortest - 1e-6 and not math.isinf(closest):
        found.append(f"{where}: two sends {closest:.3f} s apart, never closer than {shortest:.3f} s allowed")
    if resumed > 1:
        found.append(f"{where}: {resumed} refusals in the first 10 minutes after a resumption")
    return found


if __name__ == "__main__":
    sys.exit(main())

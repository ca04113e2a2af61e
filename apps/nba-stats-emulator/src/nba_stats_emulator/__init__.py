"""A local stats.nba.com: a simulated sample season, recorded bodies, latency and faults on demand.

    from nba_stats_emulator import Behaviour, Emulator, Rule, Tarpit

    with Emulator(behaviour=Behaviour(rules=(Rule(Tarpit(), at=(3,)),))) as emulator:
        print(emulator.base_url)

Everything it serves that is not a fact is simulated from a fixed seed and says so: in `meta.simulated` of newer
bodies and in the header `x-simulated` of every answer.
"""

from nba_stats_emulator.behaviour import (
    Behaviour,
    Blocked,
    Close,
    Constant,
    CutGzip,
    Drift,
    Drip,
    EmptyBody,
    EmptyObject,
    HtmlPage,
    InvalidJson,
    Lognormal,
    NullRoot,
    Reset,
    Rule,
    ServerError,
    Tarpit,
    TooManyRequests,
    Truncate,
    Unable,
    Uniform,
    WrongGame,
)
from nba_stats_emulator.emulator import Emulator
from nba_stats_emulator.limits import (
    Admission,
    Limiter,
    PenaltyBox,
    SlidingWindow,
    TokenBucket,
    Unlimited,
    VaryingCapacity,
)
from nba_stats_emulator.server import Arrival
from nba_stats_emulator.story import Change, Correction, LateEnding, Postponement, Story

__all__ = [
    "Admission",
    "Arrival",
    "Behaviour",
    "Blocked",
    "Change",
    "Close",
    "Constant",
    "Correction",
    "CutGzip",
    "Drift",
    "Drip",
    "EmptyBody",
    "EmptyObject",
    "Emulator",
    "HtmlPage",
    "InvalidJson",
    "LateEnding",
    "Limiter",
    "Lognormal",
    "NullRoot",
    "PenaltyBox",
    "Postponement",
    "Reset",
    "Rule",
    "ServerError",
    "SlidingWindow",
    "Story",
    "Tarpit",
    "TokenBucket",
    "TooManyRequests",
    "Truncate",
    "Unable",
    "Uniform",
    "Unlimited",
    "VaryingCapacity",
    "WrongGame",
]

"""The pace: no request leaves faster than allowed, and none later than needed.

A polite client of a service that publishes no limits has three jobs: keep its own pace exactly, find out from a handful
of refusals what the service tolerates, and stay silent when silence is asked for. Each has a part here, all of them
pure functions of what happened; `Pacer` puts a lock and a clock around them.

**Keeping the pace.** Requests leave one by one, on a grid: the ideal time of a send is that of the one before plus the
interval, and jitter moves each send around its ideal time, so that neither jitter nor sleeping too long adds up. Two
sends are never closer than interval minus jitter, whichever threads ask. Several requests may be unanswered at the same
time, so that slow answers do not slow the sending. The configured interval is the fastest ever used (with ``auto`` the
floor is), and a request budget bounds every sliding hour besides.

**Learning the limit.** After a refusal, the sends are replayed through the limits that services are known to use: token
buckets of any rate and burst, and sliding windows of any number and length. Those that would have let in and refused
exactly what was let in and refused explain what was seen. The pace settles below the slowest of them once they agree
within a few per cent, and between the slowest and the fastest while they do not: each further refusal, and each quarter
of an hour without one, rules some of them out. Two or three refusals usually pin a limit down to a percent. A limit
that is known is left alone for long, then tried again with a slowly rising rate: a refusal confirms it and doubles the
time until the next try; none, and the pace rises until it meets the ceiling or a new limit. Tries are so rare that they
cost less than one refusal in some hundred requests, and little time where a refusal is punished. When no limit explains
everything, the service has changed: the oldest refusals are let go until one does. The pace grows only while it is
what holds the sending back, and nothing is tried in the first ten minutes after a resumption.

**Silence.** A refusal opens the circuit: nothing is sent for the longer of what Retry-After asks and what is known to
be needed, plus jitter; then one probe decides. A probe that is refused multiplies the wait, so that a penalty which
every request extends is outlasted with three probes even when it lasts half an hour; the silence that worked is
remembered for the next time. Silence of the service (`Outcome.BLOCKED`) is treated alike, except that a single one
lowers no rate: it may have been a fault on the way. A single passing fault changes nothing, many of them open the
circuit. After each refusal one request is in flight at a time, more after minutes, and `Ticket.session_generation`
asks for a new HTTP session. A wait that would take longer than ``max_wait_seconds`` since the first refusal raises
`WaitTooLong` instead.

What was learned is part of `PaceState`, which a run stores and the next one starts from: the bracket around the limit,
the silences, an open circuit, and the sends of the last hours, which count in the budget.

    pacer = Pacer(PaceConfig(interval_seconds=5.0))
    ticket = pacer.acquire(stop)          # blocks; raises PaceStopped, WaitTooLong
    pacer.report(ticket, Outcome.OK)      # every ticket is reported, whatever became of the request
"""

from .config import PaceConfig
from .core import decide
from .events import Answered, Event, Outcome, Resumed, Sent, WantToSend
from .pacer import Pacer, PaceStats, PaceStopped, Ticket, WaitTooLong
from .retry_after import parse_retry_after
from .state import PaceState

__all__ = [
    "Answered",
    "Event",
    "Outcome",
    "PaceConfig",
    "PaceState",
    "PaceStats",
    "PaceStopped",
    "Pacer",
    "Resumed",
    "Sent",
    "Ticket",
    "WaitTooLong",
    "WantToSend",
    "decide",
    "parse_retry_after",
]

"""The whole memory of the pace: one frozen value, which a run stores and the next one starts from."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field, replace

from .circuit import CLOSED, OPEN, Circuit, Silence
from .config import PaceConfig
from .events import Outcome
from .learning import Learned

__all__ = ["PaceState"]

_FORMAT = 1
_MINUTE = 60.0


@dataclass(frozen=True, slots=True)
class PaceState:
    """What the pace knows. Times are seconds of the clock that ``decide`` is called with, ``as_of`` the latest one."""

    config: PaceConfig = field(default_factory=PaceConfig)
    as_of: float = -math.inf
    saved_wall: float | None = None
    grid_at: float = -math.inf
    sent_at: float = -math.inf
    offset: float = 0.0
    recent: tuple[float, ...] = ()
    remembered_since: float = -math.inf
    outstanding: tuple[tuple[int, float], ...] = ()
    clean_since: float = -math.inf
    sheltered_until: float = -math.inf
    transients: float = 0.0
    session_generation: int = 0
    circuit: Circuit = field(default_factory=Circuit)
    silences: tuple[tuple[Outcome, Silence], ...] = ()
    learned: Learned = field(default_factory=Learned)

    @property
    def interval_seconds(self) -> float:
        """The mean gap between two sends that is kept now."""
        if not self.config.enabled:
            return 0.0
        return max(1 / self.learned.rate_under(self.config), self.config.shortest_interval_seconds)

    def silence_of(self, kind: Outcome) -> Silence:
        """What is known about the silence that ends a refusal of this kind."""
        return dict(self.silences).get(kind, Silence())

    def with_silence(self, kind: Outcome, silence: Silence) -> PaceState:
        """The same state, knowing this about refusals of this kind."""
        return replace(self, silences=tuple(sorted({**dict(self.silences), kind: silence}.items())))

    def under(self, config: PaceConfig) -> PaceState:
        """The same state, used under this configuration."""
        return replace(self, config=config)

    def shifted(self, seconds: float) -> PaceState:
        """The same state with every time moved by ``seconds``."""
        return replace(
            self,
            as_of=self.as_of + seconds,
            grid_at=self.grid_at + seconds,
            sent_at=self.sent_at + seconds,
            recent=tuple(moment + seconds for moment in self.recent),
            remembered_since=self.remembered_since + seconds,
            outstanding=(),
            clean_since=self.clean_since + seconds,
            sheltered_until=self.sheltered_until + seconds,
            circuit=replace(
                self.circuit,
                since=self.circuit.since + seconds,
                refused_at=self.circuit.refused_at + seconds,
                cut_at=self.circuit.cut_at + seconds,
                until=self.circuit.until + seconds,
            ),
            learned=self.learned.shifted(seconds),
        )

    def to_json(self) -> str:
        """What was learned, as a JSON text of a few kilobytes; times are ages, so that another process can use it."""
        ages = self.shifted(-self.as_of) if math.isfinite(self.as_of) else self
        circuit = {
            "status": CLOSED if ages.circuit.status == CLOSED else OPEN,
            "kind": ages.circuit.kind.value,
            "since": _finite(ages.circuit.since),
            "until": _finite(ages.circuit.until),
            "refused_at": _finite(ages.circuit.refused_at),
            "refusals": ages.circuit.refusals,
            "wait_seconds": ages.circuit.wait_seconds,
        }
        document = {
            "format": _FORMAT,
            "saved_wall": self.saved_wall,
            "sent_at": _finite(ages.sent_at),
            "recent": _per_minute(ages.recent),
            "clean_since": _finite(ages.clean_since),
            "session_generation": ages.session_generation,
            "circuit": circuit,
            "silences": {kind.value: [s.failed_seconds, s.cleared_seconds] for kind, s in ages.silences},
            "learned": ages.learned.to_dict(),
        }
        return json.dumps(document, allow_nan=False, sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> PaceState:
        """The state that ``to_json`` wrote; ValueError for anything else."""
        try:
            document = json.loads(text)
            if document["format"] != _FORMAT:
                raise ValueError(f"format {document['format']!r} of a pace state is not known here")
            circuit = document["circuit"]
            return cls(
                as_of=0.0,
                saved_wall=document["saved_wall"],
                grid_at=_infinite(document["sent_at"]),
                sent_at=_infinite(document["sent_at"]),
                recent=_spread(document["recent"]),
                clean_since=_infinite(document["clean_since"]),
                session_generation=int(document["session_generation"]),
                circuit=Circuit(
                    status=CLOSED if circuit["status"] == CLOSED else OPEN,
                    kind=Outcome(circuit["kind"]),
                    since=_infinite(circuit["since"]),
                    refused_at=_infinite(circuit["refused_at"]),
                    cut_at=0.0,
                    until=_infinite(circuit["until"]),
                    refusals=int(circuit["refusals"]),
                    wait_seconds=float(circuit["wait_seconds"]),
                ),
                silences=tuple(
                    sorted(
                        (Outcome(kind), Silence(float(a), float(b))) for kind, (a, b) in document["silences"].items()
                    )
                ),
                learned=Learned.from_dict(document["learned"]),
            )
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"not a pace state: {error!r}") from error


def _finite(value: float) -> float | None:
    return round(value, 6) if math.isfinite(value) else None


def _infinite(value: float | None) -> float:
    return -math.inf if value is None else float(value)


def _per_minute(ages: tuple[float, ...]) -> list[list[int]]:
    """How many sends there were in which minute before now: [[minutes ago, sends], ...]."""
    counts: dict[int, int] = {}
    for age in ages:
        minute = math.floor(-age / _MINUTE)
        counts[minute] = counts.get(minute, 0) + 1
    return [[minute, count] for minute, count in sorted(counts.items(), reverse=True)]


def _spread(counts: list[list[int]]) -> tuple[float, ...]:
    return tuple(
        -(minute + 1) * _MINUTE + _MINUTE * (place + 1) / count for minute, count in counts for place in range(count)
    )

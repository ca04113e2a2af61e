"""Behaviours by name, and behaviours as JSON.

A JSON behaviour is the dataclass written out, each latency, fault and limiter with its `kind`:

    {"seed": 7,
     "latency": {"kind": "lognormal", "median_seconds": 0.4},
     "limit": {"kind": "penalty_box", "penalty_seconds": 300,
               "inner": {"kind": "token_bucket", "rate_per_second": 1, "burst": 5}},
     "refusal": {"kind": "tarpit"},
     "rules": [{"fault": {"kind": "html"}, "endpoint": "playbyplayv3", "times": 2}]}
"""

from __future__ import annotations

import dataclasses
import json
import typing
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from nba_stats_emulator.behaviour import (
    Behaviour,
    Blocked,
    Constant,
    Drift,
    EmptyObject,
    Fault,
    HtmlPage,
    InvalidJson,
    Latency,
    Lognormal,
    Reset,
    Rule,
    ServerError,
    Tarpit,
    TooManyRequests,
    Truncate,
)
from nba_stats_emulator.limits import PenaltyBox, SlidingWindow, TokenBucket, Unlimited, VaryingCapacity

__all__ = ["KINDS", "SCENARIOS", "from_json", "load", "to_json"]

SCENARIOS: dict[str, Behaviour] = {
    "polite": Behaviour(),
    "slow": Behaviour(latency=Lognormal(1.5, 0.6, most_seconds=20.0)),
    "throttling": Behaviour(limit=TokenBucket(1.5, burst=10), refusal=TooManyRequests("limit")),
    "silent-throttling": Behaviour(limit=SlidingWindow(100, 60.0), refusal=TooManyRequests()),
    "penalty-box": Behaviour(limit=PenaltyBox(TokenBucket(1.5, burst=10), 60.0), refusal=Tarpit()),
    "varying": Behaviour(
        limit=VaryingCapacity(((0, TokenBucket(2.0, 10)), (60, TokenBucket(0.5, 2)), (180, TokenBucket(2.0, 10))))
    ),
    "flaky": Behaviour(
        latency=Constant(0.05),
        rules=tuple(
            Rule(fault, probability=0.02)
            for fault in (
                Reset(), Truncate(), HtmlPage(), ServerError(500), ServerError(502), ServerError(503),
                EmptyObject(), InvalidJson(), TooManyRequests(2.0),
            )
        ),
    ),
    "blocked": Behaviour(rules=(Rule(Tarpit()),)),
    "blocked-page": Behaviour(rules=(Rule(Blocked()),)),
    "drift": Behaviour(
        rules=(
            Rule(Drift(add=("homeTeam.players.*.statistics.clutchRating",)), endpoint="boxscoretraditionalv3"),
            Rule(Drift(retype=("actions.*.shotDistance",)), endpoint="playbyplayv3"),
        )
    ),
}  # fmt: skip
"""Named behaviours."""

_LIMITERS: dict[str, type[Any]] = {
    "unlimited": Unlimited,
    "token_bucket": TokenBucket,
    "sliding_window": SlidingWindow,
    "penalty_box": PenaltyBox,
    "varying_capacity": VaryingCapacity,
}
KINDS: dict[str, dict[str, type[Any]]] = {
    "latency": {kind.kind: kind for kind in typing.get_args(Latency)},
    "fault": {kind.kind: kind for kind in typing.get_args(Fault)},
    "limiter": _LIMITERS,
}
"""What JSON may name: kinds of latency, fault and limiter, with their classes."""


def load(name_or_file: str) -> Behaviour:
    """A behaviour by name, or from a JSON file. Raises ValueError when it is neither, or makes no sense."""
    if name_or_file in SCENARIOS:
        return SCENARIOS[name_or_file]
    path = Path(name_or_file)
    if not path.is_file():
        raise ValueError(
            f"{name_or_file!r} is neither a scenario ({', '.join(sorted(SCENARIOS))}) nor a file; name one of these"
        )
    try:
        return from_json(json.loads(path.read_text(encoding="utf-8")))
    except ValueError as error:
        raise ValueError(f"{name_or_file}: {error}") from None


def from_json(data: object) -> Behaviour:
    """A behaviour from parsed JSON. Raises ValueError with the place of what it does not understand."""
    if isinstance(data, str):
        if data not in SCENARIOS:
            raise ValueError(f"no scenario {data!r}; there are {', '.join(sorted(SCENARIOS))}")
        return SCENARIOS[data]
    values = dict(_mapping(data, "behaviour"))
    if values.get("latency") is not None:
        values["latency"] = _thing("latency", values["latency"], "latency")
    by_endpoint = _mapping(values.get("latency_by_endpoint", {}), "latency_by_endpoint")
    values["latency_by_endpoint"] = {
        endpoint.lower(): _thing("latency", latency, f"latency_by_endpoint.{endpoint}")
        for endpoint, latency in by_endpoint.items()
    }
    if values.get("limit") is not None:
        values["limit"] = _limiter(values["limit"], "limit")
    if "refusal" in values:
        values["refusal"] = _thing("fault", values["refusal"], "refusal")
    rules = values.get("rules", [])
    if not isinstance(rules, list):
        raise ValueError("rules must be a list")
    values["rules"] = tuple(_rule(rule, f"rules[{number}]") for number, rule in enumerate(rules))
    behaviour: Behaviour = _build(Behaviour, values, "behaviour")
    return behaviour


def to_json(behaviour: Behaviour) -> dict[str, Any]:
    """A behaviour as JSON that `from_json` reads back; what is at its default is left out."""
    written: dict[str, Any] = _plain(behaviour)
    return written


def _mapping(data: object, place: str) -> Mapping[str, Any]:
    if not isinstance(data, Mapping):
        raise ValueError(f"{place} must be an object, not {type(data).__name__}")
    return data


def _thing(family: str, data: object, place: str) -> Any:
    values = dict(_mapping(data, place))
    kind = values.pop("kind", None)
    found = KINDS[family].get(str(kind))
    if found is None:
        raise ValueError(f"{place}: no {family} of kind {kind!r}; there are {', '.join(sorted(KINDS[family]))}")
    return _build(found, values, place)


def _limiter(data: object, place: str) -> Any:
    values = dict(_mapping(data, place))
    if "inner" in values:
        values["inner"] = _limiter(values["inner"], f"{place}.inner")
    if "schedule" in values:
        values["schedule"] = tuple(
            (start, _limiter(limiter, f"{place}.schedule")) for start, limiter in values["schedule"]
        )
    return _thing("limiter", values, place)


def _rule(data: object, place: str) -> Rule:
    values = dict(_mapping(data, place))
    values["fault"] = _thing("fault", values.get("fault"), f"{place}.fault")
    rule: Rule = _build(Rule, values, place)
    return rule


def _build(kind: type[Any], values: dict[str, Any], place: str) -> Any:
    known = {entry.name for entry in dataclasses.fields(kind) if entry.init}
    unknown = sorted(values.keys() - known)
    if unknown:
        raise ValueError(f"{place}: {unknown[0]!r} is not known here; there are {', '.join(sorted(known))}")
    for name, value in values.items():
        if isinstance(value, list):
            values[name] = tuple(value)
    try:
        return kind(**values)
    except TypeError as error:
        raise ValueError(f"{place}: {error}") from None


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        written: dict[str, Any] = {}
        kind = getattr(value, "kind", None) or next((n for n, cls in _LIMITERS.items() if type(value) is cls), None)
        if kind:
            written["kind"] = kind
        for entry in dataclasses.fields(value):
            if not entry.init:
                continue
            own = getattr(value, entry.name)
            if entry.default is not dataclasses.MISSING and own == entry.default:
                continue
            if entry.default_factory is not dataclasses.MISSING and own == entry.default_factory():
                continue
            written[entry.name] = _plain(own)
        return written
    if isinstance(value, Mapping):
        return {key: _plain(own) for key, own in value.items()}
    if isinstance(value, (tuple, list)):
        return [_plain(own) for own in value]
    return value

"""What a source is asked and what it answers. A source never judges: that is the verdict table's work."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from nba_season_backfill.season import Season

__all__ = ["Answer", "Failure", "FailureKind", "StatsRequest", "StatsSource"]


@dataclass(frozen=True, slots=True)
class StatsRequest:
    """One question to the upstream. ``subject`` is what it is about: a game id, or a season-level name."""

    endpoint: str
    parameters: Mapping[str, str]
    season: Season
    subject: str


class FailureKind(StrEnum):
    """How an exchange ended when no whole HTTP answer came back."""

    NAME_RESOLUTION = "name_resolution"
    CONNECTION_REFUSED = "connection_refused"
    TLS = "tls"
    PROXY = "proxy"
    CONNECT_TIMEOUT = "connect_timeout"
    READ_TIMEOUT = "read_timeout"
    RESET_NEW = "reset_new"
    RESET_REUSED = "reset_reused"
    TRUNCATED = "truncated"
    NOT_ARCHIVED = "not_archived"


@dataclass(frozen=True, slots=True)
class Failure:
    """Why no whole answer came back; ``detail`` holds no credentials."""

    kind: FailureKind
    detail: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: status, headers (lower-case names) and verbatim body, or the failure that came instead.

    ``url`` is the URL as sent, without credentials. ``latency_seconds`` is the time until the body was whole.
    """

    request: StatsRequest
    url: str
    fetched_at: dt.datetime
    latency_seconds: float
    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    failure: Failure | None = None


class StatsSource(Protocol):
    """Where answers come from: the upstream, or the raw archive. Thread-safe."""

    @property
    def name(self) -> str:
        """For logs and messages: a base URL, or ``archive``."""

    def fetch(self, request: StatsRequest, *, session_generation: int = 0) -> Answer:
        """Ask once. Never raises for what the network does: that is in the answer.

        ``session_generation`` counts up when the HTTP session is to be renewed (after a throttle or a block).
        """

    def close(self) -> None:
        """Give connections back. Idempotent."""

"""The raw archive as a source: answers what was answered before, never touches the network."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

from nba_season_backfill.source.base import Answer, Failure, FailureKind, StatsRequest

__all__ = ["ArchiveSource"]

Find = Callable[[StatsRequest], tuple[bytes, dt.datetime, str] | None]


class ArchiveSource:
    """Replays archived bodies.

    Args:
        find: request -> (verbatim body, fetched at, URL) of the newest archived answer, or None. Given by the caller,
            because a source knows no lake.
    """

    name = "archive"

    def __init__(self, find: Find) -> None:
        self._find = find

    def fetch(self, request: StatsRequest, *, session_generation: int = 0) -> Answer:  # noqa: ARG002  # no session here
        """The newest archived answer, or a failure that says there is none."""
        found = self._find(request)
        if found is None:
            return Answer(
                request,
                url="",
                fetched_at=dt.datetime.now(dt.UTC),
                latency_seconds=0.0,
                failure=Failure(FailureKind.NOT_ARCHIVED, f"{request.endpoint} {request.subject}"),
            )
        body, fetched_at, url = found
        return Answer(request, url=url, fetched_at=fetched_at, latency_seconds=0.0, status=200, body=body)

    def close(self) -> None:
        """Nothing to give back."""

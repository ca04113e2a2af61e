"""What an answer is worth, and its body as the archive keeps it: pure work, so that any process can do it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from nba_season_backfill.datasets.base import Assessment, Dataset, Expectation
from nba_season_backfill.lake.raw import Packed, pack
from nba_season_backfill.source.base import Answer, StatsRequest
from nba_season_backfill.source.verdict import Verdict, judge

__all__ = ["Examined", "GameChecks", "Question", "examine"]


@dataclass(frozen=True, slots=True)
class Question:
    """A request and how its answer is judged. ``root`` is None for ``resultSets`` bodies."""

    request: StatsRequest
    root: str | None
    assess: Callable[[Mapping[str, Any]], Assessment]


@dataclass(frozen=True, slots=True)
class GameChecks:
    """A dataset's checks, bound to what is known of a game."""

    dataset: Dataset
    expectation: Expectation

    def __call__(self, payload: Mapping[str, Any]) -> Assessment:
        """Judge a parsed payload."""
        return self.dataset.assess(payload, self.expectation)


@dataclass(frozen=True, slots=True)
class Examined:
    """A verdict, and the body packed for the archive where it is worth keeping."""

    verdict: Verdict
    packed: Packed | None


def examine(answer: Answer, question: Question) -> Examined:
    """Judge an answer and pack its body."""
    verdict = judge(answer, question.root, question.assess)
    worth_keeping = verdict.consequence.archived and answer.failure is None
    return Examined(verdict, pack(answer.body) if worth_keeping else None)

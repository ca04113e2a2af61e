"""Train, validation, test: by time, so that no model is tested on days before those it learned from. Pure."""

from __future__ import annotations

import datetime as dt
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["SPLITS", "Split", "parse_shares", "split_at", "split_by_shares"]

SPLITS = ("train", "validation", "test")


@dataclass(frozen=True, slots=True)
class Split:
    """The first days of validation and of test; None: there is none of it. Days before are for training."""

    validation_from: dt.date | None
    test_from: dt.date | None

    def of(self, day: dt.date) -> str:
        """Which part a day belongs to."""
        if self.test_from is not None and day >= self.test_from:
            return "test"
        if self.validation_from is not None and day >= self.validation_from:
            return "validation"
        return "train"


def parse_shares(text: str) -> tuple[int, int, int]:
    """Read ``70/15/15``: percentages of train, validation and test.

    Raises:
        ValueError: says what is wrong.
    """
    match = re.fullmatch(r"(\d{1,3})/(\d{1,3})/(\d{1,3})", text.strip(), re.ASCII)
    if match is None:
        raise ValueError("not three shares; write for instance 70/15/15")
    train, validation, test = (int(part) for part in match.groups())
    if train + validation + test != 100:
        raise ValueError(f"the shares add up to {train + validation + test}, not to 100")
    if not train:
        raise ValueError("nothing would be left to train on")
    return train, validation, test


def split_by_shares(days: Sequence[dt.date], shares: tuple[int, int, int]) -> Split:
    """Cut between days, where the samples before (``days``: one for each sample) come closest to the shares.

    A part whose share is not zero gets at least one day.

    Raises:
        ValueError: there are fewer days than parts.
    """
    counts = sorted(Counter(days).items())
    parts = sum(1 for share in shares if share)
    if len(counts) < parts:
        raise ValueError(f"{len(counts)} game days cannot be split into {parts} parts")
    total, before = len(days), [0]
    for _day, count in counts:
        before.append(before[-1] + count)

    def cut(share: int, first: int, last: int) -> int:
        return min(range(first, last + 1), key=lambda place: (abs(before[place] * 100 - share * total), place))

    end = len(counts)
    validation = cut(shares[0], 1, end - (parts - 1))
    test = cut(shares[0] + shares[1], validation + bool(shares[1]), end - bool(shares[2])) if shares[2] else end
    return Split(
        counts[validation][0] if shares[1] else None,
        counts[test][0] if test < end else None,
    )


def split_at(validation_from: dt.date | None, test_from: dt.date | None) -> Split:
    """Cut at given days.

    Raises:
        ValueError: the test would begin before, or with, the validation.
    """
    if validation_from is not None and test_from is not None and test_from <= validation_from:
        raise ValueError(f"the test from {test_from} must begin after the validation from {validation_from}")
    return Split(validation_from, test_from)

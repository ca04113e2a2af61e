"""Means over what came before: the only place where a sample looks at other games. Pure.

``before[i]`` is the number of rows that lie before row ``i``'s date; a mean for row ``i`` sees rows ``0`` to
``before[i] - 1`` and nothing else, so no later game, and no other game of that day, can change it.

Sums are made in the order of the rows by single additions: the same rows give the same bits on every machine.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

__all__ = ["earlier", "mean_of_all_before", "mean_of_last"]

Numbers = npt.NDArray[np.float64]
Positions = npt.NDArray[np.int64]


def earlier(days: npt.NDArray[np.int64]) -> Positions:
    """For each row, how many rows are of an earlier day. ``days`` does not decrease."""
    return np.searchsorted(days, days, side="left").astype(np.int64)


def mean_of_last(values: Numbers, before: Positions, window: int) -> Numbers:
    """The mean of the last ``window`` rows before each row, column by column; NaN where there is none.

    Args:
        values: rows in order of their days, a column a quantity; NaN is not known, and left out of a mean.
    """
    known = ~np.isnan(values)
    padding = np.zeros((window, values.shape[1]))
    numbers = np.concatenate([padding, np.where(known, values, 0.0)])
    counts = np.concatenate([padding, known.astype(np.float64)])
    total, count = np.zeros((len(before), values.shape[1])), np.zeros((len(before), values.shape[1]))
    for offset in range(window):
        total += numbers[before + offset]
        count += counts[before + offset]
    return _mean(total, count)


def mean_of_all_before(values: Numbers, before: Positions) -> Numbers:
    """The mean of all rows before each row, column by column; NaN where there is none."""
    known = ~np.isnan(values)
    nothing = np.zeros((1, values.shape[1]))
    totals = np.concatenate([nothing, np.cumsum(np.where(known, values, 0.0), axis=0)])
    counts = np.concatenate([nothing, np.cumsum(known.astype(np.float64), axis=0)])
    return _mean(totals[before], counts[before])


def _mean(total: Numbers, count: Numbers) -> Numbers:
    mean = np.full(total.shape, np.nan)
    np.divide(total, count, out=mean, where=count > 0)
    return mean

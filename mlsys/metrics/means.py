"""Means of rows that may come in groups, and tenths of rows by what a model expects of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True)
class Mean:
    """A mean with how uncertain it is.

    Attributes:
        variance: of the mean; NaN of a single unit.
        units: rows, or groups where rows of a group resemble each other.
    """

    value: float
    variance: float
    n: int
    units: int


def mean_of(values: np.ndarray, group: np.ndarray | None = None) -> Mean:
    """Return the mean of `(n_rows,)` numbers, at least one.

    With `(n_rows,)` groups the variance is that of a ratio of group sums (Cochran, *Sampling Techniques*, 1977, 6.3).
    """
    import numpy as np

    n, mean = values.size, float(values.mean())
    if group is None:
        return Mean(mean, float(values.var(ddof=1)) / n if n > 1 else float("nan"), n, n)
    _, codes = np.unique(group, return_inverse=True)
    sums, sizes = np.bincount(codes, values), np.bincount(codes)
    units = sizes.size
    squares = float(((sums - mean * sizes) ** 2).sum())
    return Mean(mean, squares / n**2 * units / (units - 1) if units > 1 else float("nan"), n, units)


def tenths(expected: np.ndarray, bins: int = 10) -> list[np.ndarray]:
    """Return positions of rows in so many equal parts by rising `(n_rows,)` number; fewer where rows tie."""
    import numpy as np

    order = np.argsort(expected, kind="stable")
    score = expected[order]
    edges = np.unique(np.searchsorted(score, score[np.linspace(0, score.size, bins + 1).astype(int)[1:-1]]))
    return [part for part in np.split(order, edges) if part.size]

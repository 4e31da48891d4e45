"""Means of rows that may come in groups, with how uncertain they are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True)
class Averaged:
    """A mean with how uncertain it is.

    Attributes:
        variance: of the mean; NaN of a single unit.
        units: rows, or groups where rows of a group resemble each other.
    """

    value: float
    variance: float
    n: int
    units: int


def mean_of(values: np.ndarray, group: np.ndarray | None = None) -> Averaged:
    """Return the mean of `(n_rows,)` numbers, at least one.

    With `(n_rows,)` groups the variance is that of a ratio of group sums (Cochran, *Sampling Techniques*, 1977, 6.3).
    """
    import numpy as np

    n, mean = values.size, float(values.mean())
    if group is None:
        return Averaged(mean, float(values.var(ddof=1)) / n if n > 1 else float("nan"), n, n)
    _, codes = np.unique(group, return_inverse=True)
    sums, sizes = np.bincount(codes, values), np.bincount(codes)
    units = sizes.size
    squares = float(((sums - mean * sizes) ** 2).sum())
    return Averaged(mean, squares / n**2 * units / (units - 1) if units > 1 else float("nan"), n, units)

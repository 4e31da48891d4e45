"""Intervals of one model's metric, from resamples or from counts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

DROPPED_SHARE = 0.01


@dataclass(frozen=True)
class Interval:
    """Bounds of an interval, or None for both with the reason."""

    lower: float | None
    upper: float | None
    reason: str | None = None


def percentile(replicates: np.ndarray, level: float) -> Interval:
    """Return the two-sided percentile interval of `level`; undefined replicates are left out if under 1 %.

    Efron and Tibshirani 1993, chapter 13.
    """
    import numpy as np

    defined = replicates[np.isfinite(replicates)]
    n_dropped = replicates.size - defined.size
    if not defined.size or n_dropped >= DROPPED_SHARE * replicates.size:
        return Interval(None, None, f"undefined in {n_dropped} of {replicates.size} resamples")
    lower, upper = np.quantile(defined, [(1 - level) / 2, (1 + level) / 2])
    return Interval(float(lower), float(upper))


def wilson(share: float, n: float, level: float) -> Interval:
    """Return the two-sided score interval of a share seen in `n > 0` independent rows (Wilson, JASA 22, 1927).

    Resamples of rows that are all alike are all alike, too: no false alarm among 160 rows would have the bounds 0 and
    0, where one in 43 may be one. This one says so.
    """
    from scipy.special import ndtri

    z = float(ndtri((1 + level) / 2))
    middle, spread = share + z**2 / (2 * n), z * (share * (1 - share) / n + z**2 / (4 * n**2)) ** 0.5
    lower, upper = ((middle + side * spread) / (1 + z**2 / n) for side in (-1, 1))
    return Interval(0.0 if share == 0 else max(0.0, lower), 1.0 if share == 1 else min(1.0, upper))


def effective_size(share: float, n: float, replicates: np.ndarray, *, units: float) -> float:
    """Return how many independent rows would vary as much as `n` rows that were drawn in groups (Kish 1965, 8.2).

    `replicates` are the share's under draws of whole groups; `units`, from 0 to 1, is groups by rows, which stands in
    where they do not vary.
    """
    import numpy as np

    variance = float(np.nanvar(replicates))
    if variance > 0:
        return min(n, share * (1 - share) / variance)
    return max(1.0, n * units)

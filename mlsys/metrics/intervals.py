"""Intervals of one model's metric, or of a difference: from influence values, from counts, or from resamples."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import atanh, exp, hypot, log, tanh
from typing import TYPE_CHECKING, Literal

from mlsys.metrics.units import Units

if TYPE_CHECKING:
    import numpy as np

DROPPED_SHARE = 0.01
IntervalScale = Literal["plain", "log", "odds", "below_one", "fisher"]
# Of each scale: the way there, the way back, and the slope. On it a metric is about as unsure upwards as downwards:
# errors by their logarithm, shares by log odds, R² by the logarithm of its distance from 1, correlations by Fisher's z.
_Scaling = tuple[Callable[[float], float], Callable[[float], float], Callable[[float], float]]
_SCALES: dict[IntervalScale, _Scaling] = {
    "plain": (lambda v: v, lambda v: v, lambda v: 1.0),  # noqa: ARG005 - the same slope everywhere
    "log": (log, exp, lambda v: 1 / v),
    "odds": (lambda v: log(v / (1 - v)), lambda v: 1 / (1 + exp(-v)), lambda v: 1 / (v * (1 - v))),
    "below_one": (lambda v: log(1 - v), lambda v: 1 - exp(v), lambda v: 1 / (1 - v)),
    "fisher": (atanh, tanh, lambda v: 1 / (1 - v**2)),
}


@dataclass(frozen=True)
class Interval:
    """Bounds of an interval, or None for both with the reason."""

    lower: float | None
    upper: float | None
    reason: str | None = None


def linear(value: float, influence: np.ndarray, level: float, *, units: Units, scale: IntervalScale) -> Interval:
    """Return the two-sided t interval of a metric with `(n_rows,)` influence values.

    The delta method carries the standard error to the scale. Where the rows do not say how unsure the value is, or it
    lies at the end of its scale, there is none.
    """
    reach = units.cautious_spread(influence).reach((1 - level) / 2)
    there, back, slope = _SCALES[scale]
    try:
        middle, away = there(value), reach * slope(value)
        bounds = back(middle - away), back(middle + away)
    except (ValueError, OverflowError, ZeroDivisionError):
        return Interval(None, None, "so few rows do not tell how far it may be off")
    if reach == 0:
        return Interval(None, None, "no row makes a difference to it")
    return Interval(min(bounds), max(bounds))


def percentile(replicates: np.ndarray, level: float, *, stretch: float = 1.0) -> Interval:
    """Return the two-sided percentile interval of `level`; undefined replicates are left out if under 1 %.

    Efron and Tibshirani 1993, chapter 13. Its bounds are moved away from the median by a factor of `stretch`.
    """
    import numpy as np

    defined = replicates[np.isfinite(replicates)]
    n_dropped = replicates.size - defined.size
    if not defined.size or n_dropped >= DROPPED_SHARE * replicates.size:
        return Interval(None, None, f"undefined in {n_dropped} of {replicates.size} resamples")
    lower, middle, upper = np.quantile(defined, [(1 - level) / 2, 0.5, (1 + level) / 2])
    if stretch == 1:
        return Interval(float(lower), float(upper))
    return Interval(float(middle + stretch * (lower - middle)), float(middle + stretch * (upper - middle)))


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


def mean_of_shares(shares: Sequence[float], intervals: Sequence[Interval]) -> Interval:
    """Return the interval of the mean of independent shares, of which each has its own interval.

    Each side adds up the squares of the distances to that side's bounds (Newcombe, Statistics in Medicine 17, 1998;
    MOVER of Zou and Donner 2008): those of Wilson's intervals hold where a share is 0 or 1.
    """
    n = len(shares)
    down = hypot(*(share - (found.lower or 0.0) for share, found in zip(shares, intervals, strict=True)))
    up = hypot(*((found.upper or 0.0) - share for share, found in zip(shares, intervals, strict=True)))
    mean = sum(shares) / n
    return Interval(max(0.0, mean - down / n), min(1.0, mean + up / n))


def effective_size(share: float, n: float, influence: np.ndarray | None, *, units: Units, level: float) -> float:
    """Return how many independent rows would tell as much as the `n` rows that a share is of (Kish 1965, 8.2).

    `influence` are the `(n_rows,)` values of the share; where they do not vary, units by rows stand in.
    """
    if units.of is None:
        return n
    tail, spread = (1 - level) / 2, None if influence is None else units.spread(influence)
    if spread is None or spread.error == 0:
        return max(1.0, n * units.n / units.of.size)
    return max(1.0, min(n, share * (1 - share) / (spread.error * units.few(tail)) ** 2))

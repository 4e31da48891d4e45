"""The difference between two models on the same rows: its interval, and how few rows its verdict rests on."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mlsys.evaluation.bootstrap import paired_interval
from mlsys.metrics.base import Metric
from mlsys.metrics.intervals import Interval
from mlsys.metrics.predictions import Predictions
from mlsys.metrics.units import Units
from mlsys.records import Flip

FRAGILE = 0.01
_STEP = 1.15  # a first guess of how many rows turn a verdict is nearly right


def influence(metric: Metric, challenger: Predictions, champion: Predictions) -> np.ndarray | None:
    """Return how much each row speaks for the challenger, `(n_rows,)`; None where a metric does not say."""
    new, old = metric.influence(challenger), metric.influence(champion)
    if new is None or old is None:
        return None
    moved: np.ndarray = new - old if metric.direction == "higher" else old - new
    return moved


def interval(
    metric: Metric,
    pair: tuple[Predictions, Predictions],
    difference: float,
    drawn: Sequence[np.ndarray],
    *,
    units: Units,
    level: float,
) -> Interval:
    """Return the bounds of a difference that is positive where the challenger is better.

    Errors of a difference follow from how much each row speaks for the challenger; for the area under the ROC curve
    they are those of DeLong, DeLong and Clarke-Pearson (Biometrics 44, 1988), in groups those of Obuchowski (Biometrics
    53, 1997). Where a metric does not say, both models' resamples `drawn` do. `level` is that of the one-sided lower
    bound; the interval as a whole has level `2 * level - 1`.
    """
    if units.places is not None and units.n < 2:
        return Interval(None, None, "all rows count as one")
    moved = influence(metric, *pair)
    if moved is None:
        return paired_interval(*drawn, direction=metric.direction, level=level, stretch=units.stretch(1 - level))
    reach = units.spread(moved).reach(1 - level)
    return Interval(difference - reach, difference + reach)


def flip(
    metric: Metric, pair: tuple[Predictions, Predictions], *, units: Units, level: float, limit: float
) -> Flip | None:
    """Return how few rows, left out, turn what the lower bound says of a limit; None where that can't be told.

    Rows are left out by how much they speak for the verdict, those that speak most first (Broderick, Giordano and
    Meager 2020), and the bound is computed anew without them.
    """
    moved = influence(metric, *pair)
    whole = _lower(metric, pair, np.arange(pair[0].y_true.size), units, level)
    if moved is None or whole is None:
        return None
    passes = whole > limit
    order = np.argsort(-moved if passes else moved, kind="stable")
    n_rows, most = order.size, order.size // 2

    def turned(n: int) -> bool:
        lower = _lower(metric, pair, np.sort(order[n:]), units, level)
        return lower is not None and (lower > limit) != passes

    few = most + 1
    high = _guess(moved[order], whole - limit, most)
    low = 0
    while high <= most and not turned(high):
        low, high = high, int(high * _STEP) + 1
    if high <= most:
        few = high
        while few - low > max(1, few // 50):
            middle = (low + few) // 2
            low, few = (low, middle) if turned(middle) else (middle, few)
    found = few if few <= most else None
    return Flip(limit=limit, n_rows=found, fragile=found is not None and found < FRAGILE * n_rows)


def _guess(moved: np.ndarray, distance: float, most: int) -> int:
    """Return how many of the first rows, left out, would move an estimate by a distance, if nothing else changed."""
    left = np.arange(moved.size, moved.size - most, -1)
    moves = np.abs(np.cumsum(moved[:most])) / left
    return max(1, int(0.8 * np.searchsorted(np.maximum.accumulate(moves), abs(distance))))


def _lower(
    metric: Metric, pair: tuple[Predictions, Predictions], kept: np.ndarray, units: Units, level: float
) -> float | None:
    new, old = (rows.where(kept) for rows in pair)
    values = metric.value(new).value, metric.value(old).value
    moved = None if None in values else influence(metric, new, old)
    if moved is None or values[0] is None or values[1] is None:
        return None
    difference = values[0] - values[1] if metric.direction == "higher" else values[1] - values[0]
    return difference - units.where(kept).spread(moved).reach(1 - level)

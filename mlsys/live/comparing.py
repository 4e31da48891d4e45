"""Two models by the labels of live rows: how much better one is, and whether that stands although one looks daily."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from math import hypot
from statistics import NormalDist
from typing import Literal

import numpy as np

from mlsys.evaluation import difference
from mlsys.live.sequential import bound_of
from mlsys.metrics.base import Metric
from mlsys.metrics.predictions import Predictions
from mlsys.records import Comparison

FEWEST, FEWEST_OF_CLASS = 100, 30  # labelled rows before the first look: errors of fewer are themselves unsure
_MOST_LOOKS = 400
_ASSUMED, _WORTH = 1.3, 16  # of how much more days differ than their rows explain; see bench/trust_live.py


@dataclass(frozen=True)
class LiveRows:
    """Labelled answers of candidate and champion.

    Attributes:
        paired: both answered the same rows, in the same order.
        days: of the candidate's and of the champion's rows, `(n_rows,)` datetime64[D].
    """

    candidate: Predictions
    champion: Predictions
    days: tuple[np.ndarray, np.ndarray]
    paired: bool


def compared(metric: Metric, rows: LiveRows, *, level: float) -> Comparison:
    """Return candidate against champion; `lower` and `upper` are bounds at `level`, each by itself.

    Errors follow from how much each row moves the metric; where a metric does not say that, nothing is compared.
    """
    if metric.influence(rows.candidate) is None or metric.influence(rows.champion) is None:
        return _unknown(metric, rows, level, f"{metric.kind} does not say how unsure a difference by it is")
    return _paired(metric, rows, level) if rows.paired else _unpaired(metric, rows, level)


def _paired(metric: Metric, rows: LiveRows, level: float) -> Comparison:
    values = [metric.value(side).value for side in (rows.candidate, rows.champion)]
    moved = difference.influence(metric, rows.candidate, rows.champion)
    if values[0] is None or values[1] is None or moved is None:
        return _unknown(metric, rows, level, "the metric is undefined on these rows")
    return _bounded(metric, rows, (values[0], values[1]), _reach(moved, rows.days[0], level), level)


def _unpaired(metric: Metric, rows: LiveRows, level: float) -> Comparison:
    """Compare two models by rows of their own: the errors of both add up."""
    values = [metric.value(side).value for side in (rows.candidate, rows.champion)]
    moved = [metric.influence(side) for side in (rows.candidate, rows.champion)]
    if values[0] is None or values[1] is None or moved[0] is None or moved[1] is None:
        return _unknown(metric, rows, level, "the metric is undefined on these rows")
    reach = hypot(*(_reach(each, days, level) for each, days in zip((moved[0], moved[1]), rows.days, strict=True)))
    return _bounded(metric, rows, (values[0], values[1]), reach, level)


def _reach(moved: np.ndarray, days: np.ndarray, level: float) -> float:
    """Return how far a bound lies from a sum of influences over some days.

    Days may differ by more than their rows explain. A few days tell little of by how much, so that what they tell is
    laid beside what was assumed before: a variance of `_ASSUMED` times that of the rows, worth `_WORTH` days. A day's
    sum of influences, squared over what rows explain of it, has the mean of that factor.
    """
    from scipy.special import stdtrit

    places, counts = np.unique(days, return_inverse=True, return_counts=True)[1:]
    of_row = float((moved**2).mean())
    if of_row == 0:
        return 0.0
    sums = np.bincount(places, weights=moved - moved.mean())
    freedom = _WORTH + counts.size - 1
    factor = max(1.0, (_WORTH * _ASSUMED + float((sums**2 / counts).sum()) / of_row) / freedom)
    return float(stdtrit(freedom, level) * np.sqrt(factor * of_row / moved.size))


def _bounded(metric: Metric, rows: LiveRows, values: tuple[float, float], reach: float, level: float) -> Comparison:
    turned = (values[0] - values[1] if metric.direction == "higher" else values[1] - values[0]) + 0.0
    return Comparison(
        metric=metric.kind,
        direction=metric.direction,
        difference=turned,
        lower=turned - reach,
        upper=turned + reach,
        level=level,
        n=rows.candidate.y_true.size,
        method="paired, days may differ" if rows.paired else "each model on rows of its own, days may differ",
    )


def _unknown(metric: Metric, rows: LiveRows, level: float, reason: str) -> Comparison:
    return Comparison(
        metric=metric.kind,
        direction=metric.direction,
        difference=None,
        lower=None,
        upper=None,
        level=level,
        n=rows.candidate.y_true.size,
        method="none",
        reason=reason,
    )


def looks_of(days: np.ndarray, first: date, last: date) -> list[float]:
    """Return how many rows were known at each look, cumulated, and how many will be until the trial ends.

    Args:
        days: `(n_rows,)` datetime64[D] of the labelled rows.
        first: UTC day on which the trial began.
        last: on which it ends. A day without rows is no look; days to come are taken to be like those that were.
    """
    counts = np.unique(days, return_counts=True)[1]
    newest = days.max().astype(date)
    left = max(0, (min(last, first + timedelta(days=_MOST_LOOKS)) - newest).days)
    sizes = np.cumsum([*counts, *[counts.mean()] * left])
    return [float(size) for size in sizes[-_MOST_LOOKS:]]


def level_of(sizes: Sequence[float], alpha: float) -> float:
    """Return the confidence of a bound that two equal models cross with the chance `alpha` at one of the looks."""
    return NormalDist().cdf(bound_of(sizes, alpha))


def too_few(counts: Sequence[dict[str, int]], sizes: Sequence[int]) -> str | None:
    """Return in words why so few labelled rows are not looked at yet, or None; `counts` are those of the classes."""
    if min(sizes) < FEWEST:
        return f"{min(sizes)} labelled rows are too few: {FEWEST} at least"
    for of_side in counts:
        rare = min(of_side.items(), key=lambda pair: pair[1], default=None)
        if rare is not None and rare[1] < FEWEST_OF_CLASS:
            return f"{rare[1]} labelled rows of '{rare[0]}' are too few: {FEWEST_OF_CLASS} at least"
    return None


def verdict_of(comparison: Comparison) -> Literal["better", "worse", "open", "unknown"]:
    """Return what the bounds say of the candidate."""
    if comparison.lower is None or comparison.upper is None:
        return "unknown"
    if comparison.lower > 0:
        return "better"
    return "worse" if comparison.upper < 0 else "open"

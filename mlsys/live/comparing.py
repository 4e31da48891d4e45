"""Two models by the labels of live rows: how much better one is, and whether that stands although one looks daily."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from math import hypot
from statistics import NormalDist
from typing import Literal

import numpy as np

from mlsys.evaluation.comparison import ComparisonRules, Contender, assess, scored
from mlsys.evaluation.dependence import tied
from mlsys.evaluation.ties import Ties
from mlsys.live.sequential import bound_of
from mlsys.metrics.base import Metric
from mlsys.metrics.predictions import Predictions
from mlsys.records import Comparison

FEWEST, FEWEST_OF_CLASS = 100, 30  # labelled rows before the first look: errors of fewer are themselves unsure
_MOST_LOOKS = 400


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


def compared(metric: Metric, rows: LiveRows, *, level: float, seed: int) -> Comparison:
    """Return candidate against champion; `lower` and `upper` are bounds at `level`, each by itself.

    Rows of a day count together where days differ in how the two compare.
    """
    if metric.influence(rows.candidate) is None or metric.influence(rows.champion) is None:
        return _unknown(metric, rows, level, f"{metric.kind} does not say how unsure a difference by it is")
    return _paired(metric, rows, level, seed) if rows.paired else _unpaired(metric, rows, level)


def _paired(metric: Metric, rows: LiveRows, level: float, seed: int) -> Comparison:
    new = Contender("candidate", "candidate", "candidate")
    assessed = assess(
        [scored(new, validation=rows.candidate, holdout=rows.candidate)],
        Contender("champion", "champion", "champion", holdout=rows.champion),
        metrics=[metric],
        rules=ComparisonRules(metric.kind, 1, seed, level=level, ties=Ties(days=rows.days[0])),
    )
    found = assessed.comparisons.get(metric.kind)
    return found or _unknown(metric, rows, level, "the metric is undefined on these rows")


def _unpaired(metric: Metric, rows: LiveRows, level: float) -> Comparison:
    """Compare two models by rows of their own: the errors of both add up."""
    values = [metric.value(side).value for side in (rows.candidate, rows.champion)]
    if values[0] is None or values[1] is None:
        return _unknown(metric, rows, level, "the metric is undefined on these rows")
    turned = values[0] - values[1] if metric.direction == "higher" else values[1] - values[0]
    reaches = []
    for side, days in zip((rows.candidate, rows.champion), rows.days, strict=True):
        influence, (expected, came) = metric.influence(side), side.expected
        assert influence is not None  # asked before
        units, _ = tied(influence, came - expected, Ties(days=days))
        reaches.append(units.cautious_spread(influence).reach(1 - level))
    reach = hypot(*reaches)
    return Comparison(
        metric=metric.kind,
        direction=metric.direction,
        difference=turned,
        lower=turned - reach,
        upper=turned + reach,
        level=level,
        n=rows.candidate.y_true.size,
        method="each model on rows of its own",
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

"""What one spec earns over another on the same days and rows, and how far that would have varied with other days.

Neighbouring days are not independent: one model serves many of them. So blocks of neighbouring days are drawn, with
the root of the number of days in each (the circular block bootstrap of Politis and Romano 1992), both specs under the
same draws. The interval is the spread of the draws times a quantile of Student's t, by the number of blocks: few days
are few blocks, whose spread is hardly known. `bench/plans.py` measures what both promise.

What the next days will show varies itself, as much again: over as many days to come the spread is larger by the root
of 2.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from math import sqrt

import numpy as np

from mlsys.backfill.measure import ByDay, joined, plain
from mlsys.changes.records import Earned
from mlsys.evaluation.bootstrap import block_weights, replicate_under
from mlsys.metrics.base import Metric
from mlsys.wording import too_few

LEVEL = 0.95  # two-sided
FEWEST_DAYS = 8


def earned(metric: Metric, before: ByDay, after: ByDay, *, n_replicates: int, seed: int) -> Earned:
    """Return what `after` earns over `before`; both are of the same days, and of the same rows in the same order.

    A metric that ranks rows is measured day by day and averaged, each day with the weight of its rows; days on which it
    is undefined for one of the two do not count. Every other metric is measured on all rows at once.
    """
    pair = {"before": before, "after": after}
    days = sorted(before)
    blank = Earned(metric=metric.kind, difference=None)
    if not days:
        return blank.model_copy(update={"reason": "no day could be compared"})
    counts = draws_of_days(len(days), n_replicates, seed)
    found, reason = _averaged(metric, pair, days, counts) if metric.ranks else _together(metric, pair, days, counts)
    if found is None:
        return blank.model_copy(update={"reason": reason})
    sign = 1.0 if metric.direction == "higher" else -1.0
    difference, replicates = float(sign * found[0] + 0.0), sign * found[1]
    known = blank.model_copy(update={"difference": difference})
    replicates = replicates[np.isfinite(replicates)]
    if len(days) < FEWEST_DAYS or replicates.size < 2:
        return known.model_copy(update={"reason": f"{too_few(len(days), 'day')} for an interval"})
    from scipy.stats import t

    blocks = len(days) / _length(len(days))
    half = float(t.ppf((1 + LEVEL) / 2, blocks - 1) * replicates.std(ddof=1) * sqrt(blocks / (blocks - 1)))
    return known.model_copy(
        update={
            "lower": difference - half,
            "upper": difference + half,
            "next_lower": difference - half * sqrt(2),
            "next_upper": difference + half * sqrt(2),
        }
    )


def draws_of_days(n_days: int, n_replicates: int, seed: int) -> np.ndarray:
    """Return `(n_replicates, n_days)` int64: how often each day was drawn, in blocks of neighbours; days go round."""
    length = _length(n_days)
    random = np.random.default_rng(seed)
    starts = random.integers(0, n_days, (n_replicates, -(-n_days // length)))
    places = (starts[:, :, None] + np.arange(length)).reshape(n_replicates, -1)[:, :n_days] % n_days
    return np.stack([np.bincount(drawn, minlength=n_days) for drawn in places])


def _length(n_days: int) -> int:
    root: int = round(n_days**0.5)
    return max(1, root)


_Found = tuple[tuple[float, np.ndarray] | None, str | None]


def _averaged(metric: Metric, pair: Mapping[str, ByDay], days: list[date], counts: np.ndarray) -> _Found:
    values = {name: [plain(metric, by_day[day]) for day in days] for name, by_day in pair.items()}
    table = {name: np.array([np.nan if v.value is None else v.value for v in of]) for name, of in values.items()}
    difference = table["after"] - table["before"]
    defined = np.isfinite(difference)
    if not defined.any():
        return None, next(value.reason for of in values.values() for value in of if value.value is None)
    n_rows = np.array([pair["before"][day].y_true.size for day in days]) * defined
    clean = np.where(defined, difference, 0.0)
    weights = counts * n_rows
    total = weights.sum(axis=1).astype("float64")
    total[total == 0] = np.nan
    return (float((n_rows * clean).sum() / n_rows.sum()), np.einsum("rd,d->r", weights, clean) / total), None


def _together(metric: Metric, pair: Mapping[str, ByDay], days: list[date], counts: np.ndarray) -> _Found:
    rows = {name: joined([by_day[day] for day in days]) for name, by_day in pair.items()}
    values = {name: plain(metric, of_all) for name, of_all in rows.items()}
    after, before = values["after"].value, values["before"].value
    if after is None or before is None:
        return None, next(value.reason for value in values.values() if value.value is None)
    sizes = [pair["before"][day].y_true.size for day in days]
    drawn = replicate_under(block_weights(sizes, counts), rows, [metric], n_replicates=len(counts))
    replicates = drawn["after"][metric.kind] - drawn["before"][metric.kind]
    return (after - before, replicates), None

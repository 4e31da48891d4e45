"""One number for many days, and how far it would have varied with other rows of these days.

A metric that ranks rows is measured day by day and averaged, each day with the weight of its rows: one model scored all
rows of a day, while scores of different models don't compare, and ranking them together would punish every change of
model (Forman and Scholz 2010, on merging folds). Every other metric is measured on all rows at once.

Intervals come from resampling rows within days, every strategy under the same draws (a stratified, paired bootstrap:
Davison and Hinkley 1997, section 3.2). Days are not resampled: they differ for reasons, an abrupt change comes once,
and some weeks have too few of them. So an interval says what other rows of these very days would have given, not what
other days would give.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np

from mlsys.evaluation.bootstrap import replicate
from mlsys.metrics.base import Metric
from mlsys.metrics.intervals import percentile
from mlsys.metrics.predictions import Predictions
from mlsys.records import MetricValue

LEVEL = 0.95  # two-sided

ByDay = Mapping[date, Predictions]


@dataclass(frozen=True)
class Measured:
    """What was measured of each strategy.

    Attributes:
        values: with their intervals.
        lines: `(n_replicates,)` values under the same draws for all; empty without rows.
    """

    values: Mapping[str, MetricValue]
    lines: Mapping[str, np.ndarray]


def measure(metric: Metric, scored: Mapping[str, ByDay], *, n_replicates: int, seed: int) -> Measured:
    """Return the metric of each strategy over all days; the days and their rows are the same for all strategies."""
    days = sorted(next(iter(scored.values()))) if scored else []
    if not days:
        return Measured({name: plain(metric, None) for name in scored}, {})
    over_days = _averaged if metric.ranks else _together
    plain_values, lines = over_days(metric, scored, days, n_replicates, seed)
    values = {}
    for name, value in plain_values.items():
        bounds = percentile(lines[name], LEVEL) if value.value is not None else None
        known = {"lower": bounds.lower, "upper": bounds.upper, "reason": bounds.reason} if bounds else {}
        values[name] = value.model_copy(update=known)
    return Measured(values, lines)


def plain(metric: Metric, rows: Predictions | None) -> MetricValue:
    """Return a metric without interval; None and the reason without rows."""
    if rows is None:
        return MetricValue(name=metric.kind, value=None, n=0, reason="no rows to judge on")
    found = metric.value(rows)
    return MetricValue(name=metric.kind, value=found.value, n=rows.y_true.size, reason=found.reason)


def joined(days: Sequence[Predictions]) -> Predictions:
    """Return the rows of several days, at least one, as one."""
    return type(days[0]).joined(days)


def _together(
    metric: Metric, scored: Mapping[str, ByDay], days: Sequence[date], n_replicates: int, seed: int
) -> tuple[dict[str, MetricValue], dict[str, np.ndarray]]:
    rows = {name: joined([by_day[day] for day in days]) for name, by_day in scored.items()}
    sizes = [next(iter(scored.values()))[day].y_true.size for day in days]
    drawn = replicate(rows, [metric], n_replicates=n_replicates, seed=seed, strata=sizes)
    values = {name: plain(metric, all_rows) for name, all_rows in rows.items()}
    return values, {name: found[metric.kind] for name, found in drawn.items()}


def _averaged(
    metric: Metric, scored: Mapping[str, ByDay], days: Sequence[date], n_replicates: int, seed: int
) -> tuple[dict[str, MetricValue], dict[str, np.ndarray]]:
    """Average over the days on which every strategy is defined; in each resample over those defined in it."""
    total = dict.fromkeys(scored, 0.0)
    sums = {name: np.zeros(n_replicates) for name in scored}
    weight, weights, reason = 0, np.zeros(n_replicates), None
    for day in days:
        rows = {name: by_day[day] for name, by_day in scored.items()}
        found = {name: plain(metric, of_day) for name, of_day in rows.items()}
        values = {name: value.value for name, value in found.items() if value.value is not None}
        if len(values) < len(found):
            reason = next(value.reason for value in found.values() if value.value is None)
            continue
        of_day = next(iter(rows.values()))
        n_rows = of_day.y_true.size
        drawn = replicate(rows, [metric], n_replicates=n_replicates, seed=seed + day.toordinal(), groups=of_day.groups)
        defined = np.all([np.isfinite(lines[metric.kind]) for lines in drawn.values()], axis=0)
        weight += n_rows
        weights += n_rows * defined
        for name, lines in drawn.items():
            total[name] += n_rows * values[name]
            sums[name] += n_rows * np.where(defined, lines[metric.kind], 0.0)
    if not weight:
        blank = MetricValue(name=metric.kind, value=None, n=0, reason=f"undefined on every day: {reason}")
        return dict.fromkeys(scored, blank), {name: np.full(n_replicates, np.nan) for name in scored}
    averages = {name: MetricValue(name=metric.kind, value=found / weight, n=weight) for name, found in total.items()}
    some = np.where(weights > 0, weights, np.nan)
    return averages, {name: line / some for name, line in sums.items()}

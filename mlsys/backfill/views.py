"""Several looks at the same rows: the ranking within days and over all rows, the probabilities, the decisions; of
numbers the errors by several measures.

One metric alone may say the wrong thing of a model whose scores drift: within each day it ranks as well as ever, while
over all rows, by its probabilities and at a fixed threshold it is no longer of use.

Differences between strategies have paired intervals by blocks of whole days (Davison and Hinkley 1997, section 8.2.3):
every strategy under the same draws of days. They say what other days like these would have given, and are wider than
those of rows within days where days differ.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import combinations

import numpy as np

from mlsys.backfill.measure import LEVEL, ByDay, joined, plain
from mlsys.backfill.records import Look, View, ViewGain
from mlsys.evaluation.bootstrap import block_counts, block_weights, replicate_under
from mlsys.metrics import METRICS
from mlsys.metrics.base import Metric
from mlsys.metrics.intervals import percentile
from mlsys.records import MetricValue
from mlsys.targets.looks import Looks
from mlsys.wording import too_few

# Two-sided. Five headline looks are taken: each at 99 %, so that together they err in at most 5 of 100 (Bonferroni).
LOOK_LEVEL = 1 - (1 - LEVEL) / 5
# That all of fewer days point one way happens by chance more often than the level allows (2 / 2**7).
FEWEST_DAYS = 8
MOST_DRAWS = 500  # of whole days, which are few: more draws cost much where rows are many, and move a bound little


@dataclass(frozen=True)
class Seen:
    """What the looks show: of each strategy its views, of each pair what the one earns over the rarer one."""

    views: Mapping[str, tuple[View, ...]]
    gains: tuple[ViewGain, ...]


@dataclass(frozen=True)
class _Line:
    """A look by one metric: values, and `(n_replicates,)` replicates under the same draws for all strategies."""

    look: Look
    metric: Metric
    headline: bool
    values: Mapping[str, MetricValue]
    replicates: Mapping[str, np.ndarray]


def look_at(
    scored: Mapping[str, ByDay], primary: Metric, looks: Looks, *, names: Sequence[str], n_replicates: int, seed: int
) -> Seen:
    """Return all looks at strategies; days and rows are the same for all. Costs the rows times the replicates.

    Args:
        scored: of each strategy that is compared, by day.
        primary: if it ranks it is the ranking that is looked at; it always counts as a headline.
        looks: of the learning task.
        names: the strategies, the rarest retraining first; those that are not compared have no view.
        n_replicates: draws of whole days; at most `MOST_DRAWS` are made.
        seed: of the draws.
    """
    days = sorted(next(iter(scored.values()))) if scored else []
    if not days:
        return Seen({}, ())
    lines = _lines(scored, days, primary, looks, block_counts(len(days), min(n_replicates, MOST_DRAWS), seed))
    able = [name for name in names if name in scored]
    gains = {
        (more, rarer): tuple(_gain(line, more, rarer, n_days=len(days)) for line in lines)
        for rarer, more in combinations(able, 2)
    }
    rarest = able[0]
    views = {
        name: tuple(
            _view(line, name, found) for line, found in zip(lines, gains.get((name, rarest), blank), strict=True)
        )
        for blank in [(None,) * len(lines)]
        for name in able
    }
    return Seen(views, tuple(gain for found in gains.values() for gain in found))


def _lines(
    scored: Mapping[str, ByDay], days: Sequence[date], primary: Metric, looks: Looks, counts: np.ndarray
) -> list[_Line]:
    ranking = primary.kind if primary.ranks else looks.ranking
    named = [(Look.POOLED, ranking), (Look.PROBABILITIES, looks.probabilities)]
    named += [(Look.DECISIONS, kind) for kind in looks.decisions] + [(Look.ERRORS, kind) for kind in looks.errors]
    taken = [(look, METRICS.parse(kind)) for look, kind in named if kind is not None]
    if primary.kind not in {metric.kind for _, metric in taken}:
        taken.append((Look.PRIMARY, primary))
    metrics = [metric for _, metric in taken]
    beside = {*looks.beside} - {primary.kind}
    rows = {name: joined([by_day[day] for day in days]) for name, by_day in scored.items()}
    sizes = [next(iter(scored.values()))[day].y_true.size for day in days]
    drawn = replicate_under(block_weights(sizes, counts), rows, metrics, n_replicates=len(counts))
    lines = [] if ranking is None else [_within(scored, days, METRICS.parse(ranking), counts)]
    for look, metric in taken:
        values = {name: plain(metric, of_all) for name, of_all in rows.items()}
        replicates = {name: drawn[name][metric.kind] for name in rows}
        lines.append(_Line(look, metric, metric.kind not in beside, values, replicates))
    return lines


def _within(scored: Mapping[str, ByDay], days: Sequence[date], metric: Metric, counts: np.ndarray) -> _Line:
    """Return the mean of days, weighted by rows, over those on which every strategy is defined."""
    found = {name: [plain(metric, by_day[day]) for day in days] for name, by_day in scored.items()}
    table = {name: np.array([np.nan if v.value is None else v.value for v in of]) for name, of in found.items()}
    defined = np.all([np.isfinite(values) for values in table.values()], axis=0)
    if not defined.any():
        reason = next(value.reason for of in found.values() for value in of if value.value is None)
        blank = MetricValue(name=metric.kind, value=None, n=0, reason=f"undefined on every day: {reason}")
        nothing = np.full(len(counts), np.nan)
        return _Line(Look.WITHIN, metric, True, dict.fromkeys(scored, blank), dict.fromkeys(scored, nothing))
    n_rows = np.array([next(iter(scored.values()))[day].y_true.size for day in days]) * defined
    weights = counts * n_rows
    total = weights.sum(axis=1).astype("float64")
    total[total == 0] = np.nan
    values, replicates = {}, {}
    for name, of_days in table.items():
        clean = np.where(defined, of_days, 0.0)
        mean = float((n_rows * clean).sum() / n_rows.sum())
        values[name] = MetricValue(name=metric.kind, value=mean, n=int(n_rows.sum()))
        replicates[name] = np.einsum("rd,d->r", weights, clean) / total
    return _Line(Look.WITHIN, metric, True, values, replicates)


def _gain(line: _Line, more: str, rarer: str, *, n_days: int) -> ViewGain:
    """Return what a strategy earns over a rarer one by one look; positive is better."""
    blank = ViewGain(
        strategy=more, over=rarer, look=line.look, metric=line.metric.kind, headline=line.headline, difference=None
    )
    values = [line.values[name] for name in (more, rarer)]
    if values[0].value is None or values[1].value is None:
        return blank.model_copy(update={"reason": next(v.reason for v in values if v.value is None)})
    sign = 1.0 if line.metric.direction == "higher" else -1.0
    known = {"difference": sign * (values[0].value - values[1].value) + 0.0}
    if n_days < FEWEST_DAYS:
        return blank.model_copy(update={**known, "reason": f"{too_few(n_days, 'day')} for an interval by whole days"})
    bounds = percentile(sign * (line.replicates[more] - line.replicates[rarer]) + 0.0, LOOK_LEVEL)
    return blank.model_copy(update={**known, "lower": bounds.lower, "upper": bounds.upper, "reason": bounds.reason})


def _view(line: _Line, name: str, gain: ViewGain | None) -> View:
    value = line.values[name]
    return View(
        look=line.look,
        metric=line.metric.kind,
        headline=line.headline,
        value=value.value,
        n=value.n,
        reason=value.reason,
        gain=gain.difference if gain else None,
        lower=gain.lower if gain else None,
        upper=gain.upper if gain else None,
    )

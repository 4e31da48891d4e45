"""Ways to retrain, each a list of days whose model is taken into service, compared on the same rows.

A model of day D serves from D+1 on, until the next one is taken.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import combinations
from math import comb

import numpy as np

from mlsys.backfill.days import SimulatedDay, Simulation
from mlsys.backfill.measure import LEVEL, ByDay, Measured, joined, measure, plain
from mlsys.backfill.records import DailyValue, Gain, StrategyResult, ViewGain
from mlsys.backfill.scores import JudgedDay, ScoreBook
from mlsys.backfill.views import look_at
from mlsys.evaluation.bootstrap import paired_interval
from mlsys.metrics.base import Metric
from mlsys.records import Comparison, MetricValue

MONTHLY_FROM = 60  # days of a range in which a monthly retraining happens at least twice

NEVER, RECALIBRATED, MONTHLY, WEEKLY = "never", "recalibrated", "monthly", "weekly"
NIGHTLY, GATED = "nightly", "gated"
TITLES = {
    NEVER: "Never again",
    RECALIBRATED: "Recalibrated nightly",
    MONTHLY: "Monthly",
    WEEKLY: "Weekly",
    NIGHTLY: "Nightly, without gates",
    GATED: "Nightly, behind the gates",
}
_RULES = {
    NEVER: "the first model serves for ever",
    RECALIBRATED: "the first model serves for ever, its scores put right each night by two numbers",
    MONTHLY: "every 30th day the newest model is taken, without gates",
    WEEKLY: "every 7th day the newest model is taken, without gates",
    NIGHTLY: "every day's model is taken, without gates",
    GATED: "a day's model is taken when all gates pass against the one that serves",
}


@dataclass(frozen=True)
class Strategy:
    """A way to retrain: the days whose model is taken into service, by day; none where the gates let nothing pass."""

    name: str
    taken: tuple[SimulatedDay, ...]

    def serving(self, day: date) -> SimulatedDay | None:
        """Return the model that serves on a day."""
        before = [model for model in self.taken if model.day < day]
        return before[-1] if before else None


@dataclass(frozen=True)
class Compared:
    """What a comparison gave: `days` are those whose rows all strategies have a model for."""

    strategies: tuple[StrategyResult, ...]
    gains: tuple[Gain, ...]
    view_gains: tuple[ViewGain, ...]
    days: tuple[date, ...]
    n_rows: int


def strategies_of(
    simulation: Simulation, gated: Sequence[SimulatedDay], lines: Sequence[SimulatedDay] = ()
) -> tuple[Strategy, ...]:
    """Return the strategies for a simulation, the cheapest retraining first.

    Args:
        simulation: the simulated days.
        gated: the days that gates promoted.
        lines: the first model, recalibrated on later days; without any there is no such strategy.
    """
    days = simulation.days
    recalibrated = ((RECALIBRATED, (days[0], *lines)),) if lines else ()
    monthly = ((MONTHLY, _every(days, 30)),) if (days[-1].day - days[0].day).days >= MONTHLY_FROM else ()
    rarer = ((NEVER, days[:1]), *recalibrated, *monthly, (WEEKLY, _every(days, 7)))
    listed = (*rarer, (NIGHTLY, days), (GATED, tuple(gated)))
    return tuple(Strategy(name, taken) for name, taken in listed)


def compare(simulation: Simulation, strategies: Sequence[Strategy], book: ScoreBook) -> Compared:
    """Return each strategy's metric by day and over all days, and what each earns over each rarer one.

    Days count on which every strategy has a model; one that never takes a model is left out of the comparison.
    """
    metric = simulation.spec.metrics.metric(simulation.spec.metrics.primary)
    serving = {s.name: _serving(s, book.days) for s in strategies}
    able = [name for name, models in serving.items() if models]
    days = tuple(day for day in sorted(book.days) if all(day in serving[name] for name in able)) if able else ()
    scored = {name: {day: book.scored(serving[name][day], day) for day in days} for name in able}
    n_replicates, seed = simulation.spec.metrics.replicates, simulation.spec.training.seed
    measured = measure(metric, scored, n_replicates=n_replicates, seed=seed)
    names = [s.name for s in strategies]
    looks = simulation.spec.target.looks
    seen = look_at(scored, metric, looks, names=names, n_replicates=n_replicates, seed=seed)
    regrets = _regrets(metric, measured.values)
    results = tuple(
        _result(s, metric, serving[s.name], scored=scored.get(s.name), measured=measured, book=book).model_copy(
            update={"views": seen.views.get(s.name, ()), "regret": regrets.get(s.name)}
        )
        for s in strategies
    )
    values = {result.name: result.overall for result in results}
    # A line keeps the ranking: by a metric of it the recalibrated model is no strategy of its own to err about.
    level = level_of(len([name for name in names if name != RECALIBRATED or not metric.ranks]))
    gains = tuple(
        Gain(strategy=more, over=rarer, comparison=_gain(metric, (more, rarer), values, measured.lines, level))
        for rarer, more in combinations(names, 2)
    )
    return Compared(results, gains, seen.gains, days, sum(book.days[day].y.size for day in days))


def level_of(n_strategies: int) -> float:
    """Return the one-sided level of a gain's bounds: all pairs that advice may rest on err in 5 of 100 (Bonferroni).

    The strategy without gates is shown and never advised, so that its pairs don't count.
    """
    pairs = comb(max(n_strategies - 1, 2), 2)
    return 1 - (1 - LEVEL) / 2 / pairs


def _regrets(metric: Metric, values: Mapping[str, MetricValue]) -> dict[str, float]:
    """Return how much worse each strategy did than the best of them in hindsight; 0 for that one."""
    known = {name: found.value for name, found in values.items() if found.value is not None}
    if not known:
        return {}
    best = max(known.values()) if metric.direction == "higher" else min(known.values())
    return {name: abs(best - value) for name, value in known.items()}


def _every(days: Sequence[SimulatedDay], n: int) -> tuple[SimulatedDay, ...]:
    """Return the newest model on the first day and on each n-th day after it; no model is taken twice."""
    taken = {}
    due = days[0].day
    while due <= days[-1].day:
        newest = [model for model in days if model.day <= due][-1]
        taken[newest.day] = newest
        due += timedelta(days=n)
    return tuple(taken.values())


def _serving(strategy: Strategy, days: Mapping[date, JudgedDay]) -> dict[date, SimulatedDay]:
    found = {day: strategy.serving(day) for day in days}
    return {day: model for day, model in found.items() if model is not None}


def _result(
    strategy: Strategy,
    metric: Metric,
    serving: Mapping[date, SimulatedDay],
    *,
    scored: ByDay | None,
    measured: Measured,
    book: ScoreBook,
) -> StrategyResult:
    daily = tuple(
        DailyValue(day=day, model_day=model.day, value=plain(metric, book.scored(model, day)))
        for day, model in sorted(serving.items())
    )
    return StrategyResult(
        name=strategy.name,
        title=TITLES[strategy.name],
        rule=_RULES[strategy.name],
        promotions=tuple(model.day for model in strategy.taken),
        overall=measured.values.get(strategy.name) or plain(metric, None),
        pooled=plain(metric, joined([scored[day] for day in sorted(scored)]) if scored else None),
        daily=daily,
    )


def _gain(
    metric: Metric,
    pair: tuple[str, str],
    values: Mapping[str, MetricValue],
    lines: Mapping[str, np.ndarray],
    level: float,
) -> Comparison:
    more, rarer = (values[name] for name in pair)
    blank = Comparison(
        metric=metric.kind,
        direction=metric.direction,
        difference=None,
        lower=None,
        upper=None,
        level=level,
        n=more.n,
        method=f"paired bootstrap of rows within days, {next(iter(lines.values())).size if lines else 0} resamples",
    )
    if more.value is None or rarer.value is None:
        return blank.model_copy(update={"reason": (more if more.value is None else rarer).reason})
    bounds = paired_interval(*(lines[name] for name in pair), direction=metric.direction, level=blank.level)
    difference = more.value - rarer.value if metric.direction == "higher" else rarer.value - more.value
    return blank.model_copy(
        update={"difference": difference + 0.0, "lower": bounds.lower, "upper": bounds.upper, "reason": bounds.reason}
    )

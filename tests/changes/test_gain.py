"""What one spec earns over another: known differences, and intervals that hold what they promise."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import numpy as np
import pytest

from mlsys.changes.gain import draws_of_days, earned
from mlsys.changes.records import Earned
from mlsys.metrics import METRICS
from mlsys.metrics.scores import Scored

FIRST = date(2026, 5, 1)


def world(n_days: int, *, seed: int, gain: float = 0.0, n_rows: int = 200) -> tuple[Any, Any]:
    """Return scores of two specs by day; the signal of the second is stronger by `gain`, by days like those around."""
    random = np.random.default_rng(seed)
    before, after, drift = {}, {}, 0.0
    for index in range(n_days):
        drift = 0.5 * drift + random.normal(0, 0.1)
        y = (random.random(n_rows) < 0.4).astype("int8")
        noise = random.normal(size=n_rows)
        for by_day, strength in ((before, 1.0), (after, 1.0 + gain + drift)):
            score = 1 / (1 + np.exp(-(strength * y + noise + random.normal(0, 0.3, n_rows))))
            by_day[FIRST + timedelta(days=index)] = Scored.of(y, score, threshold=0.5)
    return before, after


def of(metric: str, before: Any, after: Any) -> Earned:
    return earned(METRICS.parse(metric), before, after, n_replicates=200, seed=1)


@pytest.mark.parametrize("metric", ["roc_auc", "log_loss", "f1"])
def test_a_spec_earns_nothing_over_itself(metric: str) -> None:
    before, _ = world(12, seed=0)
    found = of(metric, before, before)
    assert (found.difference, found.lower, found.upper, found.verdict) == (0, 0, 0, "not separated")


def test_better_is_positive_whatever_the_direction_of_the_metric() -> None:
    before, after = world(20, seed=3, gain=1.5)
    for metric in ("roc_auc", "log_loss"):
        there, back = of(metric, before, after), of(metric, after, before)
        assert (there.verdict, back.verdict) == ("better", "worse")
        assert there.difference == pytest.approx(-back.difference)  # type: ignore[operator]
        assert there.next_lower < there.lower < there.difference < there.upper < there.next_upper  # type: ignore[operator]


def test_a_ranking_is_the_mean_of_days_weighted_by_rows() -> None:
    before, after = world(3, seed=5, gain=1.0)
    day = FIRST + timedelta(days=1)
    before[day], after[day] = (by_day[day].where(np.arange(50)) for by_day in (before, after))
    metric = METRICS.parse("roc_auc")
    weights = [200, 50, 200]
    expected = [
        float(np.average([metric.value(by_day[each]).value for each in sorted(by_day)], weights=weights))
        for by_day in (before, after)
    ]
    found = of("roc_auc", before, after)
    assert found.difference == pytest.approx(expected[1] - expected[0])
    assert (found.lower, found.reason) == (None, "3 days are too few for an interval")


def test_a_day_of_one_class_does_not_count_and_none_at_all_says_so() -> None:
    before, after = world(10, seed=7, gain=1.0)
    whole = of("roc_auc", before, after)
    for by_day in (before, after):
        odd = by_day[FIRST]
        by_day[FIRST + timedelta(days=10)] = odd.where(np.flatnonzero(odd.y_true == 1))
    assert of("roc_auc", before, after).difference == pytest.approx(whole.difference)
    last = FIRST + timedelta(days=10)
    nothing = of("roc_auc", {last: before[last]}, {last: after[last]})
    assert nothing.difference is None
    assert "class" in str(nothing.reason)
    assert of("roc_auc", {}, {}).reason == "no day could be compared"


def test_neighbouring_days_are_drawn_together_and_each_as_often_as_any_other() -> None:
    counts = draws_of_days(27, 4000, seed=1)
    assert set(counts.sum(axis=1)) == {27}
    assert counts.mean(axis=0) == pytest.approx(np.ones(27), abs=0.1)
    beside, apart = (np.corrcoef(counts[:, 5], counts[:, at])[0, 1] for at in (6, 15))
    assert beside > 0.5 > 0.1 > apart


@pytest.mark.slow
def test_the_next_days_lie_where_they_are_expected_95_times_in_100() -> None:
    inside, covered, n = 0, 0, 120
    truth = np.mean([of("roc_auc", *world(30, seed=1000 + seed, gain=0.3)).difference for seed in range(30)])
    for seed in range(n):
        before, after = world(30, seed=seed, gain=0.3)
        days = sorted(before)
        plan, next_days = (
            of("roc_auc", *({day: by_day[day] for day in part} for by_day in (before, after)))
            for part in (days[:15], days[15:])
        )
        inside += plan.next_lower <= next_days.difference <= plan.next_upper  # type: ignore[operator]
        covered += plan.lower <= truth <= plan.upper  # type: ignore[operator]
    assert inside >= 0.9 * n
    assert covered >= 0.88 * n

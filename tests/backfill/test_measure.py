"""One number for many days: what ranks rows is averaged over days, everything else is measured at once."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pytest

from mlsys.backfill.measure import ByDay, joined, measure, plain
from mlsys.metrics import METRICS
from mlsys.metrics.scores import Scored

SIZES = (40, 100, 60)


def on(n: int) -> date:
    return date(2026, 3, 1) + timedelta(days=n)


def days(shift: tuple[float, ...] = (0.0, 0.0, 0.0), seed: int = 0) -> dict[date, Scored]:
    """Three days of a model, each scored on a scale of its own: `shift` moves all scores of a day."""
    generator = np.random.default_rng(seed)
    found = {}
    for n, (size, moved) in enumerate(zip(SIZES, shift, strict=True)):
        y = (np.arange(size) % 3 == 0).astype("int8")
        found[on(n)] = Scored(y, 1 / (1 + np.exp(-(1.5 * y + moved + generator.normal(size=size)))))
    return found


def overall(metric: str, by_day: ByDay) -> float:
    found = measure(METRICS.parse(metric), {"one": by_day}, n_replicates=50, seed=1).values["one"].value
    assert found is not None
    return found


def test_a_metric_that_ranks_is_the_mean_of_days_by_rows() -> None:
    metric = METRICS.parse("roc_auc")
    values = [plain(metric, scored).value for scored in days().values()]
    assert overall("roc_auc", days()) == pytest.approx(np.average(values, weights=SIZES))


@pytest.mark.parametrize("metric", ["roc_auc", "pr_auc"])
def test_another_scale_each_day_changes_nothing_that_ranks(metric: str) -> None:
    assert overall(metric, days((0.0, 5.0, -5.0))) == pytest.approx(overall(metric, days()))


@pytest.mark.parametrize("metric", ["log_loss", "accuracy", "f1"])
def test_every_other_metric_is_measured_on_all_rows_at_once(metric: str) -> None:
    value = plain(METRICS.parse(metric), joined(list(days().values()))).value
    assert overall(metric, days()) == pytest.approx(value)


@pytest.mark.parametrize("metric", ["roc_auc", "log_loss"])
def test_equal_strategies_have_equal_lines(metric: str) -> None:
    found = measure(METRICS.parse(metric), {"a": days(), "b": days()}, n_replicates=50, seed=1)
    assert (found.lines["a"] == found.lines["b"]).all()
    assert found.values["a"].lower is not None


def test_a_day_undefined_for_one_is_left_out_for_all() -> None:
    one_class = {**days(), on(1): Scored(np.ones(100, "int8"), np.full(100, 0.5))}
    found = measure(METRICS.parse("roc_auc"), {"a": one_class, "b": one_class}, n_replicates=50, seed=1)
    assert found.values["a"].n == SIZES[0] + SIZES[2]
    assert found.values["a"] == found.values["b"]


def test_undefined_on_every_day_has_a_reason() -> None:
    one_class = {on(0): Scored(np.ones(10, "int8"), np.full(10, 0.5))}
    value = measure(METRICS.parse("roc_auc"), {"a": one_class}, n_replicates=50, seed=1).values["a"]
    assert (value.value, value.reason) == (None, "undefined on every day: all rows are of one class")


def test_without_days_there_is_no_value() -> None:
    found = measure(METRICS.parse("roc_auc"), {"a": {}}, n_replicates=50, seed=1)
    assert (found.values["a"].value, dict(found.lines)) == (None, {})


def test_one_more_day_leaves_the_draws_of_the_others() -> None:
    some = {day: scored for day, scored in days().items() if day != on(2)}
    metric = METRICS.parse("roc_auc")
    two = measure(metric, {"a": some}, n_replicates=50, seed=1).lines["a"]
    three = measure(metric, {"a": days()}, n_replicates=50, seed=1).lines["a"]
    last = measure(metric, {"a": {on(2): days()[on(2)]}}, n_replicates=50, seed=1).lines["a"]
    assert three == pytest.approx((140 * two + 60 * last) / 200)

"""Intervals of one model's metric: percentiles of resamples, and Wilson's where a share is counted."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from mlsys.metrics import METRICS
from mlsys.metrics.intervals import effective_size, percentile, wilson
from mlsys.metrics.scores import Scored

NONE_DRAWN = np.zeros(100)


def test_interval_is_the_percentiles() -> None:
    found = percentile(np.arange(1001.0), 0.9)
    assert (found.lower, found.upper) == (pytest.approx(50), pytest.approx(950))


def test_few_undefined_replicates_are_left_out() -> None:
    found = percentile(np.r_[np.full(9, np.nan), np.ones(991)], 0.95)
    assert (found.lower, found.upper, found.reason) == (1, 1, None)


def test_one_percent_undefined_gives_no_interval() -> None:
    found = percentile(np.r_[np.full(10, np.nan), np.ones(990)], 0.95)
    assert (found.lower, found.upper, found.reason) == (None, None, "undefined in 10 of 1000 resamples")


@given(n=st.integers(1, 100_000), share=st.floats(0, 1), level=st.sampled_from([0.8, 0.95, 0.99]))
def test_wilson_is_scipys(n: int, share: float, level: float) -> None:
    k = round(share * n)
    found, known = wilson(k / n, n, level), binomtest(k, n).proportion_ci(level, method="wilson")
    assert (found.lower, found.upper) == (pytest.approx(known.low, abs=1e-9), pytest.approx(known.high, abs=1e-9))


def test_no_false_alarm_among_160_rows_may_be_one_in_43() -> None:
    scored = Scored(np.r_[np.zeros(160), np.ones(40)].astype(np.int8), np.r_[np.full(160, 0.1), np.full(40, 0.9)])
    found = METRICS.parse("fpr").interval(scored, NONE_DRAWN, 0.95)
    assert (found.lower, found.upper) == (0, pytest.approx(0.0234, abs=1e-4))
    assert METRICS.parse("precision").interval(scored, NONE_DRAWN + 1, 0.95).upper == 1
    assert METRICS.parse("precision").interval(scored, NONE_DRAWN + 1, 0.95).lower < 0.92


@pytest.mark.parametrize("kind", ["f1", "mcc", "balanced_accuracy"])
def test_where_a_count_is_0_there_is_no_interval(kind: str) -> None:
    some = Scored(np.array([0, 0, 1, 1], dtype=np.int8), np.array([0.1, 0.9, 0.2, 0.8]))
    metric, drawn = METRICS.parse(kind), np.linspace(0.2, 0.8, 100)
    assert metric.interval(some, drawn, 0.95).reason is None
    found = metric.interval(replace(some, y_score=np.array([0.1, 0.2, 0.3, 0.8])), drawn, 0.95)
    assert (found.lower, found.upper, found.reason) == (None, None, "there is no false positive")


@pytest.mark.parametrize("n", [50, 200, 1000])
@pytest.mark.parametrize("share", [0.02, 0.1, 0.5, 0.98])
def test_wilson_holds_the_truth_as_often_as_its_level_says(n: int, share: float) -> None:
    seen = np.random.default_rng(n).binomial(n, share, 4000)
    bounds = {int(k): wilson(k / n, n, 0.95) for k in np.unique(seen)}
    held = np.mean([bounds[int(k)].lower <= share <= bounds[int(k)].upper for k in seen])  # type: ignore[operator]
    assert 0.92 < held < 0.99  # a count is coarse: with 50 rows and 2 % hardly a level lies nearer to 95 %


def test_rows_of_few_groups_tell_as_little_as_their_groups() -> None:
    assert effective_size(0.5, 1000, np.random.default_rng(0).normal(0.5, 0.05, 10_000), units=0.1) == pytest.approx(
        100, rel=0.05
    )
    assert effective_size(0.5, 1000, np.full(10, 0.5), units=0.02) == 20  # none varies: as many as there are groups
    assert effective_size(0.0, 8, np.zeros(10), units=0.01) == 1


def test_a_share_in_groups_is_less_sure_than_one_in_rows() -> None:
    y = np.r_[np.zeros(160), np.ones(40)].astype(np.int8)
    scored = Scored(y, np.r_[np.full(160, 0.1), np.full(40, 0.9)])
    alone, grouped = (METRICS.parse("fpr").interval(scored, NONE_DRAWN, 0.95, n_groups=n) for n in (None, 20))
    assert grouped.upper > 5 * alone.upper  # type: ignore[operator]

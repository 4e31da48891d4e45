"""Intervals of one model's metric: by how much rows move it, Wilson's where a share is counted, or percentiles."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from mlsys.metrics import METRICS
from mlsys.metrics.intervals import IntervalScale, effective_size, linear, mean_of_shares, percentile, wilson
from mlsys.metrics.scores import Scored
from mlsys.metrics.units import ROWS, Units

NONE = np.empty(0)


def test_interval_is_the_percentiles() -> None:
    found = percentile(np.arange(1001.0), 0.9)
    assert (found.lower, found.upper) == (pytest.approx(50), pytest.approx(950))


def test_few_undefined_replicates_are_left_out() -> None:
    found = percentile(np.r_[np.full(9, np.nan), np.ones(991)], 0.95)
    assert (found.lower, found.upper, found.reason) == (1, 1, None)


def test_one_percent_undefined_gives_no_interval() -> None:
    found = percentile(np.r_[np.full(10, np.nan), np.ones(990)], 0.95)
    assert (found.lower, found.upper, found.reason) == (None, None, "undefined in 10 of 1000 resamples")


@pytest.mark.slow
@given(n=st.integers(1, 100_000), share=st.floats(0, 1), level=st.sampled_from([0.8, 0.95, 0.99]))
def test_wilson_is_scipys(n: int, share: float, level: float) -> None:
    k = round(share * n)
    found, known = wilson(k / n, n, level), binomtest(k, n).proportion_ci(level, method="wilson")
    assert (found.lower, found.upper) == (pytest.approx(known.low, abs=1e-9), pytest.approx(known.high, abs=1e-9))


def test_no_false_alarm_among_160_rows_may_be_one_in_43() -> None:
    scored = Scored(np.r_[np.zeros(160), np.ones(40)].astype(np.int8), np.r_[np.full(160, 0.1), np.full(40, 0.9)])
    found = METRICS.parse("fpr").interval(scored, NONE, 0.95)
    assert (found.lower, found.upper) == (0, pytest.approx(0.0234, abs=1e-4))
    assert METRICS.parse("precision").interval(scored, NONE, 0.95).upper == 1
    assert METRICS.parse("precision").interval(scored, NONE, 0.95).lower < 0.92


@pytest.mark.parametrize("kind", ["f1", "balanced_accuracy"])
def test_counts_that_are_0_leave_an_interval(kind: str) -> None:
    y = np.array([0, 0, 0, 1, 1, 1], dtype=np.int8)
    found = METRICS.parse(kind).interval(Scored(y, np.array([0.1, 0.2, 0.3, 0.2, 0.8, 0.9])), NONE, 0.95)
    assert found.lower is not None
    assert found.upper is not None
    assert 0.1 < found.lower < 0.5
    assert 0.9 < found.upper < 1


def test_f1_has_the_bounds_of_the_share_that_it_is_made_of() -> None:
    y, said = np.repeat([1, 1, 0, 0], [40, 10, 5, 45]).astype(np.int8), np.repeat([0.9, 0.1, 0.9, 0.1], [40, 10, 5, 45])
    found, share = METRICS.parse("f1").interval(Scored(y, said), NONE, 0.95), wilson(40 / 55, 55, 0.95)
    assert share.lower is not None
    assert found.lower == pytest.approx(2 * share.lower / (1 + share.lower))


def test_a_perfect_correlation_has_no_interval() -> None:
    found = METRICS.parse("mcc").interval(
        Scored(np.array([0, 0, 1, 1], np.int8), np.array([0, 0.1, 0.8, 0.9])), NONE, 0.95
    )
    assert (found.lower, found.upper) == (None, None)
    assert found.reason is not None


def test_a_perfect_ranking_is_as_sure_as_its_rarer_class() -> None:
    y = np.repeat([0, 1], [160, 12]).astype(np.int8)
    found = METRICS.parse("roc_auc").interval(Scored(y, y * 0.5 + 0.2), NONE, 0.95)
    assert found == wilson(1.0, 12, 0.95)


@pytest.mark.parametrize(("scale", "value"), [("odds", 0.99), ("log", 0.01), ("below_one", 0.99), ("fisher", 0.98)])
def test_a_scale_keeps_bounds_where_values_can_be(scale: IntervalScale, value: float) -> None:
    influence = np.random.default_rng(0).normal(size=100) * 0.2
    plain = linear(value, influence, 0.95, units=ROWS, scale="plain")
    found = linear(value, influence, 0.95, units=ROWS, scale=scale)
    assert plain.lower is not None
    assert found.lower is not None
    assert found.upper is not None
    assert found.lower < value < found.upper
    assert (found.lower > 0) if scale == "log" else (found.upper < 1)


def test_where_no_row_makes_a_difference_there_is_no_interval() -> None:
    assert linear(0.5, np.zeros(10), 0.95, units=ROWS, scale="plain").reason == "no row makes a difference to it"
    assert linear(1.0, np.ones(10), 0.95, units=ROWS, scale="odds").lower is None


def test_shares_add_up_to_their_mean() -> None:
    one = wilson(0.9, 50, 0.95)
    found = mean_of_shares([0.9, 0.9], [one, one])
    assert one.lower is not None
    assert found.lower == pytest.approx(0.9 - (0.9 - one.lower) / 2**0.5)
    assert mean_of_shares([0.9], [one]) == one


@pytest.mark.parametrize("n", [50, 200, 1000])
@pytest.mark.parametrize("share", [0.02, 0.1, 0.5, 0.98])
def test_wilson_holds_the_truth_as_often_as_its_level_says(n: int, share: float) -> None:
    seen = np.random.default_rng(n).binomial(n, share, 4000)
    bounds = {int(k): wilson(k / n, n, 0.95) for k in np.unique(seen)}
    held = np.mean([bounds[int(k)].lower <= share <= bounds[int(k)].upper for k in seen])  # type: ignore[operator]
    assert 0.92 < held < 0.99  # a count is coarse: with 50 rows and 2 % hardly a level lies nearer to 95 %


def test_rows_that_share_their_answer_tell_as_little_as_their_groups() -> None:
    groups = Units("group", np.repeat(np.arange(200), 5))
    hit = (np.random.default_rng(0).random(200) < 0.5)[groups.of]
    found = effective_size(hit.mean(), 1000, hit - hit.mean(), units=groups, level=0.95)
    assert found == pytest.approx(200, rel=0.05)
    assert effective_size(0.0, 8, None, units=groups, level=0.95) == pytest.approx(1.6)  # none varies: groups by rows
    assert effective_size(0.5, 1000, hit - hit.mean(), units=ROWS, level=0.95) == 1000


def test_a_share_in_groups_is_less_sure_than_one_in_rows() -> None:
    y = np.r_[np.zeros(160), np.ones(40)].astype(np.int8)
    scored = Scored(y, np.r_[np.full(160, 0.1), np.full(40, 0.9)])
    twenty = Units("group", np.arange(200) // 10)
    alone, grouped = (METRICS.parse("fpr").interval(scored, NONE, 0.95, units=units) for units in (ROWS, twenty))
    assert grouped.upper > 5 * alone.upper  # type: ignore[operator]

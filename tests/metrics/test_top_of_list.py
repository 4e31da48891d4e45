"""The top of a list against its definition: the mean over all orders of equal rows."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as sk

from mlsys.evaluation.bootstrap import bootstrap_weights
from mlsys.metrics.intervals import percentile
from mlsys.metrics.scores import Scored
from mlsys.metrics.top_of_list import LiftAtK, PrecisionAtK, RecallAtK, TopMetric

ALL = [PrecisionAtK, RecallAtK, LiftAtK]


def scored(y: list[int], p: list[float]) -> Scored:
    return Scored(np.array(y, dtype="int8"), np.array(p, dtype="float64"))


def by_definition(metric: TopMetric, rows: Scored) -> float | None:
    """Each order of equal rows, one by one, with scikit-learn's precision and recall of the first rows."""
    n_rows = rows.y_true.size
    length = metric.k if isinstance(metric.k, int) else max(1, int(np.floor(metric.k * n_rows + 1e-9)))
    if length > n_rows or (metric.kind != "precision_at_k" and not rows.y_true.any()):
        return None
    found = []
    for order in permutations(range(n_rows)):
        if (np.diff(rows.y_score[list(order)]) > 0).any():
            continue
        first = np.isin(np.arange(n_rows), order[:length]).astype(int)
        precision = sk.precision_score(rows.y_true, first, zero_division=0)
        found.append(
            {
                "precision_at_k": precision,
                "recall_at_k": sk.recall_score(rows.y_true, first, zero_division=0),
                "lift_at_k": precision / max(rows.y_true.mean(), 1e-9),
            }[metric.kind]
        )
    return float(np.mean(found))


@pytest.mark.slow
@settings(max_examples=8, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 1), st.sampled_from([0.1, 0.5, 0.9])), min_size=1, max_size=5),
    st.one_of(st.integers(1, 6), st.floats(0.05, 0.95)),
    st.sampled_from(ALL),
)
def test_equals_the_mean_over_all_orders_of_equal_rows(
    pairs: list[tuple[int, float]], k: float, kind: type[TopMetric]
) -> None:
    rows, metric = scored([y for y, _ in pairs], [p for _, p in pairs]), kind(k=k)
    expected = by_definition(metric, rows)
    found = metric.value(rows)
    assert found.value == (None if expected is None else pytest.approx(expected))
    assert (found.reason is None) == (found.value is not None)


def test_without_equal_rows_the_first_ones_count() -> None:
    rows = scored([1, 0, 1, 0, 0, 1, 0, 0, 0, 0], list(np.linspace(1, 0, 10)))
    assert PrecisionAtK(k=3).value(rows).value == pytest.approx(2 / 3)
    assert RecallAtK(k=0.3).value(rows).value == pytest.approx(2 / 3)
    assert LiftAtK(k=0.3).value(rows).value == pytest.approx((2 / 3) / 0.3)


def test_scores_that_are_all_alike_are_worth_chance() -> None:
    rows = scored([1, 0, 0, 0] * 10, [0.3] * 40)
    assert PrecisionAtK(k=0.1).value(rows).value == pytest.approx(0.25)
    assert LiftAtK(k=0.1).value(rows).value == pytest.approx(1)


def test_a_share_of_few_rows_takes_one_of_them_and_a_number_beyond_all_is_undefined() -> None:
    rows = scored([1, 0, 0], [0.9, 0.5, 0.1])
    assert PrecisionAtK(k=0.01).value(rows).value == 1
    found = PrecisionAtK(k=4).value(rows)
    assert found.value is None
    assert found.reason == "there are fewer rows than k"
    assert LiftAtK(k=2).value(scored([0, 0, 0], [0.9, 0.5, 0.1])).value is None


@pytest.mark.slow
def test_its_interval_covers_the_truth_as_often_as_it_says() -> None:
    generator = np.random.default_rng(5)
    metric, n_rows, covered = PrecisionAtK(k=0.1), 1500, []

    def world(n: int) -> Scored:
        z = generator.normal(size=n)
        p = 1 / (1 + np.exp(2.5 - 1.2 * z))
        return Scored((generator.random(n) < p).astype("int8"), p)

    truth = metric.value(world(300_000)).value
    for seed in range(120):
        rows = world(n_rows)
        drawn = [metric.replicates(rows.resampled(w)) for w in bootstrap_weights(n_rows, 200, seed)]
        bounds = percentile(np.concatenate(drawn), 0.95)
        assert bounds.lower is not None
        assert bounds.upper is not None
        covered.append(bounds.lower <= truth <= bounds.upper)
    assert 0.89 <= np.mean(covered) <= 0.99

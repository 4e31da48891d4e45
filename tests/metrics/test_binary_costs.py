from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlsys.metrics.binary_costs import Cost, Costs, cheapest, cost_points
from mlsys.metrics.scores import Scored

SCORES = [0.0, 0.2, 0.5, 0.50000001, 0.9, 1.0]
COSTS = Costs(false_positive=1, false_negative=20)


def cost_at(y: np.ndarray, p: np.ndarray, costs: Costs, threshold: float) -> float:
    value = Cost(costs=costs).value(Scored(y, p, threshold)).value
    assert value is not None
    return value


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 1), st.sampled_from(SCORES)), min_size=1, max_size=20),
    st.floats(0.1, 30),
)
def test_no_other_threshold_costs_less(pairs: list[tuple[int, float]], false_negative: float) -> None:
    y, p = np.array([y for y, _ in pairs], dtype="int8"), np.array([p for _, p in pairs])
    costs = Costs(false_negative=false_negative)
    found = cost_at(y, p, costs, cheapest(y, p, costs))
    others = [cost_at(y, p, costs, float(t)) for t in [*p, *(p + 1e-12), 0.0, 1.1]]
    assert found <= min(others) + 1e-12


def test_it_lies_between_two_scores_as_near_to_break_even_as_it_can() -> None:
    y, p = np.array([1, 0], dtype="int8"), np.array([0.8, 0.2])
    assert cheapest(y, p, Costs()) == 0.5
    assert Costs(false_positive=1, false_negative=19).break_even == pytest.approx(0.05)


def test_right_probabilities_are_called_from_break_even_on() -> None:
    generator = np.random.default_rng(3)
    p = generator.beta(1, 12, 200_000)
    y = (generator.random(p.size) < p).astype("int8")
    best, even = (cost_at(y, p, COSTS, t) for t in (cheapest(y, p, COSTS), COSTS.break_even))
    assert even == pytest.approx(best, rel=0.005)
    assert cheapest(y, p, COSTS) == pytest.approx(COSTS.break_even, abs=0.02)


def test_too_high_scores_get_a_higher_threshold_and_lose_nothing() -> None:
    generator = np.random.default_rng(4)
    p = generator.beta(1, 12, 20_000)
    y = (generator.random(p.size) < p).astype("int8")
    inflated = p**0.4
    assert cheapest(y, inflated, COSTS) > 0.2
    same = cost_at(y, p, COSTS, cheapest(y, p, COSTS))
    assert cost_at(y, inflated, COSTS, cheapest(y, inflated, COSTS)) == pytest.approx(same)


def test_rows_of_several_models_keep_the_threshold_of_each() -> None:
    y, p = np.array([1, 0], dtype="int8"), np.array([0.3, 0.3])
    joined = Scored.joined([Scored(y, p, 0.2), Scored(y, p, 0.4)])
    assert joined.y_pred.tolist() == [1, 1, 0, 0]
    assert joined.where(np.array([3, 0])).y_pred.tolist() == [0, 1]
    assert Scored.joined([Scored(y, p, 0.2)] * 2).threshold == 0.2


def test_the_curve_begins_with_nobody_and_ends_with_everybody() -> None:
    y, p = np.array([1, 0, 0, 1], dtype="int8"), np.array([0.9, 0.6, 0.6, 0.1])
    assert cost_points(y, p, COSTS) == [[0, 10], [0.25, 5], [0.75, 5.5], [1, 0.5]]
    assert cost_points(y[:0], p[:0], COSTS) == []

"""Fairness: gaps between groups in every task, large enough groups alone, and no alarm by chance."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from mlsys.gates.fairness import Fairness
from mlsys.metrics.classified import Classified
from mlsys.metrics.predicted import Predicted
from mlsys.metrics.predictions import Predictions
from mlsys.metrics.scores import Scored
from mlsys.records import GateResult
from mlsys.testing.gate_material import material, rows_of


def judged(
    gate: Fairness, answers: Predictions, groups: np.ndarray, task: str = "binary", **more: np.ndarray
) -> GateResult:
    names = groups.astype(str).astype(object)
    found = gate.measure(material(rows_of(answers, None, {gate.column: names}, **more), task=task))
    if "lacking" in found:
        return gate.inconclusive(gate.rule, found["reason"], found["lacking"])
    return gate.verdict(found)


def selected(rates: Sequence[float], seed: int, n_rows: int = 1200) -> tuple[Scored, np.ndarray]:
    """Return rows of groups with these selection rates, whatever the label."""
    random = np.random.default_rng(seed)
    groups = random.integers(0, len(rates), n_rows)
    said = random.random(n_rows) < np.array(rates)[groups]
    return Scored((random.random(n_rows) < 0.4).astype("int8"), said.astype("float64")), groups


def test_the_gap_is_that_of_the_groups_farthest_apart() -> None:
    y = np.tile(np.array([1, 1, 0, 0], dtype="int8"), 300)
    groups = np.repeat([0, 1, 2], 400)
    said = np.where(groups == 2, y, np.where(groups == 1, 1 - y, 1)).astype("float64")
    gate = Fairness(column="country", of=("tpr",), on="value")
    result = judged(gate, Scored(y, said), groups)
    assert (result.state, result.observed, result.reason) == ("fail", 1.0, "unfair")
    assert "0 of 1" in result.sentence
    assert (
        judged(Fairness(column="country", of=("selection_rate",), on="value"), Scored(y, said), groups).observed == 0.5
    )


@pytest.mark.slow
@pytest.mark.parametrize("rates", [(0.3, 0.3, 0.3), (0.3, 0.3, 0.4), (0.02, 0.02, 0.12)])
def test_a_gap_within_the_limit_fails_as_seldom_as_promised(rates: tuple[float, ...]) -> None:
    gate = Fairness(column="country", of=("selection_rate",))
    failed = sum(judged(gate, *selected(rates, seed)).state == "fail" for seed in range(100))
    assert failed <= 11  # of 100, 5 are promised at most; more have a probability of 0.004 then


@pytest.mark.slow
def test_a_wide_gap_fails_nearly_always() -> None:
    gate = Fairness(column="country", of=("selection_rate",))
    assert sum(judged(gate, *selected((0.3, 0.3, 0.6), seed)).state == "fail" for seed in range(50)) >= 48


def test_rows_in_groups_of_their_own_widen_the_bound() -> None:
    answers, groups = selected((0.3, 0.45), 1)
    order = np.lexsort((answers.said, groups))
    answers, groups = answers.where(order), groups[order]
    gate = Fairness(column="country", of=("selection_rate",))
    alone = judged(gate, answers, groups)
    together = judged(gate, answers, groups, group=np.arange(1200) // 30)
    assert together.observed is not None
    assert alone.observed is not None
    assert together.observed < alone.observed


def test_small_groups_are_left_out_and_said() -> None:
    answers, groups = selected((0.3, 0.3), 1)
    groups[:20] = 7
    result = judged(Fairness(column="country", of=("fpr",)), answers, groups)
    assert "(1 with fewer than 100 rows left out)" in result.sentence
    few = judged(Fairness(column="country", min_rows=5000), answers, groups)
    assert (few.state, few.reason) == ("inconclusive", "too_few_rows")


def test_groups_without_rows_of_a_class_have_no_rate() -> None:
    answers, groups = selected((0.3, 0.3), 1)
    negative = Scored(np.zeros(1200, dtype="int8"), answers.y_score)
    result = judged(Fairness(column="country", of=("tpr",)), negative, groups)
    assert (result.state, result.reason) == ("inconclusive", "too_few_rows")


def test_several_classes_go_by_right_answers_and_numbers_by_their_mean_error() -> None:
    random, groups = np.random.default_rng(2), np.repeat([0, 1], 400)
    truth = random.integers(0, 3, 800)
    said = np.where((groups == 1) & (random.random(800) < 0.5), (truth + 1) % 3, truth)
    classes = judged(Fairness(column="country"), Classified(truth, np.eye(3)[said]), groups, "multiclass")
    assert (classes.state, "shares of right answers" in classes.sentence) == ("fail", True)
    price = random.normal(100, 10, 800)
    numbers = Predicted(price, price + 5 * (groups == 1) + random.normal(0, 1, 800))
    result = judged(Fairness(column="country"), numbers, groups, "regression")
    assert result.estimate == pytest.approx(0.5, abs=0.05)
    assert result.state == "fail"

from __future__ import annotations

import math

import numpy as np
import pytest

from mlsys.metrics import METRICS
from mlsys.metrics.scores import Scored


def value(name: str, y_true: list[int], y_score: list[float]) -> float | None:
    return METRICS.parse(name).value(Scored(np.array(y_true, "int8"), np.array(y_score, "float64"))).value


@pytest.mark.parametrize("label", [0, 1])
def test_roc_auc_of_one_class_is_undefined(label: int) -> None:
    found = METRICS.parse("roc_auc").value(Scored(np.full(3, label, "int8"), np.array([0.1, 0.5, 0.9])))
    assert (found.value, found.reason) == (None, "all rows are of one class")


def test_equal_scores_are_a_coin() -> None:
    assert value("roc_auc", [0, 1, 0, 1], [0.3, 0.3, 0.3, 0.3]) == 0.5


def test_average_precision_of_equal_scores_is_the_share_of_positives() -> None:
    assert value("pr_auc", [0, 1, 0, 0], [0.3, 0.3, 0.3, 0.3]) == 0.25


def test_average_precision_by_hand() -> None:
    assert value("pr_auc", [1, 0, 1, 0], [0.9, 0.8, 0.7, 0.1]) == pytest.approx((1 + 2 / 3) / 2)


def test_log_loss_of_a_certain_error_is_finite() -> None:
    found = value("log_loss", [1], [0.0])
    assert found == pytest.approx(52 * math.log(2))


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_scores_that_are_not_finite_are_refused(bad: float) -> None:
    with pytest.raises(ValueError, match="not finite"):
        Scored(np.array([0, 1], "int8"), np.array([0.5, bad]))


def test_labels_other_than_0_and_1_are_refused() -> None:
    with pytest.raises(ValueError, match="neither 0 nor 1"):
        Scored(np.array([0, -1], "int8"), np.array([0.5, 0.5]))


def test_different_lengths_are_refused() -> None:
    with pytest.raises(ValueError, match="equally long"):
        Scored(np.array([0, 1], "int8"), np.array([0.5]))

"""Rows of several classes: what is refused, what is undefined, and classes that a model does not know."""

from __future__ import annotations

import numpy as np
import pytest

from mlsys.metrics import METRICS
from mlsys.metrics.classified import Classified

ONE_CLASS = Classified(np.zeros(3, "int16"), np.array([[0.6, 0.4], [0.7, 0.3], [0.2, 0.8]]))
ONE_SAID = Classified(np.array([0, 1, 2], "int16"), np.tile([0.6, 0.3, 0.1], (3, 1)))
OF_SEVERAL = [name for name in METRICS.names() if "multiclass" in METRICS.find(name).tasks]


@pytest.mark.parametrize(
    ("name", "rows"),
    [
        ("balanced_accuracy", ONE_CLASS),
        ("mcc", ONE_CLASS),
        ("mcc", ONE_SAID),
        ("roc_auc_ovr", ONE_CLASS),
        ("roc_auc_ovr_weighted", ONE_CLASS),
    ],
)
def test_undefined_is_none_with_the_reason(name: str, rows: Classified) -> None:
    found = METRICS.parse(name).value(rows)
    assert (found.value, found.reason) == (None, METRICS.find(name).undefined_when)


@pytest.mark.parametrize("name", OF_SEVERAL)
def test_a_class_without_rows_that_is_never_said_changes_nothing(name: str) -> None:
    random = np.random.default_rng(1)
    y_true, y_score = random.integers(0, 3, 200).astype("int16"), random.dirichlet([1, 1, 1], 200)
    wider = np.insert(y_score, 1, 0.0, axis=1)
    known, more = (
        METRICS.parse(name).value(rows).value
        for rows in (Classified(y_true, y_score), Classified(y_true + (y_true > 0), wider))
    )
    assert more == pytest.approx(known, rel=1e-12)


def test_a_class_that_the_model_does_not_know_costs_36_a_row() -> None:
    rows = Classified(np.array([0, 1, 2, 2], "int16"), np.array([[1.0, 0, 0], [0, 1, 0], [1, 0, 0], [0.5, 0.5, 0]]))
    loss = METRICS.parse("log_loss").value(rows).value
    assert loss == pytest.approx(2 * 52 * np.log(2) / 4)
    assert METRICS.parse("recall_macro").value(rows).value == pytest.approx(2 / 3)


def test_of_equal_probabilities_the_first_class_is_said() -> None:
    assert Classified(np.zeros(2, "int16"), np.full((2, 3), 1 / 3)).y_pred.tolist() == [0, 0]


def test_pictures_count_the_rows_of_each_class_by_what_was_said() -> None:
    rows = Classified(np.array([0, 0, 1, 2], "int16"), np.eye(3)[[0, 1, 1, 0]])
    assert rows.pictures() == {"said_of": [[1, 1, 0], [0, 1, 0], [1, 0, 0]]}


def test_the_order_of_rows_plays_no_part_when_they_are_put_in_order() -> None:
    rows = Classified(np.array([0, 1, 2, 1], "int16"), np.random.default_rng(1).dirichlet([1, 1, 1], 4))
    other = rows.where(np.array([2, 0, 3, 1])).in_order()
    assert (other.y_score == rows.in_order().y_score).all()
    assert other.y_true.tolist() == rows.in_order().y_true.tolist()


@pytest.mark.parametrize(
    ("y_true", "y_score", "says"),
    [
        ([0, 1], [[0.5, 0.5]], "equally long"),
        ([0], [0.5], "equally long"),
        ([2], [[0.5, 0.5]], "none of the 2 classes"),
        ([-1], [[0.5, 0.5]], "none of the 2 classes"),
        ([0], [[0.5, float("nan")]], "not finite"),
    ],
)
def test_rows_that_can_not_be_are_refused(y_true: list[int], y_score: list[object], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        Classified(np.array(y_true, "int16"), np.array(y_score))

"""What shuffling costs, held against its true value, and whether the intervals hold what they promise."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from given.asked_samples import COLUMNS, asked, frame_of

from mlsys.explanation import importance as module
from mlsys.explanation.importance import dealt, importance, mean_and_interval
from mlsys.schema import ColumnSpec


def test_columns_come_in_their_planted_order_and_a_planted_nothing_has_nothing() -> None:
    found = importance(asked(2000))
    assert [name for name, *_ in found["columns"]][:3] == ["strong", "weak", "brand"]
    lost = {name: (mean, lower, upper) for name, mean, lower, upper in found["columns"]}
    assert lost["noise"] == (0, 0, 0)
    assert lost["strong"][1] > 0.1
    assert (found["metric"], found["n_rows"], found["n_parts"], found["n_columns"]) == ("roc_auc", 2000, 10, 5)


def test_of_a_line_it_is_twice_the_variance_that_the_column_brings() -> None:
    """Shuffling a column of weight w and variance 1 adds 2 w^2 to the mean squared error of a regression."""
    found = importance(asked(4000, task="regression", metric="mse"))
    lost = {name: (lower, upper) for name, _, lower, upper in found["columns"]}
    assert lost["strong"][0] < 8 < lost["strong"][1]
    assert lost["weak"][0] < 0.5 < lost["weak"][1]


@pytest.mark.slow
def test_intervals_cover_the_truth_as_often_as_they_say() -> None:
    covered = 0
    for seed in range(100):
        found = importance(asked(500, seed=seed, task="regression", metric="mse", ranked=["strong"]))
        ((_, _, lower, upper),) = found["columns"]
        covered += lower <= 8 <= upper
    assert 88 <= covered <= 100  # 95 % of 100, with a standard deviation of 2.2


def test_parts_share_no_row_and_are_alike_in_their_classes() -> None:
    given = asked(1003)
    parts = dealt(given)
    assert sorted(np.concatenate(parts).tolist()) == list(range(1003))
    shares = [given.predictions.y_true[part].mean() for part in parts]
    assert max(shares) - min(shares) < 0.02


def test_the_same_column_loses_the_same_whichever_others_are_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = {row[0]: row for row in importance(asked())["columns"]}
    monkeypatch.setattr(module, "_ASKED_AT_ONCE", 1)
    (alone,) = importance(asked(ranked=["weak"]))["columns"]
    assert alone == whole["weak"]


def test_too_few_rows_or_a_metric_that_is_undefined_in_parts_say_so() -> None:
    assert importance(asked(124))["left_out"] == "124 holdout rows are too few to shuffle them; 125 would do"
    given = asked(300)
    rare = replace(given.predictions, y_true=(np.arange(300) < 2).astype("int8"))  # type: ignore[type-var]
    assert "ROC AUC is undefined on parts" in importance(replace(given, predictions=rare))["left_out"]


def test_columns_that_go_together_are_named() -> None:
    frame = frame_of(600)
    frame["twin"] = -(frame["strong"] ** 3)
    columns = {**COLUMNS, "twin": ColumnSpec(type="number")}
    found = importance(asked(frame=frame, columns=columns))
    assert found["alike"] == {"strong": ["twin", -1.0], "twin": ["strong", -1.0]}
    assert importance(asked())["alike"] == {}


def test_one_column_with_one_value_is_no_trouble() -> None:
    frame = frame_of(300).assign(weak=1.0, https=np.nan)
    assert importance(asked(frame=frame))["alike"] == {}


def test_an_interval_is_as_wide_as_its_formula() -> None:
    mean, lower, upper = mean_and_interval(np.array([1.0, 2.0, 3.0, 4.0, 5.0]))
    assert (mean, upper - mean) == pytest.approx((3.0, 2.776445 * (2.5 / 5) ** 0.5), rel=1e-6)
    assert mean - lower == pytest.approx(upper - mean)


def test_texts_and_missing_values_are_shuffled_with_the_rest() -> None:
    frame = pd.concat([frame_of(200)] * 2, ignore_index=True)
    assert importance(asked(frame=frame))["n_rows"] == 400

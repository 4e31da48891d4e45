"""A number as the target: what can be learnt of it, transforms, and predictions in its own unit."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import LinearRegression

from mlsys.errors import DataError, RunError
from mlsys.features.tabular import TabularFeatures
from mlsys.models.base import FitTask, Model
from mlsys.schema import ColumnSpec
from mlsys.targets.regression import RegressionTarget
from mlsys.testing.features import COLUMNS, some_frame

PLAIN = RegressionTarget(column="price")
LOG = RegressionTarget(column="price", transform="log")
POWER = RegressionTarget(column="price", transform="yeo_johnson")


class Line(Model):
    kind: str = "line"
    estimators = ("regressor",)

    def estimator(self, task: FitTask) -> Any:
        return LinearRegression()


def task(n_rows: int) -> FitTask:
    return FitTask(seed=1, threads=1, inner=np.zeros(n_rows, bool), estimator="regressor")


def lacking(target: RegressionTarget, values: list[float | None]) -> str:
    truth = target.truth(pa.chunked_array([pa.array(values, pa.float64())]))
    with pytest.raises(DataError) as caught:
        target.require_learnable(truth, np.ones(len(values), bool))
    return str(caught.value)


def test_labels_of_which_nothing_can_be_learnt_are_refused():
    assert "No row has a label" in lacking(PLAIN, [None, float("nan"), float("inf")])
    said = lacking(PLAIN, [7.0, 7.0, None, 7.0])
    assert "All 3 labelled rows have the same number" in said
    assert "7.0" in said


def test_a_logarithm_of_negative_numbers_is_refused_and_says_what_to_do():
    said = lacking(LOG, [1.0, -3.0, 5.0, -1.0])
    assert "2 labelled rows have a negative number" in said
    assert "-3.0" in said
    assert "yeo_johnson" in said
    truth = POWER.truth(pa.chunked_array([pa.array([1.0, -3.0])]))
    POWER.require_learnable(truth, np.ones(2, bool))


@pytest.mark.parametrize("declared", ["text", "category", "boolean", "timestamp"])
def test_a_target_that_is_no_number_does_not_fit(declared):
    assert f"'price' is declared as {declared}" in str(PLAIN.misfit(ColumnSpec(type=declared)))


@pytest.mark.parametrize("declared", ["integer", "number"])
def test_numbers_fit(declared):
    assert PLAIN.misfit(ColumnSpec(type=declared)) is None


@pytest.mark.parametrize("target", [PLAIN, LOG, POWER], ids=["plain", "log", "yeo_johnson"])
def test_predictions_are_in_the_targets_unit_and_the_pipeline_needs_nothing_of_ours(target):
    frame = some_frame(300, seed=2)
    x = frame["age"].fillna(frame["age"].median()).to_numpy()
    y = np.exp(5 + 0.02 * x)
    fitted = target.fit(Line(), TabularFeatures().build(COLUMNS), frame, y, task(300))
    found = target.answers(pickle.loads(pickle.dumps(fitted.pipeline)), frame)
    assert np.corrcoef(found, y)[0, 1] > 0.95
    assert abs(found.mean() / y.mean() - 1) < 0.05
    assert b"mlsys" not in pickle.dumps(fitted.pipeline)


@pytest.mark.parametrize(
    ("target", "scale", "there"),
    [
        (PLAIN, "price", lambda y: y),
        (LOG, "log(1 + price)", np.log1p),
        (POWER, "price after its Yeo-Johnson transform", None),
    ],
)
def test_the_fitted_part_predicts_what_the_model_was_fitted_on(target, scale, there):
    frame = some_frame(300, seed=2)
    y = np.exp(5 + 0.02 * frame["age"].to_numpy())
    pipeline = target.fit(Line(), TabularFeatures().build(COLUMNS), frame, y, task(300)).pipeline
    found = target.fitted_part(pipeline).predict(frame)
    said = target.answers(pipeline, frame)
    back = pipeline[-1].transformer_.transform if there is None else there
    assert found == pytest.approx(np.ravel(back(said.reshape(-1, 1))), rel=1e-6)
    assert target.fitted_scale == scale


@pytest.mark.slow
def test_a_logarithm_fits_what_grows_by_shares_better_than_the_plain_number():
    frame = some_frame(300, seed=2).assign(age=np.linspace(0, 60, 300))
    y = np.exp(0.15 * frame["age"].to_numpy())
    errors = {}
    for target in (PLAIN, LOG):
        fitted = target.fit(Line(), TabularFeatures().build(COLUMNS), frame, y, task(300))
        errors[target.transform] = np.abs(target.answers(fitted.pipeline, frame) - y).mean()
    assert errors["log"] < 0.2 * errors[None]


@pytest.mark.slow
@given(values=st.lists(st.floats(0, 1e9), min_size=3, max_size=30))
@settings(max_examples=30)
def test_there_and_back_gives_the_number_again(values):
    y = np.array(values).reshape(-1, 1)
    transformer = LOG._transformer()
    np.testing.assert_allclose(transformer.inverse_transform(transformer.fit_transform(y)), y, rtol=1e-9, atol=1e-9)


class Says:
    def __init__(self, answers: list[float]) -> None:
        self.answers = answers

    def predict(self, rows: pd.DataFrame) -> np.ndarray:
        return np.array(self.answers)


@pytest.mark.parametrize("answers", [[1.0, float("nan")], [1.0, float("inf")], [1.0], [[1.0], [2.0]]])
def test_answers_that_are_no_finite_numbers_are_refused(answers):
    with pytest.raises(RunError):
        PLAIN.answers(Says(answers), pd.DataFrame({"x": [1, 2]}))

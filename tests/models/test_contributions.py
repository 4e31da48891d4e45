"""What columns add: held against the formula, against planted effects, against the sum that they must have."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import Pipeline

from mlsys.errors import UsageError
from mlsys.features.base import FeatureColumns
from mlsys.features.tabular import TabularFeatures
from mlsys.models import MODELS
from mlsys.models.contributions import Contributions, of_lines, of_pipeline
from mlsys.models.linear import Linear
from mlsys.testing.model_problems import PROBLEMS, LearningProblem, fit, task_of
from mlsys.testing.model_process import suits

_BLEND = {"kind": "blend", "of": ({"kind": "ridge"}, {"kind": "xgboost", "n_estimators": 20}), "weights": (1.0, 3.0)}
_TREES: list[Any] = [
    {"kind": "random_forest", "n_estimators": 10},
    {"kind": "extra_trees", "n_estimators": 10},
    {"kind": "hist_gradient_boosting", "max_iter": 10},
    {"kind": "xgboost", "n_estimators": 30},
    {"kind": "lightgbm", "n_estimators": 30},
    {"kind": "catboost", "n_estimators": 30},
]
_LINES: list[Any] = ["logistic", "linear", "ridge", "elastic_net"]
_FORESTS = {
    "kind": "blend",
    "of": ({"kind": "random_forest", "n_estimators": 10}, {"kind": "extra_trees", "n_estimators": 10}),
    "weights": (1.0, 3.0),
}
KNOWN = [*_LINES, *_TREES, _BLEND, _FORESTS]
CASES = [
    pytest.param(written, problem, id=f"{MODELS.parse(written).kind}-{name}")
    for written in KNOWN
    for name, problem in suits(MODELS.parse(written)).items()
    if name != "class_without_rows" and not (written is _BLEND and problem.estimator == "classifier")
]


def of(written: Any, problem: LearningProblem, n_rows: int = 40) -> Contributions:
    model = MODELS.parse(written)
    frame, _ = problem.make(seed=1)
    return of_pipeline(model.shares, problem.fit(model).pipeline, frame.iloc[:n_rows])


@pytest.mark.slow
@pytest.mark.parametrize(("written", "problem"), CASES)
def test_they_add_up_and_the_columns_that_decide_come_first(written: Any, problem: LearningProblem) -> None:
    found = of(written, problem).centred(slice(None))
    assert found.gap <= found.tolerance <= 1e-4
    assert found.values.shape == (40, 4, found.base.size)
    size = np.abs(found.values).mean(axis=(0, 2))  # of length, age, brand, owner
    assert size.argmax() == 1
    if problem.estimator == "regressor":
        assert np.sort(size)[-2] == size[2]


@pytest.mark.parametrize("written", KNOWN, ids=lambda written: MODELS.parse(written).kind)
def test_a_planted_effect_has_its_sign_and_a_planted_nothing_next_to_none(written: Any) -> None:
    model = MODELS.parse(written)
    random = np.random.default_rng(3)
    frame = pd.DataFrame({name: random.normal(size=600) for name in ("up", "down", "nothing")})
    y: np.ndarray = 3 * frame["up"].to_numpy() - frame["down"].to_numpy() + 0.1 * random.normal(size=600)
    estimator = model.estimators[0] if written is not _BLEND else "regressor"
    y = y if estimator == "regressor" else (y > 0).astype(np.int8)
    columns = FeatureColumns(tuple(frame.columns), ())
    features = model.transformer(TabularFeatures(), columns)
    fitted = model.fit(features, frame, y, task_of(600, estimator=estimator))
    rows = frame.iloc[:60]
    values = of_pipeline(model.shares, fitted.pipeline, rows).centred(slice(None)).values[:, :, 0]
    up, down, nothing = np.abs(values).mean(axis=0)
    assert up > 1.5 * down > 3 * nothing
    assert np.corrcoef(rows["up"], values[:, 0])[0, 1] > 0.7
    assert np.corrcoef(rows["down"], values[:, 1])[0, 1] < -0.7


@pytest.mark.slow
@settings(max_examples=25)
@given(
    weights=st.lists(st.floats(-100, 100), min_size=1, max_size=6),
    intercept=st.floats(-1e4, 1e4),
    seed=st.integers(0, 2**31),
)
def test_of_a_line_they_are_weight_times_the_distance_from_the_mean(
    weights: list[float], intercept: float, seed: int
) -> None:
    X = np.random.default_rng(seed).normal(5, 20, size=(30, len(weights)))
    line = LinearRegression().fit(X, X @ np.array(weights) + intercept)
    found = of_lines(line, X).centred(slice(0, 20))
    assert found.values[:, :, 0] == pytest.approx(line.coef_ * (X - X[:20].mean(axis=0)), abs=1e-8)
    assert found.base == pytest.approx(line.predict(X[:20]).mean(), abs=1e-6)
    assert found.gap < 1e-9


def test_marks_and_categories_are_summed_up_to_their_raw_column() -> None:
    frame, y = PROBLEMS["numbers"].make()
    model = Linear()
    pipeline = fit(model, frame, y, task_of(len(y), estimator="regressor")).pipeline
    encoded = of_lines(pipeline[-1], pipeline[:-1].transform(frame))
    found = of_pipeline(model.shares, pipeline, frame)
    assert encoded.values.shape[1] > 20
    assert found.values.shape == (len(frame), 4, 1)
    assert found.values[:, 0, 0] == pytest.approx(encoded.values[:, [0, 2], 0].sum(axis=1))  # a number and its mark
    assert found.values.sum(axis=1) == pytest.approx(encoded.values.sum(axis=1))


@pytest.mark.slow
def test_many_encoded_columns_are_divided_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = of("ridge", PROBLEMS["numbers"])
    monkeypatch.setattr("mlsys.models.contributions._CELLS", 200)
    parts = of("ridge", PROBLEMS["numbers"])
    assert parts.values == pytest.approx(whole.values)
    assert parts.said == pytest.approx(whole.said)


@pytest.mark.slow
@pytest.mark.parametrize("problem", ["two_classes", "three_classes"])
def test_of_a_blend_of_forests_they_are_the_weighted_mean_of_the_members(problem: str) -> None:
    frame, _ = PROBLEMS[problem].make(seed=1)
    model = MODELS.parse(_FORESTS)
    pipeline = PROBLEMS[problem].fit(model).pipeline
    found = of_pipeline(model.shares, pipeline, frame.iloc[:40])
    one, two = (
        of_pipeline(member.shares, fitted.estimator, frame.iloc[:40])
        for member, fitted in zip(model.of, pipeline[-1].estimators_, strict=True)
    )
    assert found.scale == "probability"
    assert found.values == pytest.approx((one.values + 3 * two.values) / 4, abs=1e-12)
    proba = pipeline.predict_proba(frame.iloc[:40])
    assert found.base + found.values.sum(axis=1) == pytest.approx(proba[:, 1:] if proba.shape[1] == 2 else proba)


@pytest.mark.slow
def test_a_line_in_a_blend_is_counted_from_the_mean_of_the_rows_that_are_named() -> None:
    model = MODELS.parse(_BLEND)
    frame, _ = PROBLEMS["numbers"].make(seed=1)
    pipeline = PROBLEMS["numbers"].fit(model).pipeline
    whole, among = (of_pipeline(model.shares, pipeline, frame.iloc[:n]) for n in (40, 41))
    found = among.centred(slice(0, 40))
    assert found.values[:40] == pytest.approx(whole.centred(slice(None)).values)  # whatever rows are asked with them
    line, trees = (
        of_pipeline(member.shares, fitted.estimator, frame.iloc[:41])
        for member, fitted in zip(model.of, pipeline[-1].estimators_, strict=True)
    )
    assert found.values == pytest.approx((line.centred(slice(0, 40)).values + 3 * trees.values) / 4)
    assert found.gap <= found.tolerance


def test_a_wrong_sum_shows() -> None:
    said = np.array([[2.0], [4.0]])
    right = Contributions(values=np.array([[[1.0]], [[3.0]]]), base=np.array([1.0]), said=said, scale="fitted")
    assert right.gap == 0
    wrong = Contributions(values=right.values, base=np.array([1.4]), said=said, scale="fitted")
    assert wrong.gap == pytest.approx(0.1)


@pytest.mark.slow
def test_a_blend_of_classes_and_a_model_that_looks_at_nothing_say_why_not() -> None:
    blend = {"kind": "blend", "of": ({"kind": "logistic"}, {"kind": "xgboost", "n_estimators": 5})}
    with pytest.raises(ValueError, match="averages probabilities, and its member 'logistic' adds up log odds"):
        of(blend, PROBLEMS["two_classes"])
    with pytest.raises(ValueError, match="`mean` does not say what each column adds"):
        of("mean", PROBLEMS["numbers"])


def test_without_the_library_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    model = MODELS.parse({"kind": "hist_gradient_boosting", "max_iter": 2})
    pipeline = PROBLEMS["numbers"].fit(model).pipeline
    monkeypatch.setitem(sys.modules, "shap", None)
    with pytest.raises(UsageError, match=r"pip install 'mlsys\[explanations\]'"):
        of_pipeline(model.shares, pipeline, PROBLEMS["numbers"].make()[0])


@pytest.mark.slow
def test_a_step_that_only_fits_take_notice_of_changes_nothing() -> None:
    class Resampler:
        """As imbalanced-learn's: it has no `transform`."""

    frame, y = PROBLEMS["numbers"].make()
    model = Linear()
    pipeline = fit(model, frame, y, task_of(len(y), estimator="regressor")).pipeline
    longer = Pipeline([pipeline.steps[0], ("sample", Resampler()), pipeline.steps[1]])
    assert of_pipeline(model.shares, longer, frame).values == pytest.approx(
        of_pipeline(model.shares, pipeline, frame).values
    )

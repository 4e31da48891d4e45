"""What columns add to answers, on the whole and row by row, on models whose truth is known."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from given.asked_samples import COLUMNS, asked, frame_of

from mlsys.explanation.asked import Asked
from mlsys.explanation.shares import certainty, shares, wrongness
from mlsys.features.tabular import TabularFeatures
from mlsys.metrics.predicted import Predicted
from mlsys.metrics.scores import Scored
from mlsys.models import MODELS
from mlsys.models.calibration import Calibration
from mlsys.models.contributions import Contributions
from mlsys.targets import TARGETS
from mlsys.testing.model_problems import task_of
from mlsys.training.training import columns_of


def fitted(model: Any, *, task: str = "binary", n_rows: int = 600, **target: Any) -> Asked:
    """Return what is asked of a model that was fitted on rows of `Known`."""
    given = asked(n_rows, task=task)
    kind = MODELS.parse(model)
    wanted = TARGETS.parse({"column": "y", "task": task, **({"positive": "yes"} if task == "binary" else {}), **target})
    y = given.predictions.y_true
    y = np.exp(y / 3) if target else y
    features = kind.transformer(TabularFeatures(), columns_of(COLUMNS))
    made = wanted.fit(kind, features, given.rows, y, task_of(n_rows, estimator=wanted.estimator))
    answers = wanted.answers(made.pipeline, given.rows)
    judged = wanted.predictions.of(y, answers, threshold=0.5)
    return replace(given, target=wanted, model=kind, pipeline=made.pipeline, predictions=judged)


def test_the_whole_has_the_planted_order_and_signs() -> None:
    found = shares(fitted("logistic"))
    assert [name for name, *_ in found["columns"]][:2] == ["strong", "brand"] or found["columns"][0][0] == "strong"
    goes = {name: direction for name, _, direction in found["columns"]}
    assert goes["strong"] == 1.0  # of a line the ranks are the same
    assert goes["weak"] == 1.0
    assert goes["brand"] is None  # categories have no order
    assert (found["scale"], found["n_rows"], len(found["base"])) == ("log odds", 300, 1)


def test_single_rows_are_the_most_wrong_and_the_surest_and_add_up() -> None:
    given = fitted("logistic")
    found = shares(given)
    assert (len(found["wrong"]), len(found["certain"])) == (10, 10)
    away = np.sort(np.abs(given.predictions.answers - given.predictions.y_true))[::-1]
    assert [abs(row["answer"][0] - row["truth"]) for row in found["wrong"]] == pytest.approx(away[:10], abs=1e-5)
    for row in (*found["wrong"], *found["certain"]):
        total = row["base"] + sum(push for *_, push in row["pushed"]) + row["rest"]
        assert total == pytest.approx(row["said"], abs=1e-3)
        assert 1 / (1 + np.exp(-row["said"])) == pytest.approx(row["answer"][0], abs=1e-4)


def test_a_number_has_no_certainty_and_a_transform_is_said() -> None:
    given = fitted("ridge", task="regression", transform="log")
    found = shares(given)
    assert found["scale"] == "log(1 + y)"
    assert (len(found["wrong"]), found["certain"]) == (10, [])
    for row in found["wrong"]:
        assert np.expm1(row["said"]) == pytest.approx(row["answer"][0], rel=1e-3)


def test_without_single_rows_none_is_kept() -> None:
    given = fitted("logistic")
    kept_off = replace(given, settings=given.settings.model_copy(update={"show_rows": False}))
    found = shares(kept_off)
    assert (found["wrong"], found["certain"]) == ([], [])
    assert found["columns"] == shares(given)["columns"]


def test_a_sum_that_is_wrong_is_not_shown() -> None:
    given = fitted("logistic")

    class Wrong(type(given.model)):  # type: ignore[misc]
        def shares(self, estimator: Any, X: Any) -> Contributions:
            found = super().shares(estimator, X)
            return replace(found, base=found.base + 0.01)

    found = shares(replace(given, model=Wrong()))
    assert list(found) == ["left_out"]
    assert "do not add up" in found["left_out"]


def test_of_several_classes_a_row_is_pushed_towards_what_is_said() -> None:
    frame = frame_of(600)
    y = np.digitize(frame["strong"], [-0.5, 0.5])
    kind = MODELS.parse("logistic")
    pipeline = kind.fit(TabularFeatures().build(columns_of(COLUMNS)), frame, y.astype("int8"), task_of(600)).pipeline

    class Classified(Scored):
        """Probabilities of three classes."""

        def __post_init__(self) -> None: ...

    judged = Classified(y, pipeline.predict_proba(frame))
    given = replace(asked(frame=frame), model=kind, pipeline=pipeline, predictions=judged, classes=["a", "b", "c"])
    found = shares(given)
    assert len(found["base"]) == 3
    assert found["columns"][0][0] == "strong"
    for row in found["certain"]:
        assert (row["pushed"][0][0], row["pushed"][0][2] > 0, len(row["answer"])) == ("strong", True, 3)
    wrong = 1 - judged.answers[np.arange(600), y]
    assert wrongness(judged) == pytest.approx(wrong)
    assert certainty(judged) == pytest.approx(judged.answers.max(axis=1))


def test_wrong_and_sure() -> None:
    scored = Scored(np.array([1, 0, 1], dtype="int8"), np.array([0.9, 0.7, 0.02]))
    assert wrongness(scored) == pytest.approx([0.1, 0.7, 0.98])
    assert certainty(scored) == pytest.approx([0.9, 0.7, 0.98])
    assert wrongness(Predicted(np.array([10.0, 0.0]), np.array([7.0, 1.0]))) == pytest.approx([3, 1])


def test_values_of_a_row_are_those_that_were_read() -> None:
    found = shares(fitted("logistic"))
    values = {name: value for row in found["wrong"] for name, value, _ in row["pushed"]}
    assert values["brand"] in ("acme", "bolt", None)
    assert values["https"] in (True, False, None)
    assert isinstance(values["strong"], float)
    assert pd.notna(values["strong"])


@pytest.mark.slow
@pytest.mark.parametrize("method", ["sigmoid", "isotonic"])
def test_a_calibrated_model_is_divided_before_its_calibration(method: str) -> None:
    given = fitted("logistic")
    calibration = Calibration.model_validate({"method": method})
    whole = calibration.calibrated(given.pipeline, given.rows, given.predictions.y_true)
    found = shares(replace(given, pipeline=whole))
    assert found["scale"] == "log odds before calibration"
    assert found["columns"] == shares(given)["columns"]


@pytest.mark.slow
@pytest.mark.parametrize("model", ["logistic", "xgboost", "random_forest"])
def test_classes_by_name_are_divided_each_towards_its_own(model: str) -> None:
    frame = frame_of(600)
    target = TARGETS.parse({"column": "y", "task": "multiclass"}).about(["high", "absent", "low", "mid"])
    y = np.array([2, 3, 1], dtype="int16")[np.digitize(frame["strong"], [-0.5, 0.5])]  # low, mid, high of the names
    kind = MODELS.parse(model)
    features = kind.transformer(TabularFeatures(), columns_of(COLUMNS))
    made = target.fit(kind, features, frame, y, task_of(600))
    judged = target.predictions.of(y, target.answers(made.pipeline, frame), threshold=0.5)
    given = replace(
        asked(frame=frame),
        target=target,
        model=kind,
        pipeline=made.pipeline,
        predictions=judged,
        classes=target.names,
        ranked=list(COLUMNS),
    )
    found = shares(given)
    assert (len(found["base"]), found["columns"][0][0]) == (3, "strong")
    for row in found["certain"]:
        assert (row["pushed"][0][0], row["pushed"][0][2] > 0, len(row["answer"])) == ("strong", True, 4)


@pytest.mark.slow
def test_a_blend_of_forests_is_divided_and_adds_up_to_its_probability() -> None:
    forests = ({"kind": "random_forest", "n_estimators": 8}, {"kind": "extra_trees", "n_estimators": 8})
    found = shares(fitted({"kind": "blend", "of": forests}))
    assert (found["scale"], found["n_rows"], found["columns"][0][0]) == ("probability", 60, "strong")
    for row in (*found["wrong"], *found["certain"]):
        total = row["base"] + sum(push for *_, push in row["pushed"]) + row["rest"]
        assert [total, total] == pytest.approx([row["said"], row["answer"][0]], abs=1e-4)


@pytest.mark.slow
def test_a_blend_of_named_classes_says_why_it_is_not_divided() -> None:
    frame = frame_of(300)
    target = TARGETS.parse({"column": "y", "task": "multiclass"}).about(["a", "b", "c"])
    y = np.digitize(frame["strong"], [-0.5, 0.5]).astype("int16")
    kind = MODELS.parse({"kind": "blend", "of": ({"kind": "logistic"}, {"kind": "xgboost", "n_estimators": 5})})
    features = kind.transformer(TabularFeatures(), columns_of(COLUMNS))
    pipeline = target.fit(kind, features, frame, y, task_of(300)).pipeline
    judged = target.predictions.of(y, target.answers(pipeline, frame), threshold=0.5)
    given = replace(asked(frame=frame), target=target, model=kind, pipeline=pipeline, predictions=judged)
    with pytest.raises(ValueError, match="averages probabilities, and its member 'logistic' adds up log odds"):
        shares(given)

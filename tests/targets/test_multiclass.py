"""Several classes as the target: what can be learnt of them, their order, and classes that a model does not know."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from pydantic import ValidationError

from mlsys.errors import DataError, RunError
from mlsys.features.tabular import TabularFeatures
from mlsys.models import MODELS
from mlsys.models.base import FitTask
from mlsys.schema import SAID, SCORE
from mlsys.targets import TARGETS
from mlsys.targets.multiclass import MOST_CLASSES, MulticlassTarget
from mlsys.testing.features import COLUMNS, some_frame

ANY = MulticlassTarget(column="kind")
DECLARED = MulticlassTarget(column="kind", classes=("low", "mid", "high"))
KINDS = pa.chunked_array([["mid", "low", None, "odd", "high", "mid"]])
AGE = some_frame(300, seed=2)["age"].fillna(50).to_numpy()


def refusal(target: MulticlassTarget, values: list[Any]) -> str:
    truth = target.truth(pa.chunked_array([pa.array(values)]))
    with pytest.raises(DataError) as caught:
        target.require_learnable(truth, np.ones(len(values), bool))
    return str(caught.value)


def task(inner: np.ndarray) -> FitTask:
    return FitTask(seed=1, threads=1, inner=inner, estimator="classifier")


def fitted(target: MulticlassTarget, y: np.ndarray, model: str = "logistic", inner: np.ndarray | None = None) -> Any:
    held = np.zeros(y.size, bool) if inner is None else inner
    frame = some_frame(y.size, seed=2)
    return target.fit(MODELS.parse(model), TabularFeatures().build(COLUMNS), frame, y, task(held))


# -- labels ---------------------------------------------------------------------------------------------------


def test_labels_count_in_alphabetical_order_or_as_declared():
    assert ANY.truth(KINDS).y.tolist() == [2, 1, -1, 3, 0, 2]
    assert DECLARED.truth(KINDS).y.tolist() == [1, 0, -1, -1, 2, 1]
    about = DECLARED.about(["mid", "low", "high"])
    assert about.names == ("high", "low", "mid")
    assert about.truth(KINDS).y.tolist() == [2, 1, -1, -1, 0, 2]


def test_the_same_classes_have_the_same_codes_whatever_rows_are_looked_at():
    about = ANY.about(["low", "mid", "high"])
    for part in (KINDS[:2], KINDS[4:], KINDS):
        codes = about.truth(part).y
        names = [about.names[code] if code >= 0 else None for code in codes]
        assert names == [name if name in about.names else None for name in part.to_pylist()]


def test_a_label_of_no_declared_class_is_left_out_and_counted():
    truth = DECLARED.truth(KINDS)
    assert truth.unusable["label of no declared class"].tolist() == [False, False, False, True, False, False]
    assert truth.counts(np.ones(6, bool)) == {"high": 1, "low": 1, "mid": 2}


def test_numbers_and_booleans_are_classes_by_name():
    numbers = MulticlassTarget(column="kind", classes=("3", "1.0", "2"))
    assert numbers.truth(pa.chunked_array([pa.array([1.0, 3.0, float("nan"), 2.0])])).y.tolist() == [1, 0, -1, 2]
    assert ANY.truth(pa.chunked_array([pa.array([10, 9, 2])])).counts(np.ones(3, bool)) == {"10": 1, "2": 1, "9": 1}


def test_labels_of_which_nothing_can_be_learnt_are_refused_in_words():
    assert "No row has a label" in refusal(ANY, [None, None, None])
    assert "All labelled rows are of one class: 'a' (3 rows)" in refusal(ANY, ["a", "a", None, "a"])
    said = refusal(DECLARED, ["Low", "Mid", "High"])
    assert "3 rows have a label, and none is of a class in `target.classes`" in said


def test_a_text_of_five_thousand_values_is_refused_with_what_to_do():
    said = refusal(ANY, [f"text {i}" for i in range(5000)])
    assert "The target has 5,000 classes, and at most 100 are supported" in said
    assert "text 0' (1 row)" in said
    assert "Derive a column with fewer classes" in said
    assert len(said) < 700


def test_names_that_no_record_has_room_for_are_refused():
    names = [f"{i:02} {'a long sentence about nothing ' * 2}" for i in range(80)]
    said = refusal(ANY, names)
    assert "The names of 80 classes have 5,200 bytes, and at most 4,000 are kept" in said
    assert "shorter names" in said


# -- the spec -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "says"),
    [
        ({"positive": "a"}, "none is positive"),
        ({"classes": ["a"]}, f"2 to {MOST_CLASSES} classes, not 1"),
        ({"classes": ["a", "b", "a"]}, "'a' stands there twice"),
        ({"clases": ["a", "b"]}, "classes"),
    ],
)
def test_a_spec_that_can_not_be_meant_is_refused(written: dict[str, Any], says: str):
    with pytest.raises(ValidationError, match=says):
        MulticlassTarget.model_validate({"column": "kind", "task": "multiclass", **written})


def test_classes_are_written_as_texts_numbers_or_truth_values():
    found = MulticlassTarget.model_validate({"column": "kind", "classes": (1, 2.5, True, "x")})
    assert found.classes == ("1", "2.5", "True", "x")


def test_the_task_is_found_by_names_that_people_try():
    with pytest.raises(ValueError, match="Did you mean 'multiclass'"):
        TARGETS.find("multinomial")


# -- models ---------------------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("model", ["logistic", "xgboost", "lightgbm", "catboost", "random_forest", "prior"])
def test_models_know_classes_by_name_without_our_code(model: str):
    y = np.digitize(AGE, [35, 65]).astype("int16")
    found = fitted(ANY.about(["young", "old", "middle"]), y, model)
    data = pickle.dumps(found.pipeline)
    assert b"mlsys" not in data
    loaded = pickle.loads(data)
    assert loaded.classes_.tolist() == ["middle", "old", "young"]
    said = loaded.predict(some_frame(300, seed=2))
    assert set(said) <= {"middle", "old", "young"}


def test_a_class_without_training_rows_has_probability_0_and_a_note():
    about, y = ANY.about(["a", "b", "c", "d"]), np.where(AGE > 60, 3, 1).astype("int16")
    found = fitted(about, y)
    assert found.notes == ("Classes 'a', 'c' have no training row: the model gives them probability 0",)
    table = about.answers(found.pipeline, some_frame(300, seed=2))
    assert (table[:, [0, 2]] == 0).all()
    assert table.sum(axis=1) == pytest.approx(1)
    assert about.predictions.of(y, table, threshold=0.5).y_pred[AGE > 80].mean() > 2


def test_a_class_with_one_row_is_learnt_even_if_early_stopping_would_set_it_aside():
    y = np.where(AGE > 60, 1, 0).astype("int16")
    y[8] = 2
    inner = np.arange(300) % 8 == 0
    found = fitted(ANY.about(["a", "b", "c"]), y, "xgboost", inner)
    assert "stopped on 37 inner training rows" in found.notes[0]
    assert found.notes[1] == "Class 'c' has one training row alone"
    assert found.pipeline.classes_.tolist() == ["a", "b", "c"]


class Says:
    classes_ = np.array(["a", "b"])

    def __init__(self, table: list[list[float]]) -> None:
        self.table = table

    def predict_proba(self, rows: pd.DataFrame) -> np.ndarray:
        return np.array(self.table)


@pytest.mark.parametrize("table", [[[0.5, float("nan")], [1, 0]], [[1.5, -0.5], [1, 0]], [[0.5, 0.5]], [[1.0], [1.0]]])
def test_answers_that_are_no_probabilities_are_refused(table: list[list[float]]):
    with pytest.raises(RunError):
        ANY.answers(Says(table), pd.DataFrame({"x": [1, 2]}))


def test_answers_about_other_classes_are_arranged_by_name():
    about = ANY.about(["b", "c", "d"])
    found = about.arranged(np.array([[0.1, 0.2, 0.7]]), ("a", "b", "d"))
    assert found.tolist() == [[0.2, 0.0, 0.7]]
    assert about.arranged(found, about.names) is found


def test_what_is_filed_comes_back_and_names_its_classes():
    about = ANY.about(["a", "b c", "d.e"])
    table = np.random.default_rng(1).dirichlet([1, 1, 1], 20)
    filed = about.filed(table)
    assert list(filed) == [SAID, SCORE] == list(about.files)
    assert filed[SAID].to_pylist() == [about.names[i] for i in table.argmax(axis=1)]
    back = pa.chunked_array([filed[SCORE][:7], filed[SCORE][7:]])
    assert (about.unfiled(back) == table).all()
    assert ANY.about(["z", "a", "d.e"]).unfiled(back).tolist() == np.c_[table[:, [0, 2]], np.zeros(20)].tolist()


def test_what_a_model_gives_to_a_class_that_no_longer_occurs_stays_there():
    says = Says([[0.3, 0.7], [0.9, 0.1]])
    about = ANY.about(["a", "b", "c"])  # the rows below are of `a` and `c`; `b` is what the model says of the first one
    rows = about.predictions.of(np.array([0, 2]), about.answers(says, pd.DataFrame({"x": [1, 2]})), threshold=0.5)
    assert rows.y_pred.tolist() == [1, 0]
    assert rows.given_to_truth.tolist() == pytest.approx([0.3, 2.0**-52])

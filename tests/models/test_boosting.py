"""What XGBoost, LightGBM and CatBoost have in common."""

from typing import Any

import numpy as np
import pytest

from mlsys.models.base import FitTask
from mlsys.models.boosting import Boosting
from mlsys.models.catboost_model import CatBoost
from mlsys.models.lightgbm_model import LightGBM
from mlsys.models.xgboost_model import XGBoost
from mlsys.testing.model_problems import class_without_rows, easy_problem, fit, numbers, task_of, three_classes

Kind = type[XGBoost] | type[LightGBM] | type[CatBoost]
KINDS = pytest.mark.parametrize("kind", [XGBoost, LightGBM, CatBoost])


@pytest.mark.slow
@KINDS
def test_stops_early_and_notes_how_many_rounds_it_uses(kind: Kind) -> None:
    (note,) = fit(kind(n_estimators=500, early_stopping_rounds=5), *easy_problem(), task_of()).notes
    used = int(note.split()[1])
    assert 1 <= used < 400
    assert note == f"Uses {used} of at most 500 rounds, stopped on 50 inner training rows"


@pytest.mark.slow
@KINDS
def test_without_early_stopping_all_rows_teach_all_rounds(kind: Kind) -> None:
    model = kind(n_estimators=20, early_stopping_rounds=None)
    frame, y = easy_problem()
    nobody = FitTask(seed=7, threads=1, inner=np.zeros(len(y), dtype=bool))
    one, two = fit(model, frame, y, task_of()), fit(model, frame, y, nobody)
    assert one.notes == ()
    assert (one.pipeline.predict_proba(frame) == two.pipeline.predict_proba(frame)).all()


@KINDS
@pytest.mark.parametrize("one_class", [True, False])
def test_inner_rows_of_one_class_turn_early_stopping_off_with_a_note(kind: Kind, one_class: bool) -> None:
    frame, y = easy_problem()
    inner = (y == 1) & (np.cumsum(y) <= 20) if one_class else np.zeros(len(y), dtype=bool)
    (note,) = fit(kind(n_estimators=5), frame, y, FitTask(seed=1, threads=1, inner=inner)).notes
    assert note.startswith("No early stopping: the inner rows hold one class only")


@KINDS
def test_numbers_without_inner_rows_are_fitted_with_a_note(kind: Kind) -> None:
    frame, y = numbers()
    task = FitTask(seed=1, threads=1, inner=np.zeros(len(y), dtype=bool), estimator="regressor")
    assert fit(kind(n_estimators=5), frame, y, task).notes[0].startswith("No early stopping: there are too few rows")


@pytest.mark.slow
@KINDS
def test_features_are_not_fitted_on_the_inner_rows(kind: Kind) -> None:
    frame, y = easy_problem()
    task = task_of()
    poisoned = frame.copy()
    poisoned.loc[task.inner, "brand"] = "only here"
    poisoned.loc[task.inner, "age"] = 1e9
    one, two = (fit(kind(n_estimators=3), rows, y, task).pipeline[0].transform(frame) for rows in (frame, poisoned))
    assert (np.asarray(one) == np.asarray(two)).all()


@pytest.mark.slow
@KINDS
def test_balanced_classes_count_alike(kind: Kind) -> None:
    frame, y = easy_problem()
    rare = (y == 0) | (np.cumsum(y) % 8 == 0)
    rows, labels = frame[rare].reset_index(drop=True), y[rare]
    plain = mean_probability(kind(n_estimators=60), rows, labels)
    balanced = mean_probability(kind(n_estimators=60, class_weight="balanced"), rows, labels)
    assert plain == pytest.approx(labels.mean(), abs=0.05)
    assert balanced > plain + 0.03


def mean_probability(model: Boosting, rows: Any, labels: np.ndarray) -> float:
    found = fit(model, rows, labels, task_of(len(labels))).pipeline
    return float(found.predict_proba(rows)[:, 1].mean())


@pytest.mark.slow
@KINDS
def test_a_class_without_rows_changes_nothing_for_the_others(kind: Kind) -> None:
    frame, y = three_classes()
    with_gap = fit(kind(n_estimators=40), *class_without_rows(), task_of()).pipeline
    without = fit(kind(n_estimators=40), frame, y, task_of()).pipeline
    columns = [with_gap.classes_.tolist().index(code) for code in (0, 1, 3)]
    assert with_gap.predict_proba(frame)[:, columns] == pytest.approx(without.predict_proba(frame), abs=1e-4)


@KINDS
def test_a_class_weight_for_numbers_is_refused_with_the_remedy(kind: Kind) -> None:
    frame, y = numbers()
    with pytest.raises(ValueError, match=rf"`class_weight` of `{kind().kind}` weighs classes.*remove it"):
        fit(kind(class_weight="balanced"), frame, y, task_of(estimator="regressor"))

import numpy as np
import pandas as pd
import pytest

from mlsys.features.tabular import TabularFeatures
from mlsys.models.base import FitTask
from mlsys.models.xgboost_model import XGBoost
from mlsys.testing.features import COLUMNS
from mlsys.testing.model_problems import easy_problem, task_of


def features() -> object:
    return TabularFeatures().build(COLUMNS)


def test_stops_early_and_notes_how_many_rounds_it_uses() -> None:
    fitted = XGBoost(n_estimators=500, early_stopping_rounds=5).fit(features(), *easy_problem(), task_of())
    assert fitted.pipeline[-1].best_iteration < 400
    assert f"Uses {fitted.pipeline[-1].best_iteration + 1} of at most 500 rounds" in fitted.notes[0]
    assert "50 inner training rows" in fitted.notes[0]


@pytest.mark.slow
def test_features_are_not_fitted_on_the_inner_rows() -> None:
    frame, y = easy_problem()
    inner = task_of().inner
    poisoned = frame.copy()
    poisoned.loc[inner, "age"] = 1e9
    poisoned.loc[inner, "brand"] = "only here"
    fitted = XGBoost(n_estimators=5).fit(features(), poisoned, y, task_of()).pipeline[0]
    clean = TabularFeatures().build(COLUMNS).fit(frame[~inner])
    probe = pd.concat([frame, poisoned])
    assert (fitted.transform(probe) == clean.transform(probe)).all()


def test_without_early_stopping_all_rows_and_rounds_are_used() -> None:
    fitted = XGBoost(n_estimators=20, early_stopping_rounds=None).fit(features(), *easy_problem(), task_of())
    assert fitted.pipeline[-1].get_booster().num_boosted_rounds() == 20
    assert fitted.notes == ()


@pytest.mark.parametrize("one_class", [True, False])
def test_inner_rows_of_one_class_turn_early_stopping_off_with_a_note(one_class: bool) -> None:
    frame, y = easy_problem()
    inner = (y == 1) & (np.cumsum(y) <= 20) if one_class else np.zeros(len(y), dtype=bool)
    fitted = XGBoost(n_estimators=20).fit(features(), frame, y, FitTask(seed=1, threads=1, inner=inner))
    assert "No early stopping" in fitted.notes[0]

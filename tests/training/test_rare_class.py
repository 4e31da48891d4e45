"""Who learns from which rows: nothing that is made up, and nothing learnt, reaches the rows that judge."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from mlsys.features.tabular import TabularFeatures
from mlsys.models import MODELS
from mlsys.models.base import FitTask, Fitted, Model
from mlsys.models.calibration import Calibration, uncalibrated
from mlsys.models.logistic import Logistic
from mlsys.models.resampling import Resampling
from mlsys.models.xgboost_model import XGBoost
from mlsys.targets.binary import BinaryTarget
from mlsys.testing.features import COLUMNS, some_frame
from mlsys.training import rare_class
from mlsys.training.model_file import save


def rare(n_rows: int = 900) -> tuple[pd.DataFrame, np.ndarray]:
    frame = some_frame(n_rows, seed=3)
    chance = 1 / (1 + np.exp(4 - frame["age"].to_numpy() / 30))
    return frame, (np.random.default_rng(4).random(n_rows) < chance).astype(np.int8)


def task(n_rows: int = 900) -> FitTask:
    lot = np.random.default_rng(8).random(n_rows)
    return FitTask(seed=7, threads=1, inner=np.arange(n_rows) % 8 == 0, lot=lot)


def fit(model: Model, frame: pd.DataFrame, y: np.ndarray, given: FitTask) -> Fitted:
    return rare_class.fit(model, model.transformer(TabularFeatures(), COLUMNS), frame, y, given, target=TARGET)


TARGET = BinaryTarget(column="label", positive="1")


class Spy(Logistic):
    """Keeps what it is asked to learn from."""

    def fit(self, features: Any, rows: pd.DataFrame, y: np.ndarray, task: FitTask) -> Fitted:
        SEEN.append((rows, y, task))
        return super().fit(features, rows, y, task)


SEEN: list[tuple[pd.DataFrame, np.ndarray, FitTask]] = []


@pytest.mark.slow
def test_inner_and_calibrating_rows_are_real_and_made_up_rows_know_nothing_of_them() -> None:
    frame, y = rare()
    given = task()
    aside = given.aside(len(y), 0.25)
    untouched = given.inner | aside
    spy = Spy(resample=Resampling(share=0.3), calibrate=Calibration(share=0.25))
    SEEN.clear()
    fit(spy, frame, y, given)
    poisoned = frame.copy()  # what was made up from these rows would show
    poisoned.loc[untouched, "age"] = 500.0
    poisoned.loc[untouched, "brand"] = "only there"
    fit(spy, poisoned, y, given)
    (rows, labels, told), (other, _, _) = SEEN
    n_real = int((~aside).sum())
    assert len(rows) > n_real
    pd.testing.assert_frame_equal(rows.iloc[:n_real], frame[~aside].reset_index(drop=True))
    assert (labels[:n_real] == y[~aside]).all()
    assert not told.inner[n_real:].any()
    assert (told.inner[:n_real] == given.inner[~aside]).all()
    assert other["age"].iloc[n_real:].max() <= frame["age"].max() < 500
    pd.testing.assert_frame_equal(rows.iloc[n_real:], other.iloc[n_real:])


@pytest.mark.slow
def test_nobody_is_calibrated_on_rows_that_the_model_has_learnt_from() -> None:
    frame, y = rare()
    given, model = task(), Logistic(calibrate=Calibration(share=0.25))
    aside = given.aside(len(y), 0.25)
    alone = Logistic().fit(Logistic().transformer(TabularFeatures(), COLUMNS), frame[~aside], y[~aside], task())
    before = uncalibrated(fit(model, frame, y, given).pipeline)
    assert before is not None
    assert (before.predict_proba(frame) == alone.pipeline.predict_proba(frame)).all()


@pytest.mark.slow
def test_made_up_rows_raise_scores_and_calibration_brings_them_back() -> None:
    frame, y = rare(1600)
    given, both = task(1600), Resampling(share=0.5)
    resampled = fit(Logistic(resample=both), frame, y, given)
    righted = fit(Logistic(resample=both, calibrate=Calibration()), frame, y, given)
    assert resampled.pipeline.predict_proba(frame)[:, 1].mean() > y.mean() + 0.05
    assert righted.pipeline.predict_proba(frame)[:, 1].mean() == pytest.approx(y.mean(), abs=0.03)
    assert [note.split()[0] for note in righted.notes] == ["Learnt", "Calibrated"]


@pytest.mark.slow
def test_early_stopping_goes_on_and_the_same_seed_gives_the_same_bytes(store: Any) -> None:
    frame, y = rare()
    model = XGBoost(n_estimators=20, resample=Resampling(), calibrate=Calibration(method="isotonic"))
    one, two = (fit(model, frame, y, task()) for _ in range(2))
    assert "stopped on" in one.notes[0]
    assert save(one.pipeline, store)[0] == save(two.pipeline, store)[0]


@pytest.mark.slow
def test_a_model_without_either_is_fitted_as_ever() -> None:
    frame, y = rare()
    one = fit(Logistic(), frame, y, task()).pipeline
    two = Logistic().fit(Logistic().transformer(TabularFeatures(), COLUMNS), frame, y, task()).pipeline
    assert (one.predict_proba(frame) == two.predict_proba(frame)).all()


@pytest.mark.slow
def test_a_blend_takes_them_for_itself_and_not_for_a_member() -> None:
    frame, y = rare()
    blend = MODELS.parse({"kind": "blend", "of": ("logistic", "hist_gradient_boosting"), "resample": {}})
    assert "made-up rows" in fit(blend, frame, y, task()).notes[-1]
    with pytest.raises(ValueError, match="'logistic' is a member: give `resample`"):
        MODELS.parse({"kind": "blend", "of": ({"kind": "logistic", "resample": {}}, "xgboost")})

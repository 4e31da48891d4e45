"""Scores with a known truth: those of a world whose probabilities are given, distorted as imbalance distorts them."""

from __future__ import annotations

import pickle

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline

from mlsys.models.calibration import Calibration, Line, line_of, uncalibrated

METHODS = pytest.mark.parametrize("method", ["sigmoid", "isotonic"])


def world(n_rows: int, seed: int) -> tuple[pd.DataFrame, np.ndarray, np.ndarray]:
    """Return rows, labels and the probability that each label was drawn with."""
    random = np.random.default_rng(seed)
    z = random.normal(size=n_rows)
    p = expit(1.5 * z - 3)
    return pd.DataFrame({"z": z}), (random.random(n_rows) < p).astype(np.int8), p


class Right(ClassifierMixin, BaseEstimator):
    """Knows the probabilities, and gives no log odds of its own, as trees don't."""

    def fit(self, frame: pd.DataFrame, y: np.ndarray) -> Right:
        self.classes_ = np.unique(y)
        return self

    def predict_proba(self, frame: pd.DataFrame) -> np.ndarray:
        p = expit(1.5 * frame["z"].to_numpy() - 3)
        return np.column_stack([1 - p, p])


def balanced() -> Pipeline:
    """Return a model that ranks as the truth does, and whose scores are far too high."""
    frame, y, _ = world(4000, 0)
    return Pipeline([("features", "passthrough"), ("model", LogisticRegression(class_weight="balanced"))]).fit(frame, y)


@METHODS
def test_finds_the_true_probabilities(method: str) -> None:
    model = balanced()
    frame, y, _ = world(6000, 1)
    found = Calibration(method=method).calibrated(model, frame, y)
    fresh, _, p = world(20_000, 2)
    before, after = (abs(m.predict_proba(fresh)[:, 1] - p).mean() for m in (model, found))
    assert before > 0.2
    assert after < 0.012
    assert found.predict_proba(fresh).mean(axis=0)[1] == pytest.approx(p.mean(), abs=0.01)


@METHODS
def test_keeps_the_order_of_rows(method: str) -> None:
    model = balanced()
    frame, y, _ = world(3000, 1)
    found = Calibration(method=method).calibrated(model, frame, y)
    order = np.argsort(model.predict_proba(frame)[:, 1], kind="stable")
    assert (np.diff(found.predict_proba(frame)[order, 1]) >= -1e-12).all()


@pytest.mark.slow
def test_scores_that_are_right_stay_as_they_are_whatever_kind_of_score_they_were() -> None:
    frame, y, _ = world(20_000, 0)
    model = Pipeline([("features", "passthrough"), ("model", Right())]).fit(frame, y)
    more, labels, _ = world(20_000, 1)
    found = Calibration().calibrated(model, more, labels)
    assert found.predict_proba(more)[:, 1] == pytest.approx(model.predict_proba(more)[:, 1], abs=0.02)


@METHODS
def test_is_one_pipeline_that_serves_without_mlsys(method: str) -> None:
    frame, y, _ = world(2000, 1)
    found = Calibration(method=method).calibrated(balanced(), frame, y)
    data = pickle.dumps(found)
    assert b"mlsys" not in data
    assert (pickle.loads(data).predict_proba(frame) == found.predict_proba(frame)).all()
    assert list(found.classes_) == [0, 1]


@METHODS
def test_the_scores_before_can_still_be_asked_for(method: str) -> None:
    model = balanced()
    frame, y, _ = world(2000, 1)
    found = Calibration(method=method).calibrated(model, frame, y)
    before = uncalibrated(found)
    assert before is not None
    assert (before.predict_proba(frame) == model.predict_proba(frame)).all()
    assert uncalibrated(model) is None


def test_a_line_by_its_numbers_says_what_the_pipeline_says() -> None:
    scored, (rows, y, _) = balanced(), world(2000, 1)
    fitted, scores = Calibration().calibrated(scored, rows, y), scored.predict_proba(rows)[:, 1]
    found = Line.on(scores, y)
    assert found.model_dump() == pytest.approx(line_of(fitted).model_dump())  # type: ignore[union-attr]
    assert found.probabilities(scores) == pytest.approx(fitted.predict_proba(rows)[:, 1])
    assert found.rises
    assert not Line.on(1 - scores, y).rises
    assert line_of(scored) is None


def test_too_few_rows_of_a_class_are_refused_in_words() -> None:
    frame, y, _ = world(2000, 1)
    few = np.flatnonzero((y == 0) | (np.cumsum(y) <= 9))
    with pytest.raises(ValueError, match=r"`calibrate` needs 10 rows of each class .* 9 positive rows .* `share`"):
        Calibration().calibrated(balanced(), frame.iloc[few], y[few])

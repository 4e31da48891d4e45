"""Likely labels give the metrics that true labels give, where labels depend on inputs as they did."""

from __future__ import annotations

import numpy as np
import pytest

from mlsys.metrics import METRICS
from mlsys.metrics.classified import Classified
from mlsys.metrics.predicted import Predicted
from mlsys.metrics.predictions import Predictions
from mlsys.metrics.scores import Scored
from mlsys.monitors.likely_labels import METHODS, Known, Unknown, drawn

N = 3000


def likely(kind: type[Predictions], known: tuple[np.ndarray, ...], asked: tuple[np.ndarray, ...], metric: str) -> float:
    (x, y_true, y_score), (x_now, score_now) = known, asked
    found = METHODS[kind](
        Known(x, y_true, y_score, np.ones(len(x)), drawn(len(x), 5)), Unknown(x_now, score_now, drawn(len(x_now), 5))
    )
    rows = kind.of(found.labels, score_now[found.rows], threshold=0.5)
    values = METRICS.parse(metric).replicates(rows.resampled(found.weights))
    assert values.shape == (5,)
    return float(values[0])


def true(kind: type[Predictions], y: np.ndarray, score: np.ndarray, metric: str) -> float:
    value = METRICS.parse(metric).value(kind.of(y, score, threshold=0.5)).value
    assert value is not None
    return value


@pytest.mark.parametrize("metric", ["roc_auc", "accuracy", "recall", "precision", "fnr", "log_loss"])
def test_two_classes_whose_scores_are_too_sure(metric: str) -> None:
    random = np.random.default_rng(5)
    odds, odds_now = random.normal(0, 2, N), random.normal(0.3, 1.2, N)  # the rows now are harder
    y, y_now = ((random.random(N) < 1 / (1 + np.exp(-each))).astype("int8") for each in (odds, odds_now))
    score, score_now = (1 / (1 + np.exp(-2 * each)) for each in (odds, odds_now))
    found = likely(Scored, (odds[:, None], y, score), (odds_now[:, None], score_now), metric)
    assert found == pytest.approx(true(Scored, y_now, score_now, metric), abs=0.03)


def test_several_classes() -> None:
    random = np.random.default_rng(6)
    chances, chances_now = random.dirichlet([0.5] * 3, N), random.dirichlet([1.5] * 3, N)
    y, y_now = (np.array([random.choice(3, p=row) for row in each]) for each in (chances, chances_now))
    found = likely(Classified, (chances, y, chances), (chances_now, chances_now), "accuracy")
    assert found == pytest.approx(true(Classified, y_now, chances_now, "accuracy"), abs=0.03)


@pytest.mark.slow
@pytest.mark.parametrize("metric", ["rmse", "mae"])
def test_numbers_whose_error_depends_on_the_inputs(metric: str) -> None:
    random = np.random.default_rng(7)
    x, x_now = random.uniform(0, 3, (N, 1)), random.uniform(1.5, 3, (N, 1))  # errors are larger there
    y, y_now = (10 * each[:, 0] + random.normal(0, 1 + each[:, 0]) for each in (x, x_now))
    found = likely(Predicted, (x, y, 10 * x[:, 0]), (x_now, 10 * x_now[:, 0]), metric)
    truth = true(Predicted, y_now, 10 * x_now[:, 0], metric)
    assert found == pytest.approx(truth, rel=0.06)
    assert truth > 1.2 * true(Predicted, y, 10 * x[:, 0], metric)

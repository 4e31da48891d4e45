"""Values equal scikit-learn's, on samples with ties and repeated rows."""

from __future__ import annotations

import warnings
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as sk

from mlsys.metrics import METRICS
from mlsys.metrics.predicted import Predicted
from mlsys.metrics.predictions import Predictions
from mlsys.metrics.scores import Scored
from mlsys.testing.metrics import repeated, sample_of

# Those that scikit-learn has: it has none of policies.
NAMES = [name for name in METRICS.names() if "policy" not in METRICS.find(name).tasks]

BY_SCORE = {
    "roc_auc": sk.roc_auc_score,
    "pr_auc": sk.average_precision_score,
    "log_loss": lambda y, p, **more: sk.log_loss(y, p, labels=[0, 1], **more),
}
BY_LABEL = {
    "accuracy": sk.accuracy_score,
    "balanced_accuracy": sk.balanced_accuracy_score,
    "precision": sk.precision_score,
    "recall": sk.recall_score,
    "f1": sk.f1_score,
    "mcc": sk.matthews_corrcoef,
    "fnr": lambda y, p, **more: 1 - sk.recall_score(y, p, **more),
    "fpr": lambda y, p, **more: 1 - sk.recall_score(y, p, pos_label=0, **more),
}
BY_NUMBER = {
    "rmse": sk.root_mean_squared_error,
    "mse": sk.mean_squared_error,
    "mae": sk.mean_absolute_error,
    "mape": sk.mean_absolute_percentage_error,
    "r2": sk.r2_score,
    "median_ae": lambda y, p, sample_weight=None: sk.median_absolute_error(*_repeated(y, p, sample_weight)),
    "smape": lambda y, p, sample_weight=None: np.average(_smape(y, p), weights=sample_weight),
    "bias": lambda y, p, sample_weight=None: abs(np.average(p - y, weights=sample_weight)),
}
Peer = Callable[..., float]


def _repeated(y: np.ndarray, p: np.ndarray, weights: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
    # scikit-learn's weighted median takes the lower one of the two middle rows, its plain one their mean.
    counts = np.ones(y.size, int) if weights is None else weights
    return np.repeat(y, counts), np.repeat(p, counts)


def _smape(y: np.ndarray, p: np.ndarray) -> np.ndarray:
    both_zero = (y == 0) & (p == 0)
    return np.where(both_zero, 0, 2 * np.abs(p - y) / np.where(both_zero, 1, np.abs(p) + np.abs(y)))


def peer_value(name: str, rows: Predictions, weights: np.ndarray | None = None) -> float:
    guess = rows.y_pred if isinstance(rows, Scored) and name in BY_LABEL else rows.answers
    peer: Peer = (BY_SCORE | BY_LABEL | BY_NUMBER)[name]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # scikit-learn warns where we say undefined
        return float(peer(rows.y_true, guess, sample_weight=weights))


@st.composite
def samples(draw: st.DrawFn) -> Scored:
    n_rows = draw(st.integers(1, 40))
    y_true = draw(st.lists(st.integers(0, 1), min_size=n_rows, max_size=n_rows))
    grid = draw(st.sampled_from([1, 3, 1000]))  # coarse grids give ties, also with 0 and 1
    steps = draw(st.lists(st.integers(0, grid), min_size=n_rows, max_size=n_rows))
    return Scored(np.array(y_true, "int8"), np.array(steps) / grid, draw(st.sampled_from([0.25, 0.5, 0.9])))


@st.composite
def numbers(draw: st.DrawFn) -> Predicted:
    n_rows = draw(st.integers(1, 40))
    scale = draw(st.sampled_from([1e-3, 1.0, 1e6]))
    grid = st.integers(draw(st.sampled_from([-50, 1])), 50)  # small whole numbers give ties, and zeros
    drawn = [draw(st.lists(grid, min_size=n_rows, max_size=n_rows)) for _ in range(2)]
    return Predicted(*(np.array(values) * scale for values in drawn))


def rows_for(name: str) -> st.SearchStrategy[Predictions]:
    return numbers() if "regression" in METRICS.find(name).tasks else samples()


def test_every_metric_has_a_peer() -> None:
    assert sorted(BY_SCORE | BY_LABEL | BY_NUMBER) == NAMES


@pytest.mark.parametrize("name", NAMES)
@given(data=st.data())
@settings(max_examples=40)
def test_value_equals_scikit_learn_or_is_undefined(name: str, data: st.DataObject) -> None:
    rows = data.draw(rows_for(name))
    found = METRICS.parse(name).value(rows)
    if found.value is not None:
        assert found.value == pytest.approx(peer_value(name, rows), abs=1e-12, rel=1e-9)
    else:
        assert found.reason == METRICS.parse(name).undefined_when


@pytest.mark.parametrize("name", NAMES)
@given(data=st.data(), seed=st.integers(0, 2**32 - 1))
@settings(max_examples=40)
def test_replicates_equal_the_value_of_the_repeated_sample(name: str, data: st.DataObject, seed: int) -> None:
    metric, rows = METRICS.parse(name), data.draw(rows_for(name))
    n_rows = rows.y_true.size
    counts = np.random.default_rng(seed).multinomial(n_rows, np.full(n_rows, 1 / n_rows), size=4)
    found = metric.replicates(rows.resampled(counts.astype("float32")))
    for value, row in zip(found, counts, strict=True):
        expected = metric.value(repeated(rows, row)).value
        assert np.isnan(value) if expected is None else value == pytest.approx(expected, abs=1e-12, rel=1e-9)


@pytest.mark.parametrize("name", NAMES)
def test_weights_mean_what_sample_weight_means(name: str) -> None:
    metric = METRICS.parse(name)
    rows = sample_of(metric, 300)
    counts = np.random.default_rng(3).integers(0, 4, 300)
    found = metric.replicates(rows.resampled(counts[None, :].astype("float64")))[0]
    assert found == pytest.approx(peer_value(name, rows, counts), abs=1e-12, rel=1e-9)

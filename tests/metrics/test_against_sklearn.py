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
from mlsys.metrics.classified import Classified
from mlsys.metrics.predicted import Predicted
from mlsys.metrics.predictions import Predictions
from mlsys.metrics.scores import Scored
from mlsys.testing.metrics import SAMPLES, repeated

# Those that scikit-learn has: it has none of policies.
NAMES = [name for name in METRICS.names() if "policy" not in METRICS.find(name).tasks]

BY_SCORE = {
    "roc_auc": sk.roc_auc_score,
    "pr_auc": sk.average_precision_score,
    "log_loss": lambda y, p, **more: sk.log_loss(y, p, labels=[0, 1], **more),
    # scikit-learn has none of a list's top: these take each row by the chance that it stands there.
    "precision_at_k": lambda y, p, sample_weight=None: _on_top(y, p, sample_weight)[0],
    "recall_at_k": lambda y, p, sample_weight=None: _on_top(y, p, sample_weight)[1],
    "lift_at_k": lambda y, p, sample_weight=None: (
        _on_top(y, p, sample_weight)[0] / np.average(y, weights=sample_weight)
    ),
}
BY_LABEL = {
    "accuracy": sk.accuracy_score,
    "balanced_accuracy": sk.balanced_accuracy_score,
    "precision": sk.precision_score,
    "recall": sk.recall_score,
    "f1": sk.f1_score,
    "mcc": sk.matthews_corrcoef,
    "cost": sk.zero_one_loss,
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
BY_CLASS = {
    "accuracy": sk.accuracy_score,
    "balanced_accuracy": sk.balanced_accuracy_score,
    "mcc": sk.matthews_corrcoef,
    "f1_macro": lambda y, p, **more: sk.f1_score(y, p, average="macro", zero_division=0, **more),
    "f1_weighted": lambda y, p, **more: sk.f1_score(y, p, average="weighted", zero_division=0, **more),
    "precision_macro": lambda y, p, **more: sk.precision_score(y, p, average="macro", zero_division=0, **more),
    "recall_macro": lambda y, p, **more: sk.recall_score(y, p, average="macro", zero_division=0, **more),
}
BY_PROBABILITY = {
    "log_loss": lambda y, p, **more: sk.log_loss(y, p, labels=range(p.shape[1]), **more),
    "roc_auc_ovr": lambda y, p, **more: _ovr(y, p, "macro", **more),
    "roc_auc_ovr_weighted": lambda y, p, **more: _ovr(y, p, "weighted", **more),
}
Peer = Callable[..., float]


def _ovr(y: np.ndarray, p: np.ndarray, average: str, sample_weight: np.ndarray | None = None) -> float:
    # scikit-learn's multi_class="ovr" refuses rows that do not add up to 1; this is what it computes. A class without
    # rows is NaN there; here it does not count.
    there = np.unique(y)
    return float(
        sk.roc_auc_score(np.eye(p.shape[1])[y][:, there], p[:, there], average=average, sample_weight=sample_weight)
    )


def _on_top(y: np.ndarray, p: np.ndarray, weights: np.ndarray | None) -> tuple[float, float]:
    w = np.ones(y.size) if weights is None else weights
    length = max(np.floor(0.1 * w.sum() + 1e-9), 1.0)
    above = np.array([w[p > score].sum() for score in p])
    alike = np.array([w[p == score].sum() for score in p])
    chance = np.clip((length - above) / np.maximum(alike, 1e-12), 0, 1)
    hits = float((w * y * chance).sum())
    return hits / length, hits / max((w * y).sum(), 1e-12)


def _repeated(y: np.ndarray, p: np.ndarray, weights: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
    # scikit-learn's weighted median takes the lower one of the two middle rows, its plain one their mean.
    counts = np.ones(y.size, int) if weights is None else weights
    return np.repeat(y, counts), np.repeat(p, counts)


def _smape(y: np.ndarray, p: np.ndarray) -> np.ndarray:
    both_zero = (y == 0) & (p == 0)
    return np.where(both_zero, 0, 2 * np.abs(p - y) / np.where(both_zero, 1, np.abs(p) + np.abs(y)))


def peer_value(name: str, rows: Predictions, weights: np.ndarray | None = None) -> float:
    peers: dict[str, Peer] = BY_SCORE | BY_LABEL | BY_NUMBER
    guess = rows.y_pred if isinstance(rows, Scored) and name in BY_LABEL else rows.answers
    if isinstance(rows, Classified):
        peers = BY_CLASS | BY_PROBABILITY
        guess = rows.y_pred if name in BY_CLASS else rows.answers
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # scikit-learn warns where we say undefined
        return float(peers[name](rows.y_true, guess, sample_weight=weights))


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


@st.composite
def classes(draw: st.DrawFn) -> Classified:
    n_rows, n_classes = draw(st.integers(1, 40)), draw(st.integers(2, 5))
    y_true = draw(st.lists(st.integers(0, n_classes - 1), min_size=n_rows, max_size=n_rows))
    grid = draw(st.sampled_from([1, 3, 1000]))  # coarse grids give ties, also with 0 and 1
    steps = st.lists(st.integers(0, grid), min_size=n_classes, max_size=n_classes)
    y_score = np.array(draw(st.lists(steps, min_size=n_rows, max_size=n_rows)), "float64")
    total = y_score.sum(axis=1, keepdims=True)
    return Classified(np.array(y_true, "int16"), y_score / np.where(total > 0, total, 1))


STRATEGIES = {"binary": samples, "regression": numbers, "multiclass": classes}
PAIRS = [(name, task) for name in NAMES for task in METRICS.find(name).tasks]


def test_every_metric_has_a_peer() -> None:
    of_classes = {*BY_CLASS, *BY_PROBABILITY}
    assert sorted({*BY_SCORE, *BY_LABEL, *BY_NUMBER, *of_classes}) == NAMES
    assert of_classes == {name for name, task in PAIRS if task == "multiclass"}


@pytest.mark.slow
@pytest.mark.parametrize(("name", "task"), PAIRS)
@given(data=st.data())
@settings(max_examples=25)
def test_value_equals_scikit_learn_or_is_undefined(name: str, task: str, data: st.DataObject) -> None:
    rows = data.draw(STRATEGIES[task]())
    found = METRICS.parse(name).value(rows)
    if found.value is not None:
        assert found.value == pytest.approx(peer_value(name, rows), abs=1e-12, rel=1e-9)
    else:
        assert found.reason == METRICS.parse(name).undefined_when


@pytest.mark.slow
@pytest.mark.parametrize(("name", "task"), PAIRS)
@given(data=st.data(), seed=st.integers(0, 2**32 - 1))
@settings(max_examples=25)
def test_replicates_equal_the_value_of_the_repeated_sample(
    name: str, task: str, data: st.DataObject, seed: int
) -> None:
    metric, rows = METRICS.parse(name), data.draw(STRATEGIES[task]())
    n_rows = rows.y_true.size
    counts = np.random.default_rng(seed).multinomial(n_rows, np.full(n_rows, 1 / n_rows), size=4)
    found = metric.replicates(rows.resampled(counts.astype("float32")))
    for value, row in zip(found, counts, strict=True):
        expected = metric.value(repeated(rows, row)).value
        assert np.isnan(value) if expected is None else value == pytest.approx(expected, abs=1e-12, rel=1e-9)


@pytest.mark.parametrize(("name", "task"), PAIRS)
def test_weights_mean_what_sample_weight_means(name: str, task: str) -> None:
    metric, rows = METRICS.parse(name), SAMPLES[task](300)
    counts = np.random.default_rng(3).integers(0, 4, 300)
    found = metric.replicates(rows.resampled(counts[None, :].astype("float64")))[0]
    assert found == pytest.approx(peer_value(name, rows, counts), abs=1e-12, rel=1e-9)

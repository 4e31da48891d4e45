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
from mlsys.metrics.scores import Resampled, Scored
from mlsys.testing.metrics import repeated, scored_rows

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
Peer = Callable[..., float]


def peer_value(name: str, scored: Scored, weights: np.ndarray | None = None) -> float:
    guess = scored.y_score if name in BY_SCORE else scored.y_pred
    peer: Peer = (BY_SCORE | BY_LABEL)[name]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # scikit-learn warns where we say undefined
        return float(peer(scored.y_true, guess, sample_weight=weights))


@st.composite
def samples(draw: st.DrawFn) -> Scored:
    n_rows = draw(st.integers(1, 40))
    y_true = draw(st.lists(st.integers(0, 1), min_size=n_rows, max_size=n_rows))
    grid = draw(st.sampled_from([1, 3, 1000]))  # coarse grids give ties, also with 0 and 1
    steps = draw(st.lists(st.integers(0, grid), min_size=n_rows, max_size=n_rows))
    return Scored(np.array(y_true, "int8"), np.array(steps) / grid, draw(st.sampled_from([0.25, 0.5, 0.9])))


def test_every_metric_has_a_peer() -> None:
    assert sorted(BY_SCORE | BY_LABEL) == METRICS.names()


@pytest.mark.parametrize("name", METRICS.names())
@given(scored=samples())
@settings(max_examples=40)
def test_value_equals_scikit_learn_or_is_undefined(name: str, scored: Scored) -> None:
    found = METRICS.parse(name).value(scored)
    if found.value is not None:
        assert found.value == pytest.approx(peer_value(name, scored), abs=1e-12, rel=1e-12)
    else:
        assert found.reason == METRICS.parse(name).undefined_when


@pytest.mark.parametrize("name", METRICS.names())
@given(scored=samples(), seed=st.integers(0, 2**32 - 1))
@settings(max_examples=40)
def test_replicates_equal_the_value_of_the_repeated_sample(name: str, scored: Scored, seed: int) -> None:
    metric, n_rows = METRICS.parse(name), scored.y_true.size
    counts = np.random.default_rng(seed).multinomial(n_rows, np.full(n_rows, 1 / n_rows), size=4)
    found = metric.replicates(Resampled(scored, counts.astype("float32")))
    for value, row in zip(found, counts, strict=True):
        expected = metric.value(repeated(scored, row)).value
        assert np.isnan(value) if expected is None else value == pytest.approx(expected, abs=1e-12, rel=1e-12)


@pytest.mark.parametrize("name", METRICS.names())
def test_weights_mean_what_sample_weight_means(name: str) -> None:
    scored = scored_rows(300)
    counts = np.random.default_rng(3).integers(0, 4, 300)
    found = METRICS.parse(name).replicates(Resampled(scored, counts[None, :].astype("float64")))[0]
    assert found == pytest.approx(peer_value(name, scored, counts), abs=1e-12, rel=1e-12)

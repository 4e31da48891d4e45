"""Intervals of the metrics of several classes, over many simulated worlds whose truth is known."""

from __future__ import annotations

from math import sqrt

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from mlsys.evaluation.bootstrap import replicate
from mlsys.metrics import METRICS
from mlsys.metrics.classified import Classified

pytestmark = pytest.mark.long

WORLDS, N_ROWS, REPLICATES, LEVEL = 400, 1500, 400, 0.95
SHARES = np.array([0.4, 0.3, 0.2, 0.1])
NAMES = [name for name in METRICS.names() if "multiclass" in METRICS.find(name).tasks]


def world(n_rows: int, random: np.random.Generator) -> Classified:
    """Return rows of four classes with the probabilities of a model that is good, but too sure of itself."""
    y_true = random.choice(4, n_rows, p=SHARES).astype("int16")
    logits = 1.5 * (1.2 * np.eye(4)[y_true] + random.normal(size=(n_rows, 4)))
    y_score = np.exp(logits) * SHARES
    return Classified(y_true, y_score / y_score.sum(axis=1, keepdims=True))


def test_intervals_cover_the_truth_in_about_95_of_100_worlds() -> None:
    metrics = [METRICS.parse(name) for name in NAMES]
    large = world(1_000_000, np.random.default_rng(1))
    truth = {metric.kind: metric.value(large).value for metric in metrics}
    covered, random = dict.fromkeys(NAMES, 0), np.random.default_rng(2)
    with threadpool_limits(limits=1):
        for seed in range(WORLDS):
            rows = world(N_ROWS, random)
            drawn = replicate({"model": rows}, metrics, n_replicates=REPLICATES, seed=seed)["model"]
            for metric in metrics:
                name = metric.kind
                found, true = metric.interval(rows, drawn[name], LEVEL), truth[name]
                assert found.lower is not None
                assert found.upper is not None
                assert true is not None
                covered[name] += found.lower <= true <= found.upper
    shares = {name: n / WORLDS for name, n in covered.items()}
    error = sqrt(LEVEL * (1 - LEVEL) / WORLDS)
    assert all(0.93 - error <= share <= 0.97 + error for share in shares.values()), shares

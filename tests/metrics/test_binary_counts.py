from __future__ import annotations

import numpy as np
import pytest

from mlsys.metrics import METRICS
from mlsys.metrics.scores import Scored

NO_POSITIVE = Scored(np.zeros(4, "int8"), np.array([0.1, 0.2, 0.7, 0.8]))
NO_NEGATIVE = Scored(np.ones(4, "int8"), np.array([0.1, 0.2, 0.7, 0.8]))
NONE_FLAGGED = Scored(np.array([0, 1, 0, 1], "int8"), np.full(4, 0.2))
ALL_RIGHT_NEGATIVE = Scored(np.zeros(3, "int8"), np.full(3, 0.2))


@pytest.mark.parametrize(
    ("name", "scored"),
    [
        ("balanced_accuracy", NO_POSITIVE),
        ("balanced_accuracy", NO_NEGATIVE),
        ("precision", NONE_FLAGGED),
        ("recall", NO_POSITIVE),
        ("f1", ALL_RIGHT_NEGATIVE),
        ("mcc", NONE_FLAGGED),
        ("mcc", NO_POSITIVE),
        ("fnr", NO_POSITIVE),
        ("fpr", NO_NEGATIVE),
    ],
)
def test_undefined_is_none_with_the_reason(name: str, scored: Scored) -> None:
    found = METRICS.parse(name).value(scored)
    assert found.value is None
    assert found.reason == METRICS.parse(name).undefined_when


@pytest.mark.parametrize(
    ("name", "expected"),
    [("accuracy", 0.7), ("precision", 0.75), ("recall", 0.6), ("f1", 2 / 3), ("fnr", 0.4), ("fpr", 0.2)],
)
def test_values_by_hand(name: str, expected: float) -> None:
    # tp 3, fn 2, fp 1, tn 4
    y_true = np.array([1, 1, 1, 1, 1, 0, 0, 0, 0, 0], "int8")
    y_score = np.array([0.9, 0.8, 0.7, 0.2, 0.1, 0.6, 0.4, 0.3, 0.2, 0.1])
    assert METRICS.parse(name).value(Scored(y_true, y_score)).value == pytest.approx(expected)


def test_a_score_at_the_threshold_counts_as_positive() -> None:
    scored = Scored(np.array([1, 0], "int8"), np.array([0.5, 0.499]))
    assert METRICS.parse("accuracy").value(scored).value == 1.0


def test_mcc_is_right_for_a_million_rows() -> None:
    y_true = np.tile(np.array([1, 0, 1, 0], "int8"), 250_000)
    scored = Scored(y_true, np.where(np.arange(y_true.size) % 4 == 3, 0.9, y_true * 0.8))
    assert METRICS.parse("mcc").value(scored).value == pytest.approx(1 / np.sqrt(3), abs=1e-12)

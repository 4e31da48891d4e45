"""Calibration: an error with its bias taken off, and no alarm by chance."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from mlsys.gates.calibration import WellCalibrated
from mlsys.metrics.predicted import Predicted
from mlsys.metrics.predictions import Predictions
from mlsys.metrics.scores import Scored
from mlsys.records import GateResult
from mlsys.testing.gate_material import material, rows_of

GATE = WellCalibrated()


def measured(answers: Predictions, gate: WellCalibrated = GATE, task: str = "binary") -> dict[str, Any]:
    return dict(gate.measure(material(rows_of(answers), task=task)))


def verdict(answers: Predictions, gate: WellCalibrated = GATE, task: str = "binary") -> GateResult:
    return gate.verdict(measured(answers, gate, task))


def probabilities(seed: int, n_rows: int = 1000, *, off: float = 0.0) -> Scored:
    """Return scores that are too low by `off`."""
    random = np.random.default_rng(seed)
    p = 0.05 + 0.8 * random.random(n_rows)
    return Scored((random.random(n_rows) < p + off).astype("int8"), p)


@pytest.mark.slow
def test_the_bias_of_the_plain_error_is_taken_off() -> None:
    """The mean square of right probabilities is 0; the plain estimate has about 10 times p(1 - p) / n of it."""
    squares = [measured(probabilities(seed, 200))["ece"] ** 2 for seed in range(100)]
    plain = []
    for seed in range(100):
        rows = probabilities(seed, 200)
        plain.append(np.mean([(rows.y_true[p].mean() - rows.y_score[p].mean()) ** 2 for p in rows.parts()]))
    assert np.median(squares) < np.median(plain) / 5


@pytest.mark.slow
@pytest.mark.parametrize(("off", "most"), [(0.0, 3), (0.05, 18)])
def test_an_error_within_the_limit_fails_as_seldom_as_promised(off: float, most: int) -> None:
    failed = sum(verdict(probabilities(seed, off=off)).state == "fail" for seed in range(200))
    assert failed <= most  # of 200: none, and at the limit 10


def test_a_large_error_fails() -> None:
    result = verdict(probabilities(1, off=0.15))
    assert (result.state, result.reason) == ("fail", "miscalibrated")
    assert result.estimate == pytest.approx(0.15, abs=0.04)
    assert result.flip.startswith("Would pass with lower bound of the calibration error at most")


def test_by_value_the_estimate_itself_is_held_against_the_limit() -> None:
    gate = WellCalibrated(on="value", limit=0.01)
    assert verdict(probabilities(1, off=0.04), gate).observed_as == "calibration error"


def test_a_brier_score_has_a_limit_of_its_own() -> None:
    result = verdict(probabilities(1), WellCalibrated(brier=0.01))
    assert (result.state, result.reason, result.observed_as) == ("fail", "brier_too_high", "Brier score")


def test_numbers_are_measured_in_the_spread_of_the_truth() -> None:
    truth = np.random.default_rng(3).normal(100, 20, 2000)
    noise = np.random.default_rng(4).normal(0, 1, 2000)
    found = measured(Predicted(truth, truth + 4 + noise), task="regression")
    assert found["ece"] == pytest.approx(0.2, abs=0.02)
    assert verdict(Predicted(truth, truth + noise), task="regression").state == "pass"


@pytest.mark.parametrize("n_rows", [0, 5])
def test_few_rows_are_inconclusive(n_rows: int) -> None:
    assert measured(probabilities(1, n_rows))["reason"] == "too_few_rows"


def test_scores_that_are_all_alike_are_one_part() -> None:
    random = np.random.default_rng(1)
    found = measured(Scored((random.random(500) < 0.3).astype("int8"), np.full(500, 0.3)))
    assert (found["bins"], found["lower"]) == (1, 0.0)

"""A logistic regression is what scikit-learn says it is, under every weighting."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from mlsys.monitors.logit_fit import fit_logit, log_odds, probability


def test_it_agrees_with_scikit_learn_under_weights() -> None:
    random = np.random.default_rng(1)
    x = random.normal(size=(400, 2))
    y = (random.random(400) < probability(x @ [1.0, -2.0] + 0.5)).astype("float64")
    weights = random.integers(0, 4, (3, 400)).astype("float64")
    found = fit_logit(np.column_stack([np.ones(400), x]), y, weights)
    for row, weight in zip(found, weights, strict=True):
        model = LogisticRegression(C=1e3, tol=1e-10, max_iter=1000).fit(x, y, sample_weight=weight)
        assert row == pytest.approx([*model.intercept_, *model.coef_[0]], abs=0.02)


def test_classes_that_are_told_apart_without_a_doubt_have_finite_coefficients() -> None:
    basis = np.column_stack([np.ones(20), np.repeat([-1.0, 1.0], 10)])
    assert np.isfinite(fit_logit(basis, np.repeat([0.0, 1.0], 10), np.ones((1, 20)))).all()


def test_it_stays_near_what_is_expected_where_it_is_held_there() -> None:
    basis, y = np.ones((50, 1)), np.repeat([0.0, 1.0], [10, 40])
    held = fit_logit(basis, y, np.ones((1, 50)), near=np.zeros((1, 1)), spread=1e-3)
    assert abs(held[0, 0]) < 1e-3
    assert fit_logit(basis, y, np.ones((1, 50)))[0, 0] == pytest.approx(np.log(4), abs=0.01)


def test_log_odds_of_certain_scores_are_finite() -> None:
    assert np.isfinite(log_odds(np.array([0.0, 1.0]))).all()
    assert probability(log_odds(np.array([0.3]))) == pytest.approx([0.3])

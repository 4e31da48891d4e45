"""Logistic regressions of few columns under many weightings at once, by Newton's method."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

_CLIP = 1e-6
_MOST_STEPS = 25
_ENOUGH = 1e-8
_LONGEST = 4.0  # a step, in log odds; a longer one may lead astray
_FREE = 30.0  # classes that can be told apart without a doubt have finite coefficients


def log_odds(chance: np.ndarray) -> np.ndarray:
    """Return the log odds of probabilities, which are kept away from 0 and 1."""
    import numpy as np

    p = np.clip(chance, _CLIP, 1 - _CLIP)
    found: np.ndarray = np.log(p / (1 - p))
    return found


def probability(odds: np.ndarray) -> np.ndarray:
    """Return the probabilities of log odds."""
    from scipy.special import expit

    found: np.ndarray = expit(odds)
    return found


def fit_logit(
    basis: np.ndarray,
    y: np.ndarray,
    weights: np.ndarray,
    *,
    near: np.ndarray | None = None,
    spread: float = _FREE,
) -> np.ndarray:
    """Return `(n_replicates, n_columns)` coefficients of the log odds of `y`.

    Args:
        basis: `(n_rows, n_columns)`.
        y: `(n_rows,)` from 0 to 1.
        weights: `(n_replicates, n_rows)`.
        near: `(n_replicates, n_columns)` where the coefficients are expected, 0 by default.
        spread: by how much they may miss that, a standard deviation.
    """
    import numpy as np

    n_columns, pull = basis.shape[1], 1 / spread**2
    middle = np.zeros((len(weights), n_columns)) if near is None else near
    pairs = (basis[:, :, None] * basis[:, None, :]).reshape(len(basis), -1)
    beta = middle.copy()
    for _ in range(_MOST_STEPS):
        p = probability(beta @ basis.T)
        slope = (weights * (y - p)) @ basis - pull * (beta - middle)
        curve = ((weights * p * (1 - p)) @ pairs).reshape(-1, n_columns, n_columns) + pull * np.eye(n_columns)
        step = np.linalg.solve(curve, slope[:, :, None])[:, :, 0]
        length = np.abs(step).max(axis=1, keepdims=True)
        beta = beta + step * np.minimum(1.0, _LONGEST / np.maximum(length, _ENOUGH))
        if float(length.max()) < _ENOUGH:
            break
    return beta

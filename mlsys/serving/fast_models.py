"""A fitted estimator asked with an array: XGBoost's trees by themselves, others by their own method."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from mlsys.serving.fast_trees import InplaceTrees

if TYPE_CHECKING:
    import numpy as np

ArrayCall = Callable[["np.ndarray"], Any]


def asked_with_arrays(estimator: Any, method: str, *, sparse: bool) -> tuple[str, ArrayCall]:
    """Return how a fitted estimator is asked with `(n_rows, n_features)` float64, in words and as a function.

    Args:
        estimator: fitted; the last step of a champion's pipeline.
        method: `predict_proba` or `predict`; the function returns what it would.
        sparse: the estimator is used to sparse matrices.
    """
    trees = _inplace(estimator, method, sparse=sparse)
    if trees is not None:
        return "arrays + xgboost in place", trees
    ask = getattr(estimator, method)
    name = f"arrays + {type(estimator).__name__}.{method}"
    if not sparse:
        return name, ask
    from scipy.sparse import csr_matrix

    return name, lambda matrix: ask(csr_matrix(matrix))


def _inplace(estimator: Any, method: str, *, sparse: bool) -> ArrayCall | None:
    """Return XGBoost's prediction without its checks of every call; None for another estimator."""
    import sys

    xgboost = sys.modules.get("xgboost")  # where a model of it was loaded
    if xgboost is None or type(estimator) not in (xgboost.XGBClassifier, xgboost.XGBRegressor):
        return None
    if estimator.booster not in (None, "gbtree") or estimator.objective == "multi:softmax":
        return None
    if method == "predict" and hasattr(estimator, "n_classes_"):
        return None
    import numpy as np

    trees, of_two = InplaceTrees(estimator), getattr(estimator, "n_classes_", 0) == 2

    def ask(matrix: np.ndarray) -> np.ndarray:
        if sparse:  # what a sparse matrix does not store is missing to the trees
            matrix[matrix == 0] = np.nan
        said = trees(matrix)
        if not of_two:
            return said
        both = np.empty((len(matrix), 2))
        both[:, 0], both[:, 1] = 1.0 - said, said
        return both

    return ask

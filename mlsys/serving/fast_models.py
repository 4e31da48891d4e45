"""A fitted estimator asked with an array: XGBoost's trees by themselves, others by their own method."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
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


def _inplace(estimator: Any, method: str, *, sparse: bool) -> ArrayTrees | None:
    """Return XGBoost's prediction without its checks of every call; None for another estimator."""
    import sys

    xgboost = sys.modules.get("xgboost")  # where a model of it was loaded
    if xgboost is None or type(estimator) not in (xgboost.XGBClassifier, xgboost.XGBRegressor):
        return None
    if estimator.booster not in (None, "gbtree") or estimator.objective == "multi:softmax":
        return None
    if method == "predict" and hasattr(estimator, "n_classes_"):
        return None
    return ArrayTrees(InplaceTrees.of(estimator), getattr(estimator, "n_classes_", 0) == 2, sparse)


@dataclass(frozen=True)
class ArrayTrees:
    """XGBoost's trees as the estimator's own method answers; needs no package but numpy.

    Attributes:
        of_two: the answer is two classes' probabilities.
        sparse: the estimator is used to sparse matrices.
    """

    trees: InplaceTrees
    of_two: bool
    sparse: bool

    def __call__(self, matrix: np.ndarray) -> Any:
        """Return what the method would of `(n_rows, n_features)` float64."""
        import numpy as np

        if self.sparse:  # what a sparse matrix does not store is missing to the trees
            np.copyto(matrix, np.nan, where=matrix == 0)
        said = self.trees(matrix)
        if not self.of_two:
            return said
        both = np.empty((len(matrix), 2))
        both[:, 0], both[:, 1] = 1.0 - said, said
        return both

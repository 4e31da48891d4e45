"""Gradient boosting on binned features, by scikit-learn."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field

from mlsys.models.base import EstimatorType, FitTask, Fitted, Model, SearchRange
from mlsys.models.contributions import Contributions, of_hist_boosting

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd


class HistGradientBoosting(Model):
    """A fixed number of boosting rounds: no early stopping, so every training row trains.

    Attributes:
        learning_rate: how much of each tree's correction is taken.
        max_leaf_nodes: most leaves of a tree.
        min_samples_leaf: fewest training rows in a leaf.
        max_iter: number of trees.
        l2_regularization: penalty on leaf values.
        class_weight: `balanced` weighs rows by the inverse of their class's frequency; probabilities then no longer
            follow the base rate.
    """

    kind: Literal["hist_gradient_boosting"] = "hist_gradient_boosting"
    effort = 4
    estimators: ClassVar[tuple[EstimatorType, ...]] = ("classifier", "regressor")
    sparse = "refuses"
    search: ClassVar = {
        "learning_rate": SearchRange(0.02, 0.3, log=True),
        "max_iter": SearchRange(50, 400),
        "max_leaf_nodes": SearchRange(4, 64),
        "min_samples_leaf": SearchRange(5, 80),
        "l2_regularization": SearchRange(0.001, 10.0, log=True),
    }
    learning_rate: float = Field(default=0.08, gt=0, le=1)
    max_iter: int = Field(default=150, ge=1, le=10_000)
    max_leaf_nodes: int = Field(default=31, ge=2, le=4096)
    min_samples_leaf: int = Field(default=20, ge=1)
    l2_regularization: float = Field(default=0.0, ge=0)
    class_weight: Literal["balanced"] | None = None

    def estimator(self, task: FitTask) -> Any:
        """Return scikit-learn's estimator; its threads are OpenMP's, limited around the fit."""
        from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

        settings: dict[str, Any] = {
            "learning_rate": self.learning_rate,
            "max_iter": self.max_iter,
            "max_leaf_nodes": self.max_leaf_nodes,
            "min_samples_leaf": self.min_samples_leaf,
            "l2_regularization": self.l2_regularization,
            "early_stopping": False,
            "random_state": task.seed,
        }
        if task.estimator == "regressor":
            return HistGradientBoostingRegressor(**settings)
        return HistGradientBoostingClassifier(**settings, class_weight=self.class_weight)

    def fit(self, features: Any, rows: pd.DataFrame, y: np.ndarray, task: FitTask) -> Fitted:
        """Fit features and estimator; a recipe that gives a sparse matrix is refused with what takes it."""
        try:
            return super().fit(features, rows, y, task)
        except TypeError as error:
            if "sparse" not in str(error).lower():
                raise
            raise ValueError(f"`{self.kind}` takes no sparse features: try `lightgbm` or `xgboost`") from error

    def shares(self, estimator: Any, X: Any) -> Contributions:
        """Return TreeSHAP, which the library shap computes."""
        return of_hist_boosting(estimator, X)

"""Extremely randomised trees: a forest with cuts by chance, quicker to fit and smoother than a random forest."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from pydantic import Field

from mlsys.models.base import EstimatorType, FitTask, Model, SearchRange
from mlsys.models.contributions import Contributions, of_forest


class ExtraTrees(Model):
    """Trees on all rows, each cut the best of some drawn at random (Geurts, Ernst and Wehenkel 2006).

    Attributes:
        n_estimators: number of trees.
        min_samples_leaf: fewest training rows in a leaf.
        max_features: share of the features that each split chooses from; None = as many as their square root for
            classes, all for numbers.
        class_weight: `balanced` weighs rows by the inverse of their class's frequency.
        max_depth: None grows trees until leaves are pure: large model files.
    """

    kind: Literal["extra_trees"] = "extra_trees"
    effort = 6
    shared_rows = 60  # its trees are many and deep: 20 ms a row
    estimators: ClassVar[tuple[EstimatorType, ...]] = ("classifier", "regressor")
    sparse = "bears"  # a split looks at few columns, and most n-grams tell nothing
    search: ClassVar = {
        "max_depth": SearchRange(4, 28),
        "min_samples_leaf": SearchRange(1, 30),
        "max_features": SearchRange(0.05, 1.0),
    }
    n_estimators: int = Field(default=200, ge=1, le=10_000)
    max_depth: int | None = Field(default=16, ge=1, le=10_000)
    min_samples_leaf: int = Field(default=3, ge=1)
    max_features: float | None = Field(default=None, gt=0, le=1)
    class_weight: Literal["balanced"] | None = None

    def estimator(self, task: FitTask) -> Any:
        """Return scikit-learn's ExtraTreesClassifier or ExtraTreesRegressor."""
        from sklearn.ensemble import ExtraTreesClassifier, ExtraTreesRegressor

        settings: dict[str, Any] = {
            "n_estimators": self.n_estimators,
            "max_depth": self.max_depth,
            "min_samples_leaf": self.min_samples_leaf,
            "n_jobs": task.threads,
            "random_state": task.seed,
        }
        if task.estimator == "regressor":
            return ExtraTreesRegressor(**settings, max_features=self.max_features or 1.0)
        features = self.max_features or "sqrt"
        return ExtraTreesClassifier(**settings, max_features=features, class_weight=self.class_weight)

    def shares(self, estimator: Any, X: Any) -> Contributions:
        """Return TreeSHAP, which the library shap computes."""
        return of_forest(estimator, X)

"""Random forest: hard to get wrong, slow to fit on many rows."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from pydantic import Field

from mlsys.models.base import EstimatorType, FitTask, Model, SearchRange
from mlsys.models.contributions import Contributions, of_forest


class RandomForest(Model):
    """Trees on bootstrap samples of the rows (Breiman 2001).

    Attributes:
        n_estimators: number of trees.
        min_samples_leaf: fewest training rows in a leaf.
        max_features: share of the features that each split chooses from; None = as many as their square root for
            classes, a third for numbers, as Breiman advises (all of them take three times as long).
        class_weight: weighs rows by the inverse of their class's frequency, in all rows or in each tree's sample.
        max_depth: None grows trees until leaves are pure: large model files.
        max_samples: share of the training rows that each tree sees; None = as many as there are.
    """

    kind: Literal["random_forest"] = "random_forest"
    effort = 8
    shared_rows = 60  # its trees are many and deep: 20 ms a row
    estimators: ClassVar[tuple[EstimatorType, ...]] = ("classifier", "regressor")
    sparse = "bears"  # a split looks at few columns, and most n-grams tell nothing
    search: ClassVar = {
        "max_depth": SearchRange(4, 24),
        "min_samples_leaf": SearchRange(1, 30),
        "max_samples": SearchRange(0.3, 1.0),
    }
    n_estimators: int = Field(default=200, ge=1, le=10_000)
    max_depth: int | None = Field(default=12, ge=1, le=10_000)
    min_samples_leaf: int = Field(default=3, ge=1)
    max_features: float | None = Field(default=None, gt=0, le=1)
    max_samples: float | None = Field(default=None, gt=0, le=1)
    class_weight: Literal["balanced", "balanced_subsample"] | None = None

    def estimator(self, task: FitTask) -> Any:
        """Return scikit-learn's RandomForestClassifier or RandomForestRegressor."""
        from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor

        settings: dict[str, Any] = {
            "n_estimators": self.n_estimators,
            "max_depth": self.max_depth,
            "min_samples_leaf": self.min_samples_leaf,
            "max_samples": self.max_samples,
            "n_jobs": task.threads,
            "random_state": task.seed,
        }
        if task.estimator == "regressor":
            return RandomForestRegressor(**settings, max_features=self.max_features or 1 / 3)
        features = self.max_features or "sqrt"
        return RandomForestClassifier(**settings, max_features=features, class_weight=self.class_weight)

    def shares(self, estimator: Any, X: Any) -> Contributions:
        """Return TreeSHAP, which the library shap computes."""
        return of_forest(estimator, X)

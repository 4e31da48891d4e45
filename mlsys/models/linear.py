"""Ordinary least squares: the regressor to beat, and the one that people can read."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from mlsys.models.base import EstimatorType, FitTask, Model
from mlsys.models.contributions import Contributions, of_lines


class Linear(Model):
    """Linear regression without a penalty, by a singular value decomposition.

    Columns that say the same share the weight. With few rows for each column, `ridge` predicts better.
    """

    kind: Literal["linear"] = "linear"
    effort = 1
    estimators: ClassVar[tuple[EstimatorType, ...]] = ("regressor",)
    counterpart = "logistic"

    def estimator(self, task: FitTask) -> Any:  # noqa: ARG002 - nothing here is left to chance
        """Return scikit-learn's LinearRegression."""
        from sklearn.linear_model import LinearRegression

        return LinearRegression()

    def shares(self, estimator: Any, X: Any) -> Contributions:
        """Return weight times value."""
        return of_lines(estimator, X)

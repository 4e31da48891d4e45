"""Ridge regression: least squares that keeps its weights small."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from pydantic import Field

from mlsys.models.base import EstimatorType, FitTask, Model, SearchRange
from mlsys.models.contributions import Contributions, of_lines


class Ridge(Model):
    """L2-penalised linear regression (Hoerl and Kennard 1970).

    Attributes:
        alpha: the penalty's strength, next to the sum of squared errors of all training rows.
    """

    kind: Literal["ridge"] = "ridge"
    effort = 1
    estimators: ClassVar[tuple[EstimatorType, ...]] = ("regressor",)
    counterpart = "logistic"
    search: ClassVar = {"alpha": SearchRange(0.01, 1000.0, log=True)}
    alpha: float = Field(default=1.0, ge=0)

    def estimator(self, task: FitTask) -> Any:
        """Return scikit-learn's Ridge."""
        from sklearn.linear_model import Ridge as RidgeRegression

        return RidgeRegression(alpha=self.alpha, random_state=task.seed)

    def shares(self, estimator: Any, X: Any) -> Contributions:
        """Return weight times value."""
        return of_lines(estimator, X)

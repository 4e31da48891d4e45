"""The elastic net: linear regression that leaves out what does not help."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field

from mlsys.models.base import EstimatorType, FitTask, Fitted, Model, SearchRange
from mlsys.models.contributions import Contributions, of_lines

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd


class ElasticNet(Model):
    """Linear regression with an L1 and an L2 penalty (Zou and Hastie 2005), by coordinate descent.

    Attributes:
        alpha: the penalty's strength, for a target of standard deviation 1: the same for prices in euros and in cents.
        l1_ratio: share of the L1 penalty, which makes weights zero; 1 is the lasso.
        max_iter: most rounds of the solver.
    """

    kind: Literal["elastic_net"] = "elastic_net"
    effort = 2
    estimators: ClassVar[tuple[EstimatorType, ...]] = ("regressor",)
    counterpart = "logistic"
    search: ClassVar = {"alpha": SearchRange(0.0001, 0.3, log=True), "l1_ratio": SearchRange(0.05, 1.0)}
    alpha: float = Field(default=0.001, gt=0)
    l1_ratio: float = Field(default=0.5, ge=0, le=1)
    max_iter: int = Field(default=2000, ge=1, le=1_000_000)

    def estimator(self, task: FitTask) -> Any:
        """Return scikit-learn's ElasticNet; it goes through the columns in their order."""
        from sklearn.linear_model import ElasticNet as ElasticNetRegression

        return ElasticNetRegression(
            alpha=self.alpha, l1_ratio=self.l1_ratio, max_iter=self.max_iter, random_state=task.seed
        )

    def fit(self, features: Any, rows: pd.DataFrame, y: np.ndarray, task: FitTask) -> Fitted:
        """Fit on the target in standard deviations, and give the weights back in its own unit."""
        centre, spread = float(y.mean()), float(y.std()) or 1.0
        fitted = super().fit(features, rows, (y - centre) / spread, task)
        model = fitted.pipeline[-1]
        model.coef_ = model.coef_ * spread
        model.intercept_ = model.intercept_ * spread + centre
        return fitted

    def shares(self, estimator: Any, X: Any) -> Contributions:
        """Return weight times value."""
        return of_lines(estimator, X)

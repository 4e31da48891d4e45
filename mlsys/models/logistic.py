"""Logistic regression: the model to beat, and the one that people can read."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from pydantic import Field

from mlsys.models.base import FitTask, Model, SearchRange
from mlsys.models.contributions import Contributions, of_lines


class Logistic(Model):
    """L2-penalised logistic regression, of more than two classes multinomial, fitted by L-BFGS.

    Attributes:
        max_iter: most rounds of the solver.
        C: inverse of the penalty's strength.
        class_weight: `balanced` weighs rows by the inverse of their class's frequency; probabilities then no longer
            follow the base rate.
    """

    kind: Literal["logistic"] = "logistic"
    effort = 1
    counterpart = "ridge"
    search: ClassVar = {"C": SearchRange(0.01, 100.0, log=True)}
    C: float = Field(default=1.0, gt=0)
    max_iter: int = Field(default=500, ge=1, le=1_000_000)
    class_weight: Literal["balanced"] | None = None

    def estimator(self, task: FitTask) -> Any:
        """Return scikit-learn's LogisticRegression."""
        from sklearn.linear_model import LogisticRegression

        return LogisticRegression(
            C=self.C, max_iter=self.max_iter, class_weight=self.class_weight, random_state=task.seed
        )

    def shares(self, estimator: Any, X: Any) -> Contributions:
        """Return weight times value."""
        return of_lines(estimator, X)

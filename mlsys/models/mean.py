"""The mean: what a regressor is worth that looks at nothing."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from mlsys.models.base import EstimatorType, FitTask
from mlsys.models.baseline import Baseline


class Mean(Baseline):
    """Gives every row the mean target of the training rows; a sanity line, never chosen."""

    kind: Literal["mean"] = "mean"
    estimators: ClassVar[tuple[EstimatorType, ...]] = ("regressor",)
    counterpart = "prior"

    def estimator(self, task: FitTask) -> Any:  # noqa: ARG002 - nothing here is left to chance
        """Return scikit-learn's DummyRegressor."""
        from sklearn.dummy import DummyRegressor

        return DummyRegressor(strategy="mean")

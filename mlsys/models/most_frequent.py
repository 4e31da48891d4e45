"""The most frequent action: what a policy is worth that looks at nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Literal

from mlsys.models.base import EstimatorType, FitTask, Fitted
from mlsys.models.baseline import Baseline

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd


class MostFrequent(Baseline):
    """Takes the action that was taken most often in the training rows; a sanity line, never chosen."""

    kind: Literal["most_frequent"] = "most_frequent"
    estimators: ClassVar[tuple[EstimatorType, ...]] = ("policy",)
    counterpart = "prior"

    def estimator(self, task: FitTask) -> Any:  # noqa: ARG002 - nothing here is left to chance
        """Return scikit-learn's DummyClassifier."""
        from sklearn.dummy import DummyClassifier

        return DummyClassifier(strategy="most_frequent")

    def fit(self, features: Any, rows: pd.DataFrame, y: np.ndarray, task: FitTask) -> Fitted:
        """Fit on the logged actions alone."""
        from mlsys.metrics.logged import unpack

        self.require(task)
        return super().fit(features, rows, unpack(y).action, task)

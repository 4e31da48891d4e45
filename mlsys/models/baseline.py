"""What the sanity lines share: they look at nothing but the target."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mlsys.models.base import FitTask, Fitted, Model

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd


class Baseline(Model):
    """A model that is scored and shown, and never chosen."""

    baseline = True
    effort = 0

    def fit(self, features: Any, rows: pd.DataFrame, y: np.ndarray, task: FitTask) -> Fitted:  # noqa: ARG002 - contract
        """Fit on the target alone: features would cost time and change nothing."""
        from sklearn.pipeline import Pipeline

        self.require(task)
        return Fitted(Pipeline([("model", self.estimator(task))]).fit(rows, y))

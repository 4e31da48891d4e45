"""The prior: what a model is worth that looks at nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from mlsys.models.base import FitTask, Fitted, Model

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd


class Prior(Model):
    """Gives every row the training rows' share of positives; a sanity line, never chosen."""

    kind: Literal["prior"] = "prior"
    baseline = True
    effort = 0

    def estimator(self, task: FitTask) -> Any:
        """Return scikit-learn's DummyClassifier."""
        from sklearn.dummy import DummyClassifier

        return DummyClassifier(strategy="prior", random_state=task.seed)

    def fit(self, features: Any, rows: pd.DataFrame, y: np.ndarray, task: FitTask) -> Fitted:  # noqa: ARG002 - contract
        """Fit on the labels alone: features would cost time and change nothing."""
        from sklearn.pipeline import Pipeline

        return Fitted(Pipeline([("model", self.estimator(task))]).fit(rows, y))

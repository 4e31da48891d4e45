"""The prior: what a classifier is worth that looks at nothing."""

from __future__ import annotations

from typing import Any, Literal

from mlsys.models.base import FitTask
from mlsys.models.baseline import Baseline


class Prior(Baseline):
    """Gives every row the training rows' share of each class; a sanity line, never chosen."""

    kind: Literal["prior"] = "prior"
    counterpart = "mean"

    def estimator(self, task: FitTask) -> Any:
        """Return scikit-learn's DummyClassifier."""
        from sklearn.dummy import DummyClassifier

        return DummyClassifier(strategy="prior", random_state=task.seed)

"""The contract of a model: an unfitted scikit-learn estimator, and how it is fitted behind a feature recipe."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from mlsys.components import Component

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd


@dataclass(frozen=True)
class FitTask:
    """The circumstances of a fit.

    Attributes:
        seed: the only source of randomness.
        threads: OS threads the estimator may use (1 unless the spec says otherwise; candidates run side by side).
        inner: `(n_rows,)` bool, training rows set aside for early stopping; never validation rows.
    """

    seed: int
    threads: int
    inner: np.ndarray


@dataclass(frozen=True)
class Fitted:
    """A fitted pipeline (raw rows in, `predict_proba` out) and what is worth saying about the fit."""

    pipeline: Any
    notes: tuple[str, ...] = ()


class Model(Component, ABC):
    """A kind of model with typed hyperparameters.

    Attributes:
        name: what this candidate is called; default its kind. Two candidates of a kind need two names.
        baseline: a sanity line: scored and shown, never chosen.
        effort: how long a fit takes next to those of other kinds; the longest is started first.
    """

    name: str | None = None
    baseline: ClassVar[bool] = False
    effort: ClassVar[int] = 1

    @property
    def label(self) -> str:
        """The candidate's name."""
        return self.name or self.kind

    @abstractmethod
    def estimator(self, task: FitTask) -> Any:
        """Return the unfitted scikit-learn classifier; heavy imports stand in here."""

    def fit(self, features: Any, rows: pd.DataFrame, y: np.ndarray, task: FitTask) -> Fitted:
        """Fit `features` and the estimator on the training rows.

        Args:
            features: unfitted transformer of a feature recipe.
            rows: `(n_rows, n_columns)` raw feature columns.
            y: `(n_rows,)` int8, 1 for the positive class.
            task: seed, threads and inner rows.
        """
        from sklearn.pipeline import Pipeline

        pipeline = Pipeline([("features", features), ("model", self.estimator(task))])
        return Fitted(pipeline.fit(rows, y))

"""The contract of a model: an unfitted scikit-learn estimator, and how it is fitted behind a feature recipe."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from mlsys.components import Component, Within

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd


NO_EARLY_STOPPING = "No early stopping: the inner rows hold one class only"  # a note of boosted trees
EstimatorType = Literal["classifier", "regressor"]  # scikit-learn's words


@dataclass(frozen=True)
class FitTask:
    """The circumstances of a fit.

    Attributes:
        seed: the only source of randomness.
        threads: OS threads the estimator may use (1 unless the spec says otherwise; candidates run side by side).
        inner: `(n_rows,)` bool, training rows set aside for early stopping; never validation rows.
        estimator: what is asked for, which the learning task decides; one of the model's `estimators`.
    """

    seed: int
    threads: int
    inner: np.ndarray
    estimator: EstimatorType = "classifier"

    def can_stop_early(self, y: np.ndarray) -> bool:
        """Whether the inner rows can judge what the others teach: both have rows, and those of every class."""
        import numpy as np

        inner, others = y[self.inner], y[~self.inner]
        if self.estimator == "regressor":
            return bool(inner.size and others.size)
        n_classes = np.unique(y).size
        return n_classes > 1 and np.unique(inner).size == n_classes == np.unique(others).size


@dataclass(frozen=True)
class Fitted:
    """A fitted pipeline (raw rows in, `predict_proba` or `predict` out) and what is worth saying about the fit."""

    pipeline: Any
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class SearchRange:
    """Where tuning looks for a hyperparameter: evenly between two bounds, or evenly in its logarithm.

    Attributes:
        low, high: both may be drawn; two whole numbers draw whole numbers.
    """

    low: float
    high: float
    log: bool = False

    def draw(self, random: np.random.Generator) -> float:
        """Return a value, with four significant digits, so that a report can name it."""
        import math

        if isinstance(self.low, int) and isinstance(self.high, int):
            return int(random.integers(self.low, self.high, endpoint=True))
        low, high = (math.log(self.low), math.log(self.high)) if self.log else (self.low, self.high)
        drawn = random.uniform(low, high)
        return min(self.high, max(self.low, float(f"{math.exp(drawn) if self.log else drawn:.4g}")))


# Part of runs, files and addresses in MLflow, the registry and Airflow.
CandidateName = Annotated[
    str,
    Within(
        60,
        "A candidate's name is at most 60 letters, digits, _, - and ., a letter or digit first",
        r"[A-Za-z0-9][A-Za-z0-9_.-]*",
    ),
]


class Model(Component, ABC):
    """A kind of model with typed hyperparameters.

    Attributes:
        name: what this candidate is called; default its kind. Two candidates of a kind need two names.
        baseline: a sanity line: scored and shown, never chosen.
        effort: how long a fit takes next to those of other kinds; the longest is started first.
        search: where tuning looks, by field; what is not named stays as the spec says.
        estimators: what it can be, by scikit-learn's words; a learning task asks for one of them.
    """

    name: CandidateName | None = None
    baseline: ClassVar[bool] = False
    effort: ClassVar[int] = 1
    search: ClassVar[Mapping[str, SearchRange]] = {}
    estimators: ClassVar[tuple[EstimatorType, ...]] = ("classifier",)

    @property
    def label(self) -> str:
        """The candidate's name."""
        return self.name or self.kind

    @abstractmethod
    def estimator(self, task: FitTask) -> Any:
        """Return the unfitted scikit-learn estimator of `task.estimator`; heavy imports stand in here."""

    def fit(self, features: Any, rows: pd.DataFrame, y: np.ndarray, task: FitTask) -> Fitted:
        """Fit `features` and the estimator on the training rows.

        Args:
            features: unfitted transformer of a feature recipe.
            rows: `(n_rows, n_columns)` raw feature columns.
            y: `(n_rows,)` class codes from 0 on (int8; of two classes 1 is the positive one), or float64 numbers.
            task: seed, threads and inner rows.
        """
        from sklearn.pipeline import Pipeline

        pipeline = Pipeline([("features", features), ("model", self.estimator(task))])
        return Fitted(pipeline.fit(rows, y))

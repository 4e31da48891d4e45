"""What boosted trees share: rounds that end early on training rows set aside for it, and weights of classes."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field

from mlsys.models.base import EstimatorType, FitTask, Fitted, Model

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd


@dataclass(frozen=True)
class Learned:
    """What trees learn from, or stop on.

    Attributes:
        X: `(n_rows, n_features)`, as the transformer gives it.
        y: `(n_rows,)` class codes or numbers.
        weight: `(n_rows,)` float64, or None where all rows count alike.
    """

    X: Any
    y: np.ndarray
    weight: np.ndarray | None = None


class Boosting(Model):
    """Boosted trees of a library; a member says how its estimator learns.

    The inner rows are training rows set aside by their key, never validation rows, so that choosing a candidate on
    validation rows stays fair. Features are not fitted on them either.

    Attributes:
        n_estimators: most rounds; early stopping usually ends sooner.
        learning_rate: how much of each tree's correction is taken.
        early_stopping_rounds: stop when the log loss (of numbers, the squared error) on the inner rows has not
            improved for so many rounds; None fits all rounds on all training rows.
        class_weight: `balanced` weighs rows by the inverse of their class's frequency; probabilities then no longer
            follow the base rate.
    """

    estimators: ClassVar[tuple[EstimatorType, ...]] = ("classifier", "regressor")
    n_estimators: int = Field(default=400, ge=1, le=20_000)
    learning_rate: float = Field(default=0.08, gt=0, le=1)
    early_stopping_rounds: int | None = Field(default=30, ge=1, le=20_000)
    class_weight: Literal["balanced"] | None = None

    @abstractmethod
    def learn(self, model: Any, training: Learned, inner: Learned | None) -> int:
        """Fit the estimator in place, stopping early on `inner` if there is one, and return the rounds it uses."""

    def fit(self, features: Any, rows: pd.DataFrame, y: np.ndarray, task: FitTask) -> Fitted:
        """Fit features and trees on the training rows less the inner ones, and stop on those."""
        from sklearn.pipeline import Pipeline

        self.require(task)
        model, wanted = self.estimator(task), self.early_stopping_rounds is not None
        pipeline = Pipeline([("features", features), ("model", model)])
        weight = _balanced(y) if self.class_weight is not None else None
        if not (wanted and task.can_stop_early(y)):
            self.learn(model, Learned(features.fit_transform(rows, y), y, weight), None)
            return Fitted(pipeline, (_cannot_stop(task),) if wanted else ())

        def part(X: Any, where: np.ndarray) -> Learned:
            return Learned(X, y[where], None if weight is None else weight[where])

        held = task.inner
        training = part(features.fit_transform(rows[~held], y[~held]), ~held)
        used = self.learn(model, training, part(features.transform(rows[held]), held))
        n_rows = int(held.sum())
        return Fitted(
            pipeline, (f"Uses {used} of at most {self.n_estimators} rounds, stopped on {n_rows} inner training rows",)
        )


def _balanced(y: np.ndarray) -> np.ndarray:
    """Return `(n_rows,)` weights by which every class counts alike; their mean is 1."""
    import numpy as np

    _, codes, counts = np.unique(y, return_inverse=True, return_counts=True)
    weights: np.ndarray = len(y) / (counts.size * counts[codes])
    return weights


def _cannot_stop(task: FitTask) -> str:
    if task.estimator == "regressor":
        return "No early stopping: there are too few rows to set some aside"
    return "No early stopping: the inner rows hold one class only, or the others lack one"

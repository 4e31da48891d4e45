"""The contract of a model: an unfitted scikit-learn estimator, and how it is fitted behind a feature recipe."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from mlsys.components import Component, Within
from mlsys.models.fit_task import EstimatorType, FitTask
from mlsys.models.search import SearchRange

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from mlsys.features.base import FeatureColumns, Features

__all__ = ["CandidateName", "EstimatorType", "FitTask", "Fitted", "Model", "SearchRange"]


@dataclass(frozen=True)
class Fitted:
    """A fitted pipeline (raw rows in, `predict_proba` or `predict` out) and what is worth saying about the fit."""

    pipeline: Any
    notes: tuple[str, ...] = ()


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
        counterpart: the kind to try where it can't be what is asked for.
        sparse: whether it takes a sparse matrix, as text gives: gladly, only where the recipe has no dense one, or not.
    """

    name: CandidateName | None = None
    baseline: ClassVar[bool] = False
    effort: ClassVar[int] = 1
    search: ClassVar[Mapping[str, SearchRange]] = {}
    estimators: ClassVar[tuple[EstimatorType, ...]] = ("classifier",)
    counterpart: ClassVar[str] = ""
    sparse: ClassVar[Literal["takes", "bears", "refuses"]] = "takes"

    @property
    def label(self) -> str:
        """The candidate's name."""
        return self.name or self.kind

    def obstacle(self, estimator: EstimatorType) -> str | None:
        """Return why this model can't be what a target needs, and what to try, as a sentence; None: it can."""
        if estimator not in self.estimators:
            remedy = f": try `{self.counterpart}`" if self.counterpart else ""
            return f"`{self.kind}` is a {self.estimators[0]}, and this target needs a {estimator}{remedy}"
        if estimator == "regressor" and getattr(self, "class_weight", None) is not None:
            return f"`class_weight` of `{self.kind}` weighs classes, and this target is a number: remove it"
        return None

    def misfit(self, recipe: Features) -> str | None:
        """Return why it can't be fitted behind a recipe, and what to try, as a sentence; None: it can."""
        if self.sparse != "refuses" or not recipe.sparse_only:
            return None
        return f"`{self.kind}` takes no sparse matrix, as `features.text` gives: set `reduce` there, or try `xgboost`"

    def require(self, task: FitTask) -> None:
        """Raise a ValueError where there is an obstacle."""
        found = self.obstacle(task.estimator)
        if found is not None:
            raise ValueError(found)

    def transformer(self, recipe: Features, columns: FeatureColumns) -> Any:
        """Return the unfitted transformer of the rows: the recipe's, unless the model takes categories as they are."""
        return recipe.build(columns) if self.sparse == "takes" or recipe.sparse_only else recipe.build_dense(columns)

    @abstractmethod
    def estimator(self, task: FitTask) -> Any:
        """Return the unfitted scikit-learn estimator of `task.estimator`; heavy imports stand in here."""

    def fit(self, features: Any, rows: pd.DataFrame, y: np.ndarray, task: FitTask) -> Fitted:
        """Fit `features` and the estimator on the training rows.

        Args:
            features: unfitted, from `transformer`.
            rows: `(n_rows, n_columns)` raw feature columns.
            y: `(n_rows,)` class codes from 0 on (int8; of two classes 1 is the positive one), or float64 numbers.
            task: seed, threads and inner rows.

        Raises:
            ValueError: the model can't be what the task asks for, or its library refuses rows or hyperparameters.
        """
        from sklearn.pipeline import Pipeline

        self.require(task)
        pipeline = Pipeline([("features", features), ("model", self.estimator(task))])
        return Fitted(pipeline.fit(rows, y))

"""The contract of a model: an unfitted scikit-learn estimator, and how it is fitted behind a feature recipe."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field

from mlsys.components import Component, not_given
from mlsys.models.calibration import Calibration
from mlsys.models.fit_task import EstimatorType, FitTask, Fitted
from mlsys.models.names import CandidateName
from mlsys.models.resampling import Resampling
from mlsys.models.search import SearchRange

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from mlsys.features.base import FeatureColumns, Features
    from mlsys.models.contributions import Contributions

__all__ = ["CandidateName", "EstimatorType", "FitTask", "Fitted", "Model", "SearchRange"]


class Model(Component, ABC):
    """A kind of model with typed hyperparameters.

    Attributes:
        name: what this candidate is called; default its kind. Two candidates of a kind need two names.
        resample: made-up rows of a rare class to learn from, beside the training rows; none by default.
        calibrate: make its scores right as probabilities, on training rows set aside; not by default.
        baseline: a sanity line: scored and shown, never chosen.
        effort: how long a fit takes next to those of other kinds; the longest is started first.
        search: where tuning looks, by field; what is not named stays as the spec says.
        estimators: what it can be, by scikit-learn's words; a learning task asks for one of them.
        counterpart: the kind to try where it can't be what is asked for.
        shared_rows: most rows whose `shares` are asked for; fewer where they cost much.
        of_champion: whether it is made of the champion, which its task then holds; left out where none serves.
        two_classes: whether it can be fitted for two classes alone.
        sparse: whether it takes a sparse matrix, as text gives: gladly, only where the recipe has no dense one, or not.
    """

    name: CandidateName | None = None
    resample: Resampling | None = Field(default=None, exclude_if=not_given)
    calibrate: Calibration | None = Field(default=None, exclude_if=not_given)
    baseline: ClassVar[bool] = False
    effort: ClassVar[int] = 1
    search: ClassVar[Mapping[str, SearchRange]] = {}
    estimators: ClassVar[tuple[EstimatorType, ...]] = ("classifier",)
    counterpart: ClassVar[str] = ""
    shared_rows: ClassVar[int] = 300
    of_champion: ClassVar[bool] = False
    two_classes: ClassVar[bool] = False
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

    def shares(self, estimator: Any, X: Any) -> Contributions:  # noqa: ARG002 - of a kind that can't say it
        """Return what each column adds to what the fitted estimator says, in the `(n_rows, n_features)` that it takes.

        Raises:
            ValueError: a model of this kind can't be divided among its columns; says why.
            UsageError: the library that divides it is not installed.
        """
        raise ValueError(f"`{self.kind}` does not say what each column adds")

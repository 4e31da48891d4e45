"""The contract of a learning task: what a label is, what a model says of a row, and how the two are held together."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from mlsys.components import Frozen
from mlsys.gates.base import Gate
from mlsys.metrics.predictions import Predictions
from mlsys.models.base import EstimatorType, FitTask, Fitted, Model
from mlsys.schema import ColumnSpec
from mlsys.targets.answers import AnswerLayout
from mlsys.targets.learnable import Learnable
from mlsys.targets.looks import Looks
from mlsys.targets.made_of import LabelColumns
from mlsys.targets.truth import Truth

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    import pyarrow as pa


class Target(Learnable, AnswerLayout, Frozen, ABC):
    """What is predicted: a column, and the learning task, whose options stand beside it.

    Attributes:
        column: the column whose value is predicted; it is no feature.
        estimator: what models of this task are, by scikit-learn's words.
        primary: the primary metric where the spec names none.
        method: what a fitted pipeline is asked with.
        two_classes: whether there are a positive and a negative class, of which one may be rare.
        predictions: labels with a model's answers, as metrics take them.
        looks: how a walk-forward looks at predictions.
        asked: how a loaded champion is asked, in lines of Python for people.
        unexplained: why no answer of this task can be explained, as a sentence; empty where it can.
    """

    column: str
    task: str

    estimator: ClassVar[EstimatorType]
    primary: ClassVar[str]
    method: ClassVar[Literal["predict_proba", "predict"]]
    two_classes: ClassVar[bool] = False
    predictions: ClassVar[type[Predictions]]
    looks: ClassVar[Looks]
    asked: ClassVar[str]
    unexplained: ClassVar[str] = ""

    @property
    def made_of(self) -> LabelColumns:
        """The columns that a label is made of; `truth` takes what its `of` returns."""
        return LabelColumns({"column": self.column}, hidden=(self.column,))

    @abstractmethod
    def truth(self, column: pa.ChunkedArray) -> Truth:
        """Return the labels of a column of the declared type, in its order."""

    @abstractmethod
    def answers(self, pipeline: Any, rows: pd.DataFrame) -> np.ndarray:
        """Return `(n_rows,)` float64, or `(n_rows, n_classes)`: what a fitted pipeline says of raw rows.

        Raises:
            RunError: the pipeline is none of this task, or gives anything but finite numbers.
        """

    def misfit(self, column: ColumnSpec) -> str | None:  # noqa: ARG002 - classes may be of any type
        """Return in words why the target can't be of the declared type, or None."""
        return None

    def ungated(self, gates: Sequence[Gate]) -> str | None:  # noqa: ARG002 - most leave the choice to the spec
        """Return in words which gate a spec of this task must have, and has not; None if nothing is missing."""
        return None

    def learning(self, pipeline: Any) -> dict[str, Any]:  # noqa: ARG002 - most keep nothing
        """Return what a fitted pipeline kept of its own learning, JSON-pure; empty where it kept nothing."""
        return {}

    def class_counts(self, y: np.ndarray) -> dict[str, int]:  # noqa: ARG002 - of classes
        """Return how many of some labels, all known, are of each class, in words; empty where there are no classes."""
        return {}

    def fit(self, model: Model, features: Any, rows: pd.DataFrame, y: np.ndarray, task: FitTask) -> Fitted:
        """Return a model fitted on `(n_rows,)` labels, all known; arguments as in `Model.fit`."""
        return model.fit(features, rows, y, task)

    def fitted_part(self, pipeline: Any) -> Any:
        """Return what `fit` had from the model, without what this task has put around it."""
        return pipeline

    @property
    def fitted_scale(self) -> str:
        """What regressors are fitted on, in words."""
        return self.column

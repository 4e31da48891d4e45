"""The holdout rows that an explanation asks about, with what the model says of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from mlsys.metrics.base import Metric
from mlsys.metrics.predictions import Predictions
from mlsys.models.base import Model
from mlsys.schema import ColumnSpec
from mlsys.spec.blocks import Explanations
from mlsys.targets.base import Target


@dataclass(frozen=True)
class Asked:
    """A model and the rows that it is asked about.

    Attributes:
        pipeline: as it would serve; `model` is of which kind it is.
        rows: `(n_rows, n_columns)` raw columns of the holdout; `predictions` are the model's answers about them.
        columns: of the spec, by name, in the order of `rows`.
        ranked: names of columns, the one that matters most first.
        classes: names of the classes, by their column of the answers; empty where an answer is one number.
        seed: of all that is left to chance.
    """

    target: Target
    model: Model
    pipeline: Any
    rows: pd.DataFrame
    predictions: Predictions
    metric: Metric
    columns: Mapping[str, ColumnSpec]
    ranked: Sequence[str]
    classes: Sequence[str]
    settings: Explanations
    seed: int

    def answers(self, rows: pd.DataFrame) -> np.ndarray:
        """Return what the model says of raw rows: `(n_rows,)`, or `(n_rows, n_classes)`."""
        return self.target.answers(self.pipeline, rows)

    def sample(self, most: int) -> np.ndarray:
        """Return positions of so many of the rows at most, in their order; the same for the same number."""
        n = len(self.rows)
        return np.sort(np.random.default_rng(self.seed).permutation(n)[: min(n, most)])

    def of(self, places: np.ndarray) -> Asked:
        """Return the rows at some positions alone."""
        rows = self.rows.iloc[places].reset_index(drop=True)
        return replace(self, rows=rows, predictions=self.predictions.where(places))

    def is_number(self, name: str) -> bool:
        """Whether a column has an order."""
        return self.columns[name].type in ("integer", "number", "boolean")

"""The champion's holdout row by row: what a monitor can learn of labels before those of current rows are known."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mlsys.metrics.predictions import Predictions

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

Weighted = Callable[[str, Predictions, "np.ndarray"], "np.ndarray"]


@dataclass(frozen=True)
class Holdout:
    """Rows that the champion was not fitted on, and their labels, all known.

    Attributes:
        rows: `(n_held, n_columns)`, columns as in `Window.reference`.
        day: `(n_held,)` datetime64[D].
        y_score, y_true: `(n_held,)`, as in `Window`.
        sliced: `(n_held, n_columns)` columns whose values may be slices, as in `WindowAnswers`; None: those of `rows`.
        weighted: gives a metric's `(n_replicates,)` values under `(n_replicates, n_rows)` weightings of rows.
    """

    rows: pd.DataFrame
    y_score: np.ndarray
    y_true: np.ndarray
    weighted: Weighted
    day: np.ndarray
    sliced: pd.DataFrame | None = None

"""Metrics of two classes that need only the four counts of the confusion matrix at the threshold."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from mlsys.metrics.counts import Proportion
from mlsys.metrics.intervals import Interval
from mlsys.metrics.predictions import Predictions, ratio
from mlsys.metrics.scores import Confusion, ResampledScores
from mlsys.metrics.units import ROWS, Units

if TYPE_CHECKING:
    import numpy as np


class Precision(Proportion):
    """`tp / (tp + fp)`: share of the rows predicted positive that are."""

    kind: Literal["precision"] = "precision"
    direction = "higher"
    title = "Precision"
    undefined_when = "no row is predicted positive"

    def _share(self, c: Confusion) -> tuple[np.ndarray, np.ndarray]:
        return c.tp, c.tp + c.fp


class Recall(Proportion):
    """`tp / (tp + fn)`: share of the positive rows that are found."""

    kind: Literal["recall"] = "recall"
    direction = "higher"
    title = "Recall"
    undefined_when = "no row is positive"

    def _share(self, c: Confusion) -> tuple[np.ndarray, np.ndarray]:
        return c.tp, c.tp + c.fn


class F1(Proportion):
    """`2 tp / (2 tp + fp + fn)`: harmonic mean of precision and recall.

    With `q = tp / (tp + fp + fn)`, a share of rows, it is `2 q / (1 + q)`, and so are the bounds of its interval.
    """

    kind: Literal["f1"] = "f1"
    direction = "higher"
    title = "F1"
    undefined_when = "no row is positive or predicted positive"

    def replicates(self, resampled: ResampledScores) -> np.ndarray:
        """Return `(n_replicates,)` values, NaN where the denominator is 0."""
        c = resampled.confusion
        return ratio(2 * c.tp, 2 * c.tp + c.fp + c.fn)

    def interval(
        self, predictions: Predictions, replicates: np.ndarray, level: float, *, units: Units = ROWS
    ) -> Interval:
        """Return Wilson's interval of the share, as F1 values."""
        found = super().interval(predictions, replicates, level, units=units)
        lower, upper = (2 * q / (1 + q) for q in (found.lower or 0.0, found.upper or 0.0))
        return Interval(lower, upper)

    def _share(self, c: Confusion) -> tuple[np.ndarray, np.ndarray]:
        return c.tp, c.tp + c.fp + c.fn


class FalseNegativeRate(Proportion):
    """`fn / (tp + fn)`: share of the positive rows that are missed."""

    kind: Literal["fnr"] = "fnr"
    direction = "lower"
    title = "False negative rate"
    undefined_when = "no row is positive"

    def _share(self, c: Confusion) -> tuple[np.ndarray, np.ndarray]:
        return c.fn, c.tp + c.fn


class FalsePositiveRate(Proportion):
    """`fp / (fp + tn)`: share of the negative rows that are flagged."""

    kind: Literal["fpr"] = "fpr"
    direction = "lower"
    title = "False positive rate"
    undefined_when = "no row is negative"

    def _share(self, c: Confusion) -> tuple[np.ndarray, np.ndarray]:
        return c.fp, c.fp + c.tn

"""Metrics of two classes that need only the four counts of the confusion matrix at the threshold."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, Literal

from mlsys.metrics.base import Metric
from mlsys.metrics.predictions import ratio
from mlsys.metrics.scores import Confusion, ResampledScores

if TYPE_CHECKING:
    import numpy as np


class CountMetric(Metric):
    """A metric of the four counts; each subclass is one formula."""

    def replicates(self, resampled: ResampledScores) -> np.ndarray:
        """Return `(n_replicates,)` values of the formula, NaN where its denominator is 0."""
        return self._of(resampled.confusion)

    @abstractmethod
    def _of(self, c: Confusion) -> np.ndarray: ...


class Accuracy(CountMetric):
    """`(tp + tn) / n`: share of rows predicted right."""

    kind: Literal["accuracy"] = "accuracy"
    direction = "higher"
    title = "Accuracy"
    undefined_when = "no rows"

    def _of(self, c: Confusion) -> np.ndarray:
        return ratio(c.tp + c.tn, c.tp + c.fp + c.fn + c.tn)


class BalancedAccuracy(CountMetric):
    """`(tp / (tp + fn) + tn / (tn + fp)) / 2`: mean of the shares found of each class."""

    kind: Literal["balanced_accuracy"] = "balanced_accuracy"
    direction = "higher"
    title = "Balanced accuracy"
    undefined_when = "all rows are of one class"

    def _of(self, c: Confusion) -> np.ndarray:
        both: np.ndarray = ratio(c.tp, c.tp + c.fn) + ratio(c.tn, c.tn + c.fp)
        return both / 2


class Precision(CountMetric):
    """`tp / (tp + fp)`: share of the rows predicted positive that are."""

    kind: Literal["precision"] = "precision"
    direction = "higher"
    title = "Precision"
    undefined_when = "no row is predicted positive"

    def _of(self, c: Confusion) -> np.ndarray:
        return ratio(c.tp, c.tp + c.fp)


class Recall(CountMetric):
    """`tp / (tp + fn)`: share of the positive rows that are found."""

    kind: Literal["recall"] = "recall"
    direction = "higher"
    title = "Recall"
    undefined_when = "no row is positive"

    def _of(self, c: Confusion) -> np.ndarray:
        return ratio(c.tp, c.tp + c.fn)


class F1(CountMetric):
    """`2 tp / (2 tp + fp + fn)`: harmonic mean of precision and recall."""

    kind: Literal["f1"] = "f1"
    direction = "higher"
    title = "F1"
    undefined_when = "no row is positive or predicted positive"

    def _of(self, c: Confusion) -> np.ndarray:
        return ratio(2 * c.tp, 2 * c.tp + c.fp + c.fn)


class Mcc(CountMetric):
    """`(tp tn - fp fn) / sqrt((tp+fp)(tp+fn)(tn+fp)(tn+fn))`: correlation of truth and prediction (Matthews 1975)."""

    kind: Literal["mcc"] = "mcc"
    direction = "higher"
    title = "Matthews correlation"
    undefined_when = "all rows, or all predictions, are of one class"

    def _of(self, c: Confusion) -> np.ndarray:
        import numpy as np

        # Two roots, because the product of four counts passes 2**53 from 10,000 rows on.
        scale = np.sqrt((c.tp + c.fp) * (c.tp + c.fn)) * np.sqrt((c.tn + c.fp) * (c.tn + c.fn))
        return ratio(c.tp * c.tn - c.fp * c.fn, scale)


class FalseNegativeRate(CountMetric):
    """`fn / (tp + fn)`: share of the positive rows that are missed."""

    kind: Literal["fnr"] = "fnr"
    direction = "lower"
    title = "False negative rate"
    undefined_when = "no row is positive"

    def _of(self, c: Confusion) -> np.ndarray:
        return ratio(c.fn, c.tp + c.fn)


class FalsePositiveRate(CountMetric):
    """`fp / (fp + tn)`: share of the negative rows that are flagged."""

    kind: Literal["fpr"] = "fpr"
    direction = "lower"
    title = "False positive rate"
    undefined_when = "no row is negative"

    def _of(self, c: Confusion) -> np.ndarray:
        return ratio(c.fp, c.fp + c.tn)

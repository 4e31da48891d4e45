"""Metrics of two classes that need only the four counts of the confusion matrix at the threshold."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from mlsys.metrics.base import Metric
from mlsys.metrics.intervals import Interval, effective_size, wilson
from mlsys.metrics.predictions import Predictions, ratio
from mlsys.metrics.scores import Confusion, ResampledScores

if TYPE_CHECKING:
    import numpy as np


_CELLS = {"tp": "true positive", "fp": "false positive", "fn": "false negative", "tn": "true negative"}


def counts_of(predictions: Any) -> Confusion:
    """Return the four counts of all rows, each counted once, as arrays of one number."""
    import numpy as np

    found: Confusion = predictions.resampled(np.ones((1, predictions.y_true.size))).confusion
    return found


class CountMetric(Metric):
    """A metric of the four counts; each subclass is one formula.

    Attributes:
        cells: the counts that the formula looks at.
    """

    cells: ClassVar[tuple[str, ...]] = ("tp", "fp", "fn", "tn")

    def replicates(self, resampled: ResampledScores) -> np.ndarray:
        """Return `(n_replicates,)` values of the formula, NaN where its denominator is 0."""
        return self._of(resampled.confusion)

    def interval(
        self, predictions: Predictions, replicates: np.ndarray, level: float, *, n_groups: int | None = None
    ) -> Interval:
        """Return the percentile interval; none where a count is 0, since no resample can have it otherwise."""
        counts = counts_of(predictions)
        empty = [name for name in self.cells if not getattr(counts, name)[0]]
        if empty:
            return Interval(None, None, f"there is no {_CELLS[empty[0]]}")
        return super().interval(predictions, replicates, level, n_groups=n_groups)

    @abstractmethod
    def _of(self, c: Confusion) -> np.ndarray: ...


class Proportion(CountMetric):
    """A share of some rows; its interval is Wilson's, which holds near 0 and 1 and where no row is of the share."""

    def interval(
        self, predictions: Predictions, replicates: np.ndarray, level: float, *, n_groups: int | None = None
    ) -> Interval:
        """Return Wilson's interval; of as many rows as tell what the groups tell, where rows come in groups."""
        part, whole = (float(counts[0]) for counts in self._share(counts_of(predictions)))
        if n_groups is not None:
            units = n_groups / predictions.y_true.size
            return wilson(part / whole, effective_size(part / whole, whole, replicates, units=units), level)
        return wilson(part / whole, whole, level)

    def _of(self, c: Confusion) -> np.ndarray:
        return ratio(*self._share(c))

    @abstractmethod
    def _share(self, c: Confusion) -> tuple[np.ndarray, np.ndarray]:
        """Return the counts of the part and of the whole."""


class Accuracy(Proportion):
    """`(tp + tn) / n`: share of rows predicted right."""

    kind: Literal["accuracy"] = "accuracy"
    direction = "higher"
    title = "Accuracy"
    undefined_when = "no rows"

    def _share(self, c: Confusion) -> tuple[np.ndarray, np.ndarray]:
        return c.tp + c.tn, c.tp + c.fp + c.fn + c.tn


class BalancedAccuracy(CountMetric):
    """`(tp / (tp + fn) + tn / (tn + fp)) / 2`: mean of the shares found of each class."""

    kind: Literal["balanced_accuracy"] = "balanced_accuracy"
    direction = "higher"
    title = "Balanced accuracy"
    undefined_when = "all rows are of one class"

    def _of(self, c: Confusion) -> np.ndarray:
        both: np.ndarray = ratio(c.tp, c.tp + c.fn) + ratio(c.tn, c.tn + c.fp)
        return both / 2


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


class F1(CountMetric):
    """`2 tp / (2 tp + fp + fn)`: harmonic mean of precision and recall."""

    kind: Literal["f1"] = "f1"
    direction = "higher"
    title = "F1"
    undefined_when = "no row is positive or predicted positive"
    cells = ("tp", "fp", "fn")

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

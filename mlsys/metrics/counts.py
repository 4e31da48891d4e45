"""What metrics of counted rows have in common: shares have Wilson's interval, other formulas need every count."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar

from mlsys.metrics.base import Metric
from mlsys.metrics.intervals import Interval, effective_size, wilson
from mlsys.metrics.predictions import Predictions, ratio

if TYPE_CHECKING:
    import numpy as np


def counts_of(predictions: Any) -> Any:
    """Return the confusion matrix of all rows, each counted once, as one replicate."""
    import numpy as np

    return predictions.resampled(np.ones((1, predictions.y_true.size))).confusion


class Proportion(Metric):
    """A share of some rows; its interval is Wilson's, which holds near 0 and 1 and where no row is of the share."""

    def replicates(self, resampled: Any) -> np.ndarray:
        """Return `(n_replicates,)` shares, NaN where the whole is 0."""
        return ratio(*self._share(resampled.confusion))

    def interval(
        self, predictions: Predictions, replicates: np.ndarray, level: float, *, n_groups: int | None = None
    ) -> Interval:
        """Return Wilson's interval; of as many rows as tell what the groups tell, where rows come in groups."""
        part, whole = (float(counts[0]) for counts in self._share(counts_of(predictions)))
        if n_groups is not None:
            units = n_groups / predictions.y_true.size
            return wilson(part / whole, effective_size(part / whole, whole, replicates, units=units), level)
        return wilson(part / whole, whole, level)

    @abstractmethod
    def _share(self, c: Any) -> tuple[np.ndarray, np.ndarray]:
        """Return the `(n_replicates,)` counts of the part and of the whole."""


class CountFormula(Metric):
    """A formula of several counts.

    Attributes:
        unused: counts that it does not look at, in words.
    """

    unused: ClassVar[tuple[str, ...]] = ()

    def interval(
        self, predictions: Predictions, replicates: np.ndarray, level: float, *, n_groups: int | None = None
    ) -> Interval:
        """Return the percentile interval; none where a count is 0, since no resample can have it otherwise."""
        empty = [name for name in counts_of(predictions).empty if name not in self.unused]
        if empty:
            return Interval(None, None, f"there is no {empty[0]}")
        return super().interval(predictions, replicates, level, n_groups=n_groups)

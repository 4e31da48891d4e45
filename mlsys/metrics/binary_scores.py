"""Metrics of two classes that look at the scores themselves, not at decisions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from mlsys.metrics.base import Metric
from mlsys.metrics.intervals import Interval, wilson
from mlsys.metrics.predictions import Predictions, ratio
from mlsys.metrics.scores import ResampledScores, Scored
from mlsys.metrics.units import ROWS, Units

if TYPE_CHECKING:
    import numpy as np


class RankMetric(Metric):
    """A share that depends on the order of the scores; its interval is that of its log odds."""

    scale = "odds"

    def interval(
        self, predictions: Predictions, replicates: np.ndarray, level: float, *, units: Units = ROWS
    ) -> Interval:
        """Return the interval; without a wrong pair that of a share of 1 in as many rows as the rarer class has."""
        if self.value(predictions).value == 1:
            n_positive = int(predictions.y_true.sum())
            rarer = min(n_positive, predictions.y_true.size - n_positive) or n_positive
            return wilson(1.0, max(1.0, rarer * units.count(predictions.y_true.size) / predictions.y_true.size), level)
        return super().interval(predictions, replicates, level, units=units)


class RocAuc(RankMetric):
    """Chance that a random positive row scores above a random negative one, ties counting half (Mann-Whitney)."""

    kind: Literal["roc_auc"] = "roc_auc"
    direction = "higher"
    title = "ROC AUC"
    ranks = True
    undefined_when = "all rows are of one class"

    def replicates(self, resampled: ResampledScores) -> np.ndarray:
        """Return `(n_replicates,)` areas, NaN where one class has no weight."""
        ranked, counts = resampled.ranked, resampled.confusion
        positive, negative = counts.tp + counts.fn, counts.tn + counts.fp
        lost = _dot(ranked.positives, ranked.above)
        lost = lost if ranked.down_to is ranked.above else (lost + _dot(ranked.positives, ranked.down_to)) / 2
        pairs = positive * negative
        return ratio(pairs - lost, pairs)

    def influence(self, predictions: Predictions) -> np.ndarray | None:
        """Return DeLong's placements, centred; None unless both classes have two rows."""
        from mlsys.metrics.influence import of_area

        return of_area(predictions) if isinstance(predictions, Scored) else None


class PrAuc(RankMetric):
    """Average precision: precision at each distinct score, weighted by the recall gained there; not interpolated."""

    kind: Literal["pr_auc"] = "pr_auc"
    direction = "higher"
    title = "Average precision"
    ranks = True
    undefined_when = "no row is positive"

    def replicates(self, resampled: ResampledScores) -> np.ndarray:
        """Return `(n_replicates,)` average precisions, NaN where positives have no weight."""
        import numpy as np

        ranked, counts = resampled.ranked, resampled.confusion
        found = np.cumsum(ranked.positives, axis=1, dtype="float64")
        flagged = found + ranked.down_to
        np.maximum(flagged, 1, out=flagged)  # nothing drawn so far: 0 of 1 instead of 0 of 0
        gained = _dot(ranked.positives, np.divide(found, flagged, out=found))
        positive = counts.tp + counts.fn
        return ratio(gained, positive)

    def influence(self, predictions: Predictions) -> np.ndarray | None:
        """Return the derivative by each row's weight; None where no row is positive."""
        from mlsys.metrics.influence import of_average_precision

        return of_average_precision(predictions) if isinstance(predictions, Scored) else None


def _dot(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Return the dot product of each pair of rows, summed in float64."""
    import numpy as np

    result: np.ndarray = np.einsum("rg,rg->r", left, right, dtype="float64")
    return result

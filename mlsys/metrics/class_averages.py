"""Metrics of several classes that are averages over them: of each class against the rest, by its counts or its ranking.

A macro average counts each class alike, a weighted one by its rows. Averages of precision, recall and F1 are over the
classes that have rows or are said of rows, and a share of none counts 0, as in scikit-learn with `zero_division=0`.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, ClassVar, Literal

from mlsys.metrics.base import Metric
from mlsys.metrics.classified import Classified
from mlsys.metrics.counts import Counted
from mlsys.metrics.predictions import Predictions, ratio

if TYPE_CHECKING:
    import numpy as np

    from mlsys.metrics.classified import ClassCounts, ResampledClasses


class CountAverage(Counted):
    """An average of a share of each class; each subclass is one formula."""

    tasks: ClassVar = ("multiclass",)
    scale = "odds"
    undefined_when = "no rows"

    def replicates(self, resampled: ResampledClasses) -> np.ndarray:
        """Return `(n_replicates,)` averages, NaN where no row has weight."""
        counts = resampled.confusion
        weights = self._weights(counts)
        return ratio((self._shares(counts) * weights).sum(axis=1), weights.sum(axis=1))

    def _weights(self, c: ClassCounts) -> np.ndarray:
        there: np.ndarray = ((c.actual + c.said) > 0).astype("float64")
        return there

    @abstractmethod
    def _shares(self, c: ClassCounts) -> np.ndarray: ...


class F1Macro(CountAverage):
    """Mean over classes of `2 hits / (rows + said)`, the harmonic mean of precision and recall."""

    kind: Literal["f1_macro"] = "f1_macro"
    direction = "higher"
    title = "F1, macro"

    def _shares(self, c: ClassCounts) -> np.ndarray:
        return _share(2 * c.hits, c.actual + c.said)


class F1Weighted(CountAverage):
    """F1 of each class, weighted by its rows: the large classes decide."""

    kind: Literal["f1_weighted"] = "f1_weighted"
    direction = "higher"
    title = "F1, weighted"

    def _shares(self, c: ClassCounts) -> np.ndarray:
        return _share(2 * c.hits, c.actual + c.said)

    def _weights(self, c: ClassCounts) -> np.ndarray:
        return c.actual


class PrecisionMacro(CountAverage):
    """Mean over classes of `hits / said`: the share of the rows said to be of a class that are."""

    kind: Literal["precision_macro"] = "precision_macro"
    direction = "higher"
    title = "Precision, macro"

    def _shares(self, c: ClassCounts) -> np.ndarray:
        return _share(c.hits, c.said)


class RecallMacro(CountAverage):
    """Mean over classes of `hits / rows`: the share of the rows of a class that are found."""

    kind: Literal["recall_macro"] = "recall_macro"
    direction = "higher"
    title = "Recall, macro"

    def _shares(self, c: ClassCounts) -> np.ndarray:
        return _share(c.hits, c.actual)


class RocAucOvr(Metric):
    """Mean over the classes that have rows of the area under the ROC curve, the class against the rest."""

    kind: Literal["roc_auc_ovr"] = "roc_auc_ovr"
    direction = "higher"
    title = "ROC AUC, one against the rest"
    ranks = True
    scale = "odds"
    tasks: ClassVar = ("multiclass",)
    undefined_when = "all rows are of one class"

    def replicates(self, resampled: ResampledClasses) -> np.ndarray:
        """Return `(n_replicates,)` means, NaN where one class has all weight."""
        return _mean_area(resampled, (resampled.confusion.actual > 0).astype("float64"))

    def influence(self, predictions: Predictions) -> np.ndarray | None:
        """Return the mean of the classes' influence; None unless each class has two rows or none."""
        import numpy as np

        found = _areas(predictions)
        return None if found is None else np.mean([influence for _, influence, _ in found], axis=0)


class RocAucOvrWeighted(Metric):
    """Area under the ROC curve of each class against the rest, weighted by its rows."""

    kind: Literal["roc_auc_ovr_weighted"] = "roc_auc_ovr_weighted"
    direction = "higher"
    title = "ROC AUC, weighted"
    ranks = True
    scale = "odds"
    tasks: ClassVar = ("multiclass",)
    undefined_when = "all rows are of one class"

    def replicates(self, resampled: ResampledClasses) -> np.ndarray:
        """Return `(n_replicates,)` means, NaN where one class has all weight."""
        return _mean_area(resampled, resampled.confusion.actual)

    def influence(self, predictions: Predictions) -> np.ndarray | None:
        """Return that of the classes and of their shares; None unless each class has two rows or none."""
        import numpy as np

        found = _areas(predictions)
        if found is None:
            return None
        mean = sum(area * of_class.mean() for area, _, of_class in found)
        return np.sum([share.mean() * moved + share * (area - mean) for area, moved, share in found], axis=0)  # type: ignore[no-any-return]


def _mean_area(resampled: ResampledClasses, weights: np.ndarray) -> np.ndarray:
    """Return the `(n_replicates,)` mean of the areas that are defined, by `(n_replicates, n_classes)` weights."""
    import numpy as np

    defined = np.isfinite(resampled.areas)
    weights = np.where(defined, weights, 0.0)
    return ratio((np.where(defined, resampled.areas, 0.0) * weights).sum(axis=1), weights.sum(axis=1))


def _areas(predictions: Predictions) -> list[tuple[float, np.ndarray, np.ndarray]] | None:
    """Return of each class that has rows its area, the influence on it, and the mask of its rows; or None."""
    from mlsys.metrics.binary_scores import RocAuc
    from mlsys.metrics.influence import of_area

    found, measure = [], RocAuc()
    for rows in predictions.against_the_rest if isinstance(predictions, Classified) else []:
        if rows.y_true.any():
            area, influence = measure.value(rows).value, of_area(rows)
            if area is None or influence is None:
                return None
            found.append((area, influence, rows.y_true == 1))
    return found or None


def _share(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """Return `part / whole`, 0 where `whole` is."""
    import numpy as np

    found: np.ndarray = np.divide(part, whole, out=np.zeros(whole.shape), where=whole > 0)
    return found

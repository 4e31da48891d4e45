"""Metrics of classes, be they two or more: of what a model decides, and of the probability that it gives the truth."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from mlsys.metrics.base import Metric
from mlsys.metrics.counts import Counted, MeanOfShares, Proportion

if TYPE_CHECKING:
    import numpy as np

    from mlsys.metrics.classified import ClassCounts, ResampledClasses
    from mlsys.metrics.predictions import Predictions
    from mlsys.metrics.scores import Confusion, ResampledScores


class ClassMetric(Metric):
    """A metric of two classes or more."""

    tasks: ClassVar = ("binary", "multiclass")


class LogLoss(ClassMetric):
    """Mean of `-log(probability given to the true class)`, probabilities clipped to [2**-52, 1 - 2**-52].

    A class that a model does not know has probability 0: such a row costs 36.
    """

    kind: Literal["log_loss"] = "log_loss"
    direction = "lower"
    title = "Log loss"
    scale = "log"
    undefined_when = "no rows"

    def replicates(self, resampled: ResampledScores | ResampledClasses) -> np.ndarray:
        """Return `(n_replicates,)` mean losses, NaN where no row has weight."""
        import numpy as np

        return resampled.mean(-np.log(resampled.given_to_truth))

    def influence(self, predictions: Predictions) -> np.ndarray:
        """Return how much greater each row's loss is than the mean."""
        import numpy as np

        from mlsys.metrics.influence import of_mean

        # As rows of both learning tasks have it.
        return of_mean(-np.log(predictions.given_to_truth))  # type: ignore[attr-defined]


class Accuracy(Proportion, ClassMetric):
    """Proportion of rows predicted right; of two classes `(tp + tn) / n`."""

    kind: Literal["accuracy"] = "accuracy"
    direction = "higher"
    title = "Accuracy"
    undefined_when = "no rows"

    def _share(self, c: Confusion | ClassCounts) -> tuple[np.ndarray, np.ndarray]:
        return c.right, c.total


class BalancedAccuracy(MeanOfShares, ClassMetric):
    """Mean of the shares found of each class that has rows; of two `(tp / (tp + fn) + tn / (tn + fp)) / 2`."""

    kind: Literal["balanced_accuracy"] = "balanced_accuracy"
    direction = "higher"
    title = "Balanced accuracy"
    undefined_when = "all rows are of one class"

    def replicates(self, resampled: ResampledScores | ResampledClasses) -> np.ndarray:
        """Return `(n_replicates,)` means, NaN where fewer than two classes have weight."""
        return resampled.confusion.mean_recall


class Mcc(Counted, ClassMetric):
    """Correlation of truth and prediction: 1 is right everywhere, 0 is chance (Matthews 1975; Gorodkin 2004).

    Of two classes `(tp tn - fp fn) / sqrt((tp+fp)(tp+fn)(tn+fp)(tn+fn))`.
    """

    kind: Literal["mcc"] = "mcc"
    direction = "higher"
    title = "Matthews correlation"
    scale = "fisher"
    undefined_when = "all rows, or all predictions, are of one class"

    def replicates(self, resampled: ResampledScores | ResampledClasses) -> np.ndarray:
        """Return `(n_replicates,)` correlations, NaN where truth or prediction is of one class alone."""
        return resampled.confusion.correlation

"""Metrics of a regression: how far predicted numbers lie from true ones, in the target's own unit or as a share."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from mlsys.metrics.base import Metric
from mlsys.metrics.predicted import ResampledNumbers
from mlsys.metrics.predictions import ratio

if TYPE_CHECKING:
    import numpy as np


class RegressionMetric(Metric):
    """A metric of true and predicted numbers; most are means over rows."""

    tasks: ClassVar = ("regression",)
    unit = "target"


class Rmse(RegressionMetric):
    """Root of the mean squared error: large errors weigh most; in the target's unit."""

    kind: Literal["rmse"] = "rmse"
    direction = "lower"
    title = "RMSE"
    undefined_when = "no rows"

    def replicates(self, resampled: ResampledNumbers) -> np.ndarray:
        """Return `(n_replicates,)` roots, NaN where no row has weight."""
        import numpy as np

        roots: np.ndarray = np.sqrt(resampled.squared_error)
        return roots


class Mse(RegressionMetric):
    """Mean squared error, in the target's unit squared."""

    kind: Literal["mse"] = "mse"
    direction = "lower"
    title = "MSE"
    unit = "target squared"
    undefined_when = "no rows"

    def replicates(self, resampled: ResampledNumbers) -> np.ndarray:
        """Return `(n_replicates,)` means, NaN where no row has weight."""
        return resampled.squared_error


class Mae(RegressionMetric):
    """Mean absolute error, in the target's unit."""

    kind: Literal["mae"] = "mae"
    direction = "lower"
    title = "MAE"
    undefined_when = "no rows"

    def replicates(self, resampled: ResampledNumbers) -> np.ndarray:
        """Return `(n_replicates,)` means, NaN where no row has weight."""
        import numpy as np

        return resampled.mean(np.abs(resampled.predicted.error))


class MedianAe(RegressionMetric):
    """Median absolute error: half of the rows are off by less; a few huge errors do not move it."""

    kind: Literal["median_ae"] = "median_ae"
    direction = "lower"
    title = "Median absolute error"
    undefined_when = "no rows"

    def replicates(self, resampled: ResampledNumbers) -> np.ndarray:
        """Return `(n_replicates,)` medians, of the two middle rows the mean; NaN where no row has weight."""
        import numpy as np

        predicted = resampled.predicted
        size = np.abs(predicted.error)[predicted.by_size]
        drawn = np.cumsum(np.take(resampled.weights, predicted.by_size, axis=1), axis=1, dtype="float64")
        # Places count from 0: those in the middle of n are (n - 1) // 2 and n // 2.
        middle = [np.floor((resampled.total - 1) / 2), np.floor(resampled.total / 2)]
        found = [size[np.minimum((drawn <= place[:, None]).sum(axis=1), size.size - 1)] for place in middle]
        return np.where(resampled.total > 0, (found[0] + found[1]) / 2, np.nan)


class Mape(RegressionMetric):
    """Mean of `|prediction - truth| / |truth|`: a share, which small true numbers inflate."""

    kind: Literal["mape"] = "mape"
    direction = "lower"
    title = "Mean absolute percentage error"
    unit = "share"
    undefined_when = "a true number is 0"

    def replicates(self, resampled: ResampledNumbers) -> np.ndarray:
        """Return `(n_replicates,)` means, NaN where a row with a truth of 0, or no row at all, has weight."""
        import numpy as np

        predicted = resampled.predicted
        zero = predicted.y_true == 0
        shares = np.abs(predicted.error) / np.where(zero, 1.0, np.abs(predicted.y_true))
        found = resampled.mean(shares)
        return np.where(resampled.mean(zero.astype("float64")) > 0, np.nan, found)


class Smape(RegressionMetric):
    """Mean of `2 |prediction - truth| / (|prediction| + |truth|)`, from 0 to 2; 0 where both are 0."""

    kind: Literal["smape"] = "smape"
    direction = "lower"
    title = "Symmetric MAPE"
    unit = "share"
    undefined_when = "no rows"

    def replicates(self, resampled: ResampledNumbers) -> np.ndarray:
        """Return `(n_replicates,)` means, NaN where no row has weight."""
        import numpy as np

        predicted = resampled.predicted
        sizes = np.abs(predicted.y_pred) + np.abs(predicted.y_true)
        return resampled.mean(2 * np.abs(predicted.error) / np.where(sizes == 0, 1.0, sizes))


class R2(RegressionMetric):
    """`1 - sum of squared errors / sum of squares around the mean`: the share of the variance that is explained."""

    kind: Literal["r2"] = "r2"
    direction = "higher"
    title = "R²"
    unit = "variance"
    undefined_when = "all true numbers are equal"

    def replicates(self, resampled: ResampledNumbers) -> np.ndarray:
        """Return `(n_replicates,)` shares, NaN where the drawn rows have one true number alone."""
        import numpy as np

        y_true, weights = resampled.predicted.y_true, resampled.weights
        if not y_true.size:
            return np.full(len(weights), np.nan)
        centred = y_true - y_true.mean()  # large numbers lose no digits
        variance = resampled.mean(centred**2) - resampled.mean(centred) ** 2
        drawn = weights > 0
        least, greatest = np.where(drawn, y_true, np.inf).min(axis=1), np.where(drawn, y_true, -np.inf).max(axis=1)
        # Exact, while a variance of equal numbers may be a rest of rounding.
        return 1 - ratio(resampled.squared_error, np.where(least < greatest, variance, 0.0))


class Bias(RegressionMetric):
    """`|mean of prediction - truth|`: how far predictions are too high, or too low, as a whole."""

    kind: Literal["bias"] = "bias"
    direction = "lower"
    title = "Bias"
    undefined_when = "no rows"

    def replicates(self, resampled: ResampledNumbers) -> np.ndarray:
        """Return `(n_replicates,)` distances, NaN where no row has weight."""
        import numpy as np

        distances: np.ndarray = np.abs(resampled.mean(resampled.predicted.error))
        return distances

"""Metrics of a regression: how far predicted numbers lie from true ones, in the target's own unit or as a share."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, ClassVar, Literal

from mlsys.metrics.base import Metric
from mlsys.metrics.intervals import Interval, IntervalScale
from mlsys.metrics.predicted import Predicted, ResampledNumbers
from mlsys.metrics.predictions import Predictions, ratio
from mlsys.metrics.units import ROWS, Units

if TYPE_CHECKING:
    import numpy as np


class RegressionMetric(Metric):
    """A metric of true and predicted numbers; most are means over rows."""

    tasks: ClassVar = ("regression",)
    unit = "target"
    scale: ClassVar[IntervalScale] = "log"

    def influence(self, predictions: Predictions) -> np.ndarray | None:
        """Return how much each row moves it; None where the metric is no smooth function of means over rows."""
        return self._moved(predictions) if isinstance(predictions, Predicted) and predictions.y_true.size else None

    @abstractmethod
    def _moved(self, predicted: Predicted) -> np.ndarray: ...


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

    def _moved(self, predicted: Predicted) -> np.ndarray:
        import numpy as np

        from mlsys.metrics.influence import of_mean

        squares = predicted.error**2
        root = np.sqrt(squares.mean())
        return of_mean(squares) / (2 * root if root else 1.0)  # type: ignore[no-any-return]


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

    def _moved(self, predicted: Predicted) -> np.ndarray:
        from mlsys.metrics.influence import of_mean

        return of_mean(predicted.error**2)


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

    def _moved(self, predicted: Predicted) -> np.ndarray:
        import numpy as np

        from mlsys.metrics.influence import of_mean

        return of_mean(np.abs(predicted.error))


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

    def _moved(self, predicted: Predicted) -> np.ndarray:
        import numpy as np

        from mlsys.metrics.influence import of_median

        return of_median(np.abs(predicted.error))


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

    def _moved(self, predicted: Predicted) -> np.ndarray:
        import numpy as np

        from mlsys.metrics.influence import of_mean

        zero = predicted.y_true == 0
        return of_mean(np.abs(predicted.error) / np.where(zero, 1.0, np.abs(predicted.y_true)))


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

    def _moved(self, predicted: Predicted) -> np.ndarray:
        import numpy as np

        from mlsys.metrics.influence import of_mean

        sizes = np.abs(predicted.y_pred) + np.abs(predicted.y_true)
        return of_mean(2 * np.abs(predicted.error) / np.where(sizes == 0, 1.0, sizes))


class R2(RegressionMetric):
    """`1 - sum of squared errors / sum of squares around the mean`: the share of the variance that is explained."""

    kind: Literal["r2"] = "r2"
    direction = "higher"
    title = "R²"
    scale = "below_one"
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

    def _moved(self, predicted: Predicted) -> np.ndarray:
        y_true, squares = predicted.y_true, predicted.error**2
        around = (y_true - y_true.mean()) ** 2
        unexplained = squares.mean() / around.mean()
        return (unexplained * around - squares) / around.mean()  # type: ignore[no-any-return]


class Bias(RegressionMetric):
    """`|mean of prediction - truth|`: how far predictions are too high, or too low, as a whole."""

    kind: Literal["bias"] = "bias"
    direction = "lower"
    title = "Bias"
    scale = "plain"
    undefined_when = "no rows"

    def replicates(self, resampled: ResampledNumbers) -> np.ndarray:
        """Return `(n_replicates,)` distances, NaN where no row has weight."""
        import numpy as np

        distances: np.ndarray = np.abs(resampled.mean(resampled.predicted.error))
        return distances

    def interval(
        self, predictions: Predictions, replicates: np.ndarray, level: float, *, units: Units = ROWS
    ) -> Interval:
        """Return the interval of the mean, without its sign: down to 0 where it may have either."""
        found = super().interval(predictions, replicates, level, units=units)
        return found if found.lower is None else Interval(max(0.0, found.lower), found.upper, found.reason)

    def _moved(self, predicted: Predicted) -> np.ndarray:
        import numpy as np

        from mlsys.metrics.influence import of_mean

        return of_mean(np.sign(predicted.error.mean()) * predicted.error)

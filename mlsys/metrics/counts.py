"""What metrics of counted rows have in common: intervals made of Wilson's, or of what a row more or less does."""

from __future__ import annotations

from abc import abstractmethod
from functools import partial
from typing import TYPE_CHECKING, Any

from mlsys.metrics.base import Metric
from mlsys.metrics.intervals import Interval, effective_size, mean_of_shares, wilson
from mlsys.metrics.predictions import Predictions, ratio
from mlsys.metrics.units import ROWS, Units

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy as np

    Share = tuple[np.ndarray, np.ndarray]  # `(n_replicates,)` counts of the part and of the whole


class Counted(Metric):
    """A metric that only asks how many rows of which truth are taken for what."""

    def influence(self, predictions: Predictions) -> np.ndarray | None:
        """Return what leaving out one row of each decision does; None where the metric is undefined without it."""
        from mlsys.metrics.influence import of_decisions

        return of_decisions(self.replicates, predictions)


class Proportion(Counted):
    """A share of some rows; its interval is Wilson's, which holds near 0 and 1 and where no row is of the share."""

    def replicates(self, resampled: Any) -> np.ndarray:
        """Return `(n_replicates,)` values, NaN where the whole is 0."""
        return ratio(*self._share(resampled.confusion))

    def interval(
        self,
        predictions: Predictions,
        replicates: np.ndarray,  # noqa: ARG002 - counts say it all
        level: float,
        *,
        units: Units = ROWS,
    ) -> Interval:
        """Return Wilson's interval; of as many rows as tell what the units tell, where rows count together."""
        return _wilson(predictions, lambda resampled: [self._share(resampled.confusion)], level, units)[1][0]

    @abstractmethod
    def _share(self, c: Any) -> Share:
        """Return the counts of the part and of the whole."""


class MeanOfShares(Counted):
    """The mean of shares of different rows, each of which has Wilson's interval."""

    def interval(
        self,
        predictions: Predictions,
        replicates: np.ndarray,  # noqa: ARG002 - counts say it all
        level: float,
        *,
        units: Units = ROWS,
    ) -> Interval:
        """Return the interval that Wilson's of the shares add up to."""
        return mean_of_shares(*_wilson(predictions, lambda resampled: resampled.confusion.recalls, level, units))


def _wilson(
    predictions: Predictions, shares: Callable[[Any], Sequence[Share]], level: float, units: Units
) -> tuple[list[float], list[Interval]]:
    """Return the values of several shares, those of no row left out, and the interval of each."""
    import numpy as np

    from mlsys.metrics.influence import of_decisions

    def share_of(resampled: Any, *, place: int) -> np.ndarray:
        return ratio(*shares(resampled)[place])

    values, intervals = [], []
    for place, (part, whole) in enumerate(shares(predictions.resampled(np.ones((1, predictions.y_true.size))))):
        n = float(whole[0])
        if n:
            share = float(part[0]) / n
            moved = None if units.of is None else of_decisions(partial(share_of, place=place), predictions)
            values.append(share)
            intervals.append(wilson(share, effective_size(share, n, moved, units=units, level=level), level))
    return values, intervals

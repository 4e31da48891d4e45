"""The contract of a metric: a direction, a name for people, and its value under many weightings of the rows.

Resampling never refits anything: a bootstrap replicate is a vector of row weights, and a metric computes all
replicates at once. The same weights serve challenger and champion, which makes their difference paired. The plain
value is the replicate in which every row weighs 1, so the two can't drift apart.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from mlsys.components import Component
from mlsys.metrics.intervals import Interval, IntervalScale, linear, percentile
from mlsys.metrics.predictions import Predictions
from mlsys.metrics.units import ROWS, Units

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True)
class Value:
    """A metric's value, or None with the reason why it is undefined."""

    value: float | None
    reason: str | None = None


class Metric(Component, ABC):
    """A number that says how good predictions are.

    Attributes:
        undefined_when: completes the sentence "undefined: ..."; then the value is None, never 0 or NaN.
        ranks: it compares the scores of rows with each other, so that all rows must be scored by one model.
        tasks: the learning tasks whose predictions it measures, by the names that `target.task` knows.
        needs: what the spec must say before it can be measured (`metrics.k`, say); "" where it is always.
        judges: gates and the choice of a candidate may rest on it; else it is shown alone.
        unit: what its values are numbers of: metrics of one unit are drawn on one axis.
        scale: on which it is about as unsure upwards as downwards.
    """

    direction: ClassVar[Literal["higher", "lower"]]
    title: ClassVar[str]
    undefined_when: ClassVar[str]
    ranks: ClassVar[bool] = False
    judges: ClassVar[bool] = True
    tasks: ClassVar[tuple[str, ...]] = ("binary",)
    needs: ClassVar[Literal["", "k", "costs"]] = ""
    unit: ClassVar[str] = "share"
    scale: ClassVar[IntervalScale] = "plain"

    @abstractmethod
    def replicates(self, resampled: Any) -> np.ndarray:
        """Return `(n_replicates,)` float64: the metric under each weighting, NaN where undefined.

        Args:
            resampled: what the `resampled` of the task's predictions returns.
        """

    def value(self, predictions: Predictions) -> Value:
        """Return the metric on all rows, each counted once."""
        import numpy as np

        n_rows = predictions.y_true.size
        if not n_rows:
            return Value(None, "no rows")
        number = float(self.replicates(predictions.resampled(np.ones((1, n_rows))))[0])
        return Value(number) if np.isfinite(number) else Value(None, self.undefined_when)

    def interval(
        self,
        predictions: Predictions,
        replicates: np.ndarray,
        level: float,
        *,
        units: Units = ROWS,
    ) -> Interval:
        """Return the two-sided interval of a defined value: by its influence values, else percentiles of its resamples.

        Args:
            predictions: the rows that the value is of.
            replicates: `(n_replicates,)` values under resamples of the units, NaN where undefined; empty where
                there are influence values.
            level: 0.95 for 95 %.
            units: which rows count together, where rows are not independent.
        """
        value = self.value(predictions).value
        influence = None if value is None else self.influence(predictions)
        if influence is None or value is None:
            return percentile(replicates, level, stretch=units.stretch((1 - level) / 2))
        return linear(value, influence, level, units=units, scale=self.scale)

    def influence(self, predictions: Predictions) -> np.ndarray | None:  # noqa: ARG002 - few are known in general
        """Return `(n_rows,)` float64: how much each row moves a defined value; None where that is not known.

        Under weights w, 1 on average, the metric is about its value + mean(w * influence). Where it is not known, rows
        are resampled.
        """
        return None

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
from mlsys.metrics.intervals import Interval, percentile
from mlsys.metrics.predictions import Predictions

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
    """

    direction: ClassVar[Literal["higher", "lower"]]
    title: ClassVar[str]
    undefined_when: ClassVar[str]
    ranks: ClassVar[bool] = False
    judges: ClassVar[bool] = True
    tasks: ClassVar[tuple[str, ...]] = ("binary",)
    needs: ClassVar[Literal["", "k", "costs"]] = ""
    unit: ClassVar[str] = "share"

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
        predictions: Predictions,  # noqa: ARG002 - most metrics need no more than their resamples
        replicates: np.ndarray,
        level: float,
        *,
        n_groups: int | None = None,  # noqa: ARG002 - resamples of whole groups vary as groups do
    ) -> Interval:
        """Return the two-sided interval of a defined value: by default the percentiles of its resamples.

        Args:
            predictions: the rows that the value is of.
            replicates: `(n_replicates,)` values under resamples of these rows, or of their groups; NaN where undefined.
            level: 0.95 for 95 %.
            n_groups: how many groups the rows come in, where they are not independent.
        """
        return percentile(replicates, level)

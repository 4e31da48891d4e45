"""The contract of a metric: a value, its direction, and when it is undefined.

Resampling never refits anything: a bootstrap replicate is a vector of row weights, and a metric computes all
replicates at once. The same weights serve challenger and champion, which makes their difference paired.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, ClassVar, Literal

from mlsys.components import Component

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True)
class Scored:
    """Rows with their truth and one model's scores.

    Attributes:
        y_true: `(n_rows,)` int8, 1 = positive.
        y_score: `(n_rows,)` float64, probability of the positive class; finite.
        threshold: `y_score >= threshold` predicts positive.
    """

    y_true: np.ndarray
    y_score: np.ndarray
    threshold: float = 0.5

    @cached_property
    def y_pred(self) -> np.ndarray:
        """`(n_rows,)` int8 predictions."""
        return (self.y_score >= self.threshold).astype("int8")  # type: ignore[no-any-return]

    @cached_property
    def order(self) -> np.ndarray:
        """`(n_rows,)` row positions by falling score; shared by the ranking metrics."""
        import numpy as np

        return np.argsort(-self.y_score, kind="stable")


@dataclass(frozen=True)
class Value:
    """A metric's value, or None with the reason why it is undefined."""

    value: float | None
    reason: str | None = None


class Metric(Component, ABC):
    """A number that says how good predictions are."""

    direction: ClassVar[Literal["higher", "lower"]]
    title: ClassVar[str]

    @abstractmethod
    def value(self, scored: Scored) -> Value:
        """Return the metric on all rows; undefined is None and a reason, never 0 or NaN."""

    @abstractmethod
    def replicates(self, scored: Scored, weights: np.ndarray) -> np.ndarray:
        """Return `(n_replicates,)` float64 values under `weights` `(n_replicates, n_rows)`, NaN where undefined."""

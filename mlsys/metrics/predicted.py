"""Rows whose truth is a number, with the numbers that one model predicts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self

from mlsys.metrics.predictions import Predictions, Resampled

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True)
class Predicted(Predictions):
    """Rows with their true number and a model's.

    Attributes:
        y_true: `(n_rows,)` float64, finite.
        y_pred: `(n_rows,)` float64, finite, in the unit of the truth.

    Raises:
        ValueError: different lengths, or a number that is not finite.
    """

    y_true: np.ndarray
    y_pred: np.ndarray

    def __post_init__(self) -> None:
        import numpy as np

        if self.y_true.shape != self.y_pred.shape or self.y_true.ndim != 1:
            raise ValueError(f"truth {self.y_true.shape} and predictions {self.y_pred.shape} must be equally long")
        if not (np.isfinite(self.y_true).all() and np.isfinite(self.y_pred).all()):
            raise ValueError("a true or predicted number is not finite")

    @property
    def answers(self) -> np.ndarray:
        """`(n_rows,)` float64 predictions."""
        return self.y_pred

    def changed(self, other: Self) -> float:
        """Return the mean absolute change, in standard deviations of these predictions; infinity if they have none."""
        import numpy as np

        moved, spread = float(np.abs(other.y_pred - self.y_pred).mean()), float(self.y_pred.std())
        return moved / spread if spread > 0 else float("inf") if moved else 0.0

    def where(self, rows: np.ndarray) -> Self:
        """Return the rows of a mask, or those at some positions."""
        return replace(self, y_true=self.y_true[rows], y_pred=self.y_pred[rows])

    def answered(self, answers: np.ndarray) -> Self:
        """Return the same rows with other predictions."""
        return replace(self, y_pred=answers)

    @classmethod
    def of(cls, y_true: np.ndarray, answers: np.ndarray, *, threshold: float) -> Self:  # noqa: ARG003 - of classes
        """Return true numbers with predicted ones."""
        return cls(y_true.astype("float64", copy=False), answers)

    @classmethod
    def imagined(cls, n_rows: int, *, wrong: float, threshold: float, seed: int) -> Self:  # noqa: ARG003 - of classes
        """Return numbers around 100, with predictions whose errors have so large a share of their spread."""
        import numpy as np

        random = np.random.default_rng(seed)
        y_true, noise = random.normal(100.0, 10.0, n_rows), random.normal(0.0, 10.0, n_rows)
        return cls(y_true, y_true + (wrong + 1e-6) * noise)

    @classmethod
    def joined(cls, parts: Sequence[Self]) -> Self:
        """Return the rows of several parts as one."""
        import numpy as np

        return cls(*(np.concatenate([getattr(part, name) for part in parts]) for name in ("y_true", "y_pred")))

    def resampled(self, weights: np.ndarray) -> ResampledNumbers:
        """Return the rows under `(n_replicates, n_rows)` weightings."""
        return ResampledNumbers(weights, self)

    def pictures(self) -> dict[str, Any]:
        """Return predicted against true numbers, the errors' distribution, and the errors by tenths of the truth."""
        from mlsys.metrics.residuals import error_bins, points, tenths

        return {
            "points": points(self.y_true, self.y_pred),
            "errors": error_bins(self.error),
            "tenths": tenths(self.y_true, self.error),
        }

    @property
    def loss(self) -> np.ndarray:
        """`(n_rows,)` absolute error, in the unit of the truth."""
        import numpy as np

        found: np.ndarray = np.abs(self.error)
        return found

    @cached_property
    def error(self) -> np.ndarray:
        """`(n_rows,)` prediction less truth."""
        found: np.ndarray = self.y_pred - self.y_true
        return found

    @cached_property
    def by_size(self) -> np.ndarray:
        """`(n_rows,)` row positions by rising absolute error."""
        import numpy as np

        found: np.ndarray = np.argsort(np.abs(self.error), kind="stable")
        return found


@dataclass(frozen=True)
class ResampledNumbers(Resampled):
    """Rows of a regression under many weightings."""

    predicted: Predicted

    @cached_property
    def squared_error(self) -> np.ndarray:
        """`(n_replicates,)` mean squared error; several metrics are made of it."""
        return self.mean(self.predicted.error**2)

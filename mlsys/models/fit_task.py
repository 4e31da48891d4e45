"""What a fit is told: seed, threads, the rows for early stopping, and what is asked for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import numpy as np

EstimatorType = Literal["classifier", "regressor", "policy"]  # scikit-learn's words, and one of ours


@dataclass(frozen=True)
class FitTask:
    """The circumstances of a fit.

    Attributes:
        seed: the only source of randomness.
        threads: OS threads the estimator may use (1 unless the spec says otherwise; candidates run side by side).
        inner: `(n_rows,)` bool, training rows set aside for early stopping; never validation rows.
        estimator: what is asked for, which the learning task decides; one of the model's `estimators`.
    """

    seed: int
    threads: int
    inner: np.ndarray
    estimator: EstimatorType = "classifier"

    def can_stop_early(self, y: np.ndarray) -> bool:
        """Whether the inner rows can judge what the others teach.

        Both have rows; those of a classifier the others of every class, and the inner ones of two at least (a rare
        class may be missing there).
        """
        import numpy as np

        inner, others = y[self.inner], y[~self.inner]
        if self.estimator == "regressor":
            return bool(inner.size and others.size)
        return np.unique(inner).size > 1 and np.unique(others).size == np.unique(y).size

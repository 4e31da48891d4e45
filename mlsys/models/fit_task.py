"""What a fit is told (seed, threads, the rows for early stopping, what is asked for) and what it gives."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    import numpy as np

EstimatorType = Literal["classifier", "regressor", "policy"]  # scikit-learn's words, and one of ours


@dataclass(frozen=True)
class Foundation:
    """The champion's fitted pipeline, for a model that is made of it, and what it knows of the rows.

    Attributes:
        fresh: `(n_rows,)` bool, training rows that it has not learnt from.
        age: `(n_rows,)` whole days before the newest training row.
    """

    pipeline: Any
    fresh: np.ndarray
    age: np.ndarray


@dataclass(frozen=True)
class FitTask:
    """The circumstances of a fit.

    Attributes:
        seed: the only source of randomness.
        threads: OS threads the estimator may use (1 unless the spec says otherwise; candidates run side by side).
        inner: `(n_rows,)` bool, training rows set aside for early stopping; never validation rows.
        estimator: what is asked for, which the learning task decides; one of the model's `estimators`.
        lot: `(n_rows,)` float64 in [0, 1), each row's by its key: who is set aside for calibration. None draws them.
        champion: of a model that is made of the champion; None for all others.
    """

    seed: int
    threads: int
    inner: np.ndarray
    estimator: EstimatorType = "classifier"
    lot: np.ndarray | None = None
    champion: Foundation | None = None

    def part(self, rows: np.ndarray) -> FitTask:
        """Return the circumstances of a fit on the rows of a mask `(n_rows,)`."""
        found = replace(self, inner=self.inner[rows], lot=None if self.lot is None else self.lot[rows])
        if self.champion is None:
            return found
        known = replace(self.champion, fresh=self.champion.fresh[rows], age=self.champion.age[rows])
        return replace(found, champion=known)

    def aside(self, n_rows: int, share: float) -> np.ndarray:
        """Return `(n_rows,)` bool: a share of the rows, the same ones for every model."""
        import numpy as np

        lot = np.random.default_rng(self.seed).random(n_rows) if self.lot is None else self.lot
        found: np.ndarray = lot < share
        return found

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


@dataclass(frozen=True)
class Fitted:
    """A fitted pipeline (raw rows in, `predict_proba` or `predict` out) and what is worth saying about the fit."""

    pipeline: Any
    notes: tuple[str, ...] = ()

"""Whether anything can be learnt from labels, and what they lack."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mlsys.errors import DataError, MlsysError
from mlsys.targets.truth import Truth

if TYPE_CHECKING:
    import numpy as np


class Learnable:
    """Labels of a column from which a model shall learn; a task overrides what it knows better."""

    column: str

    def refused(self, truth: Truth, rows: np.ndarray) -> MlsysError | None:  # noqa: ARG002 - most refuse nothing
        """Return why nothing can be learnt from the labels of a mask, whatever rows come later; None if it can."""
        return None

    def lacking(self, truth: Truth, rows: np.ndarray) -> MlsysError | None:
        """Return what the labels of a mask lack, and more rows may bring; None if nothing."""
        if (rows & truth.known).any():
            return None
        remedy = "See whether labels arrive before the cutoff"
        return DataError("No row has a label", where=f"column {self.column}", remedy=remedy)

    def require_learnable(self, truth: Truth, rows: np.ndarray) -> None:
        """Refuse labels of which nothing can be learnt.

        Raises:
            DataError: with the reason, the values that there are, and what to do.
        """
        error = self.refused(truth, rows) or self.lacking(truth, rows)
        if error is not None:
            raise error

    def labelled(self, y: np.ndarray) -> np.ndarray:
        """Return `(n_rows,)` bool: which of some labels, as `Truth.y` has them, are known."""
        return y == y if y.dtype.kind == "f" else y >= 0  # NaN is not equal to itself

    def unfit(self, y: np.ndarray) -> str | None:
        """Return in words why no model can be fitted on these labels, or None."""
        return None if y.size and (y != y[0]).any() else "have one and the same label"

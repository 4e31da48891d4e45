"""The contract of a feature recipe: an unfitted scikit-learn transformer for columns of declared types."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

from mlsys.components import Component


@dataclass(frozen=True)
class FeatureColumns:
    """Feature columns by what they hold; the order is the schema's.

    `numeric` (integer, number, boolean) come as float64 with NaN for missing; `categorical` (category, text) as
    object columns of str with None for missing.
    """

    numeric: tuple[str, ...]
    categorical: tuple[str, ...]


class Features(Component, ABC):
    """A recipe; it is fitted inside each candidate's own pipeline, on training rows only."""

    @property
    def texts(self) -> tuple[str, ...]:
        """Columns that it takes apart as text; all others of type text or category are categories."""
        return ()

    @property
    def sparse_only(self) -> bool:
        """Whether it gives nothing but sparse matrices, which some models don't take."""
        return False

    @abstractmethod
    def build(self, columns: FeatureColumns) -> Any:
        """Return an unfitted transformer from a DataFrame with exactly these columns to a float matrix.

        The matrix is dense, or in scipy's CSR form.
        """

    def build_dense(self, columns: FeatureColumns) -> Any:
        """Return one to a dense matrix; never asked of a recipe that is `sparse_only`."""
        return self.build(columns)

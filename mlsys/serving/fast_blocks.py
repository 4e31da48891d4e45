"""Blocks of columns that a step of a feature recipe makes of numbers and categories, on arrays."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from mlsys.serving.fast_rows import ReadValues

if TYPE_CHECKING:
    import numpy as np


class NotConvertibleError(Exception):
    """Something has no form on arrays; says what, as a part of a sentence."""


class ColumnBlock(Protocol):
    """Some neighbouring columns of the matrix."""

    def fill(self, out: np.ndarray, values: ReadValues) -> None:
        """Write the block's columns of the rows into `(n_rows, n_columns)` zeros."""
        ...


@dataclass(frozen=True)
class Numbers:
    """Imputed, scaled and clipped numbers; what a step does not do is None.

    Attributes:
        places: the columns' places among all numeric ones.
    """

    places: slice | np.ndarray
    fill_with: np.ndarray
    centre: np.ndarray | None
    scale: np.ndarray | None
    limits: tuple[float, float] | None

    def fill(self, out: np.ndarray, values: ReadValues) -> None:
        """Write the numbers."""
        import numpy as np

        numbers = values.numbers[:, self.places]
        found = np.where(np.isnan(numbers), self.fill_with, numbers)
        if self.centre is not None:
            found -= self.centre
        if self.scale is not None:
            found /= self.scale
        if self.limits is not None:
            np.clip(found, *self.limits, out=found)
        out[:] = found


@dataclass(frozen=True)
class MissingMarks:
    """1 where a number is missing."""

    places: slice | np.ndarray

    def fill(self, out: np.ndarray, values: ReadValues) -> None:
        """Write the marks."""
        import numpy as np

        out[:] = np.isnan(values.numbers[:, self.places])


@dataclass(frozen=True)
class CategoryColumns:
    """One column per group of categories.

    Attributes:
        column: of each known value, None for missing, which column is 1; -1 = none is.
        otherwise: the column of a value that training had not.
    """

    name: str
    column: dict[str | None, int]
    otherwise: int

    def fill(self, out: np.ndarray, values: ReadValues) -> None:
        """Write the ones."""
        for row, value in enumerate(values.texts[self.name]):
            column = self.column.get(value, self.otherwise)
            if column >= 0:
                out[row, column] = 1.0

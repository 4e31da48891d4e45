"""A target column as models take it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mlsys.wording import counted

if TYPE_CHECKING:
    import numpy as np

    from mlsys.targets.labels import Labels


@dataclass(frozen=True)
class Truth:
    """A target column as models take it.

    Attributes:
        y: `(n_rows,)` class codes as int8, -1 where there is no label; or float64, NaN where there is none.
        unusable: `(n_rows,)` masks of the rows that have no label, by the reason; together they are the rows without.
        labels: the classes by name; None where a label is a number.
    """

    y: np.ndarray
    unusable: Mapping[str, np.ndarray]
    labels: Labels | None = None

    @property
    def known(self) -> np.ndarray:
        """`(n_rows,)` bool: rows with a label."""
        import numpy as np

        unknown: np.ndarray = np.logical_or.reduce(list(self.unusable.values()))
        return ~unknown

    def among(self, classes: Collection[str], rows: np.ndarray) -> np.ndarray:
        """Return `y` with labels of the rows of a mask alone and, where there are classes, of those classes alone."""
        import numpy as np

        kept = rows
        if self.labels is not None:
            known = np.array([name in classes for name in self.labels.names] + [False])
            kept = rows & known[self.labels.codes]
        missing = np.nan if self.y.dtype.kind == "f" else -1
        found: np.ndarray = np.where(kept, self.y, missing).astype(self.y.dtype)
        return found

    def counts(self, rows: np.ndarray) -> dict[str, int]:
        """Return `{class: rows}` of the labelled rows of a mask, by name; empty where there are no classes."""
        return {} if self.labels is None else self.labels.counts(rows)


def named_rows(counts: Mapping[str, int]) -> str:
    """Return the first ten classes with their rows, in words."""
    named = ", ".join(f"'{name}' ({counted(n, 'row')})" for name, n in list(counts.items())[:10])
    return named + (", ..." if len(counts) > 10 else "")

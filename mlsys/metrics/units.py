"""What counts as one piece of evidence: a row, or all rows of a group, a day or a block of days."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import numpy as np

UnitKind = Literal["row", "group", "day", "block"]


@dataclass(frozen=True)
class Spread:
    """How much an estimate would differ from sample to sample.

    Attributes:
        error: standard error.
        freedom: degrees of freedom of the error itself; infinite where nothing varies.
    """

    error: float
    freedom: float

    def reach(self, tail: float) -> float:
        """Return how far a bound with so much probability beyond it lies from the estimate: a t quantile of errors."""
        from scipy.special import ndtri, stdtrit

        wide = self.freedom == float("inf")
        quantile = float(ndtri(1 - tail) if wide else stdtrit(self.freedom, 1 - tail))
        return quantile * self.error


@dataclass(frozen=True)
class Units:
    """Which rows count together.

    Attributes:
        kind: a single `row`, or what rows have in common.
        of: `(n_rows,)` whole numbers, alike for rows of one unit; None where each row is one.
        widened: factor of standard errors, where rows have more in common than the unit.
    """

    kind: UnitKind = "row"
    of: np.ndarray | None = None
    widened: float = 1.0

    @cached_property
    def places(self) -> np.ndarray | None:
        """`(n_rows,)` places of the units, from 0 on; None for rows."""
        import numpy as np

        return None if self.of is None else np.unique(self.of, return_inverse=True)[1]

    @cached_property
    def n(self) -> int:
        """How many units there are; 0 for rows, which depend on the sample."""
        return 0 if self.places is None or not self.places.size else int(self.places.max()) + 1

    def count(self, n_rows: int) -> int:
        """Return how many units `n_rows` rows are."""
        return self.n if self.places is not None else n_rows

    def same(self, other: Units) -> bool:
        """Return whether the same rows count together in both."""
        import numpy as np

        own, others = self.places, other.places
        return own is others or (own is not None and others is not None and np.array_equal(own, others))

    def where(self, rows: np.ndarray) -> Units:
        """Return the units of some rows: of a mask, or those at some positions."""
        return self if self.of is None else replace(self, of=self.of[rows])

    def sums(self, values: np.ndarray) -> np.ndarray:
        """Return the sum of `(n_rows,)` values of each unit."""
        import numpy as np

        return values if self.places is None else np.bincount(self.places, weights=values, minlength=self.n)

    def spread(self, influence: np.ndarray) -> Spread:
        """Return the standard error of an estimate with `(n_rows,)` influence values, units being independent.

        Sums of units are squared (Liang and Zeger, Biometrika 73, 1986), with the factor of units / (units - 1).
        """
        import numpy as np

        squares = self.sums(influence) ** 2
        total, n = float(squares.sum()), squares.size
        if total == 0 or n < 2:
            return Spread(0.0, float("inf"))
        factor = 1.0 if self.places is None else n / (n - 1)
        return Spread(self.widened * float(np.sqrt(factor * total)) / influence.size, n - 1.0)

    def cautious_spread(self, influence: np.ndarray) -> Spread:
        """Return the same with as many degrees of freedom as a variance of values with these tails has.

        They are Satterthwaite's, 2 E² / Var (Pan and Wall, Statistics in Medicine 21, 2002), at most the units less
        one: where few rows of a rare class make up most of an error, the error is itself unsure.
        """
        found, squares = self.spread(influence), self.sums(influence) ** 2
        noise = float((squares**2).sum()) - float(squares.sum()) ** 2 / squares.size
        if found.error == 0 or noise <= 0:
            return found
        return replace(found, freedom=max(1.0, min(found.freedom, 2 * float(squares.sum()) ** 2 / noise)))

    def few(self, tail: float) -> float:
        """Return how much farther out the t quantile of so few units lies than the normal one."""
        from scipy.special import ndtri, stdtrit

        return float(stdtrit(self.n - 1, 1 - tail) / ndtri(1 - tail)) if self.n > 1 else 1.0

    def stretch(self, tail: float) -> float:
        """Return by how much percentiles of resampled units lie too near: few units vary less than they should."""
        return self.widened * self.few(tail) * (self.n / (self.n - 1)) ** 0.5 if self.n > 1 else 1.0


ROWS = Units()

"""Rows with their truth and what one model says of them, as metrics look at them: once, or under many weightings.

Each learning task has its own kind of them. What several metrics need is computed once per model and set of weights.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    import numpy as np


class Predictions(ABC):
    """Rows with their truth and one model's answers.

    Attributes:
        y_true: `(n_rows,)`, known for every row.
    """

    y_true: np.ndarray

    @property
    @abstractmethod
    def answers(self) -> np.ndarray:
        """`(n_rows,)` float64, or `(n_rows, n_classes)`: what the model says of each row; finite."""

    @property
    def expected(self) -> tuple[np.ndarray, np.ndarray]:
        """`(n_rows,)` numbers that the model expects of the rows, and those that came: alike where it is calibrated."""
        return self.answers, self.y_true.astype("float64")

    @property
    def said(self) -> np.ndarray:
        """`(n_rows,)` what people see of the answers: the class that is said, or the number."""
        return self.answers

    @property
    def loss(self) -> np.ndarray:
        """`(n_rows,)` float64: how wrong each answer is, of a loss that true probabilities or medians make smallest."""
        expected, came = self.expected
        found: np.ndarray = (expected - came) ** 2
        return found

    def parts(self, n_parts: int = 10) -> list[np.ndarray]:
        """Return positions of rows in so many equal parts by what is expected, rising; fewer where rows tie."""
        import numpy as np

        expected = self.expected[0]
        if not expected.size:
            return []
        order = np.argsort(expected, kind="stable")
        score = expected[order]
        cuts = score[np.linspace(0, score.size, n_parts + 1).astype(int)[1:-1]]
        return [part for part in np.split(order, np.unique(np.searchsorted(score, cuts))) if part.size]

    def in_order(self) -> Self:
        """Return the rows in an order of their own, whichever they came in; rows alike are interchangeable."""
        import numpy as np

        return self.where(np.lexsort((*np.atleast_2d(self.answers.T), self.y_true)))

    @property
    def groups(self) -> np.ndarray | None:
        """`(n_rows,)` whole numbers: rows of one group are drawn together; None where rows are independent."""
        return None

    def changed(self, other: Self) -> float:
        """Return the share of rows, at least one, that another model decides in another way.

        Of numbers the mean absolute change, in standard deviations of these answers.
        """
        return float((self.said != other.said).mean())

    @property
    def decisions(self) -> np.ndarray | None:
        """`(n_rows,)` whole numbers, alike for rows of one truth that are taken for the same; None without classes."""
        return None

    @abstractmethod
    def where(self, rows: np.ndarray) -> Self:
        """Return the rows of a mask `(n_rows,)`, or those at some positions, in that order."""

    @abstractmethod
    def answered(self, answers: np.ndarray) -> Self:
        """Return the same rows with other answers, as many of them."""

    @classmethod
    @abstractmethod
    def of(cls, y_true: np.ndarray, answers: np.ndarray, *, threshold: float) -> Self:
        """Return `(n_rows,)` labels, all known, with a model's answers.

        Raises:
            ValueError: an answer is not finite.
        """

    @classmethod
    @abstractmethod
    def imagined(cls, n_rows: int, *, wrong: float, threshold: float, seed: int) -> Self:
        """Return made-up rows with the answers of a model that errs by `wrong`, from 0 (never) to 1 (always)."""

    @classmethod
    @abstractmethod
    def joined(cls, parts: Sequence[Self]) -> Self:
        """Return the rows of several parts as one; there is at least one part."""

    @abstractmethod
    def resampled(self, weights: np.ndarray) -> Resampled:
        """Return the rows under `(n_replicates, n_rows)` weightings."""

    @abstractmethod
    def pictures(self) -> dict[str, Any]:
        """Return what a report draws of them, JSON-pure and small, by the name of the picture."""


@dataclass(frozen=True)
class Resampled:
    """Rows under many weightings at once.

    Attributes:
        weights: `(n_replicates, n_rows)` whole numbers as float32 or float64: how often each row was drawn. Their sum
            per replicate must be exact in that type (below 2**24 for float32).
    """

    weights: np.ndarray

    @cached_property
    def total(self) -> np.ndarray:
        """`(n_replicates,)` float64: how many rows were drawn."""
        found: np.ndarray = self.weights.sum(axis=1, dtype="float64")
        return found

    def mean(self, values: np.ndarray) -> np.ndarray:
        """Return the `(n_replicates,)` mean of one number per row, NaN where no row has weight."""
        import numpy as np

        # einsum, not BLAS: its order of summation does not depend on the number of threads.
        return ratio(np.einsum("rn,n->r", self.weights, values), self.total)


def ratio(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """Return `part / whole`, NaN where `whole` is 0."""
    import numpy as np

    result: np.ndarray = np.divide(part, whole, out=np.full(whole.shape, np.nan), where=whole > 0)
    return result

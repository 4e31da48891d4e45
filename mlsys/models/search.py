"""Where tuning looks for hyperparameters: ranges that it draws from, and grids of which it tries every point."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    import numpy as np

    from mlsys.models.base import Model

M = TypeVar("M", bound="Model")
Choice = bool | int | float | str | None


@dataclass(frozen=True)
class SearchRange:
    """Where tuning looks for a hyperparameter: evenly between two bounds, or evenly in its logarithm.

    Attributes:
        low, high: both may be drawn; two whole numbers draw whole numbers.
    """

    low: float
    high: float
    log: bool = False

    def draw(self, random: np.random.Generator) -> float:
        """Return a value, with four significant digits, so that a report can name it."""
        import math

        if isinstance(self.low, int) and isinstance(self.high, int):
            return int(random.integers(self.low, self.high, endpoint=True))
        low, high = (math.log(self.low), math.log(self.high)) if self.log else (self.low, self.high)
        drawn = random.uniform(low, high)
        return min(self.high, max(self.low, float(f"{math.exp(drawn) if self.log else drawn:.4g}")))


def points(model: M, grid: Mapping[str, Sequence[Choice]]) -> Iterator[M]:
    """Yield the model with every combination of a grid's values, the last field changing fastest.

    Raises:
        ValidationError: a field that the model has not, or a value that it can't have.
    """
    own = model.model_dump()
    for values in product(*grid.values()):
        yield type(model).model_validate(own | dict(zip(grid, values, strict=True)))

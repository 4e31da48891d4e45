"""Where tuning looks for hyperparameters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np


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

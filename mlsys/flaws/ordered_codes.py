"""Whole numbers that are names: models take the order of codes for a quantity."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from mlsys.flaws.base import Flaw
from mlsys.flaws.rows import Inspected, Values
from mlsys.records.inspection import Finding

if TYPE_CHECKING:
    import numpy as np

_CODES = (6, 60)
_LEAST_ROWS = 10  # of a code, to be counted
_CHANCE = 1e-6


class OrderedCodes(Flaw):
    """What a column of few whole numbers says of the label jumps up and down from one number to the next.

    The means of the label by code are held against what varies smoothly or rises with the code: a parabola, and
    rising and falling steps, each also without the first or the last code, which may stand for a missing value. What
    is left is tested against the spread inside the codes (chi-square).

    Attributes:
        unexplained: share of the variance between codes that is left, from here on it is shown.
        effect: share of the whole variance of the label that is left between codes; less does not matter.
    """

    kind: Literal["ordered_codes"] = "ordered_codes"
    unexplained: float = Field(default=0.5, gt=0, le=1)
    effect: float = Field(default=0.01, ge=0, le=1)

    def look(self, rows: Inspected) -> Iterator[Finding]:
        """Yield the columns of codes."""
        import numpy as np

        if not rows.judgeable:
            return
        truths = rows.one_against_rest.items() or [("the target", rows.sample.y)]
        for column in rows.columns():
            known = column.known
            if column.type != "integer" or column.numbers is None or not _CODES[0] <= column.n_distinct <= _CODES[1]:
                continue
            numbers = column.numbers[known]
            for _, y in truths:
                left, effect = _left(numbers, y[known].astype(np.float64))
                if left >= self.unexplained and effect >= self.effect:
                    yield self._found(column, left)
                    break

    def _found(self, column: Values, left: float) -> Finding:
        sentence = (
            f"The numbers of '{column.name}' seem to be names: what they say of the label jumps from one of its"
            f" {column.n_distinct} codes to the next, and no order explains {100 * left:.3g} % of it."
            " Declare it as `category`, or models take 3 for more than 2."
        )
        return self.found(
            sentence,
            certain=True,
            column=column.name,
            observed=left,
            observed_as="share that no order explains",
            limit=self.unexplained,
        )


def _left(numbers: np.ndarray, y: np.ndarray) -> tuple[float, float]:
    """Return which share of the variance between codes no order explains, and what that is of the whole variance.

    Both are 0 where chance could have left as much.
    """
    import numpy as np
    from scipy.special import chdtrc

    codes, places, counts = np.unique(numbers, return_inverse=True, return_counts=True)
    enough = counts >= _LEAST_ROWS
    if enough.sum() < _CODES[0]:
        return 0.0, 0.0
    means = np.bincount(places, weights=y) / counts
    inside = float(((y - means[places]) ** 2).sum()) / max(len(y) - len(codes), 1)
    whole = float(y.var()) * len(y)
    codes, means, weights = codes[enough], means[enough], counts[enough].astype(np.float64)
    best: tuple[float, float] | None = None
    for part in (slice(None), slice(1, None), slice(None, -1)):
        n, mean, weight = codes[part], means[part], weights[part]
        middle = np.average(mean, weights=weight)
        between = float((weight * (mean - middle) ** 2).sum())
        left = min(float((weight * (mean - fitted) ** 2).sum()) for fitted in _orders(n, mean, weight))
        free = max(len(n) - 3, 1)
        if between <= 0 or inside <= 0 or chdtrc(free, left / inside) > _CHANCE:
            return 0.0, 0.0
        found = (left / between, left / whole if whole else 0.0)
        best = found if best is None else min(best, found)
    return best or (0.0, 0.0)


def _orders(codes: np.ndarray, means: np.ndarray, weights: np.ndarray) -> Iterator[np.ndarray]:
    """Yield the means as a parabola of the code's rank, and as steps that only rise, or only fall."""
    import numpy as np
    from scipy.optimize import isotonic_regression

    ranks = np.arange(len(codes), dtype=np.float64)
    yield np.polyval(np.polyfit(ranks, means, 2, w=np.sqrt(weights)), ranks)
    for increasing in (True, False):
        yield isotonic_regression(means, weights=weights, increasing=increasing).x

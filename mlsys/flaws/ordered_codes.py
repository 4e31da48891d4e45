"""Whole numbers that are names: models take the order of codes for a quantity."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from mlsys.flaws.base import Flaw
from mlsys.flaws.rows import FeatureValues, Inspected
from mlsys.records.inspection import FlawFound

if TYPE_CHECKING:
    import numpy as np

_CODES = (6, 60)
_LEAST_ROWS = 10  # of a code, to be counted
_CHANCE = 1e-6
_LEFT = 0.25  # of the variance between codes


class OrderedCodes(Flaw):
    """What a column of few whole numbers says of the label jumps up and down from one number to the next.

    Told by the squared differences of the label's means from one code to the next, divided by the variance of the
    means: 2 in a random order, little where they vary smoothly (von Neumann, Annals of Mathematical Statistics 12,
    1941). Beside that a parabola and rising or falling steps must leave a quarter of the variance between codes, more
    than the spread inside the codes would (chi-square); each also without the first or the last code, which may stand
    for a missing value.

    Attributes:
        jumps: von Neumann's ratio, from here on it is shown.
        effect: share of the whole variance of the label that is left between codes; less does not matter.
    """

    kind: Literal["ordered_codes"] = "ordered_codes"
    jumps: float = Field(default=0.8, gt=0, le=4)
    effect: float = Field(default=0.01, ge=0, le=1)

    def look(self, rows: Inspected) -> Iterator[FlawFound]:
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
                jumps, effect = _jumps(numbers, y[known].astype(np.float64))
                if jumps >= self.jumps and effect >= self.effect:
                    yield self._found(column, jumps)
                    break

    def _found(self, column: FeatureValues, jumps: float) -> FlawFound:
        sentence = (
            f"The numbers of '{column.name}' seem to be names: what they say of the label jumps up and down over its"
            f" {column.n_distinct} codes ({jumps:.2f}, where a random order gives 2 and a smooth one next to 0)."
            " Declare it as `category`, or models take 3 for more than 2."
        )
        return self.found(
            sentence, certain=True, column=column.name, observed=jumps, observed_as="jumps", limit=self.jumps
        )


def _jumps(numbers: np.ndarray, y: np.ndarray) -> tuple[float, float]:
    """Return von Neumann's ratio of the means by code, and what no order explains of the label's whole variance.

    Both are 0 where chance, or an order, explains the means.
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
    means, weights = means[enough], counts[enough].astype(np.float64)
    found = []
    for part in (slice(None), slice(1, None), slice(None, -1)):
        mean, weight = means[part], weights[part]
        middle = np.average(mean, weights=weight)
        between = float((weight * (mean - middle) ** 2).sum())
        left = min(float((weight * (mean - fitted) ** 2).sum()) for fitted in _orders(mean, weight))
        by_chance = inside <= 0 or chdtrc(max(len(mean) - 3, 1), left / inside) > _CHANCE
        if between <= 0 or left < _LEFT * between or by_chance:
            return 0.0, 0.0
        ratio = float((np.diff(mean) ** 2).mean() / mean.var())
        found.append((ratio, left / whole))
    return min(found)


def _orders(means: np.ndarray, weights: np.ndarray) -> Iterator[np.ndarray]:
    """Yield the means as a parabola of the code's rank, and as steps that only rise, or only fall."""
    import numpy as np
    from scipy.optimize import isotonic_regression

    ranks = np.arange(len(means), dtype=np.float64)
    yield np.polyval(np.polyfit(ranks, means, 2, w=np.sqrt(weights)), ranks)
    for increasing in (True, False):
        yield isotonic_regression(means, weights=weights, increasing=increasing).x

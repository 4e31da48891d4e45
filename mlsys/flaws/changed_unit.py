"""Numbers that came in one unit and now come in another: the whole column has been multiplied, or moved as one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from mlsys.flaws.association import rank_correlation
from mlsys.flaws.base import Flaw
from mlsys.flaws.rows import Inspected
from mlsys.records.inspection import FlawFound

if TYPE_CHECKING:
    import numpy as np

_LEAST_ROWS = 50
_FACTORS = (10, 12, 24, 60, 100, 365, 1000, 1024, 3600, 10_000, 86_400, 1_000_000)
_NEAR = 0.25  # of the factor: the median of a few rows is no exact number
_APART, _ALIKE = 0.5, 0.2  # Kolmogorov-Smirnov distances before and after dividing by the factor
_DISJOINT, _FAR = 0.95, 0.5  # distance of two ranges that don't touch, and their gap by the older quartiles' range
_TREND = 0.9  # rank correlation with the day, from which on a column rises or falls by nature


class ChangedUnit(Flaw):
    """The newest rows' numbers are a multiple of older ones, or lie apart from nearly all of them.

    Told by the ratio of the medians of what is not zero, and by the Kolmogorov-Smirnov distance before and after
    dividing by it; without times, against the rows of the run that made the champion. Columns that rise or fall with
    the days anyway are left out.

    Attributes:
        factor: the ratio, or one by it, from which on it is shown.
    """

    kind: Literal["changed_unit"] = "changed_unit"
    factor: float = Field(default=4.0, gt=1)

    def look(self, rows: Inspected) -> Iterator[FlawFound]:
        """Yield the columns whose numbers have changed their unit."""
        import numpy as np

        if rows.change is None:
            return
        old, new = rows.change
        when = "the newest" if rows.timed else "this reading's"
        for column in rows.columns():
            if column.numbers is None or column.type == "boolean":
                continue
            then, now = (part.frame[column.name].to_numpy(dtype=np.float64) for part in (old, new))
            known = ~np.isnan(then)
            days, then, now = old.day[known].astype(np.int64), then[known], now[~np.isnan(now)]
            if min(len(then), len(now)) < _LEAST_ROWS or abs(rank_correlation(days, then)) > _TREND:
                continue
            said = self._said(then, now)
            if said is None:
                continue
            observed, words, certain = said
            sentence = (
                f"The numbers of '{column.name}' {words} in {when} {len(now):,} rows than before: median"
                f" {np.median(now):.4g}, and {np.median(then):.4g} in {len(then):,} older ones. Has their unit changed?"
                " See where the column is made; models take both for the same."
            )
            yield self.found(
                sentence,
                certain=certain,
                column=column.name,
                observed=observed,
                observed_as="ratio of the medians",
                limit=self.factor,
            )

    def _said(self, then: np.ndarray, now: np.ndarray) -> tuple[float, str, bool] | None:
        """Return the ratio, what to say of it, and whether it is certain; None where nothing has changed."""
        import numpy as np

        sizes = [np.abs(part[part != 0]) for part in (then, now)]
        if min(len(size) for size in sizes) < _LEAST_ROWS // 2:
            return None
        ratio = float(np.median(sizes[1]) / np.median(sizes[0]))
        apart = _distance(then, now)
        larger = max(ratio, 1 / ratio)
        if larger >= self.factor and apart >= _APART and _distance(then, now / ratio) <= _ALIKE:
            nearest = min(_FACTORS, key=lambda factor: abs(np.log(larger / factor)))
            certain = abs(larger / nearest - 1) <= _NEAR
            return ratio, f"are {larger:.3g} times as {'large' if ratio > 1 else 'small'}", certain
        low, quarter, three, high = np.quantile(then, [0.01, 0.25, 0.75, 0.99])
        middle = float(np.median(now))
        # A day of the month may be next to all others; what has another unit is farther away.
        beyond = max(middle - high, low - middle) >= _FAR * (three - quarter) > 0
        if apart >= _DISJOINT and beyond and len(np.unique(then)) > 2:
            return ratio, "lie elsewhere", False
        return None


def _distance(first: np.ndarray, second: np.ndarray) -> float:
    """Return the largest difference of the two empirical distributions (Kolmogorov 1933, Smirnov 1939)."""
    import numpy as np

    places = np.concatenate([first, second])
    shares = [np.searchsorted(np.sort(part), places, side="right") / len(part) for part in (first, second)]
    return float(np.abs(shares[0] - shares[1]).max())

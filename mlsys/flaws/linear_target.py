"""Columns whose sum, with weights, or whose product is the target: together they were made from it, or it from them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field

from mlsys.flaws.base import Flaw
from mlsys.flaws.rows import Inspected
from mlsys.records.inspection import FlawFound

if TYPE_CHECKING:
    import numpy as np

_MOST_ROWS, _LEAST_ROWS = 3000, 60
_MOST_GAPS = 0.5  # of a column that is fitted


class LinearTarget(Flaw):
    """A weighted sum of columns, or a product of powers of them, is the target.

    Least squares on one half of the rows, judged on the other by the share of the target's variance that it explains.
    The columns that it takes are those without which less is explained. Classes count as 0 and 1.

    Attributes:
        likely: explained share from which on it is shown.
        certain: explained share from which on it is no good model but an identity.
    """

    kind: Literal["linear_target"] = "linear_target"
    usual: ClassVar = "critical"
    likely: float = Field(default=0.999, gt=0.5, le=1)
    certain: float = Field(default=0.99999, gt=0.5, le=1)

    def look(self, rows: Inspected) -> Iterator[FlawFound]:
        """Yield the columns that together are the target."""
        import numpy as np

        if not rows.judgeable:
            return
        known = [c for c in rows.columns() if c.numbers is not None and c.name not in rows.trusted and c.n_distinct > 1]
        known = [c for c in known if c.known.mean() >= 1 - _MOST_GAPS]
        if len(known) < 2:
            return
        table = np.column_stack([c.numbers for c in known if c.numbers is not None])
        names = [column.name for column in known]
        for what, y in rows.one_against_rest.items() or [("the target", rows.sample.y)]:
            named = what if what == "the target" else f"class '{what}'"
            found = self._found(table, y, names, f"A sum of columns is {named}")
            if found is None and not rows.classes and (y > 0).all():
                positive = np.nanmin(table, axis=0) > 0
                if positive.sum() >= 2:
                    kept = [name for name, there in zip(names, positive, strict=True) if there]
                    found = self._found(np.log(table[:, positive]), np.log(y), kept, f"A product of columns is {named}")
            if found is not None:
                yield found
                return

    def _found(self, table: np.ndarray, y: np.ndarray, names: list[str], what: str) -> FlawFound | None:
        import numpy as np

        complete = np.flatnonzero(~np.isnan(table).any(axis=1))[:_MOST_ROWS]
        if len(complete) < max(_LEAST_ROWS, 4 * len(names)):
            return None
        x = table[complete]
        spread = x.std(axis=0)
        x, kept = (x[:, spread > 0] - x[:, spread > 0].mean(axis=0)) / spread[spread > 0], spread > 0
        labels = [name for name, there in zip(names, kept, strict=True) if there]
        explained, taken = _explained(x, y[complete]), list(range(x.shape[1]))
        if explained < self.likely:
            return None
        for place in range(x.shape[1]):  # leave out whatever is not needed for as much
            fewer = [each for each in taken if each != place]
            if fewer and _explained(x[:, fewer], y[complete]) >= min(explained, self.certain) - 1e-7:
                taken = fewer
        if len(taken) < 2:
            return None  # one column alone, which `leaking_column` finds
        named = ", ".join(f"'{labels[place]}'" for place in taken[:6]) + (" ..." if len(taken) > 6 else "")
        sentence = (
            f"{what}: {named} explain {100 * explained:.5g} % of its variance on rows that they were not fitted to. "
            "Known only afterwards? List one of them under `drop`, or under `inspection.trusted`."
        )
        return self.found(
            sentence,
            certain=explained >= self.certain,
            observed=explained,
            observed_as="explained share",
            limit=self.likely,
        )


def _explained(x: np.ndarray, y: np.ndarray) -> float:
    """Return the share of the variance of `y` that least squares explain on the half they were not fitted to."""
    import numpy as np

    inside = np.arange(len(y)) % 2 == 0
    design = np.column_stack([np.ones(len(y)), x])
    weights, *_ = np.linalg.lstsq(design[inside], y[inside], rcond=None)
    left = y[~inside] - design[~inside] @ weights
    total = float(((y[~inside] - y[inside].mean()) ** 2).sum())
    return 1.0 - float((left**2).sum()) / total if total > 0 else 0.0

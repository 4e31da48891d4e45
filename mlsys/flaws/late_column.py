"""A column that is known only after the event: rows that are read early lack it, or have it without its signal."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field

from mlsys.flaws.association import directed_auc, rank_correlation
from mlsys.flaws.base import Flaw
from mlsys.flaws.rows import LEAST_OF_CLASS, FeatureValues, Inspected
from mlsys.records.inspection import FlawFound

if TYPE_CHECKING:
    import numpy as np

_CERTAIN = (0.9, 0.05)  # filled in so many of the rows with a label, and in so few of those without one
_YOUNG_ROWS = 60


class LateColumn(Flaw):
    """Rows without a label yet lack the column, or the newest rows have it without what it says of older ones.

    Rows whose label has not arrived are compared with rows of the same days whose label has: what is filled in together
    with the label shows there. A column that tells the label of older rows and nothing of the newest ones is likely to
    get its value later.

    Attributes:
        filled: difference of the share of rows with a value, with a label less without one, from here on it is shown.
        told: ROC-AUC, or rank correlation, that older rows have and the newest ones have lost.
    """

    kind: Literal["late_column"] = "late_column"
    usual: ClassVar = "critical"
    filled: float = Field(default=0.5, gt=0, le=1)
    told: float = Field(default=0.75, gt=0.5, le=1)

    def look(self, rows: Inspected) -> Iterator[FlawFound]:
        """Yield the columns that come with the label, or after the rows."""
        if not rows.judgeable:
            return
        import numpy as np

        waiting = rows.unlabelled
        alike = np.isin(rows.sample.day, np.unique(waiting.day)) if rows.timed else np.ones(len(rows.sample.y), bool)
        for column in rows.columns():
            found = self._with_label(column, rows, alike) if len(waiting.y) >= LEAST_OF_CLASS else None
            found = found or self._without_signal(column, rows)
            if found is not None:
                yield found

    def _with_label(self, column: FeatureValues, rows: Inspected, alike: np.ndarray) -> FlawFound | None:
        if alike.sum() < LEAST_OF_CLASS:
            return None
        n_waiting = len(rows.unlabelled.y)
        before = float(rows.unlabelled.frame[column.name].notna().mean())
        after = float(column.known[alike].mean())
        # None filled in where chance alone would have filled in many.
        rare = before <= 0.1 * after and (1 - after) ** n_waiting < 1e-6 and after < 1
        if after - before < self.filled and not rare:
            return None
        sentence = (
            f"Column '{column.name}' comes with the label: it has a value in {100 * after:.3g} % of the rows whose"
            f" label is known, and in {100 * before:.3g} % of the {n_waiting:,} of the same days whose label is not. "
            "When the model is asked it is missing: list it under `drop`."
        )
        return self.found(
            sentence,
            certain=after >= _CERTAIN[0] and before <= _CERTAIN[1],
            column=column.name,
            observed=after - before,
            observed_as="difference of the filled share",
            limit=self.filled,
        )

    def _without_signal(self, column: FeatureValues, rows: Inspected) -> FlawFound | None:
        young = rows.newest
        if young.sum() < _YOUNG_ROWS or (~young).sum() < _YOUNG_ROWS or column.numbers is None:
            return None
        strengths = [
            (_strength(column, y, ~young), _strength(column, y, young), int(min(y[young].sum(), (1 - y[young]).sum())))
            for y in (rows.one_against_rest.values() or [rows.sample.y])
        ]
        old, new, n_rarer = max(strengths, key=lambda each: each[0])
        n = n_rarer if rows.classes else int(young.sum())
        # Three standard errors above what no signal shows, at most: 1 / sqrt(12 n) of a ROC-AUC of few rows.
        chance = 3 * (12 * max(n, 1)) ** -0.5 if rows.classes else 3 * max(n, 1) ** -0.5
        floor = 0.5 if rows.classes else 0.0
        if n < LEAST_OF_CLASS or old < self.told or new > floor + chance or floor + 2 * chance > old:
            return None
        by = "ROC-AUC" if rows.classes else "rank correlation"
        sentence = (
            f"Column '{column.name}' tells nothing of the newest rows, {by} {new:.3f}, and much of older ones,"
            f" {old:.3f}: it seems to get its value later. When the model is asked it does not have it yet; list it"
            " under `drop`, or see whether its source broke."
        )
        return self.found(
            sentence, column=column.name, observed=new, observed_as=f"{by} of the newest rows", limit=self.told
        )


def _strength(column: FeatureValues, y: np.ndarray, part: np.ndarray) -> float:
    """Return how well a column of numbers orders some rows, in the better direction; missing values are lowest."""
    import numpy as np

    assert column.numbers is not None
    numbers = np.nan_to_num(column.numbers[part], nan=-np.inf)
    if not set(np.unique(y)) <= {0.0, 1.0}:
        return abs(rank_correlation(np.where(np.isinf(numbers), np.finfo(float).min, numbers), y[part]))
    if np.ptp(y[part]) == 0:
        return 0.5
    area = directed_auc(y[part], numbers)
    return max(area, 1 - area)

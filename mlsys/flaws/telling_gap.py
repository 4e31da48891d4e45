"""A column whose missing values give the label away: it is filled in, or left empty, once the label is known."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field

from mlsys.flaws.base import Flaw
from mlsys.flaws.rows import LEAST_OF_CLASS, FeatureValues, Inspected
from mlsys.metrics.intervals import wilson
from mlsys.records.inspection import FlawFound

if TYPE_CHECKING:
    import numpy as np

_PURE = 0.98  # share of a class that is certain
_COVERED = 0.5  # of the class, by those rows


class TellingGap(Flaw):
    """Whether a value is missing tells the label.

    Certain is a gap behind which (or outside which) all rows are of one class, at least 98 % by the 95 % Wilson bound,
    and at least half of that class; likely is a class that misses it much more, or less, often than the rest.

    Attributes:
        difference: of the share that misses it, between rows of a class and the rest, from here on it is shown.
        deviations: where labels are numbers: between the mean ranks of rows with and without it, in standard
            deviations (0.8 is a large effect: Cohen, Statistical Power Analysis, 1988).
    """

    kind: Literal["telling_gap"] = "telling_gap"
    usual: ClassVar = "critical"
    difference: float = Field(default=0.4, gt=0, le=1)
    deviations: float = Field(default=0.8, gt=0)

    def look(self, rows: Inspected) -> Iterator[FlawFound]:
        """Yield the columns whose gaps tell the label."""
        if not rows.judgeable:
            return
        for column in rows.columns():
            missing = ~column.known
            if min(missing.sum(), (~missing).sum()) < LEAST_OF_CLASS:
                continue
            yield from self._of_classes(column, rows) if rows.classes else self._of_numbers(column, rows)

    def _of_classes(self, column: FeatureValues, rows: Inspected) -> Iterator[FlawFound]:
        missing = ~column.known
        told = [(name, missing[y == 1].mean(), missing[y == 0].mean(), y) for name, y in rows.one_against_rest.items()]
        name, inside, outside, y = max(told, key=lambda each: abs(each[1] - each[2]))
        certain = _gives_away(missing, y) or (len(rows.one_against_rest) == 1 and _gives_away(missing, 1 - y))
        if abs(inside - outside) < self.difference and not certain:
            return
        sentence = (
            f"Whether '{column.name}' is missing tells the label: where it is missing {_share(y[missing].mean())} of"
            f" the rows are '{name}', elsewhere {_share(y[~missing].mean())} ({int(missing.sum()):,} of"
            f" {len(missing):,} rows miss it). "
            + ("Filled in once the label is known? " if certain else "Known only afterwards? ")
            + _REMEDY
        )
        yield self.found(
            sentence,
            certain=certain,
            column=column.name,
            observed=float(abs(inside - outside)),
            observed_as="difference of the missing share",
            limit=self.difference,
        )

    def _of_numbers(self, column: FeatureValues, rows: Inspected) -> Iterator[FlawFound]:
        from scipy.stats import rankdata

        missing, y = ~column.known, rows.sample.y
        ranks = rankdata(y)
        apart = float(abs(ranks[missing].mean() - ranks[~missing].mean()) / ranks.std())
        lower, upper = sorted((y[missing], y[~missing]), key=lambda part: part.mean())
        # All of one part below all of the other: by chance that is as good as impossible with so many rows.
        certain = bool(lower.max() < upper.min())
        if apart < self.deviations and not certain:
            return
        sentence = (
            f"Whether '{column.name}' is missing tells the target: its mean is {y[missing].mean():.4g} where it is"
            f" missing and {y[~missing].mean():.4g} elsewhere ({int(missing.sum()):,} of {len(missing):,} rows miss"
            f" it). Known only afterwards? {_REMEDY}"
        )
        yield self.found(
            sentence,
            certain=certain,
            column=column.name,
            observed=apart,
            observed_as="standard deviations of rank apart",
            limit=self.deviations,
        )


_REMEDY = "List it under `drop`, or under `inspection.trusted` if it is known when the model is asked."


def _gives_away(missing: np.ndarray, y: np.ndarray) -> bool:
    """Return whether rows of one kind, with or without a value, are all of class `y`, and half of that class at least.

    All rows of the other kind then have to be of that class much less often.
    """
    for part in (missing, ~missing):
        n, n_pure = int(part.sum()), float(y[part].sum())
        if (
            n_pure >= _COVERED * y.sum()
            and (wilson(n_pure / n, n, 0.95).lower or 0.0) >= _PURE
            and y[~part].mean() <= 1 - _COVERED
        ):
            return True
    return False


def _share(value: float) -> str:
    return f"{100 * value:.3g} %"

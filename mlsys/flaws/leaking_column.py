"""One column that by itself tells the label nearly perfectly: most often it was made from it, or after it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar, Literal

from pydantic import Field

from mlsys.flaws.association import auc, orderings, rank_correlation
from mlsys.flaws.base import Flaw
from mlsys.flaws.rows import FeatureValues, Inspected
from mlsys.records.inspection import FlawFound
from mlsys.wording import counted

_ENOUGH_OF_CLASS = 50  # rows of each class: fewer may be told apart by chance


class LeakingColumn(Flaw):
    """One column alone orders the rows almost as the label does.

    Of two classes that is told by its ROC-AUC, of several by that of the class it tells worst, of numbers by the rank
    correlation. Categories are ordered by the mean label of the other half of their rows.

    Attributes:
        likely: from here on it is shown.
        certain: from here on it is no column that merely helps.
    """

    kind: Literal["leaking_column"] = "leaking_column"
    usual: ClassVar = "critical"
    likely: float = Field(default=0.99, gt=0.5, le=1)
    certain: float = Field(default=0.999, gt=0.5, le=1)

    def look(self, rows: Inspected) -> Iterator[FlawFound]:
        """Yield the columns that tell the label by themselves."""
        if not rows.judgeable:
            return
        n_rarest = min((int(y.sum()) for y in rows.one_against_rest.values()), default=len(rows.sample.y))
        for column in rows.columns():
            told = _told(column, rows) if column.n_distinct > 1 or not column.known.all() else 0.0
            if told < self.likely:
                continue
            certain = told >= self.certain and n_rarest >= _ENOUGH_OF_CLASS
            by = "ROC-AUC" if rows.classes else "rank correlation with the target"
            of = counted(len(rows.sample.y), "row")
            sentence = (
                f"Column '{column.name}' alone tells the label: {by} {told:.4f} on {of}. "
                + ("Known only afterwards, or made from it? " if certain else "A very good column, or a leak? ")
                + "List it under `drop`, or under `inspection.trusted` if it is known when the model is asked."
            )
            yield self.found(
                sentence, certain=certain, column=column.name, observed=told, observed_as=by, limit=self.likely
            )


def _told(column: FeatureValues, rows: Inspected) -> float:
    if not rows.classes:
        y = rows.sample.y
        scores = orderings(column.numbers, column.codes, y)
        return max((abs(rank_correlation(score, y)) for score in scores), default=0.0)
    several = len(rows.one_against_rest) > 1
    # What tells one class of several from the rest is a good column; a leak tells them all.
    worst = 1.0
    for y in rows.one_against_rest.values():
        scores = orderings(column.numbers, column.codes, y, by_bins=several)
        worst = min(worst, max((auc(y, score) for score in scores), default=0.5))
        if worst < 0.9:
            return worst
    return worst

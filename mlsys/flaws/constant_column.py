"""A column that is the same in nearly every row: nothing can be learnt from it, or its source has stopped."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from pydantic import Field

from mlsys.flaws.base import Flaw
from mlsys.flaws.rows import LEAST_ROWS, Inspected
from mlsys.records.inspection import FlawFound
from mlsys.wording import number


class ConstantColumn(Flaw):
    """One value, or none, in nearly every row.

    Attributes:
        share: of the rows with the most frequent value, from here on it is shown.
    """

    kind: Literal["constant_column"] = "constant_column"
    share: float = Field(default=0.999, gt=0.5, le=1)

    def look(self, rows: Inspected) -> Iterator[FlawFound]:
        """Yield the columns that hardly vary."""
        import numpy as np

        n_rows = len(rows.sample.y)
        if n_rows < LEAST_ROWS:
            return
        for column in rows.columns():
            counts = np.bincount(column.codes + 1)
            place = int(counts.argmax())
            share = float(counts[place]) / n_rows
            if share < self.share:
                continue
            value = rows.sample.frame[column.name][column.codes == place - 1].iloc[0]
            what = "is missing" if place == 0 else f"is {number(value) if column.numbers is not None else repr(value)}"
            sentence = (
                f"Column '{column.name}' {what} in {100 * share:.4g} % of {n_rows:,} rows: models learn nothing"
                " from it. List it under `drop`, or see whether its source has stopped."
            )
            yield self.found(
                sentence,
                certain=True,
                column=column.name,
                observed=share,
                observed_as="share of one value",
                limit=self.share,
            )

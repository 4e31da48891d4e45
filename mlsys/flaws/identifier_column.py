"""A column that names rows: models learn it by heart, and new rows have other names."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal

from mlsys.flaws.base import Flaw
from mlsys.flaws.identifiers import as_identifier
from mlsys.flaws.rows import LEAST_ROWS, FeatureValues, Inspected
from mlsys.records.inspection import FlawFound

if TYPE_CHECKING:
    import pyarrow as pa

_NAMED = re.compile(r"(^|[_\W])(id|key|uuid|guid)([_\W]|$)|[a-z](ID|Id)$|^id|id$", re.IGNORECASE)
_DENSE = 1.5  # numbers from the smallest to the largest, by row


class IdentifierColumn(Flaw):
    """Texts of which most occur once, or whole numbers that occur once each and count the rows or are named an id."""

    kind: Literal["identifier_column"] = "identifier_column"

    def look(self, rows: Inspected) -> Iterator[FlawFound]:
        """Yield the columns that name rows."""
        table = rows.digests.table
        if table.num_rows < LEAST_ROWS:
            return
        for column in rows.columns():
            if 2 * column.n_distinct <= column.known.sum() or column.type not in ("integer", "category", "text"):
                continue
            sentence = _counted(column, table[column.name]) if column.type == "integer" else _named(column, table)
            if sentence:
                yield self.found(sentence + ".", certain=True, column=column.name)


def _named(column: FeatureValues, table: pa.Table) -> str | None:
    import pyarrow.compute as pc

    values = table[column.name]
    n_distinct = pc.count_distinct(values, mode="only_valid").as_py()
    return as_identifier(column.name, n_distinct=n_distinct, n_known=len(values) - values.null_count)


def _counted(column: FeatureValues, values: pa.ChunkedArray) -> str | None:
    import pyarrow.compute as pc

    n_known = len(values) - values.null_count
    if pc.count_distinct(values, mode="only_valid").as_py() < n_known or n_known < LEAST_ROWS:
        return None
    ends = pc.min_max(values)
    dense = ends["max"].as_py() - ends["min"].as_py() + 1 <= _DENSE * n_known
    if not (dense or _NAMED.search(column.name)):
        return None
    return (
        f"Column '{column.name}' has another whole number in each of {n_known:,} rows, as an identifier has: "
        "a model learns them by heart; list it under `drop`"
    )

"""What the columns of training rows hold: limits of numbers, values of categories.

It is kept with the golden predictions of a champion, so that whoever asks it later can be told where a row is like none
that it has learnt from.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from mlsys.schema import ColumnSpec

if TYPE_CHECKING:
    import pandas as pd

MOST_VALUES = 1000  # of a category; of one with more nobody can tell later which values were there
POINTS = 15  # of a number, between its extremes


def seen(rows: pd.DataFrame, columns: Mapping[str, ColumnSpec]) -> dict[str, dict[str, Any]]:
    """Return what there is in each column of `(n_rows, n_columns)` features, as models take them.

    Of numbers `lowest`, `highest` and some `points` in between, spread over the rows; of categories their `values`, the
    most frequent one first. `missing` is how many rows have no value. Columns without any value, texts, and categories
    with more than 1,000 values have no more than that.
    """
    return {name: _of(rows[name], column) for name, column in columns.items()}


def _of(values: pd.Series, column: ColumnSpec) -> dict[str, Any]:
    known = values.dropna()
    found: dict[str, Any] = {"missing": len(values) - len(known)}
    if known.empty or column.type == "text":
        return found
    if column.type in ("integer", "number"):
        return found | _numbers(known)
    counts = known.value_counts()
    order = sorted(counts.index, key=lambda value: (-counts[value], value))
    if len(order) > MOST_VALUES:
        return found
    return found | {"values": [bool(value) for value in order] if column.type == "boolean" else order}


def _numbers(known: pd.Series) -> dict[str, Any]:
    import numpy as np

    shares = np.linspace(0, 1, POINTS)
    points = np.unique(np.quantile(known.to_numpy(dtype="float64"), shares, method="nearest"))
    return {"lowest": float(points[0]), "highest": float(points[-1]), "points": points.tolist()}

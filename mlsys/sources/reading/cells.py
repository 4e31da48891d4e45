"""Cells of a worksheet to Arrow columns: a value has one meaning, whatever other kinds of cells its column holds.

A column of one kind is handed over as it is. In a mixed one every cell becomes the text that a CSV file would hold,
spelt so that the column's declared type reads back the same value.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING

from mlsys.schema import ColumnSpec, spelt
from mlsys.sources.reading.values import formatted

if TYPE_CHECKING:
    import pyarrow as pa

_EXACT = float(2**53)

Cell = int | float | str | bool | date | datetime | time | timedelta | None  # an empty one is None


def cell_column(cells: Sequence[Cell], column: ColumnSpec) -> pa.Array:
    """Return cells `(n_rows,)` for `logical_values`, to be read `without_format`; an empty cell is null.

    What `format` reads of a column of times comes as ISO 8601, as the dates do that are none of its texts. A number is
    no time: Excel shows 46082 as a date only where the cell is formatted so.
    """
    import pyarrow as pa

    kinds = set(map(type, cells)) - {type(None)}
    if not kinds:
        return pa.nulls(len(cells), pa.string())
    if kinds <= {int, float} and column.type in ("integer", "number", "boolean"):
        return pa.array(cells, pa.float64())
    if kinds == {bool} and column.type in ("integer", "number", "boolean"):
        return pa.array(cells, pa.bool_())
    if kinds == {str} and column.type != "timestamp":
        return pa.array(cells, pa.string())
    if kinds <= {date, datetime} and column.type == "timestamp":
        return pa.array([_midnight(cell) for cell in cells], pa.timestamp("us"))
    texts = _texts(cells, column)
    return _by_format(texts, cells, column) if column.type == "timestamp" else texts


def without_format(column: ColumnSpec) -> ColumnSpec:
    """Return the column as `cell_column` hands it over: its texts are ISO 8601."""
    return column if column.format is None else column.model_copy(update={"format": None})


def _midnight(cell: Cell) -> Cell:
    return cell if cell is None or isinstance(cell, datetime) else datetime.combine(cell, time())  # type: ignore[arg-type]


def _texts(cells: Sequence[Cell], column: ColumnSpec) -> pa.Array:
    import pyarrow as pa

    numbers = [float(c) if isinstance(c, int | float) and not isinstance(c, bool) else None for c in cells]
    spellings = spelt(pa.array(numbers, pa.float64())).to_pylist()
    # What stands for 1, 0 and the decimal point in the column's own words.
    words = {"1": column.true_values[:1], "0": column.false_values[:1]} if column.type == "boolean" else {}
    mark = column.decimal or "."
    found: list[str | None] = []
    for cell, number in zip(cells, spellings, strict=True):
        if isinstance(cell, bool):
            found.append(_truth(cell, column))
        elif number is not None and column.type == "integer" and abs(float(number)) > _EXACT:
            found.append(repr(cell))  # no whole number: its last digits are not what was typed
        elif number is not None:
            found.append(next(iter(words.get(number, ())), number.replace(".", mark)))
        else:
            found.append(None if cell is None else str(cell))
    return pa.array(found, pa.string())


def _truth(cell: bool, column: ColumnSpec) -> str:
    if column.type == "boolean":
        return next(iter(column.true_values if cell else column.false_values), str(cell))
    return str(int(cell)) if column.type in ("integer", "number") else str(cell).lower()


def _by_format(texts: pa.Array, cells: Sequence[Cell], column: ColumnSpec) -> pa.Array:
    """Return the texts with those that were typed in `format` as ISO 8601; others stay, to be refused."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if column.format is None:
        return texts
    typed = pa.array([isinstance(cell, str | int | float) and not isinstance(cell, bool) for cell in cells])
    stripped = pc.utf8_trim_whitespace(texts) if column.stripped else texts
    instant = "%z" in column.format
    read = formatted(pc.if_else(typed, stripped, pa.scalar(None, pa.string())), column.format, instant=instant)
    iso = pc.strftime(read, format="%Y-%m-%d %H:%M:%S")
    return pc.coalesce(pc.binary_join_element_wise(iso, "Z", "") if instant else iso, texts)

"""Values of any kind to Arrow columns: each has one meaning, whatever other kinds its column holds beside it.

A worksheet's column may hold numbers, texts and dates, and so may a field of documents. One of a single kind is handed
over as it is. In a mixed one every value becomes the text that a CSV file would hold, spelt so that the column's
declared type reads back the same.
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
_LONG = 2**63

Cell = int | float | str | bool | date | datetime | time | timedelta | None  # an empty one is None


def cell_column(cells: Sequence[Cell], column: ColumnSpec) -> pa.Array:
    """Return cells `(n_rows,)` for `logical_values`, to be read `without_format`; an empty cell is null.

    Numbers are finite. What `format` reads of a column of times comes as ISO 8601, as the dates do that are none of its
    texts. A number is no time unless `format` reads it.
    """
    import pyarrow as pa

    kinds = set(map(type, cells)) - {type(None)}
    if not kinds:
        return pa.nulls(len(cells), pa.string())
    if kinds == {int} and column.type == "integer" and all(cell is None or -_LONG <= cell < _LONG for cell in cells):  # type: ignore[operator]
        return pa.array(cells, pa.int64())
    if kinds == {float} and column.type in ("integer", "number", "boolean"):
        return pa.array(cells, pa.float64())
    if kinds <= {int, float} and column.type in ("number", "boolean"):
        return pa.array([None if cell is None else float(cell) for cell in cells], pa.float64())  # type: ignore[arg-type]
    if kinds == {bool} and column.type in ("integer", "number", "boolean"):
        return pa.array(cells, pa.bool_())
    if kinds == {str} and column.type != "timestamp":
        return pa.array(cells, pa.string())
    if kinds <= {date, datetime} and column.type == "timestamp":
        times = [_midnight(cell) for cell in cells]
        aware = any(isinstance(cell, datetime) and cell.tzinfo is not None for cell in times)
        return pa.array(times, pa.timestamp("us", "UTC" if aware else None))
    texts = _texts(cells, column)
    return _by_format(texts, cells, column) if column.type == "timestamp" else texts


def without_format(column: ColumnSpec) -> ColumnSpec:
    """Return the column as `cell_column` hands it over: its texts are ISO 8601."""
    return column if column.format is None else column.model_copy(update={"format": None})


def _midnight(cell: Cell) -> Cell:
    return cell if cell is None or isinstance(cell, datetime) else datetime.combine(cell, time())  # type: ignore[arg-type]


def _texts(cells: Sequence[Cell], column: ColumnSpec) -> pa.Array:
    import pyarrow as pa

    numbers = [cell if isinstance(cell, float) else None for cell in cells]
    spellings = spelt(pa.array(numbers, pa.float64())).to_pylist()
    # What stands for 1, 0 and the decimal point in the column's own words.
    words = {"1": column.true_values[:1], "0": column.false_values[:1]} if column.type == "boolean" else {}
    mark = column.decimal or "."
    found: list[str | None] = []
    for cell, number in zip(cells, spellings, strict=True):
        if isinstance(cell, bool):
            found.append(_truth(cell, column))
        elif isinstance(cell, int):
            found.append(next(iter(words.get(str(cell), ())), str(cell)))
        elif number is not None and column.type == "integer" and abs(float(number)) >= _EXACT:
            found.append(f"{cell:.16e}")  # no whole number: its last digits may not be what was typed
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
    texts_only = pc.if_else(typed, stripped, pa.scalar(None, pa.string()))
    read = formatted(texts_only, column.format, instant=column.instant)
    iso = pc.strftime(read, format="%Y-%m-%d %H:%M:%S")
    return pc.coalesce(pc.binary_join_element_wise(iso, "Z", "") if column.instant else iso, texts)

"""Rows as a database driver gives them, to Arrow columns."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from mlsys.schema import LogicalType, Schema, spelt

if TYPE_CHECKING:
    import pyarrow as pa


def record_batch(rows: list[tuple[Any, ...]], columns: Schema) -> pa.RecordBatch:
    """Return driver rows `(n_rows, n_columns)` as a batch whose column types suit the declared ones."""
    import pyarrow as pa

    arrays = [
        _array(values, column.type) for values, column in zip(zip(*rows, strict=True), columns.values(), strict=True)
    ]
    return pa.RecordBatch.from_arrays(arrays, names=list(columns))


def _array(values: Sequence[Any], logical: LogicalType) -> pa.Array:
    import pyarrow as pa

    likely = {
        "integer": pa.int64(),
        "number": pa.float64(),
        "text": pa.string(),
        "category": pa.string(),
        "boolean": pa.int64(),
        "timestamp": pa.string(),
    }[logical]
    # The likely type costs one pass; a driver's own types (datetime, Decimal) are inferred; a mixed column is text.
    for type_ in (likely, None):
        try:
            array = pa.array(values, type=type_)
        except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError, OverflowError):
            continue
        among_texts = pa.types.is_binary(array.type) and any(isinstance(value, str) for value in values)
        if not isinstance(array.type, pa.BaseExtensionType) and not among_texts:  # a UUID is its text, not its bytes
            return array
    if any(isinstance(value, dict | list | tuple) for value in values):  # JSON, arrays: Python's spelling is no value
        return pa.array([None if value is None else str(value).encode() for value in values], type=pa.binary())
    return pa.array([None if value is None else _text(value) for value in values], type=pa.string())


def _text(value: object) -> str | None:
    """Return the spelling that the value has in a column of its own kind: a chunk's other values must not matter."""
    import pyarrow as pa

    if isinstance(value, bool | float | Decimal):
        try:
            of_its_kind = pa.array([value])
        except pa.ArrowInvalid:  # a Decimal that is no number, or has more digits than Arrow holds
            return str(value)
        spelling: str | None = spelt(of_its_kind)[0].as_py()
        return spelling
    # What is no UTF-8 keeps its bytes, so that two values stay two.
    return value.decode("utf-8", "backslashreplace") if isinstance(value, bytes) else str(value)

"""Columns of the log out of Python's values: of their declared types already they are laid down as Arrow keeps them.

Arrow's own way from Python's objects loads pandas, which is 50 MB of a server that needs it for nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from mlsys.schema import ColumnSpec
from mlsys.serving.fast_rows import read_texts

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

_KINDS: Mapping[str, frozenset[type]] = {
    "integer": frozenset({int, type(None)}),
    "number": frozenset({int, float, type(None)}),
    "boolean": frozenset({bool, type(None)}),
}
_MOST = 2**53  # numbers up to here are the same in float64


def typed_column(values: list[Any], column: ColumnSpec) -> pa.Array | None:
    """Return values as a partition holds them, where they are of the declared type as JSON has it; else None."""
    import numpy as np
    import pyarrow as pa

    if column.type in ("text", "category"):
        texts = read_texts(values, column.stripped, frozenset(column.nulls))
        return None if texts is None else texts_column(texts)
    kinds = _KINDS.get(column.type)
    if kinds is None or not kinds.issuperset(map(type, values)):
        return None
    there = np.fromiter((value is not None for value in values), dtype=bool, count=len(values))
    filled = values if there.all() else [0 if value is None else value for value in values]
    if column.type == "boolean":
        bits = np.packbits(np.array(filled, dtype=bool), bitorder="little")
        return pa.Array.from_buffers(pa.bool_(), len(values), [_marks(there), pa.py_buffer(bits)])
    if any(not -_MOST <= value <= _MOST for value in filled):
        return None
    return numbers_column(np.array(filled, dtype="int64" if column.type == "integer" else "float64"), there)


def numbers_column(numbers: np.ndarray, there: np.ndarray | None = None, kind: Any = None) -> pa.Array:
    """Return `(n_rows,)` numbers, null where `there` is false; `kind` is Arrow's type where numpy has none for it."""
    import numpy as np
    import pyarrow as pa

    data = pa.py_buffer(np.ascontiguousarray(numbers))
    marks = None if there is None else _marks(there)
    return pa.Array.from_buffers(kind or pa.from_numpy_dtype(numbers.dtype), len(numbers), [marks, data])


def texts_column(texts: Sequence[str | None]) -> pa.Array:
    """Return texts, null where there is none."""
    import numpy as np
    import pyarrow as pa

    there = np.fromiter((text is not None for text in texts), dtype=bool, count=len(texts))
    written = [b"" if text is None else text.encode() for text in texts]
    ends = np.zeros(len(texts) + 1, dtype="int32")
    np.cumsum(np.fromiter(map(len, written), dtype="int32", count=len(texts)), out=ends[1:])
    data = [_marks(there), pa.py_buffer(ends), pa.py_buffer(b"".join(written))]
    return pa.Array.from_buffers(pa.string(), len(texts), data)


def _marks(there: np.ndarray) -> pa.Buffer | None:
    """Return which values there are as Arrow marks them; None for all."""
    import numpy as np
    import pyarrow as pa

    return None if there.all() else pa.py_buffer(np.packbits(there, bitorder="little"))

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
    kinds, given = _KINDS.get(column.type), set(map(type, values))
    if kinds is None or not kinds >= given:
        return None
    there = _there(values) if type(None) in given else None
    filled = values if there is None else [0 if value is None else value for value in values]
    if column.type == "boolean":
        bits = np.packbits(np.array(filled, dtype=bool), bitorder="little")
        return pa.Array.from_buffers(pa.bool_(), len(values), [_marks(there), pa.py_buffer(bits)])
    if min(filled, default=0) < -_MOST or max(filled, default=0) > _MOST:
        return None
    numbers = np.array(filled, dtype="int64" if column.type == "integer" else "float64")
    return None if np.isnan(numbers).any() else numbers_column(numbers, there)


def numbers_column(numbers: np.ndarray, there: np.ndarray | None = None, kind: Any = None) -> pa.Array:
    """Return `(n_rows,)` numbers, null where `there` is false; `kind` is Arrow's type where numpy has none for it."""
    import numpy as np
    import pyarrow as pa

    data = pa.py_buffer(np.ascontiguousarray(numbers))
    return pa.Array.from_buffers(kind or pa.from_numpy_dtype(numbers.dtype), len(numbers), [_marks(there), data])


def texts_column(texts: Sequence[str | None]) -> pa.Array:
    """Return texts, null where there is none."""
    import numpy as np
    import pyarrow as pa

    there = _there(texts) if None in texts else None
    filled = [text or "" for text in texts]
    together = "".join(filled)
    data = together.encode()
    lengths = map(len, filled) if len(data) == len(together) else (len(text.encode()) for text in filled)
    ends = np.zeros(len(texts) + 1, dtype="int32")
    np.cumsum(np.fromiter(lengths, dtype="int32", count=len(texts)), out=ends[1:])
    return pa.Array.from_buffers(pa.string(), len(texts), [_marks(there), pa.py_buffer(ends), pa.py_buffer(data)])


def _there(values: Sequence[object]) -> np.ndarray:
    """Return `(n_rows,)` bool, which values there are."""
    import numpy as np

    return np.array([value is not None for value in values], dtype=bool)


def _marks(there: np.ndarray | None) -> pa.Buffer | None:
    """Return which values there are as Arrow marks them; None for all."""
    import numpy as np
    import pyarrow as pa

    return None if there is None or there.all() else pa.py_buffer(np.packbits(there, bitorder="little"))

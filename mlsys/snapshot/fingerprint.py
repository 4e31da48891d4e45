"""Fingerprints of a table's content: the same rows in any order, chunking or encoding give the same one.

Each value becomes a 64-bit number that depends on its column's name, its type and the value; a row's hash mixes
those of its columns, a table's fingerprint is the SHA-256 of its sorted row hashes with its schema. The mixing
function is splitmix64 (Steele, Lea, Flood: Fast splittable pseudorandom number generators, 2014).
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mlsys.store import canonical_json

_NULL = np.uint64(0x9E6C63D0876A9A47)  # any constant; each column's seed keeps its nulls apart
_INTEGER, _NUMBER, _TEXT, _BOOLEAN, _INSTANT, _LOCAL_TIME, _DATE = (
    "integer",
    "number",
    "text",
    "boolean",
    "instant",
    "local time",
    "date",
)


class TableHashes:
    """Hashes of a table's rows over any of its columns; each column is hashed once."""

    def __init__(self, table: pa.Table) -> None:
        self._table = table
        self._columns: dict[str, np.ndarray] = {}

    def rows(self, columns: Sequence[str]) -> np.ndarray:
        """Return the `(n_rows,)` uint64 hash of each row over `columns`; their order does not matter.

        Null has a hash of its own, NaN is one value, -0.0 equals 0.0, and 1, 1.0, '1' and True all differ.

        Raises:
            TypeError: a column has a type that has no canonical values (a list, a struct).
        """
        total = np.zeros(self._table.num_rows, np.uint64)
        for name in columns:
            if name not in self._columns:
                self._columns[name] = _column_hashes(name, self._table.column(name))
            total += self._columns[name]
        return _mixed(total)


def row_hashes(table: pa.Table, columns: Sequence[str]) -> np.ndarray:
    """Return the `(n_rows,)` uint64 hash of each row over `columns`; see `TableHashes.rows`."""
    return TableHashes(table).rows(columns)


def content_fingerprint(schema: pa.Schema, hashes: np.ndarray) -> str:
    """Return the SHA-256 (hex) of a table's content: its columns' names and types, and its rows in any order.

    Args:
        schema: of the columns hashed; their order does not matter.
        hashes: `(n_rows,)` uint64 row hashes over all columns of `schema`.
    """
    columns = sorted([field.name, _kind(field.name, field.type)] for field in schema)
    digest = hashlib.sha256(canonical_json({"columns": columns, "n_rows": len(hashes)}))
    digest.update(np.sort(hashes).astype("<u8").tobytes())
    return digest.hexdigest()


def table_fingerprint(table: pa.Table) -> str:
    """Return the content fingerprint of a whole table."""
    return content_fingerprint(table.schema, row_hashes(table, table.column_names))


def count_duplicates(hashes: np.ndarray) -> int:
    """Return how many of the `(n,)` hashes repeat an earlier one."""
    if len(hashes) == 0:
        return 0
    ordered = np.sort(hashes)
    return int(np.count_nonzero(ordered[1:] == ordered[:-1]))


def _column_hashes(name: str, column: pa.ChunkedArray) -> np.ndarray:
    kind = _kind(name, column.type)
    seed = np.frombuffer(hashlib.blake2b(f"{kind}:{name}".encode(), digest_size=8).digest(), "<u8")[0]
    if kind == _TEXT:
        bits = _text_bits(column)
    else:
        values = pc.fill_null(_canonical(column, kind), _zero(kind))
        numbers = np.asarray(values.to_numpy())
        if kind == _NUMBER:
            numbers = numbers + 0.0  # turns -0.0 into 0.0
            numbers[np.isnan(numbers)] = np.nan
        bits = numbers.view(np.uint64)
    hashes = _mixed(bits ^ seed)
    if column.null_count:
        missing = np.asarray(pc.is_null(column).to_numpy())
        hashes[missing] = _mixed(np.array([_NULL ^ seed], np.uint64))[0]
    # Mixed once more with the seed, so that equal values in two columns don't cancel or swap.
    return _mixed(hashes + seed)


def _canonical(column: pa.ChunkedArray, kind: str) -> pa.ChunkedArray:
    """Return the column as 64-bit integers or floats that are equal exactly when the values are."""
    if kind == _NUMBER:
        return column.cast(pa.float64())
    if kind in (_INSTANT, _LOCAL_TIME):
        return column.cast(pa.timestamp("us", column.type.tz)).cast(pa.int64())
    if kind == _DATE:
        return column.cast(pa.int32()).cast(pa.int64())
    return column.cast(pa.int64())


def _text_bits(column: pa.ChunkedArray) -> np.ndarray:
    encoded = column if pa.types.is_dictionary(column.type) else column.dictionary_encode()
    bits = np.zeros(len(column), np.uint64)
    start = 0
    for chunk in encoded.chunks:
        digests = b"".join(
            hashlib.blake2b(value.encode(), digest_size=8).digest() if value is not None else bytes(8)
            for value in chunk.dictionary.to_pylist()
        )
        of_value = np.frombuffer(digests, "<u8").astype(np.uint64)
        codes = np.asarray(pc.fill_null(chunk.indices, 0).to_numpy(zero_copy_only=False))
        if len(of_value):
            bits[start : start + len(chunk)] = of_value[codes]
        start += len(chunk)
    return bits


def _kind(name: str, type_: pa.DataType) -> str:
    types = pa.types
    if types.is_dictionary(type_):
        return _kind(name, type_.value_type)
    known = [
        (types.is_integer, _INTEGER),
        (types.is_floating, _NUMBER),
        (types.is_string, _TEXT),
        (types.is_large_string, _TEXT),
        (types.is_boolean, _BOOLEAN),
        (types.is_timestamp, _INSTANT if types.is_timestamp(type_) and type_.tz else _LOCAL_TIME),
        (types.is_date32, _DATE),
    ]
    for holds, kind in known:
        if holds(type_):
            return kind
    raise TypeError(f"column '{name}' has type {type_}, which has no fingerprint")


def _zero(kind: str) -> float | int:
    return 0.0 if kind == _NUMBER else 0


def _mixed(bits: np.ndarray) -> np.ndarray:
    """Return splitmix64's output function of each uint64; overflow wraps, as it should."""
    with np.errstate(over="ignore"):
        z = bits + np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return z ^ (z >> np.uint64(31))

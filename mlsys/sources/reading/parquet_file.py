"""Parquet files in bounded memory, only the columns asked for."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from mlsys.errors import DataError
from mlsys.sources.reading.conform import Faults, less_blanks
from mlsys.wording import first_line

if TYPE_CHECKING:
    import pyarrow as pa

_ROWS_AT_ONCE = 65_536


@dataclass(frozen=True)
class ParquetFile:
    """One file."""

    path: Path

    def names(self, wanted: Collection[str] = ()) -> list[str]:
        """Return the names of the top-level columns, less blanks around them.

        Raises:
            DataError: not a whole Parquet file.
        """
        import pyarrow.parquet as pq

        with _errors(self.path):
            return less_blanks(pq.read_schema(self.path).names, wanted)

    def batches(self, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """Yield the rows of `columns` in the types of the file; those of short numbers and of views in their usual kin.

        Raises:
            DataError: not a whole Parquet file.
        """
        import pyarrow as pa
        import pyarrow.parquet as pq

        with _errors(self.path), pq.ParquetFile(self.path) as file:
            found = less_blanks(file.schema_arrow.names, columns)
            spelt = [file.schema_arrow.names[found.index(name)] for name in columns]
            for batch in file.iter_batches(batch_size=_ROWS_AT_ONCE, columns=spelt):
                values = [_usual(batch.column(name)) for name in spelt]
                yield pa.RecordBatch.from_arrays(values, names=list(columns))

    def places(self, rows: Sequence[int]) -> list[str]:
        """Return `file, row n` of rows by their index from 0."""
        return [f"{self.path}, row {row + 1}" for row in rows]

    def faults(self) -> Faults:
        """Return nothing: a value of a well-formed row is judged by the type of its column."""
        return {}

    def broken(self) -> list[tuple[str, str]]:
        """Return nothing: a Parquet file is whole or refused."""
        return []


def _usual(values: pa.Array) -> pa.Array:
    """Return values in a type that Arrow's functions know: not all of them know each that a file may hold."""
    import pyarrow as pa

    if pa.types.is_float16(values.type):
        return values.cast(pa.float32())
    if pa.types.is_string_view(values.type):
        return values.cast(pa.string())
    return values


@contextmanager
def _errors(path: Path) -> Iterator[None]:
    import pyarrow as pa

    try:
        yield
    except (pa.ArrowException, OSError, EOFError) as error:
        raise DataError(
            f"Not a whole Parquet file: {first_line(error)}",
            where=str(path),
            remedy="Deliver it again, or remove it",
        ) from error

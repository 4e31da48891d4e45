"""CSV files in bounded memory: compression, byte order mark, line ends and broken lines.

Every column is read as text; `conform` gives it its type. A line with a wrong number of fields is set aside with its
line number; a file that is broken as a whole (half written, wrong encoding) is refused.
"""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from mlsys.errors import DataError

if TYPE_CHECKING:
    import pyarrow as pa

_BLOCK_BYTES = 1 << 20
_BATCHES_AT_ONCE = 4
_SEPARATORS = ",;\t|"
_MARKS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))


@dataclass(frozen=True)
class Dialect:
    """How a CSV file is written; `separator` may be `auto`, `header` holds the names of files that have no header."""

    encoding: str
    separator: str
    quote: str
    header: tuple[str, ...] | None


@dataclass
class CsvFile:
    """One file, read once from start to end."""

    path: Path
    dialect: Dialect
    _broken: list[tuple[int, str]] = field(default_factory=list)  # record number and reason of each skipped line

    def names(self) -> list[str]:
        """Return the column names of the header, or those of the dialect.

        Raises:
            DataError: empty or unreadable.
        """
        if self.dialect.header is not None:
            return list(self.dialect.header)
        with _errors(self.path), self._text() as text:
            for record in csv.reader(text, delimiter=self._separator(), quotechar=self.dialect.quote):
                if record:
                    return record
        raise DataError("The file is empty", where=str(self.path), remedy="Write it again, or remove it")

    def batches(self, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """Yield the well-formed records of `columns`, all as text.

        Raises:
            DataError: half written, wrong encoding, a quotation mark that is never closed.
        """
        import pyarrow as pa
        import pyarrow.csv as pacsv

        with _errors(self.path):
            quotes = self._count_quotes()
            parse = pacsv.ParseOptions(
                delimiter=self._separator(),
                quote_char=self.dialect.quote,
                newlines_in_values=quotes > 0,
                invalid_row_handler=self._skip,
            )
            header = list(self.dialect.header) if self.dialect.header is not None else None
            encoding = self._encoding().replace("utf-8-sig", "utf-8")  # pyarrow skips that mark by itself
            # Without threads the broken lines come with their numbers; text columns cost little to convert.
            read = pacsv.ReadOptions(use_threads=False, block_size=_BLOCK_BYTES, encoding=encoding, column_names=header)
            convert = pacsv.ConvertOptions(
                include_columns=list(columns),
                column_types=dict.fromkeys(columns, pa.string()),
                strings_can_be_null=False,
            )
            with (
                _opened(self.path) as stream,
                pacsv.open_csv(stream, read_options=read, parse_options=parse, convert_options=convert) as reader,
            ):
                yield from _joined(reader)

    def places(self, rows: Sequence[int]) -> list[str]:
        """Return `file:line` of the rows that `batches` gave, by their index from 0."""
        import numpy as np

        first = 1 if self.dialect.header is not None else 2
        skipped = np.array([number for number, _ in self._broken], np.int64)
        records = np.asarray(rows, np.int64) + first
        # The k-th skipped record lies before a row when fewer than `record` others precede it.
        records += np.searchsorted(skipped - np.arange(len(skipped)), records, side="right")
        lines = self._lines(records.tolist())
        return [f"{self.path}:{lines[number]}" for number in records.tolist()]

    def broken(self) -> list[tuple[str, str]]:
        """Return `file:line` and reason of each line with a wrong number of fields; known after `batches`."""
        lines = self._lines([number for number, _ in self._broken])
        return [(f"{self.path}:{lines[number]}", reason) for number, reason in self._broken]

    def _lines(self, records: Sequence[int]) -> dict[int, int]:
        """Return the line on which each record begins; records count from 1 with the header, without blank lines."""
        wanted, found = set(records), {}
        if not wanted:
            return {}
        last, number, line = max(wanted), 0, 1
        with _errors(self.path), self._text() as text:
            reader = csv.reader(text, delimiter=self._separator(), quotechar=self.dialect.quote)
            for record in reader:
                number += bool(record)
                if record and number in wanted:
                    found[number] = line
                if number >= last:
                    break
                line = reader.line_num + 1
        return found

    def _skip(self, row: Any) -> str:
        self._broken.append((row.number, f"{row.actual_columns} fields instead of {row.expected_columns}"))
        return "skip"

    def _encoding(self) -> str:
        with _opened(self.path) as stream:
            start = stream.read(4)
        # A mark in the file knows better than a setting that was left at its default.
        return next((name for mark, name in _MARKS if start.startswith(mark)), self.dialect.encoding)

    def _separator(self) -> str:
        if self.dialect.separator != "auto":
            return self.dialect.separator
        with self._text() as text:
            first = text.readline()
        return max(_SEPARATORS, key=first.count)

    def _count_quotes(self) -> int:
        """Return the number of quotation marks; without any, a record can't span lines and reads faster."""
        quote, total = self.dialect.quote.encode(), 0
        with _opened(self.path) as stream:
            while block := stream.read(_BLOCK_BYTES):
                total += block.count(quote)
        if total % 2:
            self._require_closed_quotes()
        return total

    def _require_closed_quotes(self) -> None:
        with self._text() as text:
            reader = csv.reader(text, delimiter=self._separator(), quotechar=self.dialect.quote, strict=True)
            try:
                for _ in reader:
                    pass
            except csv.Error as error:
                if "unexpected end of data" not in str(error):
                    return  # a quotation mark inside a value, as in 12" pipe
                raise DataError(
                    "A quotation mark is never closed: the file is half written or a line is broken",
                    where=str(self.path),
                    remedy="Write the file again, or correct `source.quote`",
                ) from None

    @contextmanager
    def _text(self) -> Iterator[io.TextIOWrapper]:
        with _opened(self.path) as stream, io.TextIOWrapper(stream, self._encoding(), newline=None) as text:
            yield text


def _joined(reader: Any) -> Iterator[pa.RecordBatch]:
    import pyarrow as pa

    waiting: list[pa.RecordBatch] = []
    for batch in reader:
        waiting.append(batch)
        if len(waiting) == _BATCHES_AT_ONCE:
            yield pa.concat_batches(waiting)
            waiting = []
    if waiting:
        yield pa.concat_batches(waiting)


@contextmanager
def _opened(path: Path) -> Iterator[BinaryIO]:
    """Open a file's content, decompressed by what its first bytes say, never by its name."""
    import bz2
    import gzip
    import lzma

    with path.open("rb") as raw:
        start = raw.read(6)
        raw.seek(0)
        if start.startswith(b"\x1f\x8b"):
            opened: Any = gzip.GzipFile(fileobj=raw)
        elif start.startswith(b"BZh"):
            opened = bz2.BZ2File(raw)
        elif start == b"\xfd7zXZ\x00":
            opened = lzma.LZMAFile(raw)  # noqa: SIM115 - closed below
        elif start.startswith(b"\x28\xb5\x2f\xfd"):
            import pyarrow as pa

            opened = io.BufferedReader(pa.CompressedInputStream(pa.PythonFile(raw, mode="r"), "zstd"))
        else:
            opened = raw
        with opened:
            yield opened


@contextmanager
def _errors(path: Path) -> Iterator[None]:
    import lzma
    import zlib

    import pyarrow as pa

    try:
        yield
    except FileNotFoundError as error:
        raise DataError("The file is gone", where=str(path), remedy="Run again when the drop is complete") from error
    except UnicodeError as error:
        raise DataError(
            f"The file is not in the declared encoding: {error}", where=str(path), remedy="Set `source.encoding`"
        ) from error
    except (pa.ArrowException, csv.Error) as error:
        wrong_encoding = "UTF8" in str(error)
        raise DataError(
            "The file is not in the declared encoding" if wrong_encoding else f"The file can't be read: {error}",
            where=str(path),
            remedy="Set `source.encoding`" if wrong_encoding else "Write the file again, or correct `source`",
        ) from error
    except (OSError, EOFError, zlib.error, lzma.LZMAError) as error:
        raise DataError(
            f"The file is half written or damaged: {error}", where=str(path), remedy="Deliver it again, or remove it"
        ) from error

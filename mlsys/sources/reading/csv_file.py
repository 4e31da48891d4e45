"""CSV files in bounded memory: compression, byte order mark, line ends and broken lines.

Every column is read as text; `conform` gives it its type. The lines of a record with a wrong number of fields or broken
quotation marks are set aside with their numbers, each of them one bad row; lines without any value are passed over. A
file that is broken as a whole (half written, wrong encoding) is refused.
"""

from __future__ import annotations

import codecs
import csv
import io
from array import array
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from mlsys.errors import DataError
from mlsys.sources.reading.conform import HEADER_AGAIN, Faults, less_blanks
from mlsys.sources.reading.csv_records import LONGEST, UNCLOSED, CsvRecord, is_plain, looks_like_rows, records

if TYPE_CHECKING:
    import pyarrow as pa

_ROWS_AT_ONCE = 65_536
_BATCHES_AT_ONCE = 4
_SEPARATORS = ",;\t|"
MARKS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
_LIKE_ASCII = ("utf-8", "utf-8-sig", "ascii", "iso8859-1", "iso8859-15", "cp1250", "cp1251", "cp1252")
_NO_QUOTES = "; if such marks are text here, set `source.quote: none`"


@dataclass(frozen=True)
class Dialect:
    """How a CSV file is written.

    Attributes:
        separator: between fields, or `auto`.
        quote: the quotation mark, or None where it is a character like any other.
        header: names of the columns of files that have no header.
    """

    encoding: str
    separator: str
    quote: str | None
    header: tuple[str, ...] | None


@dataclass
class CsvFile:
    """One file, read once from start to end: a plain one by Arrow, another one record by record."""

    path: Path
    dialect: Dialect
    _skipped: list[tuple[int, str]] = field(default_factory=list)  # record that Arrow left out, counted from 1, and why
    _broken: list[tuple[int, str]] = field(default_factory=list)  # line of a record that was left out, and why
    _row_lines: array[int] | None = None  # first line of each row, where rows are not lines

    def names(self, wanted: Collection[str] = ()) -> list[str]:
        """Return the column names of the header, less blanks around them, or those of the dialect.

        Raises:
            DataError: empty or unreadable.
        """
        if self.dialect.header is not None:
            return list(self.dialect.header)
        return less_blanks(self._header(), wanted)

    def batches(self, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """Yield the well-formed records of `columns`, all as text.

        Raises:
            DataError: half written, wrong encoding, a quotation mark that is never closed.
        """
        with reading_errors(self.path):
            plain = is_plain(
                self._blocks(),
                separator=self._separator(),
                quote=self.dialect.quote,
                has_header=self.dialect.header is None,
            )
            yield from self._by_lines(columns) if plain else self._by_records(columns)

    def places(self, rows: Sequence[int]) -> list[str]:
        """Return `file:line` of the rows that `batches` gave, by their index from 0."""
        import numpy as np

        if self._row_lines is not None:
            return [f"{self.path}:{self._row_lines[row]}" for row in rows]
        first = 1 if self.dialect.header is not None else 2
        skipped = np.array([number for number, _ in self._skipped], np.int64)
        records = np.asarray(rows, np.int64) + first
        # The k-th skipped record lies before a row when fewer than `record` others precede it.
        records += np.searchsorted(skipped - np.arange(len(skipped)), records, side="right")
        lines = self._lines(records.tolist())
        return [f"{self.path}:{lines[number]}" for number in records.tolist()]

    def faults(self) -> Faults:
        """Return nothing: a value of a well-formed row is judged by the type of its column."""
        return {}

    def broken(self) -> list[tuple[str, str]]:
        """Return `file:line` and reason of each line that belongs to no well-formed record; known after `batches`."""
        lines = self._lines([number for number, _ in self._skipped])
        broken = [*((lines[number], reason) for number, reason in self._skipped), *self._broken]
        return [(f"{self.path}:{line}", reason) for line, reason in broken]

    def _by_lines(self, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        import pyarrow as pa
        import pyarrow.csv as pacsv

        names = self._header() if self.dialect.header is None else list(self.dialect.header)
        found = self.names(columns)
        spelt = [names[found.index(name)] for name in columns]
        parse = pacsv.ParseOptions(
            delimiter=self._separator(), quote_char=self.dialect.quote or False, invalid_row_handler=self._skip
        )
        encoding = self._encoding().replace("utf-8-sig", "utf-8")  # pyarrow skips that mark by itself
        # Without threads the broken lines come with their numbers; text columns cost little to convert.
        read = pacsv.ReadOptions(
            use_threads=False,
            block_size=LONGEST,
            encoding=encoding,
            column_names=None if self.dialect.header is None else names,
        )
        convert = pacsv.ConvertOptions(
            include_columns=spelt, column_types=dict.fromkeys(spelt, pa.string()), strings_can_be_null=False
        )
        with (
            opened(self.path) as stream,
            pacsv.open_csv(stream, read_options=read, parse_options=parse, convert_options=convert) as reader,
        ):
            for batch in _joined(reader):
                yield batch.rename_columns(list(columns))

    def _by_records(self, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        names, separator = self.names(columns), self._separator()
        places = [names.index(name) for name in columns]
        self._row_lines = array("Q")
        rows: list[list[str]] = []
        with self._text() as text:
            found = self._records(text)
            header = less_blanks(next(found).fields, ()) if self.dialect.header is None else None
            for record in found:
                problem = record.problem or _misfit(record, len(names), separator)
                if header is not None and len(header) > 1 and less_blanks(record.fields, ()) == header:
                    problem = HEADER_AGAIN
                if problem:
                    self._broken += [(line, problem) for line in record.numbers]
                    continue
                rows.append(record.fields)
                self._row_lines.append(record.line)
                if len(rows) == _ROWS_AT_ONCE:
                    yield _batch(rows, places, columns)
                    rows = []
        yield _batch(rows, places, columns)

    def _records(self, text: io.TextIOWrapper) -> Iterator[CsvRecord]:
        for record in records(text, separator=self._separator(), quote=self.dialect.quote):
            if record.problem == UNCLOSED:
                raise DataError(
                    "A quotation mark is never closed: the file is half written or a line is broken",
                    where=f"{self.path}:{record.line}",
                    remedy="Write the file again, or correct `source.quote`; `quote: none` if such marks are text here",
                )
            where = f", in the record that begins on line {record.line}{_NO_QUOTES}"
            yield record._replace(problem=record.problem + where) if record.problem else record

    def _header(self) -> list[str]:
        with reading_errors(self.path), self._text() as text:
            record = next(self._records(text), None)
        if record is None:
            raise DataError("The file is empty", where=str(self.path), remedy="Write it again, or remove it")
        if record.problem or record.fields[0].lower().startswith("sep="):
            raise DataError(
                f"The first line is no header: {record.problem or 'it tells a spreadsheet the separator'}",
                where=f"{self.path}:{record.line}",
                got=record.lines[0].strip(),
                remedy="Mend that line, or take it out",
            )
        return record.fields

    def _lines(self, numbers: Sequence[int]) -> dict[int, int]:
        """Return the line of each record of a plain file: the n-th line that is not empty, the header included."""
        wanted, found = set(numbers), dict[int, int]()
        if not wanted:
            return {}
        last, number = max(wanted), 0
        with reading_errors(self.path), self._text() as text:
            for line, content in enumerate(text, start=1):
                number += bool(content.rstrip("\r\n"))
                if number in wanted:
                    found.setdefault(number, line)
                if number >= last:
                    break
        return found

    def _skip(self, row: Any) -> str:
        reason = _other_fields(row.actual_columns, row.expected_columns, row.text, self._separator())
        self._skipped.append((row.number, reason))
        return "skip"

    def _encoding(self) -> str:
        with opened(self.path) as stream:
            start = stream.read(4)
        # A mark in the file knows better than a setting that was left at its default.
        return next((name for mark, name in MARKS if start.startswith(mark)), self.dialect.encoding)

    def _separator(self) -> str:
        if self.dialect.separator != "auto":
            return self.dialect.separator
        with self._text() as text:
            first = next((line for line in text if line.strip()), "")
        return max(_SEPARATORS, key=first.count)

    def _blocks(self) -> Iterator[bytes]:
        """Yield the content in an encoding whose quotation marks, separators and line ends are those of ASCII."""
        if codecs.lookup(self._encoding()).name in _LIKE_ASCII:
            with opened(self.path) as stream:
                yield stream.read(LONGEST).removeprefix(codecs.BOM_UTF8)
                while block := stream.read(LONGEST):
                    yield block
        else:
            with self._text() as text:
                while content := text.read(LONGEST):
                    yield content.encode()

    @contextmanager
    def _text(self) -> Iterator[io.TextIOWrapper]:
        with opened(self.path) as stream, io.TextIOWrapper(stream, self._encoding(), newline="") as text:
            yield text


def _misfit(record: CsvRecord, n_columns: int, separator: str) -> str:
    """Return why the fields of a record are not those of a row, or nothing."""
    several = f" (lines {record.line} to {record.line + len(record.lines) - 1})" if len(record.lines) > 1 else ""
    if len(record.fields) != n_columns:
        return _other_fields(len(record.fields), n_columns, record.lines[-1], separator) + several
    if several and looks_like_rows(record, separator, n_columns):
        return f"lines that look like rows stand in one quoted value{several}{_NO_QUOTES}"
    return ""


def _other_fields(actual: int, expected: int, text: str, separator: str) -> str:
    surplus = actual == expected + 1 and text.rstrip("\r\n").endswith(separator)
    end = ": the line ends in a separator, and the header does not" if surplus else ""
    return f"{actual} fields instead of {expected}{end}"


def _batch(rows: Sequence[list[str]], places: Sequence[int], columns: Sequence[str]) -> pa.RecordBatch:
    import pyarrow as pa

    arrays = [pa.array([row[place] for row in rows], pa.string()) for place in places]
    return pa.RecordBatch.from_arrays(arrays, names=list(columns))


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
def opened(path: Path) -> Iterator[BinaryIO]:
    """Open a file's content, decompressed by what its first bytes say, never by its name."""
    import bz2
    import gzip
    import lzma

    with path.open("rb") as raw:
        start = raw.read(6)
        raw.seek(0)
        if start.startswith(b"\x1f\x8b"):
            stream: Any = gzip.GzipFile(fileobj=raw)
        elif start.startswith(b"BZh"):
            stream = bz2.BZ2File(raw)
        elif start == b"\xfd7zXZ\x00":
            stream = lzma.LZMAFile(raw)  # noqa: SIM115 - closed below
        elif start.startswith(b"\x28\xb5\x2f\xfd"):
            import pyarrow as pa

            stream = io.BufferedReader(pa.CompressedInputStream(pa.PythonFile(raw, mode="r"), "zstd"))
        else:
            stream = raw
        with stream:
            yield stream


@contextmanager
def reading_errors(path: Path) -> Iterator[None]:
    """Turn what a damaged or half written file, or another encoding, raises into a DataError."""
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

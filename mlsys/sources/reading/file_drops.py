"""Files found by a pattern, of any format: which of them to read, the day of each, what is remembered of them."""

from __future__ import annotations

import glob
import hashlib
import itertools
import re
from abc import abstractmethod
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, date, datetime, time
from fnmatch import fnmatch
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from pydantic import Field, field_validator, model_validator

from mlsys.errors import DataError
from mlsys.schema import (
    ARRIVAL,
    EVENT_TIME,
    ColumnSpec,
    DecimalMark,
    ThousandsMark,
    arrow_type,
    checked_zone,
    require_two_marks,
)
from mlsys.settings import expand, sample_command
from mlsys.sources.base import Drop, Part, ReadRequest, Rejected, Source
from mlsys.sources.reading.conform import BadRow, Conformer, Faults, columns_to_read, require_columns
from mlsys.sources.reading.file_spans import FORMAT, Span, measured_spans, span_of
from mlsys.sources.reading.time_range import EARLIEST, TimeRange, range_of
from mlsys.sources.reading.values import logical_values
from mlsys.store import canonical_json

if TYPE_CHECKING:
    import pyarrow as pa

# How programs that copy files call one that is not whole yet.
_UNFINISHED = (".tmp", ".temp", ".part", ".partial", ".filepart", ".crdownload", ".swp", "~")
# Folders in which clusters keep what they have not finished, and the log of a table.
HALF_WRITTEN = frozenset({"_temporary", "_delta_log"})
_OPEN_IN_OFFICE = "~$"  # how the file begins that says who has a workbook open


class DataFile(Protocol):
    """One file, read once from start to end."""

    def names(self, wanted: Collection[str] = ()) -> list[str]:
        """Return the names of its columns; one that is wanted with its blanks keeps them."""

    def batches(self, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """Yield its rows."""

    def faults(self) -> Faults:
        """Return the cells of the newest batch that can't be read, whatever the type of their column."""

    def places(self, rows: Sequence[int]) -> list[str]:
        """Return where rows stand, by their index from 0."""

    def broken(self) -> list[tuple[str, str]]:
        """Return place and reason of what became no row; known after `batches`."""


class FileDrops(Source):
    """Files that match a pattern, one drop a day or all of them together; a kind of file says how one is read.

    Attributes:
        path: pattern with `*`, `?`, `**`; `${NAME}` is filled from the environment.
        decimal, thousands: marks of numbers in text, of columns that declare none: `1.234,5` has `decimal: ","` and
            `thousands: "."`.
        day_pattern: regular expression whose group (or whose groups `year`, `month`, `day`) gives the UTC day of all
            rows of a file, from its path below the pattern's fixed part. Only files of wanted days are opened.
        event_time: column with the time of a row, where files hold several days. First and last time of a file are
            remembered, so a file is opened again only when it changed or holds rows of wanted days.
        timezone: IANA zone of local times; `UTC` is one.
    """

    path: str
    # Left out of the stored spec where they are not set: partitions stay those of a spec that does not know them.
    decimal: DecimalMark | None = Field(default=None, exclude_if=lambda mark: mark is None)
    thousands: ThousandsMark | None = Field(default=None, exclude_if=lambda mark: mark is None)
    day_pattern: str | None = None
    event_time: str | None = None
    timezone: str | None = None

    _zone = field_validator("timezone")(checked_zone)

    @field_validator("day_pattern")
    @classmethod
    def _gives_a_day(cls, value: str | None) -> str | None:
        if value is None:
            return None
        try:
            pattern = re.compile(value)
        except re.error as error:
            raise ValueError(f"not a regular expression: {error}") from None
        if pattern.groups != 1 and not {"year", "month", "day"} <= set(pattern.groupindex):
            raise ValueError("needs one group that gives YYYY-MM-DD, or the named groups year, month and day")
        return value

    @model_validator(mode="after")
    def _one_meaning(self) -> FileDrops:
        if self.day_pattern is not None and self.event_time is not None:
            raise ValueError("the day comes from `day_pattern` or from `event_time`, not from both")
        require_two_marks(self.decimal, self.thousands)
        return self

    @abstractmethod
    def opened(self, path: Path, columns: Mapping[str, ColumnSpec]) -> DataFile:
        """Return one file, to be read into `columns`."""

    def conformed(self, column: ColumnSpec) -> ColumnSpec:
        """Return as what the batches of a file are conformed; less than `column` where the file has done a part."""
        return column

    @property
    def timed(self) -> bool:
        """Whether rows have a day."""
        return self.day_pattern is not None or self.event_time is not None

    @property
    def knows_days_alone(self) -> bool:
        """Whether the day of a file's name is all that is known of a row's time."""
        return self.day_pattern is not None

    def newest(self, request: ReadRequest) -> datetime | None:
        """Return the newest event time (UTC): midnight of the newest day, where file names give the day."""
        if self.day_pattern is not None:
            days = (_midnight(day) for _, day in self._dated())
            return max((day for day in days if day <= request.now), default=None)
        if self.event_time is None:
            return None
        times = self._times(request)
        found = (span.newest(request.now, times) for span in self._spans(request).values())
        return max((newest for newest in found if newest is not None), default=None)

    def read(self, request: ReadRequest) -> Iterator[Drop]:
        """Yield the rows of the files whose day is wanted, a part of a file at a time."""
        columns = {name: self._marked(column) for name, column in request.schema.items()}
        request = replace(request, schema=columns)
        in_file = columns_to_read(request, self.event_time, self.timezone)
        left = replace(request, schema={name: self.conformed(column) for name, column in columns.items()})
        conformer = Conformer(left, event_time=self.event_time, timezone=self.timezone, origin=expand(self.path))
        for path, day in self._wanted_files(request):
            yield from self._drops(self.opened(path, in_file), path, day, conformer)
        conformer.finish()

    def _marked(self, column: ColumnSpec) -> ColumnSpec:
        if column.type not in ("integer", "number") or column.decimal is not None or column.thousands is not None:
            return column
        return column.model_copy(update={"decimal": self.decimal, "thousands": self.thousands})

    def _wanted_files(self, request: ReadRequest) -> list[tuple[Path, date | None]]:
        """Return the files that may hold rows of the window, each with its day where its name gives one."""
        if self.day_pattern is not None:
            return [(path, day) for path, day in self._dated() if _wanted(day, request)]
        if self.event_time is None or request.since is None:  # a whole reading counts the rows without time as well
            return [(path, None) for path in self._paths()]
        since, until, times = request.since, request.until, self._times(request)
        return [(path, None) for path, span in self._spans(request).items() if span.may_touch(since, until, times)]

    def _time_column(self, request: ReadRequest) -> ColumnSpec:
        assert self.event_time is not None
        return columns_to_read(request, self.event_time, self.timezone)[self.event_time]

    def _times(self, request: ReadRequest) -> TimeRange:
        return range_of(self._time_column(request), request.now)

    def _spans(self, request: ReadRequest) -> dict[Path, Span]:
        column = self._time_column(request)
        told_by = [FORMAT, self.model_dump(mode="json"), column.model_dump(mode="json")]
        name = hashlib.sha256(canonical_json(told_by)).hexdigest()
        memory = None if request.memory is None else request.memory / "spans" / f"{name}.json"
        return measured_spans(
            self._paths(), lambda path: self._span(path, self.event_time or "", column), memory=memory
        )

    def _span(self, path: Path, name: str, column: ColumnSpec) -> Span:
        """Read the times of a file alone; the ones that can't be read are left to `read`."""
        file, column = self.opened(path, {name: column}), self.conformed(column)
        require_columns({name: column}, file.names([name]), str(path), "Correct `source.event_time` in the spec")
        where = f"{path}: column '{name}'"
        return span_of(logical_values(batch.column(0), column, where)[0] for batch in file.batches([name]))

    def parts(self) -> list[Part]:
        """Return the files that match, each with its size and times."""
        found = []
        fixed = self._fixed()
        for path in self._paths():
            with suppress(FileNotFoundError):  # it has just got its final name
                stat = path.stat()
                mark = f"{stat.st_ino}-{stat.st_size}-{stat.st_mtime_ns}"
                day = self._day_of(path, fixed) if self.day_pattern is not None else None
                found.append(Part(str(path), mark, datetime.fromtimestamp(stat.st_mtime, UTC), day))
        return found

    def matches(self, path: Path) -> bool:
        """Whether a file is, or would be once it is there, one that this source reads."""
        pattern, absolute = str(Path(expand(self.path)).absolute()), path.absolute()
        return absolute.match(pattern) or ("**" in pattern and fnmatch(str(absolute), pattern.replace("**/", "*")))

    def _paths(self) -> list[Path]:
        pattern = expand(self.path)
        paths = data_files(pattern)
        if not paths:
            remedy = sample_command(pattern) or "Correct `source.path`"
            raise DataError("No file matches the pattern", where=str(Path(pattern).absolute()), remedy=remedy)
        return paths

    def _fixed(self) -> str:
        return fixed_part(expand(self.path))  # reads the settings: once for all files, which may be thousands

    def _dated(self) -> list[tuple[Path, date]]:
        fixed = self._fixed()
        return [(path, self._day_of(path, fixed)) for path in self._paths()]

    def _day_of(self, path: Path, fixed: str) -> date:
        assert self.day_pattern is not None
        match = re.search(self.day_pattern, path.relative_to(fixed).as_posix())
        remedy = "Correct `source.day_pattern`, or narrow `source.path` to the files that have a day"
        if match is None:
            raise DataError("The file's name gives no day", where=str(path), remedy=remedy)
        named = match.groupdict()
        parts = [(named.get(name) or "").zfill(2) for name in ("year", "month", "day")]  # `month=3`, as clusters write
        text = "-".join(parts) if "year" in named else match[1]
        try:
            day = date.fromisoformat(text)
        except (ValueError, TypeError):
            raise DataError(
                "The day in the file's name is no day YYYY-MM-DD", where=str(path), got=text, remedy=remedy
            ) from None
        if day < EARLIEST:
            rule = f"The day in the file's name lies before {EARLIEST}"
            raise DataError(rule, where=str(path), got=text, remedy=remedy)
        return day

    def _drops(self, file: DataFile, path: Path, day: date | None, conformer: Conformer) -> Iterator[Drop]:
        require_columns(
            conformer.columns, file.names(conformer.columns), str(path), "Correct `schema` or `source` in the spec"
        )
        bad: list[BadRow] = []
        n_before = 0
        for batch in file.batches(list(conformer.columns)):
            table, found = conformer.conform(batch, file.faults())
            bad += [replace(item, row=item.row + n_before) for item in found]
            n_before += batch.num_rows
            table = table if day is None else _dated(table, day)
            yield Drop(table, str(path), day)
        places = file.places([item.row for item in bad])
        rejected = [Rejected(place, item.reason, day or item.day) for place, item in zip(places, bad, strict=True)]
        rejected += [Rejected(place, reason, day) for place, reason in file.broken()]
        if rejected:  # where they stand is known when the whole file has been read
            nothing = conformer.nothing()
            yield Drop(nothing if day is None else _dated(nothing, day), str(path), day, tuple(rejected))


def data_files(pattern: str) -> list[Path]:
    """Return the files that match a pattern, in the order of their names, less those that are still being written."""
    fixed = fixed_part(pattern)
    found = (Path(name) for name in glob.glob(pattern, recursive=True))  # noqa: PTH207
    return sorted(path for path in found if path.is_file() and _is_data(path, fixed))


def _is_data(path: Path, fixed: str) -> bool:
    if path.name.endswith(_UNFINISHED) or path.name.startswith(_OPEN_IN_OFFICE):
        return False
    return HALF_WRITTEN.isdisjoint(path.relative_to(fixed).parts[:-1])


def _wanted(day: date, request: ReadRequest) -> bool:
    start = _midnight(day)
    return (request.since is None or start >= request.since) and (request.until is None or start < request.until)


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


def _dated(table: pa.Table, day: date) -> pa.Table:
    """Return the table with the day's first instant as event time; the label's arrival stays the last column."""
    import pyarrow as pa

    times = pa.repeat(pa.scalar(_midnight(day), arrow_type("timestamp")), table.num_rows)
    position = table.schema.get_field_index(ARRIVAL)
    return table.add_column(position if position >= 0 else table.num_columns, EVENT_TIME, times)


def fixed_part(pattern: str) -> str:
    """Return the folder of a pattern above its first wildcard."""
    parts = Path(pattern).parts
    fixed = list(itertools.takewhile(lambda part: not glob.has_magic(part), parts[:-1]))
    return str(Path(*fixed)) if fixed else ""

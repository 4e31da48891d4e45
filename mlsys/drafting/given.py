"""What `--from` may name: a file, a folder or a pattern of files, or a table of a database.

Another kind of source is a class with the methods of `Given` and a function in `_KINDS` that recognises it.
"""

from __future__ import annotations

import glob
import os
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Protocol
from urllib.parse import quote, urlsplit

from mlsys.drafting.dialects import FirstLook, look_at, others
from mlsys.drafting.folders import PARQUET_ENDINGS, day_pattern, of_partitions, pattern_of
from mlsys.drafting.other_kinds import require_text
from mlsys.drafting.questions import Answerer, OpenQuestion
from mlsys.errors import DataError, UsageError, near_match
from mlsys.schema import ColumnSpec
from mlsys.settings import expand, load_settings
from mlsys.sources.reading.csv_file import CsvFile
from mlsys.sources.reading.databases import Database, Parameter, connected
from mlsys.sources.reading.file_drops import DataFile, data_files, fixed_part
from mlsys.sources.reading.parquet_file import ParquetFile
from mlsys.sources.reading.rows import record_batch

if TYPE_CHECKING:
    import pyarrow as pa

_ROWS_AT_ONCE = 50_000
Block = dict[str, tuple[object, str]]  # key of `source`: its value, and a comment


class Given(Protocol):
    """Something that holds a table.

    Attributes:
        spoken: what it is called in messages and comments.
        left_out: columns that can't be read, with the reason.
        dated: rows have their day from their file's name; a draft takes it back where a column is to say it.
        typed: values come with types; else they are text.
        broken_example: place and reason of the first line that was no row; known after `batches`.
    """

    spoken: str
    left_out: dict[str, str]
    dated: bool
    typed: bool
    broken_example: str

    def names(self) -> list[str]:
        """Return the columns that can be read, in their order."""

    def batches(self, names: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """Yield all rows."""

    def broken(self) -> int:
        """Return how many lines were no rows; known after `batches`."""

    def days(self) -> dict[date, int]:
        """Return the rows of each day where files are named after days, else nothing; known after `batches`."""

    def block(self) -> Block:
        """Return the keys of `source` that read it, less `event_time` and `timezone`."""


class FilesGiven:
    """CSV or Parquet files, read in the order of their names."""

    def __init__(self, paths: Sequence[Path], pattern: str, *, parquet: bool) -> None:
        self.paths, self.pattern, self.typed = paths, pattern, parquet
        self.spoken = str(paths[0]) if len(paths) == 1 else f"{pattern} ({len(paths):,} files)"
        self._seen = None if parquet else look_at(paths[0])
        self._n_broken, self.broken_example = 0, ""
        self._n_rows: Counter[Path] = Counter()
        self._below = {path: path.relative_to(fixed_part(pattern)).as_posix() for path in paths}
        self._day_pattern = day_pattern([*self._below.values()])
        self.dated = self._day_pattern is not None
        self.left_out: dict[str, str] = {}
        self._in_each = [self._file(path).names() for path in paths]
        self._names = self._common_names()

    def names(self) -> list[str]:
        """Return the columns that each file has once."""
        return self._names

    def batches(self, names: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """Yield all rows of all files."""
        self._n_broken, self.broken_example = 0, ""
        self._n_rows = Counter[Path]()
        for path in self.paths:
            file = self._file(path)
            for batch in file.batches(list(names)):
                self._n_rows[path] += batch.num_rows
                yield batch
            self._count_broken(file)

    def broken(self) -> int:
        """Return how many lines were no rows."""
        return self._n_broken

    def _count_broken(self, file: DataFile) -> None:
        broken = file.broken()
        self._n_broken += len(broken)
        self.broken_example = self.broken_example or ": ".join(broken[0] if broken else ())

    def days(self) -> dict[date, int]:
        """Return the rows of each day where files are named after days."""
        if self._day_pattern is None or not self.dated:
            return {}
        found = Counter[date]()
        for path in self.paths:
            match = re.search(self._day_pattern, self._below[path])
            assert match is not None
            named = match.groupdict()
            text = "-".join(named[part].zfill(2) for part in ("year", "month", "day")) if named else match[1]
            found[date.fromisoformat(text)] += self._n_rows[path]
        return found

    def without_quotes(self) -> FilesGiven | None:
        """Return the same files with quotation marks as text, or None where they are that already, or must not be.

        They must not where columns are named between them: they would have other names, or be others.
        """
        if self._seen is None or self._seen.dialect.quote is None:
            return None
        return self if self._become(replace(self._seen, dialect=replace(self._seen.dialect, quote=None))) else None

    def with_quotes(self, n_broken: int, example: str) -> None:
        """Take quotation marks for what they usually are again; so many lines were broken then, as this one."""
        assert self._seen is not None
        self._n_broken, self.broken_example = n_broken, example
        self._seen = replace(self._seen, dialect=replace(self._seen.dialect, quote='"'))

    def in_other_encodings(self) -> Iterator[FilesGiven]:
        """Yield the same files in other encodings, for a byte far down that the first look has not met."""
        for seen in others(self._seen) if self._seen else ():
            if self._become(seen):
                yield self

    def _become(self, seen: FirstLook) -> bool:
        """Read the files in another way, if their columns are named as before in it, and return whether they are."""
        before, self._seen = self._seen, seen
        with suppress(DataError):
            if [self._file(path).names() for path in self.paths] == self._in_each:
                return True
        self._seen = before
        return False

    def block(self) -> Block:
        """Return the keys that read these files."""
        found: Block = {"kind": ("files", ""), "path": (portable(self.pattern), "")}
        if self.dated:
            found["day_pattern"] = (self._day_pattern, "the day of all rows of a file, from its name")
        if self.typed and not str(self.paths[0]).lower().endswith(PARQUET_ENDINGS):
            found["format"] = ("parquet", "")
        if self._seen and str(self.paths[0]).lower().endswith(PARQUET_ENDINGS):
            found["format"] = ("csv", "its name says Parquet")
        if self._seen:
            dialect = self._seen.dialect
            found["separator"] = (dialect.separator, "")
            found["encoding"] = (dialect.encoding, self._seen.note)
            if dialect.quote is None:
                found["quote"] = ("none", "quotation marks are text in these files")
            if dialect.header is not None:
                found["header"] = (dialect.header, "the file begins with a row: give its columns better names here")
        return found

    def _file(self, path: Path) -> CsvFile | ParquetFile:
        return ParquetFile(path) if self._seen is None else CsvFile(path, self._seen.dialect)

    def _common_names(self) -> list[str]:
        each = self._in_each
        counts = Counter(name for names in each for name in set(names))
        for names in each:
            twice = {name: "the header has it twice" for name, n in Counter(names).items() if n > 1}
            self.left_out.update(twice)
        for name, n in counts.items():
            if n < len(each):
                self.left_out[name] = f"{n:,} of {len(each):,} files have it"
        in_folders = of_partitions([*self._below.values()], self._day_pattern).items()
        self.left_out.update({name: why for name, why in in_folders if name not in counts})
        return [name for name in each[-1] if name not in self.left_out]


class TableGiven:
    """A table of a database."""

    dated = False
    typed = True
    broken_example = ""

    def __init__(
        self, url: str, table: str, *, query: str | None = None, params: Mapping[str, Parameter] | None = None
    ) -> None:
        self._url, self._table, self._query, self._params = url, table, query, dict(params or {})
        with connected(expand(url)) as database:
            self.spoken = f"{database.name}, {f'table {table}' if query is None else 'query'}"
            present = database.columns(self._relation(database), self._params)
        self.left_out = {name: "the table has it twice" for name, n in Counter(present).items() if n > 1}
        self._names = [name for name in present if name not in self.left_out]

    def names(self) -> list[str]:
        """Return the columns of the table."""
        return self._names

    def batches(self, names: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """Yield all rows."""
        columns = {name: ColumnSpec(type="text") for name in names}
        with connected(expand(self._url)) as database:
            wanted = ", ".join(database.quoted(name) for name in names)
            sql = f"SELECT {wanted} FROM {self._relation(database)}"  # noqa: S608 - names are quoted
            for rows in database.batches(sql, self._params, _ROWS_AT_ONCE):
                yield record_batch(rows, columns)

    def broken(self) -> int:
        """Return 0: a table has no broken lines."""
        return 0

    def days(self) -> dict[date, int]:
        """Return nothing: a table's days stand in a column."""
        return {}

    def block(self) -> Block:
        """Return the keys that read this table."""
        return {"kind": ("sql", ""), "url": (portable(self._url), ""), "table": (self._table, "")}

    def _relation(self, database: Database) -> str:
        if self._query is not None:
            return f"{database.subquery(expand(self._query), self._params)} AS source"
        parts = [self._table] if database.mixes_types else self._table.split(".")
        return ".".join(database.quoted(part) for part in parts)


def portable(place: str) -> str:
    """Return a path or URL with `${MLSYS_HOME}` for the part that this is, so that the spec fits other machines."""
    home = str(load_settings().root)
    return re.sub(rf"{re.escape(home)}(?=/)", "${MLSYS_HOME}", place, count=1)


def database_given(place: str, table: str | None, ask: Answerer) -> Given | None:
    """Return the table of a SQLite file or of a SQLAlchemy URL, or None where the place is neither."""
    url = place
    if "://" not in place:
        if not _is_sqlite(Path(expand(place))):
            return None
        url = f"sqlite:///{os.path.abspath(expand(place))}"  # noqa: PTH100 - a link stays a link
    elif "+" not in place.partition("://")[0] and place.partition("://")[0] in ("http", "https", "s3", "gs", "ftp"):
        raise UsageError(
            "Files are read from this machine", where="--from", got=place, remedy="Copy them here, or mount them"
        )
    refuse_password(url)
    if url.startswith("sqlite:///") and not url.startswith(("sqlite:////", "sqlite:///$")):
        url = f"sqlite:///{os.path.abspath(url.removeprefix('sqlite:///'))}"  # noqa: PTH100
    with connected(expand(url)) as database:
        name, known = database.name, database.tables()
    if table is None:
        table = one_of(known, name, ask)
    elif "." not in table and table not in known:
        raise UsageError(f"There is no table '{table}'. {near_match(table, known)}", where=name)
    return TableGiven(url, table)


def one_of(known: Sequence[str], name: str, ask: Answerer, *, what: str = "table") -> str:
    """Return the only table of a database, or the one that is answered."""
    if not known:
        raise DataError(f"The database has no {what}", where=name, remedy="Give another one with --from")
    if len(known) == 1:
        return known[0]
    why = f"The database has {len(known):,} {what}s"
    return ask(OpenQuestion(name, f"Which {what}?", why, tuple(known), "--table"))


def refuse_password(url: str) -> None:
    """Refuse a URL with a password in it, which the spec would show to all who read it."""
    password = urlsplit(url).password
    if password and not password.startswith("${"):
        raise UsageError(
            "A password would be written into the spec",
            where="--from",
            remedy=f"Write `{_less_password(url, password)}`, and set DB_PASSWORD in the environment",
        )


def _less_password(url: str, password: str) -> str:
    return url.replace(f":{password}@", ":${DB_PASSWORD}@").replace(f":{quote(password)}@", ":${DB_PASSWORD}@")


def files_given(place: str) -> FilesGiven:
    """Return the CSV or Parquet files of a path, folder or pattern.

    Raises:
        DataError: nothing is there.
        UsageError: they are of several kinds, or of one that is no table.
    """
    spelt = os.path.abspath(expand(place)).replace(os.sep, "/")  # noqa: PTH100 - a link stays a link
    path, pattern = Path(spelt), spelt
    if path.is_dir():
        pattern = pattern_of(path)
    elif path.is_file():
        pattern = glob.escape(spelt)
    elif not glob.has_magic(spelt):
        raise DataError("There is no such file or folder", where=spelt, remedy="Correct --from")
    paths = data_files(pattern)
    if not paths:
        raise DataError("No file matches the pattern", where=pattern, remedy="Correct --from")
    magic = {_is_parquet(path) for path in paths}
    if len(magic) > 1:
        raise UsageError("Some of these files are Parquet and some are not", where=pattern, remedy="Narrow --from")
    if not any(magic):
        require_text(paths[0])
    return FilesGiven(paths, pattern, parquet=magic.pop())


def _is_parquet(path: Path) -> bool:
    with path.open("rb") as stream:
        return stream.read(4) == b"PAR1"


def _is_sqlite(path: Path) -> bool:
    if not path.is_file():
        return False
    with path.open("rb") as stream:
        return stream.read(15) == b"SQLite format 3"

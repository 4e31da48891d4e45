"""Databases to read from: SQLite by its own driver (four times faster), everything else by SQLAlchemy.

Both open for reading only as far as the database allows it, bind all parameters, and turn the driver's errors into
ours: what may pass by itself (a lock, a lost connection) is a TransientError, what won't is a DataError.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from datetime import date
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import quote

from mlsys.errors import DataError, MlsysError, TransientError, near_match

Parameter = str | int | float | bool | date | None
BUSY_SECONDS = 5.0  # how long a lock is waited for before it is an error
_PASSING = re.compile(r"locked|busy", re.IGNORECASE)
_NO_TABLE = re.compile(r"no such table: (?:\w+\.)?(\S+)")


class Database(Protocol):
    """A connection for reading."""

    name: str
    mixes_types: bool

    def columns(self, relation: str, params: Mapping[str, Parameter]) -> list[str]:
        """Return the column names of a quoted table or a bracketed query."""

    def batches(self, sql: str, params: Mapping[str, Parameter], size: int) -> Iterator[list[tuple[Any, ...]]]:
        """Yield the rows of a statement, at most `size` at once."""

    def quoted(self, name: str) -> str:
        """Return an identifier quoted for this database."""


@contextmanager
def connected(url: str) -> Iterator[Database]:
    """Open the database of a SQLAlchemy URL for reading.

    Raises:
        DataError: the SQLite file does not exist, or the URL can't be used.
        TransientError: locked or unreachable.
    """
    opened: AbstractContextManager[Database]
    opened = _sqlite(url.partition("///")[2]) if url.startswith("sqlite:///") else _sqlalchemy(url)
    with opened as database:
        yield database


class SqliteDatabase:
    """A SQLite file, opened read-only. Its columns may hold any type, so text and numbers are compared apart."""

    mixes_types = True

    def __init__(self, connection: sqlite3.Connection, name: str) -> None:
        self.name = name
        self._connection = connection

    def columns(self, relation: str, params: Mapping[str, Parameter]) -> list[str]:
        """Return the column names of a quoted table or a bracketed query."""
        with self._errors():
            cursor = self._connection.execute(f"SELECT * FROM {relation} WHERE 1 = 0", dict(params))  # noqa: S608
            return [item[0] for item in cursor.description]

    def batches(self, sql: str, params: Mapping[str, Parameter], size: int) -> Iterator[list[tuple[Any, ...]]]:
        """Yield the rows of a statement, at most `size` at once."""
        with self._errors():
            cursor = self._connection.execute(sql, dict(params))
            while rows := cursor.fetchmany(size):
                yield rows

    def quoted(self, name: str) -> str:
        """Return an identifier quoted for SQLite."""
        return '"' + name.replace('"', '""') + '"'

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise self._explained(error) from error

    def _explained(self, error: sqlite3.Error) -> MlsysError:
        if _PASSING.search(str(error)):
            return TransientError(
                "The database is locked by another process", where=self.name, remedy="Try again when it has finished"
            )
        missing = _NO_TABLE.search(str(error))
        if missing:
            tables = self._connection.execute("SELECT name FROM sqlite_master WHERE type IN ('table', 'view')")
            known = [row[0] for row in tables]
            return DataError(
                f"There is no table '{missing[1]}'. {near_match(missing[1], known)}",
                where=self.name,
                remedy="Correct `source.table`",
            )
        return DataError(f"SQLite refuses: {error}", where=self.name, remedy="Check `source` and the database file")


@contextmanager
def _sqlite(path: str) -> Iterator[SqliteDatabase]:
    file = Path(path.partition("?")[0])
    if not file.is_file():
        raise DataError("There is no such database file", where=str(file), remedy="Correct `source.url`")
    try:
        connection = sqlite3.connect(
            f"file:{quote(str(file.resolve()))}?mode=ro", uri=True, timeout=BUSY_SECONDS, check_same_thread=False
        )
    except sqlite3.Error as error:
        raise DataError(f"SQLite can't open it: {error}", where=str(file), remedy="Check its permissions") from error
    try:
        yield SqliteDatabase(connection, str(file))
    finally:
        connection.close()


class SqlalchemyDatabase:
    """Any database that SQLAlchemy reaches; rows stream from the server where it can stream."""

    mixes_types = False

    def __init__(self, connection: Any, name: str) -> None:
        self.name = name
        self._connection = connection

    def columns(self, relation: str, params: Mapping[str, Parameter]) -> list[str]:
        """Return the column names of a quoted table or a bracketed query."""
        from sqlalchemy import text

        with _sqlalchemy_errors(self.name, self._tables):
            result = self._connection.execute(text(f"SELECT * FROM {relation} WHERE 1 = 0"), dict(params))  # noqa: S608
            return list(result.keys())

    def batches(self, sql: str, params: Mapping[str, Parameter], size: int) -> Iterator[list[tuple[Any, ...]]]:
        """Yield the rows of a statement, at most `size` at once."""
        from sqlalchemy import text

        with _sqlalchemy_errors(self.name, self._tables):
            streaming = self._connection.execution_options(stream_results=True, max_row_buffer=size)
            for rows in streaming.execute(text(sql), dict(params)).partitions(size):
                yield [tuple(row) for row in rows]

    def quoted(self, name: str) -> str:
        """Return an identifier quoted by the database's dialect."""
        return str(self._connection.dialect.identifier_preparer.quote(name))

    def _tables(self) -> list[str]:
        from sqlalchemy import inspect

        self._connection.rollback()
        inspector = inspect(self._connection)
        return [*inspector.get_table_names(), *inspector.get_view_names()]


@contextmanager
def _sqlalchemy(url: str) -> Iterator[SqlalchemyDatabase]:
    from sqlalchemy import create_engine
    from sqlalchemy.engine import make_url
    from sqlalchemy.exc import ArgumentError, NoSuchModuleError
    from sqlalchemy.pool import NullPool

    try:
        name = make_url(url).render_as_string(hide_password=True)
        engine = create_engine(url, poolclass=NullPool)
    except (ArgumentError, NoSuchModuleError, ImportError) as error:
        raise DataError(f"The database URL can't be used: {error}", remedy="Correct `source.url`") from None
    with _sqlalchemy_errors(name, list), engine.connect() as connection:
        yield SqlalchemyDatabase(connection, name)


@contextmanager
def _sqlalchemy_errors(name: str, tables: Any) -> Iterator[None]:
    from sqlalchemy.exc import DBAPIError, InterfaceError, NoSuchTableError, OperationalError, ProgrammingError

    try:
        yield
    except ProgrammingError as error:
        known = tables()
        hint = f" Tables: {', '.join(sorted(known)[:10])}" if known else ""
        raise DataError(
            f"The database refuses: {_first_line(error)}.{hint}", where=name, remedy="Correct `source`"
        ) from error
    except (OperationalError, InterfaceError) as error:
        raise TransientError(
            f"The database can't be reached: {_first_line(error)}",
            where=name,
            remedy="Try again, or correct `source.url`",
        ) from error
    except (DBAPIError, NoSuchTableError) as error:
        raise DataError(f"The database refuses: {_first_line(error)}", where=name, remedy="Correct `source`") from error


def _first_line(error: Exception) -> str:
    return str(getattr(error, "orig", None) or error).strip().splitlines()[0]

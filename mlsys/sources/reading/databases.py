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

from mlsys.database.driver_errors import code_of, passes
from mlsys.errors import DataError, MlsysError, TransientError, near_match, nearest
from mlsys.settings import sample_command
from mlsys.sources.reading.far_times import bring_in_far_times
from mlsys.sources.reading.queries import bound, subquery, unbound
from mlsys.wording import first_line

Parameter = str | int | float | bool | date | None
BUSY_SECONDS = 5.0  # how long a lock is waited for before it is an error
# As SQLite, Postgres and MySQL say it.
_NO_TABLE = re.compile(
    r"""no such table: (?:\w+\.)?(\S+)|relation "(.+)" does not exist|Table '(?:[^'.]+\.)?([^']+)' doesn't exist"""
)
_LOGIN = re.compile(r"authentication failed|no password|does not exist|pg_hba|denied|Unknown database", re.IGNORECASE)


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

    def tables(self) -> list[str]:
        """Return the names of the tables and views that can be read, those of the default schema."""

    def subquery(self, query: str, params: Mapping[str, Parameter]) -> str:
        """Return a query in brackets, to be read from; `params` are bound in it, and no other names."""


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

    def tables(self) -> list[str]:
        """Return the names of the tables and views."""
        with self._errors():
            return self._tables()

    def _tables(self) -> list[str]:
        found = self._connection.execute(
            "SELECT name FROM sqlite_master WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite!_%' ESCAPE '!'"
        )
        return [row[0] for row in found]

    def quoted(self, name: str) -> str:
        """Return an identifier quoted for SQLite."""
        return '"' + name.replace('"', '""') + '"'

    def subquery(self, query: str, params: Mapping[str, Parameter]) -> str:  # noqa: ARG002 - SQLite finds them itself
        """Return a query in brackets, to be read from."""
        return subquery(query, "sqlite")

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise self._explained(error) from error

    def _explained(self, error: sqlite3.Error) -> MlsysError:
        if passes(error):
            return TransientError(
                "The database is locked by another process", where=self.name, remedy="Try again when it has finished"
            )
        missing = _missing_table(error)
        if missing is not None:
            return _no_table(missing, self._tables(), self.name)
        remedy = "Check `source` and the database file"
        if "decode" in str(error):
            remedy = "Write the text as UTF-8, or leave such rows out with a `query`"
        return DataError(f"SQLite refuses: {error}", where=self.name, remedy=remedy)


@contextmanager
def _sqlite(path: str) -> Iterator[SqliteDatabase]:
    file = Path(path.partition("?")[0])
    if not file.is_file():
        remedy = sample_command(str(file)) or "Correct `source.url`"
        raise DataError("There is no such database file", where=str(file.absolute()), remedy=remedy)
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
        self._unbound: list[str] = []

    def columns(self, relation: str, params: Mapping[str, Parameter]) -> list[str]:
        """Return the column names of a quoted table or a bracketed query."""
        from sqlalchemy import text

        with self._errors():
            result = self._connection.execute(text(f"SELECT * FROM {relation} WHERE 1 = 0"), dict(params))  # noqa: S608
            return list(result.keys())

    def batches(self, sql: str, params: Mapping[str, Parameter], size: int) -> Iterator[list[tuple[Any, ...]]]:
        """Yield the rows of a statement, at most `size` at once."""
        from sqlalchemy import text

        with self._errors():
            streaming = self._connection.execution_options(stream_results=True, max_row_buffer=size)
            with streaming.execute(text(sql), dict(params)) as result:
                for rows in result.partitions(size):
                    yield [tuple(row) for row in rows]

    def tables(self) -> list[str]:
        """Return the names of the tables and views of the default schema."""
        with self._errors():
            return self._tables("")

    def quoted(self, name: str) -> str:
        """Return an identifier quoted by the database's dialect, as `text` wants it: it doubles % and binds :name."""
        preparer = self._connection.dialect.identifier_preparer
        quoted = str(preparer.quote(name))
        doubled = "%%" in str(preparer.quote("%"))
        return (quoted.replace("%%", "%") if doubled else quoted).replace(":", "\\:")

    def subquery(self, query: str, params: Mapping[str, Parameter]) -> str:
        """Return a query in brackets, to be read from; `params` are bound in it, and no other names."""
        dialect = self._connection.dialect.name
        self._unbound = unbound(query, params, dialect)
        return bound(subquery(query, dialect), params, dialect)

    @contextmanager
    def _errors(self) -> Iterator[None]:
        from sqlalchemy.exc import DBAPIError, StatementError

        try:
            yield
        except (ConnectionError, TimeoutError) as error:  # the driver's own, in the middle of a row
            raise _unreachable(error, self.name) from error
        except DBAPIError as error:
            if passes(error):
                raise _unreachable(error, self.name) from error
            missing = _missing_table(error)
            if missing is not None:
                raise _no_table(missing, self._tables(missing.rpartition(".")[0]), self.name) from error
            remedy = "Correct `source`"
            if self._unbound:
                remedy += f"; its query names :{', :'.join(self._unbound)}, which `params` does not hold"
            raise DataError(f"The database refuses: {_told(error)}", where=self.name, remedy=remedy) from error
        except StatementError as error:  # before anything was sent: a parameter that nobody gives
            remedy = "Correct `source.query` or `source.params`"
            raise DataError(f"The query can't be sent: {_told(error)}", where=self.name, remedy=remedy) from error
        except (ValueError, OverflowError) as error:  # the driver's, in the middle of a row
            raise DataError(
                f"The database holds a value that Python can't: {error}",
                where=self.name,
                remedy="Leave such rows out with a `query`",
            ) from error

    def _tables(self, schema: str) -> list[str]:
        from sqlalchemy import inspect

        self._connection.rollback()
        inspector = inspect(self._connection)
        names = [*inspector.get_table_names(schema or None), *inspector.get_view_names(schema or None)]
        return [f"{schema}.{name}" for name in names] if schema else names


@contextmanager
def _sqlalchemy(url: str) -> Iterator[SqlalchemyDatabase]:
    from sqlalchemy import create_engine
    from sqlalchemy.engine import make_url
    from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError
    from sqlalchemy.pool import NullPool

    try:
        name = make_url(url).render_as_string(hide_password=True)
        engine = create_engine(url, poolclass=NullPool, execution_options={"postgresql_readonly": True})
    except (ArgumentError, NoSuchModuleError, ImportError) as error:
        raise DataError(f"The database URL can't be used: {error}", remedy="Correct `source.url`") from None
    try:
        connection = engine.connect()
    except (ConnectionError, TimeoutError) as error:
        raise _unreachable(error, name) from error
    except DBAPIError as error:
        # libpq gives no code with a refused login, only words.
        if not passes(error) or (code_of(error.orig) is None and _LOGIN.search(str(error))):
            raise DataError(
                f"The database refuses the login: {_told(error)}", where=name, remedy="Correct `source.url`"
            ) from error
        raise _unreachable(error, name) from error
    with connection:
        bring_in_far_times(connection)
        yield SqlalchemyDatabase(connection, name)


def _unreachable(error: Exception, name: str) -> TransientError:
    rule = f"The database can't be reached, or can't answer now: {_told(error)}"
    return TransientError(rule, where=name, remedy="Try again, or correct `source.url`")


def _missing_table(error: Exception) -> str | None:
    found = _NO_TABLE.search(str(getattr(error, "orig", None) or error))
    return next((name for name in found.groups() if name is not None), None) if found else None


def _no_table(name: str, known: list[str], where: str) -> DataError:
    remedy = "Correct `source.table` or `source.query`"
    rule = f"There is no table '{name}'. {near_match(name, known)}"
    return DataError(rule, where=where, remedy=remedy, misspelt=(name, nearest(name, known)))


def _told(error: Exception) -> str:
    return first_line(getattr(error, "orig", None) or error)

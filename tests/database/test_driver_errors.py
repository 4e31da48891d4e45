"""Made driver exceptions, as the drivers raise them: the database's code decides, whatever class it comes in."""

from __future__ import annotations

import sqlite3

import psycopg2
import psycopg2.errors
import pytest
import sqlalchemy as sa

from mlsys.database.driver_errors import code_of, passes


class DriverError(Exception):
    """Of an outside driver: `OperationalError(1054, "Unknown column ...")`."""


class OperationalError(DriverError):
    pass


class ProgrammingError(DriverError):
    pass


class InterfaceError(DriverError):
    pass


def wrapped(error: Exception, *, lost: bool = False) -> sa.exc.DBAPIError:
    """As SQLAlchemy hands it on."""
    kind = getattr(sa.exc, type(error).__name__, sa.exc.OperationalError)
    found: sa.exc.DBAPIError = kind("SELECT 1", {}, error, connection_invalidated=lost)
    return found


def postgres(state: str) -> Exception:
    """As psycopg2 raises it, with the code that the server gave."""
    kind = type("Refused", (psycopg2.errors.lookup(state),), {"pgcode": state})
    error: Exception = kind(f"code {state}")
    return error


@pytest.mark.parametrize("kind", [OperationalError, ProgrammingError, InterfaceError])
@pytest.mark.parametrize("number", [1040, 1205, 1213, *range(2002, 2014), 3024, 1969, 1927, 1053, 2055])
def test_of_mysql_locks_limits_and_connections_pass(kind: type[DriverError], number: int) -> None:
    assert passes(wrapped(kind(number, "...")))


@pytest.mark.parametrize("kind", [OperationalError, ProgrammingError, InterfaceError])
@pytest.mark.parametrize("number", [1044, 1045, 1049, 1054, 1060, 1064, 1142, 1146, 1264, 1290, 1305, 1698, 2054])
def test_of_mysql_columns_rights_and_names_do_not(kind: type[DriverError], number: int) -> None:
    assert not passes(wrapped(kind(number, "...")))


@pytest.mark.parametrize(
    "state",
    ["08000", "08006", "40001", "40P01", "53100", "53200", "53300", "55P03", "57014", "57P01", "57P02", "57P03"],
)
def test_of_postgres_locks_limits_and_connections_pass(state: str) -> None:
    assert passes(postgres(state))
    assert passes(wrapped(postgres(state)))


@pytest.mark.parametrize(
    "state", ["22012", "42703", "42501", "42P01", "42701", "42601", "54001", "58P01", "28P01", "3D000"]
)
def test_of_postgres_columns_rights_and_names_do_not(state: str) -> None:
    assert not passes(postgres(state))
    assert not passes(wrapped(postgres(state)))


@pytest.mark.parametrize(("state", "expected"), [("08S01", True), ("HYT00", True), ("42S22", False), ("28000", False)])
def test_odbc_gives_a_state_first(state: str, expected: bool) -> None:
    assert passes(wrapped(OperationalError(state, "..."))) is expected


def test_of_sqlite_a_lock_passes_and_a_missing_column_does_not(tmp_path) -> None:
    path = tmp_path / "a.db"
    with sqlite3.connect(path) as writer:
        writer.execute("CREATE TABLE t (id)")
        writer.execute("BEGIN EXCLUSIVE")
        with sqlite3.connect(path, timeout=0) as reader, pytest.raises(sqlite3.OperationalError) as locked:
            reader.execute("SELECT id FROM t")
        writer.rollback()
        with pytest.raises(sqlite3.OperationalError) as missing:
            writer.execute("SELECT idd FROM t")
    reader.close()
    writer.close()
    assert passes(locked.value)
    assert not passes(missing.value)


def test_a_lost_connection_passes_whatever_its_code() -> None:
    assert passes(wrapped(ProgrammingError(4711, "gone"), lost=True))
    assert passes(ConnectionResetError())
    assert passes(wrapped(InterfaceError(0, "")))


def test_without_a_code_the_class_decides() -> None:
    assert passes(psycopg2.OperationalError("connection refused"))
    assert not passes(psycopg2.ProgrammingError("syntax error"))
    assert passes(wrapped(OperationalError("the server went away")))
    assert code_of(OperationalError()) is None

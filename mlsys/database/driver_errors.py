"""What a database driver's error means: whether it may pass by itself, by the code that the database gave.

Drivers sort the same code into other classes (MariaDB's unknown column is an `OperationalError` to PyMySQL), so the
class counts only where there is no code.
"""

from __future__ import annotations

import errno
import re
from typing import TYPE_CHECKING

from mlsys.errors import MlsysError, RunError, TransientError
from mlsys.shortages import refused

if TYPE_CHECKING:
    from sqlalchemy.exc import SQLAlchemyError

# SQLSTATE: connection, rollback of a transaction, resources; a lock not available, a query cancelled (a time limit),
# a server that shuts down or starts. HYT is ODBC's timeout.
_PASSING_STATES = re.compile(r"08...|40...|53...|55P03|57014|57P0.|HYT..")
# MySQL and MariaDB: too many connections, locks, time limits, a connection that could not be made or was lost.
_PASSING_NUMBERS = frozenset(
    (0, 1040, 1053, 1152, 1158, 1159, 1160, 1161, 1184, 1203, 1205, 1213, 1927, 1969, 2055, 3024, 3572, 4031)
) | frozenset(range(2002, 2014))
_PASSING_SQLITE = frozenset([5, 6, 15])  # busy, locked, the locking protocol
# What the system refused: room, rights, memory.
_SQLITE_REFUSED = {"SQLITE_FULL": errno.ENOSPC, "SQLITE_READONLY": errno.EACCES, "SQLITE_NOMEM": errno.ENOMEM}
_POSTGRES_REFUSED = {"53100": errno.ENOSPC, "53200": errno.ENOMEM, "42501": errno.EACCES}
_BY_CLASS = ("OperationalError", "InterfaceError")


def passes(error: BaseException) -> bool:
    """Return whether a driver's error, or SQLAlchemy's around it, may be gone at the next try."""
    if getattr(error, "connection_invalidated", False):  # SQLAlchemy: the connection was lost
        return True
    origin = getattr(error, "orig", None) or error
    if isinstance(origin, ConnectionError | TimeoutError):
        return True
    code = code_of(origin)
    if code is None and "decode" in str(origin):  # Python's own: text that is not UTF-8 stays so
        return False
    if code is None:
        return any(kind.__name__ in _BY_CLASS for kind in type(error).__mro__)
    if isinstance(code, str):
        return bool(_PASSING_STATES.fullmatch(code))
    return code in (_PASSING_SQLITE if hasattr(origin, "sqlite_errorcode") else _PASSING_NUMBERS)


def code_of(origin: object) -> str | int | None:
    """Return the SQLSTATE (five characters) or the number of a driver's error, or None where it has neither."""
    sqlite = getattr(origin, "sqlite_errorcode", None)
    if isinstance(sqlite, int):
        return sqlite & 0xFF  # the rest says more about the same
    arguments = getattr(origin, "args", ())
    for number in (getattr(origin, "errno", None), *arguments[:1]):  # MySQL's drivers
        if isinstance(number, int) and not isinstance(number, bool):
            return number
    for state in (getattr(origin, "sqlstate", None), getattr(origin, "pgcode", None), *arguments[:1]):
        if isinstance(state, str) and re.fullmatch(r"[0-9A-Z]{5}", state):
            return state
    return None


def of_database(error: SQLAlchemyError, *, name: str, where: str | None = None, remedy: str) -> MlsysError:
    """Return what one of our own databases says: a refusal of the system in words, or something that may pass.

    Args:
        error: what SQLAlchemy raised.
        name: of the database, as a sentence begins.
        where: the database, without a password.
        remedy: for what may pass.
    """
    origin = getattr(error, "orig", None)
    problem = str(origin or error).strip()
    code = getattr(origin, "sqlite_errorname", None) or getattr(origin, "pgcode", None) or ""
    for known, number in {**_SQLITE_REFUSED, **_POSTGRES_REFUSED}.items():
        if code.startswith(known):
            told = refused(number)
            assert told is not None
            return RunError(f"{name} can't be written: {problem}", where=where, remedy=told.remedy)
    if passes(error):
        return TransientError(f"{name} does not answer: {problem}", where=where, remedy=remedy)
    return RunError(f"{name} refuses: {problem}", where=where, remedy="Look at `mlsys doctor`")

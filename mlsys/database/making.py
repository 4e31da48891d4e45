"""Databases whose tables are made, or brought up to date, as a whole or not at all, wherever a kill falls.

Airflow and MLflow commit many times in between on SQLite. So a file is made, or changed, as a copy under a temporary
name, which takes the file's place when it is ready. On Postgres they work in transactions, and begin again where a
kill left them; there it is enough that one process at a time does it.
"""

from __future__ import annotations

import fcntl
import sqlite3
import zlib
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from mlsys.errors import IntegrityError, TransientError
from mlsys.events import get_logger
from mlsys.store import settle
from mlsys.temporary import temporary_folder

log = get_logger(__name__)

_BUSY_SECONDS = 60.0


def bring_up_to_date(
    url: str,
    *,
    is_current: Callable[[str], bool],
    migrate: Callable[[str], None],
    is_unused: Callable[[sqlite3.Connection], bool],
) -> None:
    """Let `migrate` make or change the tables of the database at a SQLAlchemy URL, unless they are current.

    Args:
        url: of an SQLite file or a Postgres database.
        is_current: whether nothing is to be done at a URL.
        migrate: makes the tables at a URL from nothing, or changes older ones; may be killed anywhere.
        is_unused: whether an SQLite file that is not current has nothing of anybody's in it, as one that an older
            mlsys was killed over; then it is made anew.

    Raises:
        TransientError: somebody else uses the file.
        IntegrityError: the file is no database.
    """
    path = sqlite_file(url)
    if path is None:
        with _alone_on_server(url):
            if not is_current(url):
                migrate(url)
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    with _alone(path):
        if is_current(url):
            return
        with temporary_folder(path.parent) as folder, _kept_from_others(path) as old:
            copy = folder / path.name
            if old is not None and not is_unused(old):
                _copy(old, copy)
            migrate(f"sqlite:///{copy}")
            _make_one_file(copy)
            settle(copy, path)
        log.info("database_ready", file=path)


def sqlite_file(url: str) -> Path | None:
    """Return the file of an SQLite URL, or None for another database."""
    return Path(url.removeprefix("sqlite:///")) if url.startswith("sqlite:///") else None


def revision(url: str) -> str | None:
    """Return the revision that Alembic notes in a database; None when it has no tables of Alembic's yet."""
    path = sqlite_file(url)
    if path is not None and not path.exists():
        return None
    import sqlalchemy as sa

    engine = sa.create_engine(url, poolclass=sa.pool.NullPool)
    try:
        with engine.connect() as connection:
            if not sa.inspect(connection).has_table("alembic_version"):
                return None
            found = connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalar()
            return None if found is None else str(found)
    finally:
        engine.dispose()


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    with path.with_name(f"{path.name}.lock").open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


@contextmanager
def _alone_on_server(url: str) -> Iterator[None]:
    import sqlalchemy as sa

    engine = sa.create_engine(url, poolclass=sa.pool.NullPool, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:  # the lock goes with the connection
        connection.execute(sa.select(sa.func.pg_advisory_lock(zlib.crc32(b"mlsys: bring_up_to_date"))))
        yield


@contextmanager
def _kept_from_others(path: Path) -> Iterator[sqlite3.Connection | None]:
    """Give the present database, locked until another file has its name; None when there is none."""
    if not path.exists():
        yield None
        return
    with closing(sqlite3.connect(path, timeout=_BUSY_SECONDS, isolation_level=None)) as old:
        try:
            # No journal may stay behind: it would be taken for one of the new file.
            old.execute("PRAGMA journal_mode=DELETE").fetchone()
            old.execute("PRAGMA locking_mode=EXCLUSIVE").fetchone()  # the lock outlives the transaction that takes it
            old.execute("BEGIN EXCLUSIVE")
            old.execute("COMMIT")
        except sqlite3.OperationalError as error:
            raise TransientError(
                f"The database has to be brought up to date, and somebody uses it: {error}",
                where=str(path),
                remedy="End what uses it (`mlsys down`), then try again",
            ) from error
        except sqlite3.DatabaseError as error:
            raise IntegrityError(
                f"The file is no whole database: {error}", where=str(path), remedy="Restore it from a backup"
            ) from error
        yield old


def _copy(old: sqlite3.Connection, path: Path) -> None:
    with closing(sqlite3.connect(path)) as copy:
        old.backup(copy)


def _make_one_file(path: Path) -> None:
    """Move what stands in the log beside a database into it."""
    with closing(sqlite3.connect(path, timeout=_BUSY_SECONDS, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode=DELETE").fetchone()

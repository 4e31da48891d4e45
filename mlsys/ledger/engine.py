"""Connections, locks and migrations: the same ledger code on Postgres and on SQLite."""

from __future__ import annotations

import fcntl
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from mlsys.database.driver_errors import of_database
from mlsys.errors import UsageError
from mlsys.ledger import tables

HEAD = "0001"  # newest migration; a test holds it to the scripts
_LOCK_SPACE = 0x6D6C  # advisory locks of ours, apart from other users of the same server
_BUSY_SECONDS = 30


def make_engine(url: str) -> sa.Engine:
    """Return an engine whose connections suit the ledger; SQLite runs in WAL and waits 30 s for a writer."""
    if not url.startswith("sqlite"):
        return sa.create_engine(url, pool_size=2, max_overflow=4, pool_pre_ping=True)
    path = sa.make_url(url).database
    if path:
        Path(path).parent.mkdir(parents=True, exist_ok=True)
    engine = sa.create_engine(url, connect_args={"timeout": _BUSY_SECONDS})

    @sa.event.listens_for(engine, "connect")
    def _prepare(connection: Any, _: object) -> None:
        # The driver must not open transactions by itself: a writer begins IMMEDIATE, or two readers that turn
        # into writers would deadlock.
        connection.isolation_level = None
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")

    return engine


@contextmanager
def writing(engine: sa.Engine, pipeline: str) -> Iterator[sa.Connection]:
    """Give a transaction in which nobody else writes to this pipeline's chain.

    Raises:
        TransientError: the database is locked or unreachable.
    """
    with translated(), engine.connect() as connection:
        if engine.dialect.name == "sqlite":
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        else:
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK_SPACE, _number(f"chain:{pipeline}"))))
        yield connection
        connection.commit()


@contextmanager
def reading(engine: sa.Engine) -> Iterator[sa.Connection]:
    """Give a connection for queries."""
    with translated(), engine.connect() as connection:
        yield connection


@contextmanager
def reading_at_once(engine: sa.Engine) -> Iterator[sa.Connection]:
    """Give a connection whose queries all see the ledger as it was at the first of them.

    Tables that are read one after another, while somebody writes, seem to lack rows.
    """
    with translated(), engine.connect() as connection:
        if engine.dialect.name == "sqlite":
            connection.exec_driver_sql("BEGIN")
        else:
            connection.execution_options(isolation_level="REPEATABLE READ")
        yield connection
        connection.rollback()


@contextmanager
def locked(engine: sa.Engine, name: str) -> Iterator[None]:
    """Hold the lock `name` among all processes that use this ledger; it goes with the process."""
    if engine.dialect.name != "sqlite":
        number = _number(name)
        with translated():
            connection = engine.connect().execution_options(isolation_level="AUTOCOMMIT")
        with connection:
            with translated():
                connection.execute(sa.select(sa.func.pg_advisory_lock(_LOCK_SPACE, number)))
            try:
                yield
            finally:
                connection.execute(sa.select(sa.func.pg_advisory_unlock(_LOCK_SPACE, number)))
        return
    path = Path(engine.url.database or "ledger").with_suffix(f".{_number(name):08x}.lock")
    with path.open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


class NewerLedgerError(UsageError):
    """A newer mlsys has changed the ledger's tables: this one must not touch them."""


def migrate(engine: sa.Engine) -> None:
    """Bring the ledger's tables up to date; costs one query when they are. Where it fails, no connection stays open.

    Raises:
        NewerLedgerError: they have a revision that this mlsys does not know; nothing was changed.
    """
    try:
        _migrate(engine)
    except BaseException:
        engine.dispose()
        raise


def _migrate(engine: sa.Engine) -> None:
    found = _version(engine)
    if found == HEAD:
        return
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.set_main_option("path_separator", "os")
    _require_known(config, found, engine)
    with locked(engine, "migrate"), translated(), engine.connect() as connection:
        if engine.dialect.name == "sqlite":
            # Alembic would commit after each statement there; a kill in between would leave half a ledger.
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        else:
            connection.begin()
        _forget_unfinished(connection)
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
        connection.commit()


def _require_known(config: Any, found: str | None, engine: sa.Engine) -> None:
    """Refuse a revision that no script here leads to.

    Raises:
        NewerLedgerError: it is none of ours.
    """
    from alembic.script import ScriptDirectory

    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    if found is not None and found not in known:
        raise NewerLedgerError(
            f"The ledger's tables have revision {found}, and mlsys {version('mlsys')} knows them up to {HEAD}:"
            " a newer mlsys wrote it",
            where=engine.url.render_as_string(hide_password=True),
            remedy="Use that version again, or put back the backup from before the upgrade (docs/upgrading.md)",
        )


@contextmanager
def translated() -> Iterator[None]:
    """Turn a locked or unreachable database into a `TransientError`, a full disk and its like into a `RunError`."""
    try:
        yield
    except sa.exc.OperationalError as error:
        remedy = "Look at `mlsys doctor`; if another process holds it, try again"
        raise of_database(error, name="The ledger's database", remedy=remedy) from error


def _version(engine: sa.Engine) -> str | None:
    with reading(engine) as connection:
        if not sa.inspect(connection).has_table("alembic_version"):
            return None
        return connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalar()


def _forget_unfinished(connection: sa.Connection) -> None:
    """Remove the tables of a file that an older mlsys was killed over while it made them: none has a row yet."""
    if connection.dialect.name != "sqlite" or sa.inspect(connection).has_table("alembic_version"):
        return
    names = sa.inspect(connection).get_table_names()
    found = [table for table in tables.ALL if table.name in names]
    if not any(connection.execute(sa.select(table).limit(1)).first() for table in found):
        tables.metadata.drop_all(connection, tables=found)


def _number(name: str) -> int:
    # Advisory locks have numbers, signed 32 bit; two names on one number would only wait for each other.
    return zlib.crc32(name.encode()) & 0x7FFFFFFF

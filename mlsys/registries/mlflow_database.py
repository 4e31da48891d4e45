"""MLflow's own tables, made whole before MLflow opens the database: by itself it makes them where it finds them."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from urllib.parse import unquote, urlsplit

from mlsys.database.making import bring_up_to_date, revision, sqlite_file
from mlsys.errors import RunError
from mlsys.events import get_logger

log = get_logger(__name__)

LONGEST_ADDRESS = 200  # of a run's artifacts, in the tables of a server
# Where MLflow keeps addresses of files.
_ADDRESSES = (
    *(("experiments", "artifact_location"), ("runs", "artifact_uri"), ("logged_models", "artifact_location")),
    *(("model_versions", "source"), ("model_versions", "storage_location")),
)
_OF_ITS_OWN = frozenset({"alembic_version", "workspaces"})  # tables that MLflow fills by itself
_DEFAULT = "Default"  # and its first experiment


def prepare(url: str) -> None:
    """Make MLflow's tables where there are none, and bring those of an SQLite file to the installed version.

    A server's older tables are left for `mlflow db upgrade`: others may use them too, with another MLflow.

    Raises:
        RunError: the tables are those of a newer MLflow, or can't be changed.
        TransientError, IntegrityError: as `bring_up_to_date`.
    """
    if url.startswith(("sqlite:///", "postgresql")) and not _is_current(url):
        bring_up_to_date(url, is_current=_is_current, migrate=_migrate, is_unused=_is_unused)


def artifacts_of(pipeline: str, home: Path) -> str:
    """Return the address of the folder in which MLflow keeps the models of a pipeline."""
    return (home / "mlartifacts" / pipeline).as_uri()


def move_artifacts(url: str, *, before: str, now: str, home: Path) -> None:
    """Let MLflow look for files at `now`, if they are this home's: it was moved, or copied with its database.

    Otherwise it would have its models, and those to come, under its former path, of which MLflow can't be told. Behind
    a server's address (`http:`) are no tables of ours. What another home has, which shares the database, stays there.
    """
    if before == now or not before.startswith("file:") or not url.startswith(("sqlite:///", "postgresql")):
        return
    there, here = (Path(unquote(urlsplit(address).path)) for address in (before, now))
    file = sqlite_file(url)
    copied = here.exists() and file is not None and file.is_relative_to(home)
    if there.exists() and not copied and not (here.exists() and there.samefile(here)):
        return
    import sqlalchemy as sa

    engine = sa.create_engine(url, poolclass=sa.pool.NullPool)
    with engine.begin() as connection:
        for table, name in _ADDRESSES:
            column = sa.column(name, sa.String)
            changed = sa.update(sa.table(table, column)).values({name: now + sa.func.substr(column, len(before) + 1)})
            of_before = sa.func.substr(column, 1, len(before) + 1).in_([before, f"{before}/"])
            connection.execute(changed.where(of_before))
    log.info("artifacts_moved", before=before, now=now)


def _is_current(url: str) -> bool:
    found = revision(url)
    return found is not None if sqlite_file(url) is None else found == _newest()


@cache
def _newest() -> str | None:
    import mlflow
    from alembic.script import ScriptDirectory

    scripts = Path(str(mlflow.__file__)).parent / "store" / "db_migrations"
    return ScriptDirectory(str(scripts)).get_current_head()


def _migrate(url: str) -> None:
    """Do what `mlflow db upgrade` does, without the password among the arguments of a process."""
    from alembic.util import CommandError
    from mlflow.db import commands

    try:
        with _closed_afterwards():
            commands.main(["upgrade", url], standalone_mode=False)
    except CommandError as error:
        raise RunError(
            f"MLflow's tables can't be brought to the installed version: {error}",
            where="MLflow's database",
            remedy="If a newer mlsys made them, install that one again; else restore the database from a backup",
        ) from error


@contextmanager
def _closed_afterwards() -> Iterator[None]:
    """Close what is left open: `mlflow db upgrade` expects its process to end, and ours goes on."""
    import sqlalchemy as sa

    engines: set[sa.Engine] = set()

    def note(connection: sa.Connection) -> None:
        engines.add(connection.engine)

    sa.event.listen(sa.Engine, "engine_connect", note)
    try:
        yield
    finally:
        sa.event.remove(sa.Engine, "engine_connect", note)
        for engine in engines:
            engine.dispose()


def _is_unused(connection: sqlite3.Connection) -> bool:
    """Whether no experiment, run, model or anything else was ever written."""
    tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    for name in tables:
        if name == "experiments":
            others = connection.execute("SELECT 1 FROM experiments WHERE name != ? LIMIT 1", (_DEFAULT,))
        elif name in _OF_ITS_OWN or name.startswith("sqlite_"):
            continue
        else:
            others = connection.execute(f'SELECT 1 FROM "{name}" LIMIT 1')  # noqa: S608 - a name that SQLite tells
        if others.fetchone() is not None:
            return False
    return True

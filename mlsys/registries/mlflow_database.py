"""MLflow's own tables, made whole before MLflow opens the database: by itself it makes them where it finds them."""

from __future__ import annotations

import sqlite3
from functools import cache
from pathlib import Path

from mlsys.database.making import bring_up_to_date, revision, sqlite_file
from mlsys.errors import RunError

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
        commands.main(["upgrade", url], standalone_mode=False)
    except CommandError as error:
        raise RunError(
            f"MLflow's tables can't be brought to the installed version: {error}",
            where="MLflow's database",
            remedy="If a newer mlsys made them, install that one again; else restore the database from a backup",
        ) from error


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

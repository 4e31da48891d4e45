"""Airflow's tables: migrated when the installed Airflow changed, and left alone in the second it takes to see that."""

from __future__ import annotations

import importlib.metadata
import json
import sqlite3
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from mlsys.database.making import bring_up_to_date, revision
from mlsys.errors import RunError
from mlsys.orchestration.stack.processes import log_path, log_tail
from mlsys.shortages import ending, hint
from mlsys.store import write_atomically

_LOG = "airflow-migration"
_DATABASE = "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"


def is_current(home: Path, url: str) -> bool:
    """Return whether the database has the revision that this Airflow's last migration left there."""
    note = _note(home)
    if not note.exists():
        return False
    known = json.loads(note.read_text())
    return bool(known == {"airflow": _version(), "revision": revision(url)})


def migrate(home: Path, url: str, environment: Mapping[str, str]) -> None:
    """Bring the tables to the installed Airflow's version: all of them or, where a kill falls, none.

    Raises:
        RunError: Airflow says no; holds the last lines of its log.
        TransientError, IntegrityError: as `bring_up_to_date`.
    """
    bring_up_to_date(
        url,
        is_current=lambda there: is_current(home, there),
        migrate=lambda there: _migrate(home, {**environment, _DATABASE: there}),
        is_unused=_is_unused,
    )
    write_atomically(_note(home), json.dumps({"airflow": _version(), "revision": revision(url)}).encode())


def _migrate(home: Path, environment: Mapping[str, str]) -> None:
    path = log_path(home, _LOG)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as output:
        done = subprocess.run(
            [sys.executable, "-m", "airflow", "db", "migrate"],
            stdout=output,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            env=dict(environment),
            cwd=home,
            check=False,
        )
    if done.returncode != 0:
        why = f"{ending(done.returncode)}{hint(done.returncode)}"
        raise RunError(f"Airflow's database can't be prepared ({why}):\n{log_tail(home, _LOG)}\n", where=str(path))


def _is_unused(connection: sqlite3.Connection) -> bool:
    # Airflow notes its revision last: without it none of its processes ever started on this file.
    noted = connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'alembic_version'").fetchone()
    return noted is None or connection.execute("SELECT 1 FROM alembic_version").fetchone() is None


def _note(home: Path) -> Path:
    return home / "airflow" / "schema.json"


def _version() -> str:
    return importlib.metadata.version("apache-airflow-core")

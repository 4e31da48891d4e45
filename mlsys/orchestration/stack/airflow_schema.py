"""Airflow's tables: migrated when the installed Airflow changed, and left alone in the second it takes to see that."""

from __future__ import annotations

import importlib.metadata
import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from mlsys.errors import RunError
from mlsys.orchestration.stack.processes import log_path, log_tail
from mlsys.store import write_atomically

_LOG = "airflow-migration"


def is_current(home: Path, url: str) -> bool:
    """Return whether the database has the revision that this Airflow's last migration left there."""
    note = _note(home)
    if not note.exists():
        return False
    known = json.loads(note.read_text())
    return bool(known == {"airflow": _version(), "revision": _revision(url)})


def migrate(home: Path, url: str, environment: Mapping[str, str]) -> None:
    """Bring the tables to the installed Airflow's version.

    Raises:
        RunError: Airflow says no; holds the last lines of its log.
    """
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
        raise RunError(f"Airflow's database can't be prepared:\n{log_tail(home, _LOG)}\n", where=str(path))
    content = {"airflow": _version(), "revision": _revision(url)}
    write_atomically(_note(home), json.dumps(content).encode())


def _note(home: Path) -> Path:
    return home / "airflow" / "schema.json"


def _version() -> str:
    return importlib.metadata.version("apache-airflow-core")


def _revision(url: str) -> str | None:
    import sqlalchemy as sa

    engine = sa.create_engine(url)
    try:
        with engine.connect() as connection:
            if not sa.inspect(connection).has_table("alembic_version"):
                return None
            found = connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalar()
            return None if found is None else str(found)
    finally:
        engine.dispose()

"""Airflow's tables are made whole or not at all, under another name on SQLite."""

from __future__ import annotations

import os
import signal
import sqlite3
import time
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

import pytest

from mlsys.database.databases import open_databases
from mlsys.orchestration.stack import airflow_schema, processes
from mlsys.orchestration.stack.environment import environment
from mlsys.settings import load_settings
from mlsys.temporary import remove_abandoned

VARIABLE = "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"


def make_tables(url: str, *, revision: str | None) -> None:
    with closing(sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)) as connection:
        connection.execute("CREATE TABLE dag (id)")
        connection.execute("CREATE TABLE alembic_version (version_num)")
        if revision is not None:
            connection.execute("INSERT INTO alembic_version VALUES (?)", (revision,))


def test_tables_take_their_place_when_they_are_whole(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    url = f"sqlite:///{home}/airflow/airflow.db"
    asked: list[str] = []

    def airflow(_: Path, variables: Mapping[str, str]) -> None:
        asked.append(variables[VARIABLE])
        assert variables["ANOTHER"] == "1"
        assert airflow_schema.revision(url) is None
        make_tables(variables[VARIABLE], revision="abc")

    monkeypatch.setattr(airflow_schema, "_migrate", airflow)
    for _ in range(2):
        airflow_schema.migrate(home, url, {VARIABLE: url, "ANOTHER": "1"})
    assert airflow_schema.is_current(home, url)
    assert airflow_schema.revision(url) == "abc"
    assert len(asked) == 1
    assert asked[0] != url


@pytest.mark.parametrize(("revision", "kept"), [(None, False), ("older", True)])
def test_only_a_file_that_airflow_never_finished_is_made_anew(
    home: Path, monkeypatch: pytest.MonkeyPatch, revision: str | None, kept: bool
) -> None:
    (home / "airflow").mkdir()
    url = f"sqlite:///{home}/airflow/airflow.db"
    make_tables(url, revision=revision)
    found: list[bool] = []

    def airflow(_: Path, variables: Mapping[str, str]) -> None:
        there = Path(variables[VARIABLE].removeprefix("sqlite:///"))
        found.append(there.exists())
        if not there.exists():
            make_tables(variables[VARIABLE], revision="new")

    monkeypatch.setattr(airflow_schema, "_migrate", airflow)
    airflow_schema.migrate(home, url, {})
    assert found == [kept]
    assert airflow_schema.revision(url) == (revision if kept else "new")


@pytest.mark.long
def test_a_real_migration_that_was_killed_is_done_by_the_next(home: Path) -> None:
    settings = load_settings()
    with open_databases(settings) as databases:
        variables = environment(settings, databases)
        for lines in (5, 15, 25):  # of the log: Airflow is killed with its starter, or lives on without it
            log = processes.log_path(home, "airflow-migration")
            log.unlink(missing_ok=True)
            pid = os.fork()
            if pid == 0:
                os.setpgid(0, 0)
                airflow_schema.migrate(home, databases.airflow_url, variables)
                os._exit(0)
            while os.waitpid(pid, os.WNOHANG) == (0, 0):
                time.sleep(0.05)
                if log.exists() and len(log.read_bytes().splitlines()) >= lines:
                    os.kill(pid, signal.SIGKILL)
                    os.waitpid(pid, 0)
                    break
        airflow_schema.migrate(home, databases.airflow_url, variables)
        assert airflow_schema.is_current(home, databases.airflow_url)
    remove_abandoned([home / "airflow"])
    assert not list((home / "airflow").glob(".tmp-*"))

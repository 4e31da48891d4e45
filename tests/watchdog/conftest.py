"""A shop that is well, on the morning after its newest day: retrained, scored and watched, and Airflow is alive."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from given.shop import day, edit_spec, enter, enter_copy, make_shop

from mlsys import clock, pipeline
from mlsys.monitoring.monitoring import monitor
from mlsys.planning.plan import RunRequest
from mlsys.settings import Settings, load_settings
from mlsys.watchdog import pulse
from mlsys.watchdog.sign import Sign
from mlsys.workspace import open_workspace

MORNING = datetime(2026, 5, 14, 6, tzinfo=UTC)  # after the day 12
UP = timedelta(days=3)  # since the machine was started
PARTS = ("SchedulerJob", "DagProcessorJob", "TriggererJob")


@pytest.fixture(scope="session")
def well_shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The home; nobody may change it."""
    home = tmp_path_factory.mktemp("watched-shop") / "home"
    make_shop(home, home / "pipelines", days=13)
    edit_spec(home / "pipelines", registries=["files"])
    with pytest.MonkeyPatch.context() as patched:
        enter(home, patched)
        patched.setattr(clock, "now", lambda: MORNING - timedelta(hours=3))
        with open_workspace() as work:
            pipeline.run(work, RunRequest("shop", day=day(10)))
            monitor(work, "shop")
            pipeline.run(work, RunRequest("shop", day=day(12)))
    airflow(home)
    return home


@pytest.fixture
def well(well_shop: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of it, set in the environment; the clock stands at `MORNING`."""
    home = enter_copy(well_shop, tmp_path / "home", monkeypatch)
    monkeypatch.setattr(clock, "now", lambda: MORNING)
    monkeypatch.setattr(clock, "since_boot", lambda: ("first", UP))
    return home


@pytest.fixture
def settings(well: Path) -> Iterator[Settings]:
    """Its settings."""
    return load_settings()


def troubles(settings: Settings) -> dict[str, str]:
    """What a look finds to be wrong: the sentence by cause and pipeline."""
    return {sign.name: sign.sentence for sign in looked(settings) if not sign.ok}


def looked(settings: Settings) -> tuple[Sign, ...]:
    """Every sign of a look."""
    return pulse.take(settings).signs


def airflow(home: Path, *, alive: datetime = MORNING) -> None:
    """Write what the look reads of Airflow's database: all parts alive at an instant, the shop's DAGs on."""
    with closing(sqlite3.connect(home / "airflow" / "airflow.db")) as connection, connection:
        connection.executescript(
            "CREATE TABLE IF NOT EXISTS job (job_type TEXT, state TEXT, latest_heartbeat TIMESTAMP);"
            "CREATE TABLE IF NOT EXISTS dag (dag_id TEXT, is_paused BOOLEAN, is_stale BOOLEAN);"
            "CREATE TABLE IF NOT EXISTS import_error (filename TEXT, stacktrace TEXT);"
        )
        at = alive.strftime("%Y-%m-%d %H:%M:%S.%f")
        connection.executemany("INSERT INTO job VALUES (?, 'running', ?)", [(part, at) for part in PARTS])
        dags = [(f"{what}_shop", False, False) for what in ("retrain", "monitor", "score")]
        connection.executemany("INSERT INTO dag VALUES (?, ?, ?)", dags)


def change(database: Path, statement: str) -> None:
    """Execute a statement on a file of SQLite."""
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.execute(statement)

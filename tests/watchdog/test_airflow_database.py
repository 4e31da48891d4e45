"""Airflow's database, read from behind: the columns are Airflow's own, and each part that is silent is named."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from watchdog.conftest import MORNING, airflow, change

from mlsys.spec import load_spec
from mlsys.watchdog.airflow_database import URL, AirflowState, airflow_signs, paused_sign, read_airflow


@pytest.fixture
def database(tmp_path: Path) -> Path:
    (tmp_path / "airflow").mkdir()
    airflow(tmp_path)
    return tmp_path / "airflow" / "airflow.db"


def read(database: Path) -> AirflowState:
    found = read_airflow(f"sqlite:///{database}")
    assert found is not None
    return found


@pytest.mark.slow
def test_the_columns_that_are_read_are_airflow_s() -> None:
    from airflow.jobs.job import Job
    from airflow.models.dag import DagModel
    from airflow.models.errors import ParseImportError

    for model, table, names in (
        (Job, "job", {"job_type", "state", "latest_heartbeat"}),
        (DagModel, "dag", {"dag_id", "is_paused", "is_stale"}),
        (ParseImportError, "import_error", {"filename", "stacktrace"}),
    ):
        assert model.__tablename__ == table
        assert names <= set(model.__table__.columns.keys())


def test_no_database_and_an_empty_one_are_no_airflow(tmp_path: Path) -> None:
    missing = tmp_path / "airflow.db"
    assert read_airflow(f"sqlite:///{missing}") is None
    assert not missing.exists()
    change(missing, "CREATE TABLE other (x)")
    assert read_airflow(f"sqlite:///{missing}") is None


def test_the_variable_that_airflow_reads_goes_before(database: Path, monkeypatch) -> None:
    monkeypatch.setenv(URL, f"sqlite:///{database}")
    assert read_airflow("sqlite:///nowhere.db") == read(database)


def test_the_newest_sign_of_life_counts(database: Path) -> None:
    change(database, "UPDATE job SET latest_heartbeat = '2026-05-01 00:00:00.000000'")
    airflow(database.parents[1], alive=MORNING)
    assert [sign.ok for sign in airflow_signs(read(database), MORNING + timedelta(minutes=1))] == [True, True]


def test_each_part_that_is_silent_is_named_with_what_that_means(database: Path) -> None:
    change(database, "UPDATE job SET state = 'success' WHERE job_type = 'TriggererJob'")
    first, _ = airflow_signs(read(database), MORNING + timedelta(minutes=5))
    assert not first.ok
    assert "the scheduler gave its last sign of life 5 minutes ago: no run starts" in first.sentence
    assert "the triggerer ended 5 minutes ago" in first.sentence
    assert "the dag-processor gave its last sign" in first.sentence


@pytest.mark.slow
def test_a_dag_that_is_unknown_or_paused_is_named(database: Path, well_shop: Path) -> None:
    spec = load_spec(well_shop / "pipelines" / "shop.yaml")
    said = paused_sign(read(database), spec)
    assert said is not None
    assert said.ok
    change(database, "UPDATE dag SET is_paused = 1 WHERE dag_id = 'monitor_shop'")
    said = paused_sign(read(database), spec)
    assert said is not None
    assert "Paused: `monitor_shop`" in said.sentence
    change(database, "UPDATE dag SET is_stale = 1 WHERE dag_id = 'retrain_shop'")
    said = paused_sign(read(database), spec)
    assert said is not None
    assert "does not know `retrain_shop`" in said.sentence


@pytest.mark.slow
def test_where_airflow_never_ran_nothing_is_said_of_dags(well_shop: Path) -> None:
    assert paused_sign(AirflowState(), load_spec(well_shop / "pipelines" / "shop.yaml")) is None

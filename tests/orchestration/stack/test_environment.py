from __future__ import annotations

from pathlib import Path

import pytest

from mlsys.database.databases import Databases
from mlsys.orchestration.stack.environment import environment
from mlsys.settings import Settings

LEDGER, MLFLOW, AIRFLOW = "postgresql://l", "postgresql://m", "postgresql://a"


def variables(home: Path, kind: str = "embedded") -> dict[str, str]:
    databases = Databases(kind, LEDGER, MLFLOW, AIRFLOW)  # type: ignore[arg-type]
    return environment(Settings(home=home, airflow_port=18080, workers=2), databases)


def test_a_changed_port_reaches_every_address(tmp_path: Path) -> None:
    found = variables(tmp_path)
    assert found["AIRFLOW__API__PORT"] == "18080"
    assert found["AIRFLOW__API__BASE_URL"] == "http://127.0.0.1:18080"
    assert found["AIRFLOW__CORE__EXECUTION_API_SERVER_URL"] == "http://127.0.0.1:18080/execution/"
    assert "8080" not in "".join(value for value in found.values()).replace("18080", "")


def test_a_login_is_needed(tmp_path: Path) -> None:
    found = variables(tmp_path)
    assert found["AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS"] == "admin:admin,mlsys-service:op"
    assert "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS" not in found


def test_bytecode_is_written_and_foreign_addresses_are_not_inherited(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("PYTHONDONTWRITEBYTECODE", "AIRFLOW_CONFIG", "MLFLOW_TRACKING_URI"):
        monkeypatch.setenv(name, "1")
    assert not {"PYTHONDONTWRITEBYTECODE", "AIRFLOW_CONFIG", "MLFLOW_TRACKING_URI"} & set(variables(tmp_path))


def test_a_proxy_of_the_shell_does_not_stand_between_the_processes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_PROXY", "intranet")
    assert variables(tmp_path)["no_proxy"] == "intranet,127.0.0.1,localhost"


def test_paths_are_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    found = variables(Path("var"))
    for name in ("MLSYS_HOME", "MLSYS_PIPELINES", "AIRFLOW_HOME", "AIRFLOW__CORE__DAGS_FOLDER"):
        assert Path(found[name]).is_absolute()


def test_sqlite_gets_fewer_parallel_tasks(tmp_path: Path) -> None:
    assert variables(tmp_path)["AIRFLOW__CORE__PARALLELISM"] == "4"
    assert variables(tmp_path, "sqlite")["AIRFLOW__CORE__PARALLELISM"] == "2"

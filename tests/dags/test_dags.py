"""The DAG files as Airflow reads them, in a process of their own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
HEAVY = ("pandas", "sklearn", "xgboost", "mlflow", "great_expectations", "pyarrow")
READ = """
import json, sys, time
import airflow.sdk
from airflow.dag_processing.dagbag import DagBag
from airflow.serialization.serialized_objects import DagSerialization
before = set(sys.modules)
begun = time.perf_counter()
bag = DagBag(sys.argv[1], bundle_name="dags-folder")
seconds = time.perf_counter() - begun
new = sorted({name.split(".")[0] for name in set(sys.modules) - before})
dags = {dag_id: DagSerialization.to_dict(dag)["dag"] for dag_id, dag in bag.dags.items()}
print("RESULT" + json.dumps({"errors": bag.import_errors, "new": new, "seconds": seconds, "dags": dags}, default=str))
"""


def read_dags(folder: Path, home: Path, **variables: str) -> dict[str, Any]:
    environment = {
        **os.environ,
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__DAGS_FOLDER": str(folder),
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{home}/airflow.db",
        "MLSYS_PIPELINES": str(ROOT / "include" / "pipelines"),
        **variables,
    }
    done = subprocess.run(
        [sys.executable, "-c", READ, str(folder)], capture_output=True, text=True, env=environment, check=False
    )
    assert "RESULT" in done.stdout, done.stderr[-2000:]
    found: dict[str, Any] = json.loads(done.stdout.split("RESULT")[1])
    return found


@pytest.fixture(scope="module")
def bag(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return read_dags(ROOT / "dags", tmp_path_factory.mktemp("airflow"))


@pytest.mark.slow
def test_every_spec_has_its_dag_and_nothing_fails(bag: dict[str, Any]) -> None:
    assert bag["errors"] == {}
    specs = {path.stem for path in (ROOT / "include" / "pipelines").glob("*.yaml")}
    assert set(bag["dags"]) == {f"retrain_{name}" for name in specs}


@pytest.mark.slow
def test_parsing_imports_nothing_heavy(bag: dict[str, Any]) -> None:
    assert not set(HEAVY) & set(bag["new"])


@pytest.mark.slow
def test_the_tasks_are_the_steps_with_retries_and_timeouts(bag: dict[str, Any]) -> None:
    tasks = [task["__var"] for task in bag["dags"]["retrain_phishing"]["tasks"]]
    names = ["take_snapshot", "validate", "split", "train", "evaluate", "decide", "promote", "report"]
    assert sorted(task["task_id"] for task in tasks) == sorted(names)
    train = next(task for task in tasks if task["task_id"] == "train")
    assert train["partial_kwargs"]["pool"] == "training"
    assert all(task.get("doc_md") or task.get("partial_kwargs", {}).get("doc_md") for task in tasks)


@pytest.mark.slow
def test_dags_are_the_same_in_every_process(bag: dict[str, Any], tmp_path: Path) -> None:
    again = read_dags(ROOT / "dags", tmp_path, PYTHONHASHSEED="7")
    assert again["dags"] == bag["dags"]


@pytest.mark.slow
def test_one_broken_spec_leaves_the_others(tmp_path: Path) -> None:
    pipelines = tmp_path / "pipelines"
    pipelines.mkdir()
    source = ROOT / "include" / "pipelines" / "phishing.yaml"
    (pipelines / "phishing.yaml").write_text(source.read_text(encoding="utf-8"), encoding="utf-8")
    (pipelines / "broken.yaml").write_text("pipeline: broken\n", encoding="utf-8")
    found = read_dags(ROOT / "dags", tmp_path, MLSYS_PIPELINES=str(pipelines))
    assert set(found["dags"]) == {"retrain_phishing", "retrain_broken"}
    assert "broken-spec" in found["dags"]["retrain_broken"]["tags"]
    assert "Field required" in found["dags"]["retrain_broken"]["doc_md"]

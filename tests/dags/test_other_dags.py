"""The DAGs beside the retraining, as Airflow reads them in a process of their own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
READ = """
import json, sys
from airflow.dag_processing.dagbag import DagBag
from airflow.serialization.serialized_objects import DagSerialization
bag = DagBag(sys.argv[1], bundle_name="dags-folder")
dags = {dag_id: DagSerialization.to_dict(dag)["dag"] for dag_id, dag in bag.dags.items()}
print("RESULT" + json.dumps({"errors": bag.import_errors, "dags": dags}, default=str))
"""
OF_A_SPEC = {"announced", "monitor", "retrain", "score", "simulate"}


def read(pipelines: Path, home: Path, **variables: str) -> dict[str, Any]:
    environment = {
        **os.environ,
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__DAGS_FOLDER": str(ROOT / "dags"),
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{home}/airflow.db",
        "MLSYS_PIPELINES": str(pipelines),
        **variables,
    }
    command = [sys.executable, "-c", READ, str(ROOT / "dags")]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert "RESULT" in done.stdout, done.stderr[-2000:]
    found: dict[str, Any] = json.loads(done.stdout.split("RESULT")[1])
    return found


def write_spec(folder: Path, **changes: object) -> None:
    spec = yaml.safe_load((ROOT / "include" / "pipelines" / "phishing.yaml").read_text(encoding="utf-8"))
    (folder / "phishing.yaml").write_text(yaml.safe_dump({**spec, **changes}), encoding="utf-8")


def tasks_of(dag: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {task["__var"]["task_id"]: task["__var"] for task in dag["tasks"]}


@pytest.fixture(scope="module")
def dags(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    found = read(ROOT / "include" / "pipelines", tmp_path_factory.mktemp("airflow"))
    assert found["errors"] == {}
    everything: dict[str, Any] = found["dags"]
    return everything


def test_every_spec_has_its_dags_and_the_installation_two(dags: dict[str, Any]) -> None:
    expected = {f"{kind}_{name}" for kind in OF_A_SPEC for name in ("phishing", "leads")}
    assert set(dags) == expected | {"drops_leads", "rollback", "housekeeping"}


def test_every_dag_and_task_has_words_tags_an_owner_and_retries(dags: dict[str, Any]) -> None:
    for dag_id, dag in dags.items():
        assert dag["doc_md"].startswith("### "), dag_id
        assert "mlsys" in dag["tags"], dag_id
        for name, task in tasks_of(dag).items():
            task = task | task.get("partial_kwargs", {})
            assert task["doc_md"], (dag_id, name)
            assert task["has_retry_policy"], (dag_id, name)
            assert task["owner"] in ("security", "sales-operations", "mlsys"), (dag_id, name)


def test_a_champion_starts_the_scoring_and_simulated_days_the_report(dags: dict[str, Any]) -> None:
    for dag_id, uri in (("score_leads", "mlsys://leads/champion"), ("simulate_leads", "mlsys://leads/simulations")):
        assert uri in json.dumps(dags[dag_id]["timetable"]), dag_id


def test_an_announced_day_is_a_partition_and_waits_without_a_worker(dags: dict[str, Any]) -> None:
    dag = dags["announced_leads"]
    assert "PartitionedAssetTimetable" in dag["timetable"]["__type"]
    assert "mlsys://leads/drops" in json.dumps(dag["timetable"])
    assert tasks_of(dag)["is_answered"]["_is_sensor"]
    assert dag["max_active_runs"] == 4


def test_monitors_look_an_hour_after_the_night(dags: dict[str, Any]) -> None:
    assert "0 4 * * *" in json.dumps(dags["monitor_leads"]["timetable"])


def test_a_rollback_asks_before_it_changes_anything(dags: dict[str, Any]) -> None:
    tasks = tasks_of(dags["rollback"])
    assert tasks["find_version"]["downstream_task_ids"] == ["approve", "roll_back"]
    assert tasks["approve"]["downstream_task_ids"] == ["roll_back"]


@pytest.mark.parametrize(("setting", "applies"), [("report", False), ("remove", True)])
def test_the_weekly_housekeeping_removes_only_where_the_operator_says_so(tmp_path, setting, applies) -> None:
    folder = tmp_path / "pipelines"
    folder.mkdir()
    write_spec(folder)
    dag = read(folder, tmp_path, MLSYS_HOUSEKEEPING=setting)["dags"]["housekeeping"]
    params = dict(dag["params"])
    assert params["apply"]["default"] is applies


def test_a_spec_without_a_schedule_or_with_scans(tmp_path: Path) -> None:
    folder = tmp_path / "pipelines"
    folder.mkdir()
    write_spec(folder, schedule={"enabled": False, "scan": "15m"})
    found = read(folder, tmp_path)["dags"]
    assert found["drops_phishing"]["timetable"]["__var"]["delta"] == 900.0
    assert "Null" in found["monitor_phishing"]["timetable"]["__type"]


def test_a_spec_that_is_wrong_says_so_in_each_of_its_dags(tmp_path: Path) -> None:
    folder = tmp_path / "pipelines"
    folder.mkdir()
    (folder / "broken.yaml").write_text("pipeline: broken\n", encoding="utf-8")
    found = read(folder, tmp_path)
    assert found["errors"] == {}
    assert {dag_id for dag_id, dag in found["dags"].items() if "broken-spec" in dag["tags"]} == {
        f"{kind}_broken" for kind in OF_A_SPEC
    }

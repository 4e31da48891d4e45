"""The DAGs beside the retraining, as Airflow reads them in a process of their own."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from given.dag_reader import read_dags

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
OF_A_SPEC = ("retrain", "score", "monitor")
NAMES = sorted(path.stem for path in (ROOT / "include" / "pipelines").glob("*.yaml"))
OWNERS = {"security", "sales-operations", "operations-control", "valuation", "mlsys"}
OF_ALL = {"announced", "drops", "hold", "housekeeping", "rollback", "simulate"}


def write_spec(folder: Path, **changes: object) -> None:
    spec = yaml.safe_load((ROOT / "include" / "pipelines" / "phishing.yaml").read_text(encoding="utf-8"))
    (folder / "phishing.yaml").write_text(yaml.safe_dump({**spec, **changes}), encoding="utf-8")


def tasks_of(dag: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {task["__var"]["task_id"]: task["__var"] for task in dag["tasks"]}


@pytest.fixture(scope="module")
def dags(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    found = read_dags(ROOT / "include" / "pipelines", tmp_path_factory.mktemp("airflow"))
    assert found["errors"] == {}
    everything: dict[str, Any] = found["dags"]
    return everything


def test_every_spec_has_its_dags_and_the_installation_those_of_all(dags: dict[str, Any]) -> None:
    assert set(dags) == {f"{kind}_{name}" for kind in OF_A_SPEC for name in NAMES} | OF_ALL


def test_the_list_is_sorted_by_pipeline_retraining_first_and_what_serves_all_last(dags: dict[str, Any]) -> None:
    names = {dag["dag_display_name"]: dag_id for dag_id, dag in dags.items()}
    listed = [names[name] for name in sorted(names)]
    first = [f"{kind}_{name}" for name in NAMES for kind in OF_A_SPEC]
    assert listed[: len(first)] == first
    assert set(listed[len(first) :]) == OF_ALL
    assert {name.split(": ")[0] for name in names} == {*NAMES, "Σ all pipelines"}


def test_tags_name_the_pipeline_and_the_purpose(dags: dict[str, Any]) -> None:
    def tagged(tag: str) -> set[str]:
        return {dag_id for dag_id, dag in dags.items() if tag in dag["tags"]}

    assert tagged("leads") == {f"{kind}_leads" for kind in OF_A_SPEC}
    assert tagged("retrain") == {f"retrain_{name}" for name in NAMES}
    assert tagged("all-pipelines") == OF_ALL
    assert tagged("drops") == {"announced", "drops"}


def test_every_dag_and_task_has_words_tags_an_owner_and_retries(dags: dict[str, Any]) -> None:
    for dag_id, dag in dags.items():
        assert dag["doc_md"].startswith("### "), dag_id
        assert "mlsys" in dag["tags"], dag_id
        for name, task in tasks_of(dag).items():
            task = task | task.get("partial_kwargs", {})
            assert task["doc_md"], (dag_id, name)
            assert task["has_retry_policy"], (dag_id, name)
            assert task["owner"] in OWNERS, (dag_id, name)


def test_a_champion_starts_the_scoring(dags: dict[str, Any]) -> None:
    assert "mlsys://leads/champion" in json.dumps(dags["score_leads"]["timetable"])


def test_an_announced_day_is_a_partition_and_waits_without_a_worker(dags: dict[str, Any]) -> None:
    dag = dags["announced"]
    assert "PartitionedAssetTimetable" in dag["timetable"]["__type"]
    assert all(f"mlsys://{name}/drops" in json.dumps(dag["timetable"]) for name in NAMES)
    assert '"asset_any"' in json.dumps(dag["timetable"])
    waiting = tasks_of(dag)["is_answered"]
    assert waiting["_is_sensor"]
    assert waiting["partial_kwargs"]["mode"] == "reschedule"


def test_what_serves_all_pipelines_asks_for_one_or_some_of_them(dags: dict[str, Any]) -> None:
    for dag_id in ("rollback", "simulate"):
        assert dict(dags[dag_id]["params"])["pipeline"]["schema"]["__var"]["enum"] == NAMES, dag_id
    for dag_id, names in (("announced", NAMES), ("drops", ["leads"])):
        assert dict(dags[dag_id]["params"])["pipelines"]["schema"]["__var"]["items"]["__var"]["enum"] == names, dag_id


@pytest.mark.parametrize("dag_id", ["announced", "drops"])
def test_a_look_that_fails_fails_the_run_and_what_was_found_is_noted(dags: dict[str, Any], dag_id: str) -> None:
    tasks = tasks_of(dags[dag_id])
    (note,) = [task for task in tasks.values() if task.get("is_teardown")]
    assert not note.get("on_failure_fail_dagrun")
    assert [name for name, task in tasks.items() if task.get("downstream_task_ids") == ["note"]] == [
        "is_answered" if dag_id == "announced" else "scan"
    ]


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
    dag = read_dags(folder, tmp_path, MLSYS_HOUSEKEEPING=setting)["dags"]["housekeeping"]
    params = dict(dag["params"])
    assert params["apply"]["default"] is applies


def test_a_spec_without_a_schedule_or_with_scans(tmp_path: Path) -> None:
    folder = tmp_path / "pipelines"
    folder.mkdir()
    write_spec(folder, schedule={"enabled": False, "scan": "15m"})
    found = read_dags(folder, tmp_path)["dags"]
    assert found["drops"]["timetable"]["__var"]["delta"] == 900.0
    assert "Null" in found["monitor_phishing"]["timetable"]["__type"]


def test_the_scanner_keeps_the_shortest_pace_and_knows_each(tmp_path: Path) -> None:
    folder = tmp_path / "pipelines"
    folder.mkdir()
    write_spec(folder, schedule={"scan": "6h"})
    text = (folder / "phishing.yaml").read_text(encoding="utf-8")
    hasty = text.replace("pipeline: phishing", "pipeline: hasty").replace("scan: 6h", "scan: 10m")
    (folder / "hasty.yaml").write_text(hasty, encoding="utf-8")
    dag = read_dags(folder, tmp_path)["dags"]["drops"]
    assert dag["timetable"]["__var"]["delta"] == 600.0
    assert "- hasty: every 10 minutes\n- phishing: every 6 hours" in dag["doc_md"]


def test_notices_are_delivered_every_few_minutes_where_a_spec_sends_any(tmp_path: Path) -> None:
    folder = tmp_path / "pipelines"
    folder.mkdir()
    write_spec(folder, notify={"webhook": True})
    dag = read_dags(folder, tmp_path)["dags"]["notices"]
    assert dag["timetable"]["__var"]["delta"] == 600.0
    assert set(tasks_of(dag)) == {"deliver_notices"}
    assert "all-pipelines" in dag["tags"]


def test_what_a_spec_has_not_switched_on_makes_no_dag(tmp_path: Path) -> None:
    folder = tmp_path / "pipelines"
    folder.mkdir()
    write_spec(folder, scoring={"enabled": False}, monitors={"watch": []})
    found = read_dags(folder, tmp_path)
    assert found["errors"] == {}
    assert set(found["dags"]) == {"retrain_phishing"} | OF_ALL - {"drops"}


def test_an_installation_without_a_pipeline_has_no_errors(tmp_path: Path) -> None:
    folder = tmp_path / "pipelines"
    folder.mkdir()
    found = read_dags(folder, tmp_path)
    assert (found["errors"], set(found["dags"])) == ({}, OF_ALL - {"announced", "drops"})


def test_a_spec_that_is_wrong_says_so_once(tmp_path: Path) -> None:
    folder = tmp_path / "pipelines"
    folder.mkdir()
    (folder / "broken.yaml").write_text("pipeline: broken\n", encoding="utf-8")
    found = read_dags(folder, tmp_path)
    assert found["errors"] == {}
    assert {dag_id for dag_id, dag in found["dags"].items() if "broken" in dag["tags"]} == {"retrain_broken"}
    assert "mlsys://broken/drops" in json.dumps(found["dags"]["announced"]["timetable"])  # so that it fails, and loudly

"""The whole thing as a user meets it: real Airflow, real MLflow, real Postgres, triggered over the REST API."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psutil
import pytest
from given.airflows import wait
from given.ports import free_port
from given.shop import day, edit_spec, make_shop

from mlsys import pipeline
from mlsys.orchestration.api.client import AirflowApi
from mlsys.orchestration.stack import processes, stack
from mlsys.planning.plan import RunRequest
from mlsys.settings import Settings, load_settings
from mlsys.workspace import open_workspace

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.timeout(400)]

ROOT = Path(__file__).parents[2]
DAG = "retrain_shop"


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    home = tmp_path_factory.mktemp("e2e") / "home"
    make_shop(home, home / "pipelines", days=12)
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {
            "HOME": home,
            "PIPELINES": home / "pipelines",
            "DAGS": ROOT / "dags",
            "PLUGINS": ROOT / "plugins",
            "AIRFLOW_PORT": free_port(),
            "MLFLOW_PORT": free_port(),
        }.items():
            patch.setenv(f"MLSYS_{name}", str(value))
        yield load_settings()


@pytest.fixture(scope="module")
def api(settings: Settings) -> Iterator[AirflowApi]:
    stack.up(settings, progress=lambda _: None)
    try:
        with stack.connect(settings) as connected:
            connected.wait_for_dag(DAG, seconds=120)
            yield connected
    finally:
        stack.down(settings, progress=lambda _: None)


def retrain(api: AirflowApi, **keywords: Any) -> tuple[dict[str, Any], dict[str, str]]:
    """Trigger a run, wait for its end, return it and the state of each task."""
    run_id = api.trigger(DAG, **keywords)
    run = api.wait_for_run(DAG, run_id, seconds=240)
    return run, {task["task_id"]: task["state"] for task in api.task_instances(DAG, run_id)}


def state_of(api: AirflowApi, run_id: str, task_id: str) -> str:
    return next(str(task["state"]) for task in api.task_instances(DAG, run_id) if task["task_id"] == task_id)


def test_a_run_by_partition_key_promotes_the_first_champion(api: AirflowApi, settings: Settings) -> None:
    run, states = retrain(api, partition_key=str(day(11)))
    assert (run["state"], set(states.values())) == ("success", {"success"})
    version = api.xcom(DAG, run["dag_run_id"], "promote")
    assert version["changed"]
    assert (settings.root / "registry" / "shop" / "best_model.joblib").exists()
    report = api.xcom(DAG, run["dag_run_id"], "report")
    card = (settings.root / report["path"]).read_text(encoding="utf-8")
    assert f"/dags/{DAG}/runs/{quote(run['dag_run_id'], safe='')}" in card
    assert "/#/models/shop/versions/1" in card


def test_the_same_decision_as_on_the_command_line(
    api: AirflowApi, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with open_workspace() as work:
        there = work.ledger.decisions("shop")[0]
        snapshots = [row.snapshot for row in work.ledger.runs("shop") if row.snapshot]
        models = {c.name: c.model for c in work.ledger.candidates(work.ledger.runs("shop")[0].training_key)}
    make_shop(tmp_path, tmp_path / "pipelines", days=12)
    monkeypatch.setenv("MLSYS_HOME", str(tmp_path))
    monkeypatch.setenv("MLSYS_DATABASE", "sqlite")
    with open_workspace() as work:
        finished = pipeline.run(work, RunRequest("shop", day=day(11)))
    assert finished.start.snapshot is not None
    assert finished.version is not None
    assert finished.start.snapshot.fingerprint == snapshots[0].fingerprint
    assert {c.name: c.model for c in finished.candidates} == models
    assert finished.version.decision == there


def test_the_same_day_again_is_a_green_skip_that_changes_nothing(api: AirflowApi, settings: Settings) -> None:
    run, states = retrain(api, conf={"day": str(day(11))})
    assert run["state"] == "success"
    assert states.pop("take_snapshot") == "success"
    assert set(states.values()) == {"skipped"}
    assert api.xcom(DAG, run["dag_run_id"], "take_snapshot")["reason"] == "unchanged"
    with open_workspace() as work:
        assert len(work.ledger.champion_changes("shop")) == 1
        assert len(work.ledger.decisions("shop")) == 1


def test_about_the_next_drop_a_person_is_waited_for_and_a_yes_promotes(api: AirflowApi, settings: Settings) -> None:
    """What else a person can answer, and who is told: `test_approval.py`, among the long tests."""
    make_shop(settings.root, settings.root / "pipelines", days=13)
    always = [{"kind": "minimum", "metric": "roc_auc", "at_least": 0.1}, "min_rows"]
    edit_spec(settings.root / "pipelines", gates=always)
    run_id = api.trigger(DAG, conf={"approval": True, "reason": "a try"})
    wait(lambda: state_of(api, run_id, "approve") == "awaiting_input")
    question = api.question(DAG, run_id)
    assert question is not None
    assert "passes all 2 gates" in question["body"]
    with open_workspace() as work:
        before = len(work.ledger.champion_changes("shop"))
    api.answer(DAG, run_id, "Approve", reason="looks good")
    assert api.wait_for_run(DAG, run_id, seconds=120)["state"] == "success"
    with open_workspace() as work:
        changes = work.ledger.champion_changes("shop")
        asked = [row.plan.day for row in work.ledger.runs("shop") if row.plan]
        assert asked == [day(11), day(12)]
        assert len(work.ledger.decisions("shop")) == 2
        assert work.ledger.verify("shop") > 0
    assert (len(changes) - before, changes[-1].who) == (1, "admin")
    assert changes[-1].reason.startswith("looks good. ")


@pytest.mark.parametrize("conf", [{"day": "2026-5-2"}, {"mode": "yolo"}, {"day": 7}])
def test_a_wrong_parameter_is_refused_before_anything_runs(api: AirflowApi, conf: dict[str, Any]) -> None:
    from mlsys.errors import UsageError

    with pytest.raises(UsageError, match="refuses"):
        api.trigger(DAG, conf=conf)


def test_two_different_days_fail_the_run_at_once(api: AirflowApi) -> None:
    run, states = retrain(api, partition_key=str(day(11)), conf={"day": str(day(10))})
    assert (run["state"], states["take_snapshot"]) == ("failed", "failed")
    tries = [t["try_number"] for t in api.task_instances(DAG, run["dag_run_id"]) if t["task_id"] == "take_snapshot"]
    assert tries == [1]


def test_no_run_appears_that_nobody_asked_for(api: AirflowApi) -> None:
    assert {run["run_type"] for run in api.runs(DAG)} == {"manual"}


def test_the_scheduler_preloaded_every_module_and_may_fork(api: AirflowApi, settings: Settings) -> None:
    told = processes.log_path(settings.root, "scheduler").read_text(encoding="utf-8")
    assert "PreloadingLocalExecutor" in told
    assert "preload_skipped" not in told
    assert "preload_left_threads" not in told


def test_down_leaves_no_process(api: AirflowApi, settings: Settings) -> None:
    stack.down(settings, progress=lambda _: None)
    home = str(settings.root)
    left = [
        p for p in psutil.process_iter(["environ", "cmdline"]) if (p.info["environ"] or {}).get("MLSYS_HOME") == home
    ]
    assert [p.info["cmdline"] for p in left if p.pid != psutil.Process().pid] == []

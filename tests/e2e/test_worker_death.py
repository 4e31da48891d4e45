"""kill -9 among the workers of a real Airflow: no run waits for a timeout, none is lost, each decides once."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import pytest
from given.ports import free_port
from given.shop import day, edit_spec, make_shop

from mlsys.database.liveness import wait_until_ended
from mlsys.orchestration.api.client import AirflowApi
from mlsys.orchestration.stack import processes, stack
from mlsys.settings import Settings, load_settings
from mlsys.workspace import open_workspace

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.long, pytest.mark.timeout(500)]

ROOT = Path(__file__).parents[2]
DAG = "retrain_shop"
# A few seconds of training; nothing stops it early.
LONG = {
    "kind": "xgboost",
    "n_estimators": 20_000,
    "max_depth": 2,
    "learning_rate": 0.001,
    "early_stopping_rounds": None,
}
IN_THE_MIDDLE = 1.0  # seconds of processor time
SECONDS = 240.0  # less than the time after which Airflow misses a task's heartbeat


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    home = tmp_path_factory.mktemp("e2e") / "home"
    make_shop(home, home / "pipelines", days=12)
    edit_spec(home / "pipelines", models=[{"kind": "logistic"}, LONG], registries=["files"])
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


def scheduler(settings: Settings) -> psutil.Process:
    child = processes.find(settings.root, "scheduler")
    assert child is not None
    leader = child.leader()
    assert leader is not None
    return leader


def training(settings: Settings) -> tuple[psutil.Process, psutil.Process]:
    """Wait for a task in the middle of a training; return its worker and its own process."""
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        with suppress(psutil.NoSuchProcess):  # short tasks come and go
            for worker in scheduler(settings).children():
                for task in worker.children():
                    if task.cpu_times().user > IN_THE_MIDDLE:
                        return worker, task
        time.sleep(0.1)
    raise AssertionError("no task trained for long enough")


@pytest.fixture(scope="module")
def killed(api: AirflowApi, settings: Settings) -> dict[str, Any]:
    """A run whose workers were killed: all of them before it, and one in the middle of its training."""
    idle = scheduler(settings).children()
    for worker in idle:
        os.kill(worker.pid, signal.SIGKILL)
    run_id = api.trigger(DAG, partition_key=str(day(11)))
    worker, task = training(settings)
    os.kill(worker.pid, signal.SIGKILL)
    run = api.wait_for_run(DAG, run_id, seconds=SECONDS)
    tries = {t["task_id"]: t["try_number"] for t in api.task_instances(DAG, run_id) if t["try_number"] > 1}
    return {"state": run["state"], "tries": tries, "pids": [p.pid for p in (*idle, worker)], "task": task}


def test_the_run_ends_well_and_only_the_killed_training_was_tried_again(killed: dict[str, Any]) -> None:
    assert (killed["state"], killed["tries"]) == ("success", {"train": 2})


def test_it_decided_once(killed: dict[str, Any]) -> None:
    with open_workspace() as work:
        assert len(work.ledger.decisions("shop")) == len(work.ledger.champion_changes("shop")) == 1
        assert work.ledger.verify("shop") > 0


def test_each_death_is_told_in_the_log(killed: dict[str, Any], settings: Settings) -> None:
    log = processes.log_path(settings.root, "scheduler").read_text()
    assert [pid for pid in killed["pids"] if f"worker_died pid={pid} " not in log] == []


def test_the_training_did_not_go_on_unseen(killed: dict[str, Any]) -> None:
    assert wait_until_ended([killed["task"]], seconds=10.0) == []

from __future__ import annotations

import fcntl
import os
import socket

import psutil
import pytest

from mlsys.database import embedded
from mlsys.database.liveness import wait_until_ended
from mlsys.errors import RunError, UsageError
from mlsys.orchestration.stack import processes, stack
from mlsys.settings import Settings

DAG = '''"""A DAG for Airflow that needs nothing but the stack."""
import os
from datetime import datetime

from airflow.sdk import CronPartitionTimetable, dag, task


@dag(
    schedule=CronPartitionTimetable("0 0 * * *", timezone="Etc/GMT+2", run_offset=-1, key_format="%Y-%m-%d"),
    start_date=datetime.fromisoformat(os.environ["MLSYS_SCHEDULE_START"]),
    catchup=False,
)
def trivial():
    @task(pool="training")
    def look(partition_key=None):
        import sys

        return {"preloaded": "sklearn.pipeline" in sys.modules, "home": os.environ["MLSYS_HOME"]}

    look()


trivial()
'''
NAMES = ("api-server", "scheduler", "dag-processor", "triggerer", "mlflow")


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """A stack with one DAG."""
    (settings.dags / "trivial.py").write_text(DAG)
    return settings


def listeners(settings: Settings) -> set[str]:
    """The addresses that the stack's processes listen on."""
    pids = {member.pid for name in NAMES for member in processes.find(settings.root, name).members()}  # type: ignore[union-attr]
    found = psutil.net_connections(kind="inet")
    return {entry.laddr.ip for entry in found if entry.pid in pids and entry.status == psutil.CONN_LISTEN}


def test_status_and_down_of_a_home_that_was_never_up_change_nothing(settings: Settings) -> None:
    said: list[str] = []
    assert [part.state for part in stack.status(settings)] == ["stopped"] * len(NAMES)
    assert not stack.down(settings, progress=said.append)
    assert said == ["mlsys is not up"]
    assert not settings.root.exists()


def test_a_busy_port_starts_nothing(settings: Settings) -> None:
    with socket.socket() as busy:
        busy.bind(("127.0.0.1", settings.mlflow_port))
        busy.listen()
        with pytest.raises(UsageError, match="MLSYS_MLFLOW_PORT"):
            stack.up(settings, progress=lambda text: None)
    assert not settings.root.joinpath("pg").exists()
    assert {part.state for part in stack.status(settings)} == {"stopped"}


def test_two_at_once_are_refused(settings: Settings) -> None:
    folder = settings.root / "run"
    folder.mkdir(parents=True)
    handle = os.open(folder / "stack.lock", os.O_RDWR | os.O_CREAT)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        with pytest.raises(UsageError, match="is at work"):
            stack.up(settings, progress=lambda text: None)
    finally:
        os.close(handle)


@pytest.mark.slow
@pytest.mark.e2e
@pytest.mark.skipif(not embedded.available(), reason="this platform has no binaries of the embedded Postgres")
def test_an_interrupted_start_leaves_nothing(settings: Settings) -> None:
    def interrupt(text: str) -> None:
        if text.startswith("Preparing"):  # the database runs by then
            raise KeyboardInterrupt

    try:
        with pytest.raises(KeyboardInterrupt):
            stack.up(settings, progress=interrupt)
        assert not embedded.is_running(settings.root)
        assert {part.state for part in stack.status(settings)} == {"stopped"}
    finally:
        embedded.remove(settings.root)


@pytest.mark.long
@pytest.mark.slow
@pytest.mark.e2e
def test_a_part_that_dies_at_start_is_reported_with_its_log_and_the_rest_is_stopped(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    dying = processes.StackPart("scheduler", ("sh", "-c", "echo no such scheduler; exit 3"))
    lasting = processes.StackPart("triggerer", ("sleep", "600"))
    monkeypatch.setattr(stack, "_parts", lambda settings: [dying, lasting])
    monkeypatch.setattr(stack.airflow_schema, "is_current", lambda home, url: True)
    try:
        with pytest.raises(RunError, match="no such scheduler"):
            stack.up(settings, progress=lambda text: None)
        assert processes.find(settings.root, "triggerer") is None
        assert not embedded.is_running(settings.root)
    finally:
        embedded.remove(settings.root)


@pytest.mark.long
@pytest.mark.e2e
@pytest.mark.timeout(900)
@pytest.mark.skipif(not embedded.available(), reason="this platform has no binaries of the embedded Postgres")
def test_stack_runs_a_dag_survives_its_starter_and_leaves_nothing(running: Settings) -> None:
    with stack.connect(running) as api:
        assert api.wait_for_dag("trivial")["is_paused"]
        api.pause("trivial", paused=False)
        run_id = api.trigger("trivial", partition_key="2026-01-02")
        assert api.wait_for_run("trivial", run_id, seconds=200)["state"] == "success"
        assert api.xcom("trivial", run_id, "look") == {"preloaded": True, "home": str(running.root)}
        assert any("Done" in line for line in api.task_log("trivial", run_id, "look"))
        assert [run["run_type"] for run in api.runs("trivial")] == ["manual"]  # unpausing brought no other

    said: list[str] = []
    stack.up(running, progress=said.append)
    assert said == ["mlsys is already up"]
    assert listeners(running) == {"127.0.0.1"}

    victim = processes.find(running.root, "triggerer")
    assert victim is not None
    leader = victim.leader()
    assert leader is not None
    leader.kill()
    assert wait_until_ended([leader], seconds=30) == []
    with pytest.raises(RunError, match="'triggerer' died"):
        stack.watch(running)
    states = {part.name: part.state for part in stack.status(running)}
    assert states == {"postgres": "running", **dict.fromkeys(NAMES, "running"), "triggerer": "died"}

    children = [child for name in NAMES if (child := processes.find(running.root, name)) is not None]
    assert stack.down(running, progress=said.append)
    assert [member for child in children for member in child.members()] == []
    assert not embedded.is_running(running.root)

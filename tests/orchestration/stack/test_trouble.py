"""The stack after trouble: a killed database, a killed scheduler, and a shell that knows other ports."""

from __future__ import annotations

import sys
from contextlib import nullcontext

import psutil
import pytest
from given.ports import free_ports

from mlsys.cli import operating
from mlsys.database import embedded
from mlsys.database.liveness import wait_until_ended
from mlsys.errors import RunError
from mlsys.orchestration.stack import processes, stack
from mlsys.orchestration.stack.preflight import check_port
from mlsys.polling import ask_until
from mlsys.settings import Settings

PARTS = {"postgres", "api-server", "scheduler", "dag-processor", "triggerer", "mlflow"}


def kill(*victims: psutil.Process | None) -> None:
    """Kill processes without a warning, and wait until they are gone."""
    found = [process for victim in victims if victim for process in (victim, *victim.children(recursive=True))]
    for process in found:
        process.kill()
    assert wait_until_ended(found, seconds=30) == []


def states(settings: Settings) -> dict[str, str]:
    return {part.name: part.state for part in stack.status(settings)}


def leader(settings: Settings, name: str) -> psutil.Process | None:
    child = processes.find(settings.root, name)
    return None if child is None else child.leader()


def test_a_living_part_with_another_port_is_the_one_that_counts(settings: Settings) -> None:
    settings.root.mkdir()
    part = processes.StackPart("api-server", ("sleep", "60"), "http://127.0.0.1:4711")
    processes.start(part, home=settings.root, environment={"PATH": "/usr/bin:/bin"})
    try:
        assert stack.as_it_runs(settings).airflow_port == 4711
        assert stack.as_it_runs(settings).mlflow_port == settings.mlflow_port
        assert stack.access(settings).airflow == "http://127.0.0.1:4711"
    finally:
        kill(leader(settings, "api-server"))
    assert stack.as_it_runs(settings) == settings


@pytest.mark.parametrize("command", ["sleep 1; echo lost my database; exit 1", "sleep 60"])
def test_ready_means_alive_for_a_while(settings: Settings, monkeypatch: pytest.MonkeyPatch, command: str) -> None:
    settings.root.mkdir()
    parts = [processes.StackPart("scheduler", ("sh", "-c", command)), processes.StackPart("triggerer", ("sleep", "60"))]
    monkeypatch.setattr(stack, "_parts", lambda _: parts)
    monkeypatch.setattr(stack, "_STEADY_SECONDS", 4.0)
    monkeypatch.setattr(stack, "connect", lambda _: nullcontext())
    monkeypatch.setattr(stack, "_wait", lambda *_: None)  # Airflow says of itself that it is healthy
    for part in parts:
        processes.start(part, home=settings.root, environment={"PATH": "/usr/bin:/bin"})
    said: list[str] = []
    try:
        if "lost" in command:
            with pytest.raises(RunError, match=r"'scheduler' died.*\n.*lost my database"):
                stack.wait_until_ready(settings, progress=said.append)
            assert said == []
        else:
            stack.wait_until_ready(settings, progress=said.append)
            assert said == ["Airflow and MLflow are ready"]
    finally:
        processes.stop(settings.root, [part.name for part in parts])


def server(port: int) -> str:
    """Return Python code of a parent whose child listens on a port."""
    sleep = "import time; time.sleep(600)"
    child = f"import socket; s = socket.create_server(('127.0.0.1', {port})); print('listens', flush=True); {sleep}"
    return f"import subprocess, sys; subprocess.Popen([sys.executable, '-c', {child!r}]); {sleep}"


def test_up_ends_what_a_killed_server_left_on_its_port(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.root.mkdir()
    command = (sys.executable, "-c", server(settings.mlflow_port))
    part = processes.StackPart("mlflow", command, f"http://127.0.0.1:{settings.mlflow_port}")
    started = processes.start(part, home=settings.root, environment={"PATH": "/usr/bin:/bin"})
    listens = lambda: "listens" in processes.log_tail(settings.root, "mlflow")  # noqa: E731
    assert ask_until(bool, listens, seconds=60, pause=0.05)
    parent = started.leader()
    assert parent is not None
    parent.kill()
    wait_until_ended([parent], seconds=30)
    assert {name: state for name, state in states(settings).items() if name == "mlflow"} == {"mlflow": "died"}
    monkeypatch.setattr(stack, "_start", lambda *_: None)
    monkeypatch.setattr(stack, "wait_until_ready", lambda *_, **__: None)
    said: list[str] = []
    stack.up(settings, progress=said.append)  # it looks at its ports before it starts anything
    assert said[0] == "Ended what was left of mlflow"
    assert started.members() == []


@pytest.mark.slow
@pytest.mark.e2e
@pytest.mark.long
@pytest.mark.timeout(900)
@pytest.mark.skipif(not embedded.available(), reason="this platform has no binaries of the embedded Postgres")
def test_mlflows_server_ends_with_its_stack_although_its_parent_was_killed(running: Settings) -> None:
    for then in ("up", "down"):
        parent, child = leader(running, "mlflow"), processes.find(running.root, "mlflow")
        assert parent is not None
        assert child is not None
        parent.kill()
        assert wait_until_ended([parent], seconds=30) == []
        assert child.members() != []
        if then == "up":
            stack.up(running, progress=lambda _: None)
            assert set(states(running).values()) == {"running"}
        else:
            stack.down(running, progress=lambda _: None)
            check_port("MLSYS_MLFLOW_PORT", running.mlflow_port)


@pytest.mark.slow
@pytest.mark.e2e
@pytest.mark.long
@pytest.mark.timeout(900)
@pytest.mark.skipif(not embedded.available(), reason="this platform has no binaries of the embedded Postgres")
def test_up_mends_what_was_killed(running: Settings) -> None:
    kill(embedded.process(running.root))
    assert states(running)["postgres"] == "died"
    assert set(states(running)) == PARTS
    sick = {finding.subject for finding in operating._stack(running) if not finding.ok}
    assert sick == {"stack postgres"}
    said: list[str] = []
    stack.up(running, progress=said.append)
    assert "started again with it" in said[0]
    assert set(states(running).values()) == {"running"}

    kill(embedded.process(running.root), leader(running, "scheduler"))
    stack.up(running, progress=said.append)
    assert set(states(running).values()) == {"running"}
    with stack.connect(running) as api:
        assert {name: state for name, state in api.health().items() if state != "healthy"} == {}

    kill(leader(running, "triggerer"))
    airflow, mlflow = free_ports(2)
    elsewhere = running.model_copy(update={"airflow_port": airflow, "mlflow_port": mlflow})
    found = stack.up(elsewhere, progress=said.append)
    assert found == stack.access(running)
    assert set(states(elsewhere).values()) == {"running"}


def test_a_database_that_runs_for_a_command_alone_is_no_stack() -> None:
    parts = [stack.ComponentStatus("postgres", "running"), stack.ComponentStatus("scheduler", "stopped")]
    assert not stack.is_up(parts)
    assert stack.is_up([*parts, stack.ComponentStatus("mlflow", "died")])

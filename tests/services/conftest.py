"""The services of docker-compose.yaml as processes of this machine: its Redis, a Postgres of its own, two workers."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import pytest
from given import lost_worker
from given.ports import free_port

from mlsys.database import embedded
from mlsys.database.liveness import wait_until_ended
from mlsys.orchestration.api.client import AirflowApi, connect
from mlsys.orchestration.stack import processes
from mlsys.orchestration.stack.processes import StackPart

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "include" / "deploy"
REDIS = "redis://localhost:6379"
LOGIN, PASSWORD = "admin", "a-password-of-this-test"
WORKERS = ("worker-1", "worker-2")
DOWN_SECONDS = 3.0


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.services)


@pytest.fixture
def broker() -> Iterator[str]:
    """A database of the machine's Redis that nobody else uses, emptied afterwards."""
    import redis

    for number in range(15, 0, -1):
        with redis.Redis.from_url(f"{REDIS}/{number}", socket_connect_timeout=2) as client:
            try:
                mine = client.dbsize() == 0 and client.set("taken-by-a-test-of-mlsys", os.getpid(), nx=True)
            except redis.ConnectionError:
                pytest.skip("no Redis answers on localhost:6379 (Debian: apt-get install redis-server)")
            if mine:
                yield f"{REDIS}/{number}"
                client.flushdb()
                return
    pytest.skip("all fifteen databases of the Redis on localhost:6379 are in use")


@dataclass
class Services:
    """The services of one home; `supervise` does what the compose file's restart policy does."""

    home: Path
    server: embedded.Server
    broker: str
    airflow_port: int
    mlflow_port: int
    started: dict[str, tuple[StackPart, dict[str, str]]] = field(default_factory=dict)
    killed: list[str] = field(default_factory=list)
    restarts: list[str] = field(default_factory=list)

    def url(self, database: str, role: str) -> str:
        """The URL of a database on the home's own server; `init.py` makes role and database."""
        socket_folder = f"?host={self.server.socket}"
        return f"postgresql+psycopg2://{role}:{role}-password@/{database}{socket_folder}"

    def environment(self, *, of_worker: bool = False) -> dict[str, str]:
        """What compose gives a service: services.env and addresses; but to workers none of Airflow's secrets."""
        address = f"http://127.0.0.1:{self.airflow_port}"
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(("AIRFLOW", "MLSYS_"))}
        variables = {
            **inherited,
            **services_env(),
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "AIRFLOW_HOME": str(self.home / "airflow"),
            "AIRFLOW__CORE__DAGS_FOLDER": str(ROOT / "dags"),
            "AIRFLOW__CORE__PLUGINS_FOLDER": str(ROOT / "plugins"),
            "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"{address}/execution/",
            "AIRFLOW__API__BASE_URL": address,
            "AIRFLOW__LOGGING__BASE_LOG_FOLDER": str(self.home / "logs" / "tasks"),
            "AIRFLOW__LOGGING__DAG_PROCESSOR_CHILD_PROCESS_LOG_DIRECTORY": str(self.home / "logs" / "dags"),
            "AIRFLOW__CELERY__BROKER_URL": self.broker,
            "AIRFLOW__CELERY__RESULT_BACKEND": "db+" + self.url("celery_of_test", "celery_of_test"),
            # A third of the usual minute: the test waits for it.
            "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": "20",
            "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT_DETECTION_INTERVAL": "5",
            "MLSYS_HOME": str(self.home),
            "MLSYS_PIPELINES": str(self.home / "pipelines"),
            "MLSYS_DATABASE": self.server.url("mlsys"),
            "MLSYS_MLFLOW_URI": f"http://127.0.0.1:{self.mlflow_port}",
            "MLSYS_SCHEDULE_START": "2100-01-01T00:00:00+00:00",
        }
        return variables if of_worker else {**variables, **self._secrets()}

    def _secrets(self) -> dict[str, str]:
        return {
            "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": self.url("airflow_of_test", "airflow_of_test"),
            "AIRFLOW__API__HOST": "127.0.0.1",
            "AIRFLOW__API__PORT": str(self.airflow_port),
            "AIRFLOW__API_AUTH__JWT_SECRET": "j" * 64,
            "AIRFLOW__API__SECRET_KEY": "s" * 32,
            "AIRFLOW__CORE__FERNET_KEY": "bWxzeXMtdGVzdHMtb25seS1ub3QtYS1zZWNyZXQtLS0=",
            "MLFLOW_BACKEND_STORE_URI": self.url("mlflow_of_test", "mlflow_of_test"),
            "MLFLOW_ARTIFACTS_DESTINATION": (self.home / "mlartifacts").as_uri(),
            "MLSYS_LOGIN": LOGIN,
            "MLSYS_PASSWORD": PASSWORD,
        }

    def initialise(self) -> None:
        """Run `init.py` as the compose file's service `init` does."""
        variables = {
            **self.environment(),
            "POSTGRES_ADMIN_URL": self.server.url("postgres"),
            "MLSYS_TRAINING_SLOTS": "4",
        }
        with (self.home / "init.log").open("ab") as output:
            subprocess.run(
                [sys.executable, DEPLOY / "init.py"], env=variables, stdout=output, stderr=output, check=True, cwd=ROOT
            )

    def start(self) -> None:
        """Start everything in the compose file's order, each when the ones it needs are healthy."""
        airflow = (sys.executable, "-m", "airflow")
        mlflow = (sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(self.mlflow_port))
        self._start("api-server", (sys.executable, str(DEPLOY / "api_server.py")))
        self._start("mlflow", (*mlflow, "--workers", "1"))
        self._wait_for("api-server")
        self._start("scheduler", (*airflow, "scheduler", "--skip-serve-logs"))
        self._start("dag-processor", (*airflow, "dag-processor"))
        for name in WORKERS:
            command = (*airflow, "celery", "worker", "--skip-serve-logs", "--celery-hostname", f"{name}@%h")
            self._start(name, command)
        for name in ("scheduler", "dag-processor", "mlflow"):
            self._wait_for(name)
        for name in WORKERS:
            self._wait_for("worker", f"{name}@{socket.gethostname()}")

    def _start(self, name: str, command: tuple[str, ...]) -> None:
        part = StackPart(name, command)
        self.started[name] = part, self.environment(of_worker=name in WORKERS)
        processes.start(part, home=self.home, environment=self.started[name][1])

    def _wait_for(self, *check: str) -> None:
        variables = {**self.environment(), "MLFLOW_PORT": str(self.mlflow_port)}
        deadline = time.monotonic() + 240
        while True:
            done = subprocess.run(
                [sys.executable, DEPLOY / "health.py", *check],
                env=variables,
                capture_output=True,
                text=True,
                check=False,
            )
            if done.returncode == 0:
                return
            assert time.monotonic() < deadline, f"{done.stderr}\n{processes.log_tail(self.home, check[0])}"
            time.sleep(1)

    def kill_worker_of(self, task: dict[str, Any]) -> None:
        """Kill the worker whose process runs the task instance, all its processes at once."""
        above = {parent.pid for parent in psutil.Process(task["pid"]).parents()}
        for name in WORKERS:
            child = processes.find(self.home, name)
            if child is not None and child.pid in above:
                self.killed.append(name)
                for process in child.members():
                    process.send_signal(signal.SIGKILL)
        assert len(self.killed) == 1

    def restart_postgres(self) -> None:
        """Stop the server, cutting all connections, and start it again after some seconds."""
        process = embedded.process(self.home)
        assert process is not None
        process.send_signal(signal.SIGINT)
        assert not wait_until_ended([process], seconds=30)
        time.sleep(DOWN_SECONDS)
        with embedded.running(self.home):
            pass  # the fixture still uses it, so it goes on

    def supervise(self) -> None:
        """Start again what ended by itself; a killed worker stays away, as a lost machine does."""
        for name, (part, variables) in self.started.items():
            child = processes.find(self.home, name)
            if name not in self.killed and (child is None or child.leader() is None):
                self.restarts.append(name)
                processes.start(part, home=self.home, environment=variables)

    def found(self, what: str) -> dict[str, Any]:
        """What `given.lost_worker` says in a process of its own, in a worker's environment."""
        command = [sys.executable, "-m", "given.lost_worker", what]
        variables = {**self.environment(of_worker=True), "PYTHONPATH": str(ROOT / "tests")}
        done = subprocess.run(command, env=variables, capture_output=True, text=True, check=True, cwd=ROOT)
        result: dict[str, Any] = json.loads(done.stdout)
        return result

    def stop(self) -> None:
        """End everything."""
        processes.stop(self.home, list(reversed(self.started)))


def services_env() -> dict[str, str]:
    lines = (DEPLOY / "services.env").read_text(encoding="utf-8").splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


@pytest.fixture
def services(tmp_path: Path, broker: str) -> Iterator[Services]:
    """The services, ready, with a shop whose training can be disturbed."""
    home = tmp_path / "home"
    lost_worker.prepare(home, home / "pipelines")
    with embedded.running(home) as server:
        running = Services(home, server, broker, free_port(), free_port())
        try:
            running.initialise()
            running.start()
            yield running
        finally:
            running.stop()
    embedded.remove(home)  # a root's data lies outside of the folder that pytest removes


@pytest.fixture
def api(services: Services) -> Iterator[AirflowApi]:
    """A logged-in client of the services' Airflow."""
    with connect(f"http://127.0.0.1:{services.airflow_port}", login=LOGIN, password=PASSWORD) as client:
        client.wait_for_dag(lost_worker.DAG, seconds=120)
        yield client

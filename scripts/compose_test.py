"""`make test-compose`: docker-compose.yaml proved by running it, with real images and containers but no Docker.

Builds the image, brings the services up in order (each when the health checks of those before it pass), retrains over
the two workers, kills one worker's container in the middle of a training, restarts Postgres, and compares what then
stands in the ledger with an undisturbed run; then the server's container answers with the new champion, is killed, and
answers again. Everything is taken down again; the images stay for the next time.
"""

from __future__ import annotations

import argparse
import json
import runpy
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import compose_test_images as images
from given.disturbance import INDEX, disturb
from given.lost_worker import DAG

from mlsys.orchestration.api.client import connect

PROJECT = "mlsys-test-compose"
LABEL = "io.podman.compose.project="
LOGIN = "admin"
# In docker-compose.yaml's order; podman does not wait for `condition: service_healthy`, so this does.
STAGES = (
    ("postgres", "redis"),
    ("api-server", "mlflow"),
    ("scheduler", "dag-processor", "triggerer", "worker", "server", "pulse"),
)
WORKERS = 2
# The image holds no tests: a container that looks at the outcome gets their samples and fakes from here.
TESTS = ("--volume", f"{images.ROOT / 'tests'}:/opt/tests:ro", "--env", "PYTHONPATH=/opt/tests")
_PATIENCE_SECONDS = 300.0
ROW = {"basket_value": 40.0, "n_items": 2, "channel": "shop", "gift": True}
_STARTED = time.monotonic()


class Compose:
    """The services of one `.env`."""

    def __init__(self, env_file: Path) -> None:
        self._command = [str(Path(sys.executable).with_name("podman-compose")), "--project-name", PROJECT]
        self._command += ["--env-file", str(env_file), "--file", str(images.ROOT / "docker-compose.yaml")]

    def run(self, *arguments: str) -> str:
        """Call podman-compose and return what it prints."""
        return call([*self._command, *arguments])

    def containers(self, service: str) -> list[str]:
        """Return the names of a service's containers that are there, running or not."""
        labels = (f"{LABEL}{PROJECT}", f"com.docker.compose.service={service}")
        wanted = [word for label in labels for word in ("--filter", f"label={label}")]
        return podman("ps", "--all", "--format", "{{.Names}}", *wanted).split()

    def states(self) -> list[list[str]]:
        """Return name, state and number of restarts of each container."""
        names = podman("ps", "--all", "--format", "{{.Names}}", "--filter", f"label={LABEL}{PROJECT}").split()
        lines = podman("inspect", "--format", "{{.Name}} {{.State.Status}} {{.RestartCount}}", *names).splitlines()
        return [line.split() for line in lines]

    def up(self, service: str) -> None:
        """Start a service without those it depends on."""
        self.run("up", "--detach", "--no-deps", service)

    def wait_until_healthy(self, service: str, *, count: int = 1) -> None:
        """Run the health check of each container of the service until it passes."""
        names = self.containers(service)
        if len(names) != count:
            raise SystemExit(f"test-compose: the service {service} has the containers {names}")
        deadline = time.monotonic() + _PATIENCE_SECONDS
        for name in names:
            while not healthy(name):
                if time.monotonic() > deadline:
                    raise SystemExit(f"{podman('logs', '--tail', '30', name)}\ntest-compose: {name} is not healthy")
                time.sleep(2)
        say(f"{service} is healthy ({', '.join(names)})")

    def lost_worker(self, what: str) -> Any:
        """Run `given.lost_worker` in a new container of the worker's kind."""
        arguments = ("run", "--rm", "--no-deps", "-T", *TESTS, "worker", "python", "-m", "given.lost_worker", what)
        answer = self.run(*arguments)
        return json.loads(answer.splitlines()[-1]) if what != "prepare" else None

    def kill_worker_of(self, task: dict[str, Any]) -> None:
        """Kill the container that runs the task, all its processes at once."""
        podman("kill", "--signal", "KILL", task["hostname"])

    def restart_postgres(self) -> None:
        """Stop the database's container and start it again."""
        (name,) = self.containers("postgres")
        podman("restart", name)


def main() -> int:
    """Do all of it and return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--real-images", action="store_true", help="take base images from their registry")
    real = parser.parse_args().real_images
    problem = images.missing()
    if problem:
        print(f"test-compose: {problem}", file=sys.stderr)
        return 2
    if not real:
        images.make_stand_ins(say)
        for image, what in images.STAND_INS.items():
            say(f"STAND-IN {image}: {what}")
    images.build(say)
    with tempfile.TemporaryDirectory() as folder:
        env_file = Path(folder, ".env")
        secrets = write_env(env_file)
        compose = Compose(env_file)
        compose.run("down", "--volumes")
        try:
            prove(compose, secrets)
        finally:
            compose.run("down", "--volumes")
            say("All containers, networks and volumes are removed")
    return 0


def prove(compose: Compose, env: dict[str, str]) -> None:
    """Bring the services up, disturb a retraining, and compare."""
    for number, stage in enumerate(STAGES):
        for service in stage:
            compose.up(service)
        for service in stage:
            compose.wait_until_healthy(service, count=WORKERS if service == "worker" else 1)
        if number == 0:
            initialise(compose)
    address = f"http://127.0.0.1:{env['MLSYS_AIRFLOW_PORT']}"
    with connect(address, login=LOGIN, password=env["MLSYS_PASSWORD"]) as api:
        api.wait_for_dag(DAG, seconds=120)
        tasks = disturb(api, kill=compose.kill_worker_of, restart_database=compose.restart_postgres, say=say)
        check(tasks)
        (training,) = [task for task in tasks if task["task_id"] == "train" and task["map_index"] == INDEX]
        log = api.task_log(DAG, training["dag_run_id"], "train", try_number=1, map_index=INDEX)
        if not log:
            raise SystemExit("test-compose: the log of the lost try is gone")
        say(f"The run's note in Airflow: {api.run(DAG, training['dag_run_id'])['note']!r}")
    for name, state, restarts in compose.states():
        if restarts != "0" or state != "running":
            say(f"{name}: {state}, started again {restarts} times by its restart policy")
    found, expected = compose.lost_worker("found"), compose.lost_worker("expected")
    if found != expected:
        raise SystemExit(f"test-compose: FAILED\nfound    {json.dumps(found)}\nexpected {json.dumps(expected)}")
    say(f"Decision: {found['decisions'][0]['sentence']}")
    say(f"Champion changes: {found['champions']}; models: {found['models']}")
    say("The same decision, champion and models as of an undisturbed run")
    serve(compose, env)


def serve(compose: Compose, env: dict[str, str]) -> None:
    """The server answers with the champion, is killed, and answers the same again."""
    (name,) = compose.containers("server")
    key = json.loads(podman("exec", name, "mlsys", "keys", "add", "test", "--json"))["key"]
    address = f"http://127.0.0.1:{env['MLSYS_SERVER_PORT']}/pipelines/shop/predict"
    asked = urllib.request.Request(address, data=json.dumps(ROW).encode(), method="POST")
    asked.add_header("Content-Type", "application/json")
    asked.add_header("Authorization", f"Bearer {key}")
    first = answer(asked)
    say(f"The server answers: {first}")
    podman("kill", "--signal", "KILL", name)
    compose.up("server")
    compose.wait_until_healthy("server")
    if answer(asked) != first:
        raise SystemExit("test-compose: the server that was killed answers otherwise")
    say("The server's container was killed, came back, and answers the same")


def answer(asked: urllib.request.Request) -> Any:
    """Return the prediction of one row, as soon as the server gives one: a new key and a new champion take seconds."""
    deadline = time.monotonic() + 60
    while True:
        try:
            with urllib.request.urlopen(asked, timeout=10) as reply:
                return json.load(reply)["predictions"]
        except OSError as error:
            if time.monotonic() > deadline:
                raise SystemExit(f"test-compose: the server does not answer: {error}") from error
        time.sleep(1)


def initialise(compose: Compose) -> None:
    """Let the service `init` prepare the databases, twice; then make the shop."""
    for _ in range(2):  # the second time is what an upgrade does
        compose.up("init")
        (name,) = compose.containers("init")
        if podman("wait", name) != "0":
            raise SystemExit(f"{podman('logs', '--tail', '30', name)}\ntest-compose: init failed")
    say("init prepared the databases, and found them prepared the second time")
    compose.lost_worker("prepare")


def check(tasks: Sequence[dict[str, Any]]) -> None:
    """The long training was tried again; say where the tasks ran."""
    (training,) = [task for task in tasks if task["task_id"] == "train" and task["map_index"] == INDEX]
    if training["try_number"] < 2:
        raise SystemExit("test-compose: the disturbed training was not tried again")
    say(f"Tries of the disturbed training: {training['try_number']}")
    say(f"Hosts of the tasks' last tries: {sorted({task['hostname'] for task in tasks})}")


def write_env(path: Path) -> dict[str, str]:
    """Write a `.env` as a new installation has it, with this test's image, ports and specs."""
    content = runpy.run_path(str(images.ROOT / "include" / "deploy" / "new_env.py"))["content"]
    env: dict[str, str] = {
        **content(datetime.now(UTC)),
        "MLSYS_IMAGE": images.IMAGE,
        "MLSYS_AIRFLOW_PORT": str(free_port()),
        "MLSYS_MLFLOW_PORT": str(free_port()),
        "MLSYS_SERVER_PORT": str(free_port()),
        "MLSYS_PIPELINES": "/var/lib/mlsys/pipelines",
    }
    path.write_text("".join(f"{name}={value}\n" for name, value in env.items()))
    return env


def free_port() -> int:
    """Return a port that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def podman(*arguments: str) -> str:
    """Call podman and return what it prints."""
    return call(["podman", *arguments])


def healthy(container: str) -> bool:
    """Run a container's health check now."""
    command = ["podman", "healthcheck", "run", container]
    done = subprocess.run(command, env=images.environment(), capture_output=True, check=False)
    return done.returncode == 0


def call(command: Sequence[str]) -> str:
    """Call a program and return what it prints; its failure ends the test with its last words."""
    done = subprocess.run(command, env=images.environment(), capture_output=True, text=True, check=False)
    if done.returncode:
        tail = "\n".join(done.stderr.splitlines()[-20:])
        raise SystemExit(f"{tail}\ntest-compose: `{' '.join(command)[-300:]}` ended with {done.returncode}")
    return done.stdout.strip()


def say(text: str) -> None:
    """Print progress."""
    print(f"{time.monotonic() - _STARTED:6.0f} s  {text}", flush=True)


if __name__ == "__main__":
    sys.exit(main())

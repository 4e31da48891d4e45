"""The embedded stack: a private Postgres, Airflow and the MLflow page, started, watched and stopped together.

Each process leads a session of its own, so that it outlives the terminal it was started from and no Ctrl-C reaches it.
All inherit a lock that keeps the database running: it is released by the last of them, however that one ends.
"""

from __future__ import annotations

import fcntl
import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

import httpx

from mlsys import clock
from mlsys.database import embedded
from mlsys.database.databases import open_databases, recorded_kind
from mlsys.errors import MlsysError, RunError, TransientError, UsageError
from mlsys.events import get_logger
from mlsys.orchestration.api import client
from mlsys.orchestration.page.addresses import ROUTE
from mlsys.orchestration.stack import airflow_schema, credentials, preflight, processes
from mlsys.orchestration.stack.environment import airflow_address, environment, mlflow_address, server_address
from mlsys.orchestration.stack.processes import Child, StackPart
from mlsys.polling import ask_until
from mlsys.settings import Settings

log = get_logger(__name__)

Tell = Callable[[str], None]
POOL = "training"
_READY_SECONDS = 240.0
_STEADY_SECONDS = 15.0
# Who reports to whom: the scheduler's tasks report to the api-server, so that one goes last.
_STOP_ORDER = (("scheduler", "dag-processor", "triggerer", "mlflow", "server"), ("api-server",))


@dataclass(frozen=True)
class Access:
    """Where a person finds the running stack, and the login.

    Attributes:
        models: the Models page in Airflow.
        server: the server of the champions; None where it is no part of the stack.
    """

    airflow: str
    models: str
    mlflow: str
    login: str
    password: str
    server: str | None = None


@dataclass(frozen=True)
class ComponentStatus:
    """One line of `mlsys status`.

    Attributes:
        state: `running`, `died` (started, and gone without `down`) or `stopped`.
        memory_bytes: of all its processes, shared pages divided among their users.
        since: when its process was started, UTC; None where none is known.
        log: its log file.
    """

    name: str
    state: str
    pid: int | None = None
    address: str | None = None
    memory_bytes: int = 0
    since: datetime | None = None
    log: Path | None = None


def up(settings: Settings, *, progress: Tell, only_runs: bool = False) -> Access:
    """Start whatever of the stack does not run, and return when it is ready; a second call changes nothing.

    With `only_runs` it returns as soon as runs can start; the triggerer and the MLflow page follow by themselves
    (`wait_until_ready` waits for them).

    Raises:
        UsageError: a port, the disk, a folder or a setting stands in the way; nothing was started.
        RunError: a part died or was not ready in time; what this call started was stopped again.
    """
    home = settings.make_home()
    settings = as_it_runs(settings)
    with _alone(home):
        missing = [part for part in _parts(settings) if not _runs(home, part.name)]
        if _without_database(home) and any(_runs(home, part.name) for part in _parts(settings)):
            progress("The database is not running: everything that uses it is started again with it")
            missing = _parts(settings)
            _stop(home, [part.name for part in missing])
        if not missing:
            progress("mlsys is already up")
            return access(settings)
        names = [part.name for part in missing]
        # Of the others a task may be under way, which is seen to its end.
        left = processes.end_leftovers(home, [part.name for part in missing if part.address])
        if left:
            progress(f"Ended what was left of {', '.join(left)}")
        preflight.check(settings, _ports(settings, missing))
        try:
            _start(settings, missing, progress)
            if not only_runs:
                wait_until_ready(settings, progress=progress)
        except BaseException:
            _stop(home, names)
            embedded.stop_if_unused(home)
            raise
    return access(settings)


def as_it_runs(settings: Settings) -> Settings:
    """Return settings with the ports of what runs already: another shell may have asked for other ones."""
    ports = {"api-server": "airflow_port", "mlflow": "mlflow_port", "server": "server_port"}
    children = {name: processes.find(settings.root, name) for name in ports}
    found = {
        ports[name]: urlsplit(child.address).port
        for name, child in children.items()
        if child is not None and child.address is not None and child.leader() is not None
    }
    return settings.model_copy(update=found)


def _without_database(home: Path) -> bool:
    return recorded_kind(home) == "embedded" and embedded.process(home) is None


def wait_until_ready(settings: Settings, *, progress: Tell) -> None:
    """Return when the triggerer and the MLflow page are ready too.

    Raises:
        RunError: a part died or was not ready in time.
    """
    with connect(settings) as api:
        _wait(settings, "Airflow's triggerer", lambda: _healthy(api, ("triggerer",)))
    if settings.mlflow_uri is None:
        _wait(settings, "the MLflow page", lambda: _answers(f"{mlflow_address(settings)}/health"))
    if settings.server:
        _wait(settings, "the server of the champions", lambda: _answers(f"{server_address(settings)}/health"))
    _require_steady(settings)
    progress("Airflow and MLflow are ready")


def down(settings: Settings, *, progress: Tell) -> bool:
    """Stop the stack, the database last unless somebody else uses it; return whether anything was running."""
    home = settings.root
    if not home.joinpath("run").is_dir():
        progress("mlsys is not up")
        return False
    with _alone(home):
        stopped = _stop(home, [name for group in _STOP_ORDER for name in group])
        database_ran = embedded.is_running(home)
        if not embedded.stop_if_unused(home):
            progress("The database runs on: another mlsys process uses it")
    progress(f"Stopped {', '.join(stopped)}" if stopped else "mlsys was not up")
    return bool(stopped) or database_ran


def status(settings: Settings) -> list[ComponentStatus]:
    """Return the state of each part, the database first."""
    home = settings.root
    parts = [_status_of(home, part) for part in _parts(settings)]
    server, log_file = embedded.process(home), home / "logs" / "postgres.log"
    if server is not None:
        memory = sum(processes.memory_of(part) for part in (server, *server.children(recursive=True)))
        address = str(server.cmdline()[server.cmdline().index("-k") + 1])
        since = datetime.fromtimestamp(server.create_time(), UTC)
        return [ComponentStatus("postgres", "running", server.pid, address, memory, since, log_file), *parts]
    if recorded_kind(home) == "embedded":
        state = "died" if any(part.state == "running" for part in parts) else "stopped"
        return [ComponentStatus("postgres", state, log=log_file), *parts]
    return parts


def is_up(parts: Sequence[ComponentStatus]) -> bool:
    """Return whether somebody has started the stack: the database also runs for a command alone."""
    return any(part.state in ("running", "died") for part in parts if part.name != "postgres")


def _status_of(home: Path, part: StackPart) -> ComponentStatus:
    child, log_file = processes.find(home, part.name), processes.log_path(home, part.name)
    if child is None:
        return ComponentStatus(part.name, "stopped", log=log_file)
    since = datetime.fromtimestamp(child.started, UTC)
    if child.leader() is None:
        return ComponentStatus(part.name, "died", child.pid, child.address, since=since, log=log_file)
    memory = child.memory_bytes()
    return ComponentStatus(part.name, "running", child.pid, child.address, memory, since, log_file)


def access(settings: Settings) -> Access:
    """Return the addresses and the login of the stack."""
    settings = as_it_runs(settings)
    password = credentials.password(settings.root, settings.login)
    airflow = airflow_address(settings)
    server = server_address(settings) if settings.server else None
    return Access(airflow, f"{airflow}/plugin/{ROUTE}", mlflow_address(settings), settings.login, password, server)


def watch(settings: Settings, *, pause: Callable[[float], None] = time.sleep) -> None:
    """Return when the stack was stopped by `down`.

    Raises:
        RunError: a part died; holds the last lines of its log.
    """
    children = [child for part in _parts(settings) if (child := processes.find(settings.root, part.name))]
    while children:
        for child in children:
            if child.leader() is None:
                if processes.find(settings.root, child.name) is None:
                    return
                raise _death(settings.root, child.name)
        pause(1.0)


@contextmanager
def connect(settings: Settings) -> Iterator[client.AirflowApi]:
    """Give a logged-in client of the stack's Airflow."""
    found = access(settings)
    with client.connect(found.airflow, login=found.login, password=found.password) as api:
        yield api


def _parts(settings: Settings) -> list[StackPart]:
    airflow = (sys.executable, "-m", "airflow")
    # Log servers would listen on all interfaces; the api-server reads the files itself.
    parts = [
        StackPart("api-server", (*airflow, "api-server"), airflow_address(settings)),
        StackPart("scheduler", (*airflow, "scheduler", "--skip-serve-logs")),
        StackPart("dag-processor", (*airflow, "dag-processor")),
        # Its last seconds are spent waiting for itself; triggers live in the database and start again from there.
        StackPart("triggerer", (*airflow, "triggerer", "--skip-serve-logs"), stop_seconds=3.0, in_background=True),
    ]
    if settings.mlflow_uri is None:
        port = ("--host", "127.0.0.1", "--port", str(settings.mlflow_port), "--workers", "1")
        command = (sys.executable, "-m", "mlsys.orchestration.stack.mlflow_server", *port)
        parts.append(StackPart("mlflow", command, mlflow_address(settings), in_background=True))
    if settings.server:
        serve = (sys.executable, "-m", "mlsys", "serve", "--port", str(settings.server_port))
        parts.append(StackPart("server", serve, server_address(settings)))
    return parts


def _ports(settings: Settings, missing: Sequence[StackPart]) -> dict[str, int]:
    wanted = {
        airflow_address(settings): ("MLSYS_AIRFLOW_PORT", settings.airflow_port),
        mlflow_address(settings): ("MLSYS_MLFLOW_PORT", settings.mlflow_port),
        server_address(settings): ("MLSYS_SERVER_PORT", settings.server_port),
    }
    return dict(wanted[part.address] for part in missing if part.address is not None)


def _start(settings: Settings, missing: Sequence[StackPart], progress: Tell) -> None:
    home = settings.root
    credentials.password(home, settings.login)
    progress("Starting the database")
    with open_databases(settings) as databases, databases.lease() as keep:
        variables = environment(settings, databases)
        if not airflow_schema.is_current(home, databases.airflow_url):
            progress("Preparing Airflow's database (once)")
            airflow_schema.migrate(home, databases.airflow_url, variables)
        progress("Starting " + ", ".join(part.name for part in missing))
        for part in missing:
            processes.start(part, home=home, environment=variables, keep=keep)
        _wait_until_runs_start(settings, progress)


def _wait_until_runs_start(settings: Settings, progress: Tell) -> None:
    """Wait for what a run needs, and make the pool of the training tasks."""
    with connect(settings) as api:
        _wait(settings, "Airflow's api-server", lambda: _answers(f"{airflow_address(settings)}/execution/health"))
        progress("Airflow's API answers")
        api.set_pool(POOL, slots=settings.training_slots, description="Candidates trained side by side")
        needed = ("metadatabase", "scheduler", "dag_processor")
        _wait(settings, "Airflow's scheduler", lambda: _healthy(api, needed))
        progress("Airflow starts runs")


def _wait(settings: Settings, what: str, ready: Callable[[], bool]) -> None:
    def ask() -> bool:
        if ready():
            return True
        for part in _parts(settings):
            if not _runs(settings.root, part.name):
                raise _death(settings.root, part.name)
        return False

    if not ask_until(bool, ask, seconds=_READY_SECONDS, pause=0.2):
        logs = settings.root / "logs"
        raise RunError(f"After {_READY_SECONDS:.0f} s {what} is not ready", where=str(logs), remedy="See the logs")


def _require_steady(settings: Settings) -> None:
    """Wait until no part is so young that it may still die of what it finds: of a database that has gone, say.

    Raises:
        RunError: one did.
    """
    children = [child for part in _parts(settings) if (child := processes.find(settings.root, part.name))]

    def youngest() -> float:
        for child in children:
            if child.leader() is None:
                raise _death(settings.root, child.name)
        return min((clock.now().timestamp() - child.started for child in children), default=_STEADY_SECONDS)

    ask_until(lambda age: age >= _STEADY_SECONDS, youngest, seconds=2 * _STEADY_SECONDS, pause=0.5)


def _answers(address: str) -> bool:
    with suppress(httpx.TransportError):
        return httpx.get(address, timeout=60.0, trust_env=False).is_success
    return False


def _healthy(api: client.AirflowApi, parts: Sequence[str]) -> bool:
    with suppress(TransientError):
        health = api.health()
        return all(health.get(part) == "healthy" for part in parts)
    return False


def _runs(home: Path, name: str) -> bool:
    child: Child | None = processes.find(home, name)
    return child is not None and child.leader() is not None


def _death(home: Path, name: str) -> MlsysError:
    return RunError(
        f"The part '{name}' died; the end of its log:\n{processes.log_tail(home, name)}\n",
        where=str(processes.log_path(home, name)),
        remedy="`mlsys down`, then `mlsys up` starts it anew",
    )


def _stop(home: Path, names: Sequence[str]) -> list[str]:
    stopped: list[str] = []
    for group in _STOP_ORDER:
        stopped += processes.stop(home, [name for name in group if name in names])
    return stopped


@contextmanager
def _alone(home: Path) -> Iterator[None]:
    """Let only one process at a time start or stop this home's stack."""
    folder = home / "run"
    folder.mkdir(parents=True, exist_ok=True)
    handle = os.open(folder / "stack.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError:
        raise UsageError(
            "Another `mlsys up` or `mlsys down` is at work", where=str(folder), remedy="Wait for it, then try again"
        ) from None
    finally:
        os.close(handle)

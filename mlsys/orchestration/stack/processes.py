"""The stack's processes: each leads a session of its own, writes one log file, and is known by a note in `run/`."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil

from mlsys.database.liveness import ended, is_zombie, wait_until_ended
from mlsys.events import get_logger
from mlsys.store import write_atomically

log = get_logger(__name__)

_OLD_LOG_BYTES = 10_000_000


@dataclass(frozen=True)
class StackPart:
    """A process to run.

    Attributes:
        address: where it answers, if anywhere.
        stop_seconds: how long it may take to end when it is asked to; then it is killed.
        in_background: others get the processor first; they start sooner for it.
    """

    name: str
    command: tuple[str, ...]
    address: str | None = None
    stop_seconds: float = 20.0
    in_background: bool = False


@dataclass(frozen=True)
class Child:
    """A started part.

    Attributes:
        pid: its process, process group and session.
        started: start of the process, seconds since 1970, as the kernel tells it: a recycled `pid` differs in it.
        program: the interpreter; by it what is left of a session is told from a stranger's with the same number.
    """

    name: str
    pid: int
    started: float
    program: str
    address: str | None
    stop_seconds: float

    def leader(self) -> psutil.Process | None:
        """Return the main process while it lives."""
        with suppress(psutil.NoSuchProcess):
            found = psutil.Process(self.pid)
            return found if abs(found.create_time() - self.started) < 1 and not ended(found) else None
        return None

    def members(self) -> list[psutil.Process]:
        """Return all living processes of its session, whatever they run, also when the main process is gone."""
        with suppress(psutil.NoSuchProcess):
            # A number stays reserved while its session has members, so a stranger's process means: none of ours.
            if abs(psutil.Process(self.pid).create_time() - self.started) >= 1:
                return []
        found = [process for process in psutil.process_iter() if self._holds(process)]
        # For the same reason one of ours means that all are.
        return found if any(_program(process) in (self.program, None) for process in found) else []

    def memory_bytes(self) -> int:
        """Return the memory of its session, shared pages divided among their users (PSS; elsewhere RSS)."""
        return sum(memory_of(process) for process in self.members())

    def _holds(self, process: psutil.Process) -> bool:
        try:
            return os.getsid(process.pid) == self.pid and not is_zombie(process)
        except (ProcessLookupError, PermissionError, psutil.NoSuchProcess, psutil.AccessDenied):
            return False


def _program(process: psutil.Process) -> str | None:
    """Return a process's program; None for one that hides it, as Airflow's workers do once they have run a task.

    One that has just ended has the empty one.
    """
    try:
        return str(process.exe())
    except psutil.AccessDenied:
        return None
    except psutil.NoSuchProcess:
        return ""


def memory_of(process: psutil.Process) -> int:
    """Return a process's memory in bytes, shared pages divided among their users where the system tells.

    One that has just ended, or hides it, has none: who sums up many must not fail by one of them.
    """
    try:
        full = process.memory_full_info()
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return 0
    return int(getattr(full, "pss", full.rss))


def start(part: StackPart, *, home: Path, environment: Mapping[str, str], keep: Sequence[int] = ()) -> Child:
    """Start a part that outlives this process and its terminal; `keep` are descriptors it inherits."""
    path = log_path(home, part.name)
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.exists() and path.stat().st_size > _OLD_LOG_BYTES:
        path.replace(path.with_suffix(".log.old"))
    with path.open("ab") as output:
        process = subprocess.Popen(
            part.command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=dict(environment),
            cwd=home,
            start_new_session=True,
            pass_fds=keep,
        )
    seen = psutil.Process(process.pid)
    process.returncode = 0  # it is meant to outlive this object; Popen would warn about that
    if part.in_background:
        seen.nice(10)
    program = str(Path(sys.executable).resolve())
    child = Child(part.name, seen.pid, seen.create_time(), program, part.address, part.stop_seconds)
    write_atomically(_note(home, part.name), json.dumps(asdict(child)).encode())
    return child


def find(home: Path, name: str) -> Child | None:
    """Return the recorded child of that name, alive or not."""
    with suppress(FileNotFoundError, ValueError, TypeError):
        return Child(**json.loads(_note(home, name).read_text()))
    return None


def stop(home: Path, names: Sequence[str]) -> list[str]:
    """Ask the main processes to end, kill what is left of each when its time is up; return what was running."""
    children = [child for name in names if (child := find(home, name)) is not None]
    children.sort(key=lambda child: child.stop_seconds)
    families = {child.name: child.members() for child in children}
    for child in children:
        with suppress(psutil.NoSuchProcess):
            if (leader := child.leader()) is not None:
                leader.terminate()
    asked = time.monotonic()
    for child in children:
        if (leader := child.leader()) is not None:
            wait_until_ended([leader], seconds=asked + child.stop_seconds - time.monotonic())
        killed = _kill({*families[child.name], *child.members()})
        log.info("stopped", name=child.name, seconds=round(time.monotonic() - asked, 1), killed=killed)
        _note(home, child.name).unlink(missing_ok=True)
    return [name for name, family in families.items() if family]


def end_leftovers(home: Path, names: Sequence[str]) -> list[str]:
    """End what is left of parts whose main process is gone, and return the names of those that had something left.

    A server's child outlives a killed parent, and holds its port.
    """
    children = [child for name in names if (child := find(home, name)) is not None and child.leader() is None]
    left = {child.name: family for child in children if (family := child.members())}
    for process in [process for family in left.values() for process in family]:
        with suppress(psutil.NoSuchProcess):
            process.terminate()
    killed = _kill([process for family in left.values() for process in family]) if left else 0
    if left:
        log.warning("leftovers_ended", names=",".join(left), killed=killed)
    return list(left)


def _kill(family: Collection[psutil.Process]) -> int:
    # Workers end by themselves once their parent has gone; only what stays is killed.
    stubborn = wait_until_ended(family, seconds=1.0)
    for process in stubborn:
        with suppress(psutil.NoSuchProcess):
            process.kill()
    wait_until_ended(stubborn, seconds=10.0)
    return len(stubborn)


def log_path(home: Path, name: str) -> Path:
    """Return the log file of a part."""
    return home / "logs" / f"{name}.log"


def log_tail(home: Path, name: str, *, lines: int = 12) -> str:
    """Return the last lines of a part's log."""
    path = log_path(home, name)
    return "\n".join(path.read_text(errors="replace").splitlines()[-lines:]) if path.exists() else "(no log)"


def _note(home: Path, name: str) -> Path:
    return home / "run" / f"{name}.json"

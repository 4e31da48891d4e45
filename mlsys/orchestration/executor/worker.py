"""A worker of the executor: a process with a pipe of its own, which runs one workload after the other.

Airflow's LocalExecutor lets its workers share one queue. Whoever waits at it holds the queue's lock, and a worker that
is killed there takes the lock with it: no task starts any more, and nothing says why. Two ends of a pipe share nothing
with other workers, and the executor knows which worker has which workload.
"""

from __future__ import annotations

import ctypes
import gc
import multiprocessing
import os
import signal
import sys
import warnings
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any

from airflow.executors.local_executor import setproctitle

from mlsys.events import get_logger
from mlsys.garbage import collect_seldom
from mlsys.orchestration.executor.preload import installation, preload

log = get_logger(__name__)

Workload = Any  # one of Airflow's ExecutorWorkload
Run = Callable[..., object]
_TITLE = "airflow worker -- PreloadingLocalExecutor:"
_PR_SET_PDEATHSIG = 1


@dataclass(frozen=True)
class Ready:
    """Said once by a worker that had to import by itself."""

    installation: str


@dataclass(frozen=True)
class Begun:
    """Said when a workload was taken, before anything of it runs."""


@dataclass(frozen=True)
class Ended:
    """Said when a workload has run; what became of the task, its supervisor has told Airflow's API.

    Attributes:
        cause: why it could not be run, None if it was.
    """

    cause: str | None


Message = Ready | Begun | Ended


class Worker:
    """The executor's side of a worker.

    Attributes:
        installation: of the code that it holds in memory; None until it has imported it.
        workload: what it was given and has not ended yet.
        begun: it has taken the workload.
        dismissed: it was told to end.
    """

    def __init__(self, *, server: str, run: Run, installed: str | None, others: Sequence[Worker] = ()) -> None:
        """Start it: forked from this process, which has imported what is `installed`, or (None) a fresh interpreter."""
        self.pipe, theirs = multiprocessing.Pipe()
        # A fork has the executor's ends of all pipes too; open there, they would outlive the executor.
        inherited = [] if installed is None else [self.pipe, *(other.pipe for other in others)]
        keywords = {"server": server, "run": run, "imports": installed is None, "inherited": inherited}
        context = multiprocessing.get_context("spawn") if installed is None else multiprocessing.get_context("fork")
        self.process = context.Process(target=serve, args=(theirs,), kwargs=keywords)
        with warnings.catch_warnings():
            # Python 3.12 warns about forking a process with threads: of those here the allocator's starts itself again.
            warnings.simplefilter("ignore", DeprecationWarning)
            self.process.start()
        theirs.close()
        self.pid = self.process.pid
        self.installation = installed
        self.workload: Workload | None = None
        self.begun = False
        self.dismissed = False

    @property
    def idle(self) -> bool:
        """Whether it waits for a workload."""
        return self.installation is not None and self.workload is None and not self.dismissed

    def give(self, workload: Workload) -> bool:
        """Hand it a workload; return whether there was somebody to take it."""
        try:
            self.pipe.send(workload)
        except OSError:
            return False
        self.workload, self.begun = workload, False
        return True

    def heard(self) -> list[Message]:
        """Return what it has said since."""
        messages = []
        with suppress(EOFError, OSError):
            while self.pipe.poll():
                messages.append(self.pipe.recv())
        return messages

    def dismiss(self) -> None:
        """Tell it to end as soon as it has run what it has."""
        self.dismissed = True
        with suppress(OSError):
            self.pipe.send(None)

    def close(self) -> str:
        """Return how the process, which has ended, did so, and give back what it held here."""
        self.process.join()
        code = self.process.exitcode or 0
        self.process.close()
        self.pipe.close()
        return f"signal {-code} ({signal.Signals(-code).name})" if code < 0 else f"exit code {code}"


def serve(pipe: Connection, *, server: str, run: Run, imports: bool, inherited: Sequence[Connection]) -> None:
    """Be a worker, until told to end or the executor is gone; a task that runs then is seen to its end."""
    for other in inherited:
        other.close()
    collect_seldom()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _let_tasks_end_with_this_process()
    with suppress(EOFError, OSError):
        if imports:
            before = installation()
            preload()
            gc.freeze()  # or collections would copy the pages that tasks share with this process
            pipe.send(Ready(before))
        setproctitle(f"{_TITLE} <idle>", log)
        while (workload := pipe.recv()) is not None:
            pipe.send(Begun())
            pipe.send(_ended(workload, server, run))
            setproctitle(f"{_TITLE} <idle>", log)


def _ended(workload: Workload, server: str, run: Run) -> Ended:
    try:
        run(
            workload,
            server=server,
            proctitle=f"{_TITLE} {workload.display_name}",
            subprocess_logs_to_stdout=True,
        )
    except Exception as error:
        log.exception("workload_failed", type=type(workload).__name__)
        return Ended(f"{type(error).__name__}: {error}")
    return Ended(None)


def _let_tasks_end_with_this_process() -> None:
    """Have the kernel kill a task whose supervisor, this process, was killed: nobody else would (Linux only).

    It would train on unseen, beside the retry that takes its place.
    """
    if sys.platform != "linux":
        return
    prctl, worker, tied = ctypes.CDLL(None).prctl, os.getpid(), False

    def tie() -> None:
        nonlocal tied
        if not tied:  # the children of a task are its own affair
            tied = True
            prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
            if os.getppid() != worker:  # it died in between
                os._exit(1)

    os.register_at_fork(after_in_child=tie)

"""Whether processes have ended: a zombie has, though its number is taken until its parent looks."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from contextlib import suppress

import psutil


def ended(process: psutil.Process) -> bool:
    """Return whether a process has ended; one of our own children is reaped on the way."""
    with suppress(ChildProcessError):
        os.waitpid(process.pid, os.WNOHANG)
    try:
        return not process.is_running() or bool(process.status() == psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return True


def wait_until_ended(processes: Iterable[psutil.Process], *, seconds: float) -> list[psutil.Process]:
    """Wait for all of `processes`, at most `seconds`; return those that still live."""
    deadline = time.monotonic() + seconds
    alive = [process for process in processes if not ended(process)]
    while alive and time.monotonic() < deadline:
        time.sleep(0.02)
        alive = [process for process in alive if not ended(process)]
    return alive

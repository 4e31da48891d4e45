"""Whether processes have ended: a zombie has, though its number is taken until its parent looks."""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import suppress

import psutil

from mlsys.polling import ask_until


def ended(process: psutil.Process) -> bool:
    """Return whether a process has ended; one of our own children is reaped on the way."""
    with suppress(ChildProcessError):
        os.waitpid(process.pid, os.WNOHANG)
    try:
        return not process.is_running() or is_zombie(process)
    except psutil.NoSuchProcess:
        return True


def is_zombie(process: psutil.Process) -> bool:
    """Return whether nothing of a process runs any more, and only its number is left.

    A process looks like one as soon as its first thread has ended. While others are still ending it keeps its files
    open, and with them its locks and its port.

    Raises:
        psutil.NoSuchProcess: not even the number is left.
    """
    return bool(process.status() == psutil.STATUS_ZOMBIE) and process.num_threads() <= 1


def wait_until_ended(processes: Iterable[psutil.Process], *, seconds: float) -> list[psutil.Process]:
    """Wait for all of `processes`, at most `seconds`; return those that still live."""
    watched = list(processes)
    return ask_until(lambda alive: not alive, lambda: [p for p in watched if not ended(p)], seconds=seconds, pause=0.02)

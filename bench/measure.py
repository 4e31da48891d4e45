"""Run a command as a whole process and say what it cost, children included."""

from __future__ import annotations

import os
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

_SAMPLE_SECONDS = 0.2


@dataclass(frozen=True)
class Measured:
    """A finished command.

    Attributes:
        wall, cpu: seconds; `cpu` is user and system time of the process and all children it waited for.
        peak_bytes: largest sum of the proportional set sizes (shared pages counted once) of the process tree,
            sampled five times a second; resident sizes where the system knows no PSS; 0 for a very short command.
    """

    code: int
    wall: float
    cpu: float
    peak_bytes: int
    output: str
    errors: str


def measure(command: Sequence[str], environ: Mapping[str, str], cwd: Path) -> Measured:
    """Run `command` to its end."""
    before, started = os.times(), time.perf_counter()
    process = subprocess.Popen(
        command,
        env=dict(environ),
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    peak = [0]
    finished = threading.Event()
    sampler = threading.Thread(target=_sample, args=(process.pid, peak, finished))
    sampler.start()
    output, errors = process.communicate()
    wall, after = time.perf_counter() - started, os.times()
    finished.set()
    sampler.join()
    cpu = after.children_user + after.children_system - before.children_user - before.children_system
    return Measured(process.returncode, wall, cpu, peak[0], output, errors)


def _sample(pid: int, peak: list[int], finished: threading.Event) -> None:
    while not finished.wait(_SAMPLE_SECONDS):
        try:
            root = psutil.Process(pid)
            family = [root, *root.children(recursive=True)]
        except psutil.NoSuchProcess:
            return
        peak[0] = max(peak[0], sum(_memory(process) for process in family))


def _memory(process: psutil.Process) -> int:
    try:
        full = process.memory_full_info()
        return int(getattr(full, "pss", full.rss))
    except psutil.Error:
        return 0

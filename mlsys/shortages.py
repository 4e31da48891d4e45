"""What the system refuses (room, memory, rights, open files), in words that say where, how much, and what to do."""

from __future__ import annotations

import errno
import os
import re
import resource
import shutil
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mlsys.account import account
from mlsys.errors import RunError
from mlsys.wording import counted

_NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT})
_NO_RIGHT = frozenset({errno.EACCES, errno.EPERM, errno.EROFS})
_TOO_MANY_FILES = frozenset({errno.EMFILE, errno.ENFILE})
_NUMBER = re.compile(r"\[errno (\d+)\]", re.IGNORECASE)
_MEMORY = "Lower MLSYS_WORKERS or MLSYS_TRAINING_SLOTS, train on fewer days (`split.train_window_days`), or add memory"


@contextmanager
def in_words(where: Path | None = None, *, needed: int | None = None) -> Iterator[None]:
    """Say in words what the system refuses inside the block; `needed` are the bytes that were to be written.

    Raises:
        RunError: for an `OSError` or a `MemoryError` of that sort. Any other error goes on as it is.
    """
    try:
        yield
    except (OSError, MemoryError) as error:
        told = explained(error, where=where, needed=needed)
        if told is None:
            raise
        raise told from error


def explained(error: BaseException, *, where: Path | None = None, needed: int | None = None) -> RunError | None:
    """Return what the system refused in words; None for an error of another sort, as a missing file."""
    if isinstance(error, MemoryError):
        return RunError(f"Memory ran out: {error}".rstrip(": "), where=_text(where), remedy=_MEMORY)
    if not isinstance(error, OSError):
        return None
    named = error.filename2 or error.filename
    place = where or (Path(os.fsdecode(named)) if isinstance(named, str | bytes) else None)
    number = error.errno
    if number is None and (told := _NUMBER.search(str(error))):  # `shutil.copytree` tells many errors as one
        number = int(told[1])
    return refused(number, place, needed)


def ending(code: int) -> str:
    """Return how a process ended, by its exit code as `subprocess` tells it (negative: a signal's number)."""
    return f"exit code {code}" if code >= 0 else f"signal {-code} ({signal.Signals(-code).name})"


def hint(code: int) -> str:
    """Return what may have been behind an ending: memory, where somebody killed a process who was not us."""
    return f", as the system ends a process when memory runs out. {_MEMORY}" if code == -signal.SIGKILL else ""


def refused(number: int | None, place: Path | None = None, needed: int | None = None) -> RunError | None:
    """Return what the system refused, by its error number; None for a number of another sort."""
    if number in _NO_ROOM:
        if place is None:
            return RunError(os.strerror(number), remedy="Free some disk space, then run again")
        disk = _disk_of(place)
        free = _size(shutil.disk_usage(disk).free)
        room = f"{_size(needed)} were needed, {free} are free" if needed else f"{free} are free"
        rule, remedy = f"{os.strerror(number)}: {disk}", f"Free some disk space there ({room}), then run again"
        return RunError(rule, where=_text(place), remedy=remedy)
    if number in _NO_RIGHT:
        who = _user()
        remedy = f"Give {who} the right to write there, or choose another MLSYS_HOME"
        return RunError(f"{os.strerror(number)} for {who}", where=_text(place), remedy=remedy)
    if number in _TOO_MANY_FILES:
        limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
        remedy = f"Raise the limit of open files (`ulimit -n`, now {limit}), or lower MLSYS_WORKERS"
        return RunError(os.strerror(number), where=_text(place), remedy=remedy)
    if number == errno.EFBIG:
        return RunError(os.strerror(number), where=_text(place), remedy="Raise the limit of file sizes (`ulimit -f`)")
    if number == errno.ENOMEM:
        return RunError("Memory ran out", where=_text(place), remedy=_MEMORY)
    return None


def _disk_of(place: Path) -> Path:
    """Return the mount point that a path lies on."""
    found = Path(os.path.abspath(place))  # noqa: PTH100 - a link's own disk is meant
    while not found.exists() or not found.is_mount():
        found = found.parent
    return found


def _size(n_bytes: int) -> str:
    for unit, factor in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if n_bytes >= factor:
            return f"{n_bytes / factor:.3g} {unit}"
    return counted(n_bytes, "byte")


def _user() -> str:
    return f"the user {account().removeprefix('user ')}"


def _text(place: Path | None) -> str | None:
    return None if place is None else str(place)

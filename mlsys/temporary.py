"""Temporary files and folders that are known to be somebody's: their maker holds a lock on them while it lives.

The kernel gives a lock back when its process ends, however that happens. So what carries one of our names and is not
locked was left by a process that was killed, and may go at once: no age has to be waited for, and no process number,
which another process or another container could have, has to be believed.
"""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_PREFIX = ".tmp-mlsys-"
_NAME = re.compile(re.escape(_PREFIX) + "[a-z0-9_]{8}")  # as `tempfile` goes on


@contextmanager
def temporary_file(folder: Path) -> Iterator[Path]:
    """Give an empty file in `folder`, to be renamed to what it is for; if it is still there afterwards, it goes."""
    folder.mkdir(parents=True, exist_ok=True)
    path, handle = _claimed(folder, as_folder=False)
    try:
        yield path
    finally:
        path.unlink(missing_ok=True)
        os.close(handle)


@contextmanager
def temporary_folder(folder: Path) -> Iterator[Path]:
    """Give an empty folder of mode 0700 in `folder`; if it has not been renamed afterwards, it goes."""
    folder.mkdir(parents=True, exist_ok=True)
    path, handle = _claimed(folder, as_folder=True)
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)
        os.close(handle)


def is_abandoned(path: Path) -> bool:
    """Return whether this is a temporary file or folder of ours whose maker has ended; False where nobody can tell."""
    with _grasped(path) as ours:
        return ours


def remove_abandoned(folders: Iterable[Path]) -> list[Path]:
    """Remove what killed processes left directly in `folders`, and return what went; a missing folder is empty."""
    gone = []
    for folder in folders:
        for path in _temporary_in(folder):
            with _grasped(path) as ours:
                if ours:
                    _remove(path)
                    gone.append(path)
    return gone


def _claimed(folder: Path, *, as_folder: bool) -> tuple[Path, int]:
    """Return a new file or folder and the descriptor that holds its lock."""
    while True:
        if as_folder:
            path = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=folder))
            try:
                handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
            except FileNotFoundError:  # somebody cleared it away before it was opened
                continue
        else:
            handle, name = tempfile.mkstemp(prefix=_PREFIX, dir=folder)
            path = Path(name)
        with suppress(OSError):  # a file system without locks: who clears up can't lock there either, and leaves it
            fcntl.flock(handle, fcntl.LOCK_EX)
        with suppress(FileNotFoundError):
            if os.path.samestat(path.stat(), os.fstat(handle)):
                return path, handle
        os.close(handle)  # somebody cleared it away before it was locked


def _temporary_in(folder: Path) -> list[Path]:
    try:
        with os.scandir(folder) as entries:
            return [Path(entry.path) for entry in entries if _NAME.fullmatch(entry.name)]
    except OSError:
        return []


@contextmanager
def _grasped(path: Path) -> Iterator[bool]:
    """Lock what nobody has locked, and say whether that is done."""
    if not _NAME.fullmatch(path.name) or path.is_symlink():
        yield False
        return
    with locked_at_once(path) as grasped:
        yield grasped


@contextmanager
def locked_at_once(path: Path) -> Iterator[bool]:
    """Lock a file or folder for as long as the block lasts, and say whether nobody else had it locked."""
    try:
        handle = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR)
    except OSError:  # gone meanwhile, or another user's
        yield False
        return
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        yield False
    else:
        yield True
    finally:
        os.close(handle)


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from mlsys.temporary import is_abandoned, remove_abandoned, temporary_file, temporary_folder

KINDS = pytest.mark.parametrize("kind", [temporary_file, temporary_folder])


@contextmanager
def held_by_a_child(kind: Callable[..., object], folder: Path) -> Iterator[tuple[int, Path]]:
    """Give a child that is in the middle of writing, and what it writes; it is killed."""
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        with kind(folder) as path:  # type: ignore[attr-defined]
            (path / "half" if path.is_dir() else path).write_bytes(b"half a model")
            os.write(writing, str(path).encode())
            signal.pause()
        os._exit(0)
    os.close(writing)
    try:
        yield pid, Path(os.read(reading, 4096).decode())
    finally:
        os.close(reading)
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


@KINDS
def test_what_a_living_process_writes_stays_and_what_a_killed_one_left_goes(
    kind: Callable[..., object], tmp_path: Path
) -> None:
    with held_by_a_child(kind, tmp_path) as (_, left):
        assert not is_abandoned(left)
        assert remove_abandoned([tmp_path]) == []
        assert left.exists()
    assert is_abandoned(left)
    assert remove_abandoned([tmp_path, tmp_path / "missing"]) == [left]
    assert list(tmp_path.iterdir()) == []


@KINDS
def test_what_got_its_name_stays_and_what_did_not_goes(kind: Callable[..., object], tmp_path: Path) -> None:
    with kind(tmp_path) as path:  # type: ignore[attr-defined]
        path.rename(tmp_path / "whole")
    with kind(tmp_path) as path:  # type: ignore[attr-defined]
        pass
    assert [found.name for found in tmp_path.iterdir()] == ["whole"]


def test_other_peoples_names_are_left(tmp_path: Path) -> None:
    names = [".tmp-abcd1234", ".tmp-mlsys-notes", "tmp-mlsys-abcd1234", ".config-abcd1234"]
    for name in names:
        tmp_path.joinpath(name).touch()
    tmp_path.joinpath(".tmp-mlsys-abcd1234").symlink_to(tmp_path / names[0])
    assert remove_abandoned([tmp_path]) == []
    assert len(list(tmp_path.iterdir())) == len(names) + 1


@KINDS
def test_who_clears_up_never_takes_what_is_just_being_made(kind: Callable[..., object], tmp_path: Path) -> None:
    done = threading.Event()

    def clear() -> None:
        while not done.is_set():
            remove_abandoned([tmp_path])

    clearing = [threading.Thread(target=clear) for _ in range(2)]
    for thread in clearing:
        thread.start()
    try:
        for number in range(200):
            with kind(tmp_path) as path:  # type: ignore[attr-defined]
                path.rename(tmp_path / str(number))
    finally:
        done.set()
        for thread in clearing:
            thread.join()
    assert len(list(tmp_path.iterdir())) == 200

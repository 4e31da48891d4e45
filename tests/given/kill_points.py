"""kill -9 at chosen points of a piece of work: at its n-th SQL statement, file or folder, counted, not timed."""

from __future__ import annotations

import os
import signal
import struct
import sys
from collections.abc import Callable

# What a process does to files; each is a point, as is each statement that goes through SQLAlchemy.
_EVENTS = frozenset({"os.rename", "os.mkdir", "os.remove", "os.rmdir", "os.chmod", "sqlite3.connect", "fcntl.flock"})


def points_of(work: Callable[[], object]) -> int:
    """Return how many points a piece of work has, done in a child; it must end well."""
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        count = _watch(None)
        _leave(work, lambda: os.write(writing, struct.pack("q", count())))
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        data = pipe.read()
    assert _ended(pid) == 0
    return int(struct.unpack("q", data)[0])


def killed_at(point: int, work: Callable[[], object]) -> bool:
    """Do a piece of work in a child that kills itself at a point, counted from 1; False when it ended before, well."""
    pid = os.fork()
    if pid == 0:
        _watch(point)
        _leave(work, lambda: None)
    code = _ended(pid)
    assert code in (0, -signal.SIGKILL)
    return code != 0


def spread(n: int, over: int) -> list[int]:
    """Return at most `n` points, evenly over 1 to `over`, both ends among them."""
    return sorted({1 + round(index * (over - 1) / max(n - 1, 1)) for index in range(n)})


def _watch(point: int | None) -> Callable[[], int]:
    """Count the points of this process from now on, and kill it at `point`."""
    import sqlalchemy as sa

    reached = 0

    def step(*_: object) -> None:
        nonlocal reached
        reached += 1
        if reached == point:
            os.kill(os.getpid(), signal.SIGKILL)

    def audit(event: str, _: object) -> None:
        if event in _EVENTS:
            step()

    sa.event.listen(sa.engine.Engine, "before_cursor_execute", step)
    sys.addaudithook(audit)  # for ever, which in a child is not long
    return lambda: reached


def _leave(work: Callable[[], object], then: Callable[[], object]) -> None:
    code = 1
    try:
        work()
        then()
        code = 0
    finally:
        if code:
            sys.excepthook(*sys.exc_info())  # type: ignore[arg-type]
        os._exit(code)


def _ended(pid: int) -> int:
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])

"""Work in forked children, side by side: they share the parent's memory and send back small bytes.

A child leaves by `os._exit`, so tearing down a hundred modules costs nothing. What a forked child must not do is use
an OpenMP pool that its parent has started (it waits for threads that do not exist in it): callers keep to one thread
per child.
"""

from __future__ import annotations

import logging
import os
import pickle
import selectors
import signal
import sys
import threading
import time
import traceback
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

from mlsys.errors import MlsysError
from mlsys.shortages import ending, explained, hint

_TOLD = 70  # the exit code of a child that has sent its error
_INTERRUPTED = 130


@dataclass(frozen=True)
class ChildExit:
    """How a child ended.

    Attributes:
        data: what it sent; None when it died before.
        cause: `signal 9 (SIGKILL)`, `exit code 1` or `timeout after 60 s`, None for a clean end.
        killed: by a signal or for the timeout, not by an error of its own.
        error: the one that it ended with, where that is one of ours or says what the system refused.
        hint: what may be behind the cause; empty, or to be said right after it.
    """

    name: str
    data: bytes | None
    cause: str | None = None
    killed: bool = False
    error: MlsysError | None = field(default=None, compare=False)
    hint: str = field(default="", compare=False)


@dataclass
class _Child:
    name: str
    pid: int
    started: float
    received: bytearray = field(default_factory=bytearray)
    timed_out: bool = False


def side_by_side(work: Mapping[str, Callable[[], bytes]], *, workers: int, timeout: float) -> Iterator[ChildExit]:
    """Run each callable in a forked child, at most `workers` at a time, in the mapping's order; yield as they end.

    A child is killed after `timeout` seconds. Leaving the iterator early kills the children that still run.
    """
    yield from _ends(list(work.items()), {}, workers=workers, timeout=timeout)


class Standby:
    """A child that was forked and made ready before it is known what it is to do."""

    def __init__(self, child: _Child, *, answers: int, asking: int) -> None:
        self._child, self._answers, self._asking = child, answers, asking

    @property
    def pid(self) -> int:
        """The child's process id."""
        return self._child.pid

    def ask(self, call: Callable[[], bytes], *, timeout: float, meanwhile: Callable[[], None]) -> ChildExit:
        """Let the child do `call`, which is pickled, and return how it ended; `meanwhile` is done in this process.

        It can be asked once, and is killed `timeout` seconds after that.
        """
        with suppress(BrokenPipeError), os.fdopen(self._asking, "wb") as pipe:  # a dead child has a cause, found below
            self._asking = -1
            pickle.dump(call, pipe)
        self._child.started = time.monotonic()
        meanwhile()
        running = {self._answers: self._child}
        self._answers = -1
        (end,) = _ends([], running, workers=1, timeout=timeout)
        return end

    def close(self) -> None:
        """Kill a child that was never asked."""
        if self._asking >= 0:
            os.close(self._asking)
        if self._answers >= 0:
            os.close(self._answers)
            _kill(self._child)
            os.waitpid(self._child.pid, 0)


@contextmanager
def standing_by(name: str, prepare: Callable[[], None]) -> Iterator[Standby]:
    """Give a child that does `prepare` at once and then waits to be asked; it ends with this process or the block."""
    reading, asking = os.pipe()

    def wait() -> bytes:
        os.close(asking)  # or it would wait for itself
        asked: list[bytes] = []
        # The asker must not wait until all is prepared, as it would for what a pipe doesn't hold.
        reader = threading.Thread(target=lambda: asked.append(_read_all(reading)))
        reader.start()
        prepare()
        reader.join()
        if not asked[0]:  # the asker has ended, or has nothing to ask
            return b""
        call: Callable[[], bytes] = pickle.loads(asked[0])  # noqa: S301 - from our own parent
        return call()

    answers, child = _fork(name, wait)
    os.close(reading)
    standby = Standby(child, answers=answers, asking=asking)
    try:
        yield standby
    finally:
        standby.close()


def _read_all(pipe: int) -> bytes:
    with os.fdopen(pipe, "rb") as stream:
        return stream.read()


def _ends(
    waiting: list[tuple[str, Callable[[], bytes]]],
    running: dict[int, _Child],
    *,
    workers: int,
    timeout: float,
) -> Iterator[ChildExit]:
    """Fork what is waiting, and yield each child's end, by the pipe that it answers through."""
    with selectors.DefaultSelector() as selector:
        for pipe in running:
            selector.register(pipe, selectors.EVENT_READ)
        try:
            while waiting or running:
                while waiting and len(running) < workers:
                    name, call = waiting.pop(0)
                    pipe, child = _fork(name, call)
                    running[pipe] = child
                    selector.register(pipe, selectors.EVENT_READ)
                for key, _ in selector.select(timeout=1.0):
                    chunk = os.read(key.fd, 1 << 16)
                    if chunk:
                        running[key.fd].received += chunk
                        continue
                    selector.unregister(key.fd)
                    os.close(key.fd)
                    yield _reap(running.pop(key.fd), timeout)
                _kill_overdue(running.values(), timeout)
        finally:
            for pipe, child in running.items():
                os.close(pipe)
                _kill(child)
                os.waitpid(child.pid, 0)


def _fork(name: str, call: Callable[[], bytes]) -> tuple[int, _Child]:
    reading, writing = os.pipe()
    _flush()  # or the child would write the parent's buffered lines again
    with warnings.catch_warnings():
        # Python 3.12 warns about forking a process with threads; the child uses one thread and no lock of others.
        warnings.simplefilter("ignore", DeprecationWarning)
        pid = os.fork()
    if pid == 0:
        os.close(reading)
        _run_child(call, writing)
    os.close(writing)
    return reading, _Child(name, pid, time.monotonic())


def _run_child(call: Callable[[], bytes], writing: int) -> None:
    code = 1
    try:
        with os.fdopen(writing, "wb") as pipe:
            try:
                data = call()
            except (MlsysError, OSError, MemoryError) as error:
                told = error if isinstance(error, MlsysError) else explained(error)
                if told is None:
                    raise
                pipe.write(pickle.dumps(told))  # it keeps its type, and with it its exit code
                code = _TOLD
            except KeyboardInterrupt:  # of a terminal, which interrupts the parent as well: that one says so
                code = _INTERRUPTED
            else:
                pipe.write(data)
                code = 0
    finally:
        # No exception may unwind into the parent's code: there would be two of it.
        try:
            if code == 1:
                traceback.print_exc()
            _flush()
        finally:
            os._exit(code)


def _flush() -> None:
    for stream in (*logging.getLogger().handlers, sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):  # a closed pipe or a full disk takes nothing from a fit
            if stream is not None:
                stream.flush()


def _reap(child: _Child, timeout: float) -> ChildExit:
    _, status = os.waitpid(child.pid, 0)
    if child.timed_out:
        return ChildExit(child.name, None, f"timeout after {timeout:g} s", killed=True)
    code = os.waitstatus_to_exitcode(status)
    if code == _TOLD:
        error: MlsysError = pickle.loads(child.received)  # noqa: S301 - from our own child
        return ChildExit(child.name, None, ending(code), error=error)
    if code != 0:
        return ChildExit(child.name, None, ending(code), killed=code < 0, hint=hint(code))
    return ChildExit(child.name, bytes(child.received))


def _kill_overdue(children: Iterable[_Child], timeout: float) -> None:
    for child in children:
        if not child.timed_out and time.monotonic() - child.started > timeout:
            child.timed_out = True
            _kill(child)


def _kill(child: _Child) -> None:
    """Kill a child, and with it its own children where it leads a process group."""
    try:
        os.killpg(child.pid, signal.SIGKILL)
    except ProcessLookupError:
        os.kill(child.pid, signal.SIGKILL)

import os
import signal
import time
from functools import partial
from pathlib import Path

import psutil
import pytest

from mlsys.children import ChildExit, side_by_side, standing_by


def _die() -> bytes:
    os.kill(os.getpid(), signal.SIGKILL)
    return b"never"


def _raise() -> bytes:
    raise KeyError("a mistake")


def _sleep() -> bytes:
    time.sleep(60)
    return b"never"


def _gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


@pytest.mark.slow
def test_children_send_what_they_made() -> None:
    work = {str(n): partial(bytes, [n]) for n in range(5)}
    found = {ended.name: ended.data for ended in side_by_side(work, workers=2, timeout=60)}
    assert found == {str(n): bytes([n]) for n in range(5)}


def test_more_than_a_pipe_holds_arrives_whole() -> None:
    (ended,) = side_by_side({"big": partial(bytes, 1_000_000)}, workers=1, timeout=60)
    assert ended.data == bytes(1_000_000)


def test_a_signal_is_named() -> None:
    (ended,) = side_by_side({"a": _die}, workers=1, timeout=60)
    assert ended == ChildExit("a", None, "signal 9 (SIGKILL)", killed=True)


def test_an_error_is_an_exit_code_and_its_traceback_is_shown(capfd: pytest.CaptureFixture[str]) -> None:
    (ended,) = side_by_side({"a": _raise}, workers=1, timeout=60)
    assert ended == ChildExit("a", None, "exit code 1")
    assert "KeyError: 'a mistake'" in capfd.readouterr().err


def test_a_child_that_takes_too_long_is_killed() -> None:
    (ended,) = side_by_side({"a": _sleep}, workers=1, timeout=0.1)
    assert ended.cause == "timeout after 0.1 s"
    assert ended.killed


def test_a_child_is_killed_with_the_group_that_it_leads(tmp_path: Path) -> None:
    note = tmp_path / "grandchild"

    def lead() -> bytes:
        os.setpgid(0, 0)
        if os.fork() == 0:
            note.write_text(str(os.getpid()))
        return _sleep()

    (ended,) = side_by_side({"a": lead}, workers=1, timeout=2)
    assert ended.killed
    grandchild, deadline = int(note.read_text()), time.monotonic() + 30
    while not _gone(grandchild) and psutil.Process(grandchild).status() != psutil.STATUS_ZOMBIE:
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_leaving_early_leaves_no_process_behind() -> None:
    others = set(psutil.Process().children())  # of other tests in this process, a database for instance
    running = side_by_side({"quick": lambda: str(os.getpid()).encode(), "slow": _sleep}, workers=2, timeout=60)
    assert next(running).name == "quick"
    running.close()  # type: ignore[attr-defined]
    assert set(psutil.Process().children()) <= others


def test_a_finished_child_is_reaped() -> None:
    (ended,) = side_by_side({"a": lambda: str(os.getpid()).encode()}, workers=1, timeout=60)
    assert ended.data is not None
    assert _gone(int(ended.data))


def _interrupted() -> bytes:
    raise KeyboardInterrupt


def test_an_interrupted_child_leaves_the_words_to_its_parent(capfd: pytest.CaptureFixture[str]) -> None:
    (ended,) = side_by_side({"a": _interrupted}, workers=1, timeout=60)
    assert ended.cause == "exit code 130"
    assert capfd.readouterr().err == ""


def _asleep() -> None:
    time.sleep(60)


def _size_of(sent: bytes) -> bytes:
    return str(len(sent)).encode()


def test_a_child_stands_by_and_does_what_it_is_asked_later() -> None:
    with standing_by("a", lambda: None) as standby:
        seen: list[str] = []
        end = standby.ask(partial(_size_of, bytes(1_000_000)), timeout=60, meanwhile=lambda: seen.append("done here"))
    assert end == ChildExit("a", b"1000000")
    assert seen == ["done here"]


def test_asking_does_not_wait_until_the_child_is_ready() -> None:
    with standing_by("a", _asleep) as standby:
        end = standby.ask(partial(_size_of, bytes(1_000_000)), timeout=0.1, meanwhile=lambda: None)
    assert (end.cause, end.killed) == ("timeout after 0.1 s", True)


def test_a_child_that_could_not_get_ready_says_why(capfd: pytest.CaptureFixture[str]) -> None:
    with standing_by("a", _raise) as standby:
        end = standby.ask(partial(_size_of, bytes(1_000_000)), timeout=60, meanwhile=lambda: None)
    assert end == ChildExit("a", None, "exit code 1")
    assert "KeyError: 'a mistake'" in capfd.readouterr().err


def test_a_child_that_nobody_asks_ends_with_the_block() -> None:
    with standing_by("a", _asleep) as standby:
        pid = standby.pid
        assert not _gone(pid)
    assert _gone(pid)


def test_a_child_that_nobody_asks_ends_with_its_parent(tmp_path: Path) -> None:
    note = tmp_path / "child"

    def lead() -> bytes:
        with standing_by("a", lambda: None) as standby:
            note.write_text(str(standby.pid))
            os._exit(0)

    list(side_by_side({"parent": lead}, workers=1, timeout=60))
    pid, deadline = int(note.read_text()), time.monotonic() + 30
    while not _gone(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:
        assert time.monotonic() < deadline
        time.sleep(0.01)

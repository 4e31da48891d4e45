from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import psutil
import pytest

from mlsys.database.liveness import ended
from mlsys.orchestration.stack import processes
from mlsys.orchestration.stack.processes import StackPart
from mlsys.polling import ask_until

SLEEP = "import time; time.sleep(600)"
WITH_CHILD = (
    f"import subprocess, sys; subprocess.Popen([sys.executable, '-c', {SLEEP!r}]); print('x', flush=True); {SLEEP}"
)
STUBBORN = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('x', flush=True); {SLEEP}"


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path
    processes.stop(tmp_path, ["part"])


def start(home: Path, code: str, *, stop_seconds: float = 20.0) -> processes.Child:
    part = StackPart("part", (sys.executable, "-c", code), stop_seconds=stop_seconds)
    child = processes.start(part, home=home, environment=os.environ)
    deadline = time.monotonic() + 30
    while "x" not in processes.log_tail(home, "part") and code is not SLEEP and time.monotonic() < deadline:
        time.sleep(0.02)
    return child


def test_a_started_part_leads_its_own_session_and_is_found_again(home: Path) -> None:
    child = start(home, SLEEP)
    assert os.getsid(child.pid) == child.pid
    assert processes.find(home, "part") == child
    assert child.leader() is not None
    assert child.memory_bytes() > 0


def test_stop_ends_children_too_and_forgets_the_part(home: Path) -> None:
    child = start(home, WITH_CHILD)
    members = child.members()
    assert len(members) == 2
    assert processes.stop(home, ["part"]) == ["part"]
    assert all(ended(member) for member in members)
    assert processes.find(home, "part") is None


def test_stop_kills_what_does_not_end_in_time(home: Path) -> None:
    child = start(home, STUBBORN, stop_seconds=0.1)
    assert processes.stop(home, ["part"]) == ["part"]
    assert child.members() == []


def test_members_that_hide_their_program_are_members(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def hidden(process: psutil.Process) -> str:
        raise psutil.AccessDenied(process.pid)

    child = start(home, WITH_CHILD)
    members = child.members()
    monkeypatch.setattr(psutil.Process, "exe", hidden)
    assert len(members) == 2
    assert child.members() == members


def test_members_of_a_dead_leader_are_found_and_stopped(home: Path) -> None:
    child = start(home, WITH_CHILD)
    orphan = psutil.Process(child.pid).children()[0]
    psutil.Process(child.pid).kill()
    psutil.Process(child.pid).wait(10)
    assert child.leader() is None
    assert child.members() == [orphan]
    processes.stop(home, ["part"])
    assert ended(orphan)


LISTENING = (
    "import socket, subprocess, sys; s = socket.create_server(('127.0.0.1', 0));"
    "subprocess.Popen(['sleep', '600']); print('x', s.getsockname()[1], flush=True);" + SLEEP
)
WITH_SERVER = f"import subprocess, sys; subprocess.Popen([sys.executable, '-c', {LISTENING!r}]); {SLEEP}"


def port_of(home: Path) -> int:
    """Return the port that the made-up server prints when it listens."""
    said = ask_until(
        lambda words: len(words) > 1, lambda: processes.log_tail(home, "part").split(), seconds=30, pause=0.05
    )
    return int(said[1])


def is_free(port: int) -> bool:
    """Return whether a new server could take a port."""
    with closing(socket.socket()) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


@pytest.mark.parametrize("end", [processes.stop, processes.end_leftovers])
def test_a_killed_parent_leaves_nothing_that_holds_its_port(home: Path, end: Callable[..., list[str]]) -> None:
    child = start(home, WITH_SERVER)
    port = port_of(home)
    assert len(child.members()) == 3  # a server between them, and a program that is no Python
    psutil.Process(child.pid).kill()
    psutil.Process(child.pid).wait(10)
    left = child.members()
    assert (len(left), is_free(port)) == (2, False)
    assert end(home, ["part"]) == ["part"]
    assert all(ended(process) for process in left)
    assert is_free(port)


def test_leftovers_of_a_living_part_are_none(home: Path) -> None:
    child = start(home, WITH_CHILD)
    assert processes.end_leftovers(home, ["part", "other"]) == []
    assert len(child.members()) == 2


def test_a_recycled_number_is_never_taken_for_ours(home: Path) -> None:
    child = start(home, SLEEP)
    stranger = processes.Child("part", child.pid, child.started - 100, child.program, None, 0.1)
    assert stranger.leader() is None
    assert stranger.members() == []


def test_stopping_what_never_ran_is_nothing(home: Path) -> None:
    assert processes.stop(home, ["part", "other"]) == []


def test_a_damaged_note_counts_as_no_note(home: Path) -> None:
    (home / "run").mkdir()
    (home / "run" / "part.json").write_text("{")
    assert processes.find(home, "part") is None


def test_a_process_that_has_just_ended_has_no_memory_and_breaks_no_sum() -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as child:
        seen = psutil.Process(child.pid)
    assert processes.memory_of(seen) == 0
    assert processes.memory_of(psutil.Process()) > 0

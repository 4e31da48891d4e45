from __future__ import annotations

import http.server
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import psutil
import pytest

from mlsys.database.liveness import wait_until_ended
from mlsys.orchestration.executor import local
from mlsys.orchestration.executor.local import PreloadingLocalExecutor

SECONDS = 120.0


@dataclass(frozen=True)
class Work:
    """A workload as the executor sees it."""

    key: str
    script: str = ""
    running_state: str | None = None
    display_name: ClassVar[str] = "work"
    success_state: ClassVar[str] = "success"
    failure_state: ClassVar[str] = "failed"


def run(workload: Work, **_: object) -> None:
    exec(workload.script)


class _Late(http.server.BaseHTTPRequestHandler):
    answers: tuple[int, ...] = (503, 200)
    asked: ClassVar[list[str]] = []

    def do_GET(self) -> None:
        self.send_response(self.answers[min(len(self.asked), len(self.answers) - 1)])
        self.asked.append(self.path)
        self.end_headers()

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def crew(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A started executor with two workers, forked from this process."""
    monkeypatch.setattr(local, "preload", lambda: None)
    monkeypatch.setattr(local, "installation", lambda: "as imported")
    monkeypatch.setattr(local, "wait_for_execution_api", lambda *_, **__: None)
    started = PreloadingLocalExecutor(parallelism=2)
    started.run_workload = run
    started.start()
    yield started
    for worker in started._members:
        worker.process.kill()
    started.end()


def events(crew: Any, *keys: str) -> list[tuple[str, str, str | None]]:
    """Let the executor work until it has told the end of all keys; return what it told, in order."""
    told: list[tuple[str, str, str | None]] = []
    deadline = time.monotonic() + SECONDS
    while {key for key, state, _ in told if state != "running"} != set(keys):
        assert time.monotonic() < deadline, f"only {told} of {keys}"
        crew.sync()
        told += [(key, *event) for key, event in crew.get_event_buffer().items()]
        time.sleep(0.01)
    return told


def read_when_there(path: Path) -> str:
    deadline = time.monotonic() + SECONDS
    while not (path.exists() and path.read_text()):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return path.read_text()


def test_every_workload_is_run_though_there_are_more_than_workers(crew: Any) -> None:
    keys = [f"w{number}" for number in range(7)]
    crew._process_workloads([Work(key) for key in keys])
    assert crew.slots_available == 2 - 7
    assert sorted(events(crew, *keys)) == [(key, "success", None) for key in keys]
    assert crew.slots_available == 2


def test_a_workload_that_cannot_be_run_is_failed_with_the_reason(crew: Any) -> None:
    crew._process_workloads([Work("bad", "raise ValueError('no such server')"), Work("good")])
    assert sorted(events(crew, "bad", "good")) == [
        ("bad", "failed", "ValueError: no such server"),
        ("good", "success", None),
    ]


def test_the_start_is_told_for_those_that_ask_for_it(crew: Any) -> None:
    crew._process_workloads([Work("callback", "import time; time.sleep(0.3)", running_state="running")])
    assert events(crew, "callback") == [("callback", "running", None), ("callback", "success", None)]


@pytest.mark.slow
@pytest.mark.parametrize("n_killed", [1, 2])
def test_a_killed_idle_worker_stops_no_other(crew: Any, n_killed: int) -> None:
    for worker in crew._members[:n_killed]:
        os.kill(worker.pid, signal.SIGKILL)
        worker.process.join()
    crew._process_workloads([Work(key) for key in "abcd"])
    assert sorted(events(crew, *"abcd")) == [(key, "success", None) for key in "abcd"]
    assert len(crew._members) == 2


def test_a_worker_killed_in_the_middle_fails_its_task_and_no_other(crew: Any, tmp_path: Path) -> None:
    note = tmp_path / "pid"
    long = f"import os, pathlib, time; pathlib.Path({str(note)!r}).write_text(str(os.getpid())); time.sleep(600)"
    crew._process_workloads([Work("long", long), Work("short", "import time; time.sleep(0.5)")])
    os.kill(int(read_when_there(note)), signal.SIGKILL)
    told = {key: (state, cause) for key, state, cause in events(crew, "long", "short")}
    assert told["short"] == ("success", None)
    assert told["long"][0] == "failed"
    assert "signal 9 (SIGKILL)" in (told["long"][1] or "")
    assert crew.running == set()


@pytest.mark.slow
def test_the_end_of_a_task_that_goes_on_already_is_not_taken_for_its_end(crew: Any, tmp_path: Path) -> None:
    """As of one that asked a person, who answered at once."""
    gate = tmp_path / "gate"
    goes_on = f"import pathlib, time\nwhile not pathlib.Path({str(gate)!r}).exists(): time.sleep(0.01)"
    crew._process_workloads([Work("asks", "import time; time.sleep(0.3)")])
    crew._process_workloads([Work("asks", goes_on)])
    deadline = time.monotonic() + SECONDS
    while sum(worker.workload is not None for worker in crew._members) == 2:
        assert time.monotonic() < deadline
        crew.sync()
    assert crew.get_event_buffer() == {}
    assert crew.running == {"asks"}
    gate.touch()
    assert events(crew, "asks") == [("asks", "success", None)]


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel ends a process with its parent on Linux alone")
def test_a_task_ends_with_the_worker_that_supervises_it(crew: Any, tmp_path: Path) -> None:
    note = tmp_path / "pids"
    fork = f"""
import os, pathlib, time
task = os.fork()
if task == 0:
    time.sleep(600)
pathlib.Path({str(note)!r}).write_text(f"{{os.getpid()}} {{task}}")
os.waitpid(task, 0)
"""
    crew._process_workloads([Work("training", fork)])
    worker, task = map(int, read_when_there(note).split())
    training = psutil.Process(task)
    os.kill(worker, signal.SIGKILL)
    events(crew, "training")
    assert wait_until_ended([training], seconds=10.0) == []


def test_a_workload_that_its_worker_never_took_goes_to_another(crew: Any) -> None:
    os.kill(crew._members[0].pid, signal.SIGSTOP)
    crew._process_workloads([Work("untouched")])
    os.kill(crew._members[0].pid, signal.SIGKILL)
    assert events(crew, "untouched") == [("untouched", "success", None)]


def test_the_end_waits_for_what_runs_and_leaves_no_process(crew: Any, tmp_path: Path) -> None:
    note = tmp_path / "done"
    crew._process_workloads([Work("last", f"import time; time.sleep(0.5); open({str(note)!r}, 'w').write('x')")])
    workers = [psutil.Process(worker.pid) for worker in crew._members]
    crew.end()
    assert note.exists()
    assert crew.get_event_buffer() == {"last": ("success", None)}
    assert wait_until_ended(workers, seconds=10.0) == []


@pytest.mark.slow
def test_workers_go_with_their_executor_but_a_running_task_is_seen_to_its_end(tmp_path: Path) -> None:
    script = f"import time; time.sleep(2); open({str(tmp_path / 'done')!r}, 'w').write('x')"
    code = f"""
import os, sys, time
sys.path.insert(0, {str(Path(__file__).parent)!r})
import test_local as t
t.local.preload = t.local.wait_for_execution_api = lambda *a, **k: None
crew = t.PreloadingLocalExecutor(parallelism=3)
crew.run_workload = t.run
crew.start()
crew._process_workloads([t.Work("long", {script!r})])
while not crew._members[0].begun:
    crew.sync()
print(*(worker.pid for worker in crew._members), flush=True)
time.sleep(600)
"""
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        numbers: list[int] = []
        while not numbers:  # Airflow logs to the same place
            numbers = [int(word) for word in process.stdout.readline().split() if word.isdecimal()]
        workers = [psutil.Process(number) for number in numbers]
        process.kill()
    assert len(workers) == 3
    assert wait_until_ended(workers, seconds=30.0) == []
    assert (tmp_path / "done").exists()


class _EndsAtBirth:
    """What a fresh interpreter can't be given: unpickling it ends the process."""

    def __reduce__(self) -> tuple[Any, ...]:
        return os._exit, (3,)


@pytest.mark.slow
def test_workers_that_cannot_start_fail_the_tasks_instead_of_being_started_for_ever(
    crew: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(local, "installation", lambda: "changed since")
    monkeypatch.setattr(local, "_FAILED_STARTS", 2)  # an interpreter of seconds each
    crew.run_workload = _EndsAtBirth()
    crew._process_workloads([Work("a"), Work("b")])
    for _, state, cause in events(crew, "a", "b"):
        assert state == "failed"
        assert "died while they started" in (cause or "")


def test_workers_wait_until_the_api_they_report_to_answers() -> None:
    with http.server.HTTPServer(("127.0.0.1", 0), _Late) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        local.wait_for_execution_api(f"http://127.0.0.1:{server.server_port}/execution/", seconds=30)
        server.shutdown()
        thread.join()
    assert _Late.asked == ["/execution/health"] * 2


def test_waiting_ends_with_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    local.wait_for_execution_api("http://127.0.0.1:9/execution", seconds=0.0)
    assert "execution_api_silent" in caplog.text


@pytest.mark.slow
def test_the_executors_module_imports_nothing_heavy() -> None:
    code = (
        "import sys, mlsys.orchestration.executor.local\n"
        "print([m for m in ('pandas', 'sklearn', 'xgboost', 'great_expectations', 'mlflow') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"

"""The files of mlsys change while the executor runs: no task runs one code and names another."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import mlsys

# `by_hand` is a module that nothing of a pipeline's run has imported when the change comes.
TASK = """
import json, os, time
from pathlib import Path

def run(workload, **_):
    begun, go, told = (Path(__file__).with_name(f"{workload.key}.{what}") for what in ("begun", "go", "told"))
    begun.write_text("")
    while not go.exists():
        time.sleep(0.01)
    from mlsys import keys
    from mlsys.promotion import by_hand
    told.write_text(json.dumps([os.getpid(), keys.code_fingerprint(), getattr(by_hand, "MARK", "old")]))
"""
SCRIPT = """
import sys, time
from dataclasses import dataclass
from pathlib import Path
import task
from mlsys.orchestration.executor import local as executor

@dataclass(frozen=True)
class Work:
    key: str
    display_name = "work"
    running_state = None
    success_state = "success"
    failure_state = "failed"

def until(ready):
    while not ready():
        crew.sync()
        time.sleep(0.02)

if __name__ == "__main__":
    here = Path(__file__).parent
    executor.wait_for_execution_api = lambda *a, **k: None
    crew = executor.PreloadingLocalExecutor(parallelism=1)
    crew.run_workload = task.run
    crew.start()
    crew._process_workloads([Work("before")])
    until((here / "before.begun").exists)
    module = here / "mlsys" / "promotion" / "by_hand.py"
    module.write_text(module.read_text() + 'MARK = "new"\\n')
    for key in ("before", "after", "later"):
        (here / f"{key}.go").write_text("")
        if key != "before":
            crew._process_workloads([Work(key)])
        until(lambda: key in crew.event_buffer)
    crew.end()
    print(crew.get_event_buffer())
"""


def python(place: Path, *arguments: str) -> str:
    environment = {**os.environ, "PYTHONPATH": str(place)}
    done = subprocess.run([sys.executable, *arguments], cwd=place, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout + done.stderr


@pytest.mark.long
def test_a_task_runs_the_code_that_it_names(tmp_path: Path) -> None:
    shutil.copytree(Path(mlsys.__file__).parent, tmp_path / "mlsys")  # with its bytecode: a minute less
    (tmp_path / "task.py").write_text(TASK)
    (tmp_path / "script.py").write_text(SCRIPT)
    fingerprint = ("-c", "from mlsys import keys; print(keys.code_fingerprint())")
    old = python(tmp_path, *fingerprint).strip()
    log = python(tmp_path, "script.py")
    new = python(tmp_path, *fingerprint).strip()

    told = {key: json.loads((tmp_path / f"{key}.told").read_text()) for key in ("before", "after", "later")}
    assert old != new
    assert told["before"][1:] == [old, "old"]  # it began before the change: the old code under its old name
    assert told["after"][1:] == told["later"][1:] == [new, "new"]
    assert told["before"][0] != told["after"][0] == told["later"][0]  # the fresh worker is kept
    assert "installation_changed" in log

"""kill -9 in the middle of a run: the next one goes on, decides once, and makes the same models."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import psutil
import pytest
from given.kill_points import killed_at, points_of, spread
from given.shop import day, edit_spec, enter, make_shop

from mlsys import pipeline
from mlsys.database import embedded
from mlsys.database.liveness import wait_until_ended
from mlsys.planning.plan import RunRequest
from mlsys.promotion.projection import drift
from mlsys.temporary import temporary_file, temporary_folder
from mlsys.workspace import open_workspace

pytestmark = pytest.mark.slow


# Imports what a run imports, once; each run is then a fork of it that leads a session of its own.
_RUNS = """
import json, os, sys
import great_expectations, sklearn.linear_model, mlsys.pipeline, mlsys.validation.gx_suite
from mlsys.cli.main import invoke
for line in sys.stdin:
    asked = json.loads(line)
    child = os.fork()
    if not child:
        os.setsid()
        os.environ.update(asked["environment"])
        log = os.open(asked["log"], os.O_WRONLY)
        os.dup2(log, 2)
        os.close(log)
        os._exit(invoke(asked["command"]))
    print(child, flush=True)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""


@pytest.fixture(scope="module")
def runs() -> Iterator[subprocess.Popen[str]]:
    """A process that has imported what a run needs, and starts runs."""
    command = [sys.executable, "-c", _RUNS]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        yield process
        assert process.stdin is not None
        process.stdin.close()


def killed_after(event: str, home: Path, runs: subprocess.Popen[str]) -> None:
    """Start `mlsys run shop` and kill it, children included, as soon as its log says `event`; return when all ended."""
    assert runs.stdin is not None
    assert runs.stdout is not None
    log = home.with_name("log")
    os.mkfifo(log)
    environment = {name: value for name, value in os.environ.items() if name.startswith("MLSYS_")}
    command = ["run", "shop", "--day", str(day(11))]
    runs.stdin.write(json.dumps({"environment": environment, "log": str(log), "command": command}) + "\n")
    runs.stdin.flush()
    with log.open(encoding="utf-8") as lines:
        pid = int(runs.stdout.readline())
        seen = any(event in line for line in lines)
        os.killpg(pid, signal.SIGSTOP)  # or it could have one child more when the list is made
        members = [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]
        os.killpg(pid, signal.SIGKILL)
        assert wait_until_ended(members, seconds=60) == []
    assert seen
    assert int(runs.stdout.readline()) == -signal.SIGKILL


def leave_half_written_files(home: Path) -> None:
    """Let a killed process leave what it was writing, wherever a run writes: where the first kill fell is chance."""
    pid = os.fork()
    if pid == 0:
        with ExitStack() as unfinished:
            for folder in ("store", "registry/shop", "reports/shop", "cache/checks", "predictions/shop", "projections"):
                unfinished.enter_context(temporary_file(home / folder)).write_bytes(b"half")
                (unfinished.enter_context(temporary_folder(home / folder)) / "model.joblib").write_bytes(b"half")
            os.kill(os.getpid(), signal.SIGKILL)
    os.waitpid(pid, 0)
    assert len(list(home.rglob(".tmp-*"))) >= 12


@pytest.mark.long
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("database", ["sqlite", pytest.param("embedded", marks=pytest.mark.postgres)])
def test_a_first_run_killed_at_50_points_is_finished_by_the_next(
    database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def run() -> None:
        with open_workspace() as work:
            pipeline.run(work, RunRequest("shop", day=day(11)))

    def shop(name: str) -> Path:
        home = tmp_path / name
        make_shop(home, home / "pipelines", days=12)
        enter(home, monkeypatch)
        monkeypatch.setenv("MLSYS_DATABASE", database)
        return home

    shop("counted")
    for point in spread(50, over=points_of(run)):
        home = shop(f"killed-at-{point}")
        killed_at(point, run)
        with open_workspace() as work:
            pipeline.run(work, RunRequest("shop", day=day(11)))
            champion = work.ledger.champion("shop")
            assert champion is not None
            assert drift(work, "shop") == []
            assert len(work.ledger.champion_changes("shop")) == 1
            assert work.ledger.verify("shop") > 0
        assert list(home.rglob(".tmp-*")) == []
        if database == "embedded":
            embedded.remove(home)
        shutil.rmtree(home)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> list[str | None]:
    """The models of a run that nothing disturbed."""
    with pytest.MonkeyPatch.context() as patched:
        begin(tmp_path_factory.mktemp("undisturbed") / "home", patched)
        return models_of_the_one_promotion()


def begin(home: Path, patched: pytest.MonkeyPatch) -> None:
    make_shop(home, home / "pipelines", days=12)
    edit_spec(home / "pipelines", registries=["files"])
    enter(home, patched)


def models_of_the_one_promotion() -> list[str | None]:
    """Return the models of a run after which there was one decision, one champion, and nothing half-written."""
    with open_workspace() as work:
        finished = pipeline.run(work, RunRequest("shop", day=day(11)))
        assert finished.version is not None
        assert finished.version.decision.outcome == "promote"
        assert len(work.ledger.decisions("shop")) == len(work.ledger.champion_changes("shop")) == 1
        assert work.ledger.verify("shop") > 0
        assert not list(work.home.rglob(".tmp-*"))
    return [candidate.model for candidate in finished.candidates]


@pytest.mark.parametrize("event", ["run_started", "step name=split", "fitted candidate", "step name=decide"])
def test_a_run_killed_anywhere_is_finished_by_the_next(
    event: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    runs: subprocess.Popen[str],
    undisturbed: list[str | None],
) -> None:
    home = tmp_path / "killed"
    begin(home, monkeypatch)
    killed_after(event, home, runs)
    leave_half_written_files(home)
    assert models_of_the_one_promotion() == undisturbed

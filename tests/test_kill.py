"""kill -9 in the middle of a run: the next one goes on, decides once, and makes the same models."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
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


def killed_after(event: str) -> None:
    """Start `mlsys run shop` and kill it, children included, as soon as its log says `event`; return when all ended."""
    command = [sys.executable, "-m", "mlsys", "run", "shop", "--day", str(day(11))]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, start_new_session=True) as process:
        assert process.stderr is not None
        seen = any(event in line for line in process.stderr)
        os.killpg(process.pid, signal.SIGSTOP)  # or it could have one child more when the list is made
        members = [psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True)]
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        assert wait_until_ended(members, seconds=60) == []
    assert seen
    assert process.returncode == -signal.SIGKILL


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

    def begin(name: str) -> Path:
        home = tmp_path / name
        make_shop(home, home / "pipelines", days=12)
        enter(home, monkeypatch)
        monkeypatch.setenv("MLSYS_DATABASE", database)
        return home

    begin("counted")
    for point in spread(50, over=points_of(run)):
        home = begin(f"killed-at-{point}")
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


@pytest.mark.parametrize("event", ["run_started", "step name=split", "fitted candidate", "step name=decide"])
def test_a_run_killed_anywhere_is_finished_by_the_next(
    event: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    models = []
    for name, kill in (("killed", True), ("whole", False)):
        home = tmp_path / name
        make_shop(home, home / "pipelines", days=12)
        edit_spec(home / "pipelines", registries=["files"])
        enter(home, monkeypatch)
        if kill:
            killed_after(event)
            leave_half_written_files(home)
        with open_workspace() as work:
            finished = pipeline.run(work, RunRequest("shop", day=day(11)))
            assert finished.version is not None
            assert finished.version.decision.outcome == "promote"
            assert len(work.ledger.decisions("shop")) == len(work.ledger.champion_changes("shop")) == 1
            assert work.ledger.verify("shop") > 0
            assert not list(home.rglob(".tmp-*"))
        models.append([candidate.model for candidate in finished.candidates])
    assert models[0] == models[1]

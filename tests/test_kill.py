"""kill -9 in the middle of a run: the next one goes on, decides once, and makes the same models."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from given.shop import day, edit_spec, enter, make_shop

from mlsys import pipeline
from mlsys.planning.plan import RunRequest
from mlsys.workspace import open_workspace

pytestmark = pytest.mark.slow


def killed_after(event: str) -> None:
    """Start `mlsys run shop` and kill it, children included, as soon as its log says `event`."""
    command = [sys.executable, "-m", "mlsys", "run", "shop", "--day", str(day(11))]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, start_new_session=True) as process:
        assert process.stderr is not None
        seen = any(event in line for line in process.stderr)
        os.killpg(process.pid, signal.SIGKILL)
    assert seen
    assert process.returncode == -signal.SIGKILL


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
        with open_workspace() as work:
            finished = pipeline.run(work, RunRequest("shop", day=day(11)))
            assert finished.version is not None
            assert finished.version.decision.outcome == "promote"
            assert len(work.ledger.decisions("shop")) == len(work.ledger.champion_changes("shop")) == 1
            assert work.ledger.verify("shop") > 0
            assert not list(work.store.root.glob(".tmp-*"))
        models.append([candidate.model for candidate in finished.candidates])
    assert models[0] == models[1]

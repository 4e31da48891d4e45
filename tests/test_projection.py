"""From the ledger to the file registry and back to agreement; MLflow's part stands in tests/cli/test_operating.py."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from mlsys import appointment
from mlsys.appointment import appoint
from mlsys.projection import drift, project
from mlsys.workspace import Workspace, open_workspace

pytestmark = pytest.mark.slow


@pytest.fixture
def work(shop: Path) -> Iterator[Workspace]:
    with open_workspace() as opened:
        yield opened


def served(work: Workspace) -> str:
    return (work.home / "registry" / "shop" / "best_model.joblib").readlink().parts[0]


def newest_run(work: Workspace) -> str:
    return work.ledger.decisions("shop")[-1].run_id


def test_without_a_decision_there_is_nothing_to_show(work) -> None:
    assert project(work, "nothing") == {}
    assert drift(work, "nothing") == []
    assert not (work.home / "projections" / "nothing.json").exists()


def test_a_second_projection_writes_nothing(work) -> None:
    marker = work.home / "projections" / "shop.json"
    shutil.rmtree(work.home / "registry")
    before = marker.stat().st_mtime_ns
    project(work, "shop")
    assert marker.stat().st_mtime_ns == before
    assert not (work.home / "registry").exists()


def test_a_wiped_registry_is_made_again_as_it_was(work) -> None:
    folder = work.home / "registry" / "shop" / "v1.0.0"
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    shutil.rmtree(work.home / "registry")
    assert drift(work, "shop") == [
        f"shop: files shows no champion, the ledger {work.ledger.champion('shop').candidate_id}"
    ]
    project(work, "shop", force=True)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    assert drift(work, "shop") == []


def test_a_lost_marker_is_no_harm(work) -> None:
    marker = work.home / "projections" / "shop.json"
    before = json.loads(marker.read_text())
    marker.unlink()
    project(work, "shop")
    assert json.loads(marker.read_text())["state"] == before["state"]
    assert served(work) == "v1.0.0"


def test_a_change_in_the_ledger_alone_is_shown_by_the_next_projection(work, monkeypatch) -> None:
    monkeypatch.setattr(appointment, "project", lambda *_: {})  # the process ended right after the ledger's commit
    appoint(work, "shop", newest_run(work), candidate=None, reason="a test")
    assert served(work) == "v1.0.0"
    assert len(drift(work, "shop")) == 1
    project(work, "shop")
    assert served(work) == "v1.0.1"
    assert drift(work, "shop") == []


def test_a_damaged_marker_is_written_again(shop: Path) -> None:
    with open_workspace() as work:
        names = project(work, "shop")
        marker = work.home / "projections" / "shop.json"
        whole = marker.read_bytes()
        marker.write_bytes(whole[:10])
        assert project(work, "shop") == names
        assert marker.read_bytes() == whole

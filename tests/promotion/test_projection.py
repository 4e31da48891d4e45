"""From the ledger to the file registry and back to agreement; MLflow's part stands in tests/cli/test_operating.py."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from given.shop import newest_run, served

from mlsys.errors import RunError
from mlsys.promotion import by_hand, projection
from mlsys.promotion.by_hand import promote_by_hand
from mlsys.promotion.projection import drift, project
from mlsys.promotion.promote import outcome_of
from mlsys.records import Decision
from mlsys.registries.base import Place, Release, Shown
from mlsys.registries.files import FileRegistry
from mlsys.registries.mlflow_registry import MlflowRegistry
from mlsys.workspace import Workspace, open_workspace

pytestmark = pytest.mark.slow


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
    before = marker.read_bytes()
    marker.unlink()
    project(work, "shop")
    assert marker.read_bytes() == before
    assert served(work.home) == "v1.0.0"


def test_a_change_in_the_ledger_alone_is_shown_by_the_next_projection(work, monkeypatch) -> None:
    monkeypatch.setattr(by_hand, "project", lambda *_: {})  # the process ended right after the ledger's commit
    promote_by_hand(work, "shop", newest_run(work), candidate=None, reason="a test")
    assert served(work.home) == "v1.0.0"
    assert len(drift(work, "shop")) == 1
    project(work, "shop")
    assert served(work.home) == "v1.0.1"
    assert drift(work, "shop") == []


def test_a_damaged_marker_is_written_again(shop: Path) -> None:
    with open_workspace() as work:
        names = project(work, "shop")
        marker = work.home / "projections" / "shop.json"
        whole = marker.read_bytes()
        marker.write_bytes(whole[:10])
        assert project(work, "shop") == names
        assert marker.read_bytes() == whole


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is written into the file registry from now on: versions and candidate ids."""
    seen: list[str] = []
    publish, point = FileRegistry.publish, FileRegistry.point

    def count_publish(self: FileRegistry, release: Release, place: Place) -> Shown:
        seen.append(f"publish {release.version}")
        return publish(self, release, place)

    def count_point(self: FileRegistry, pipeline: str, candidate_id: str | None, place: Place) -> None:
        seen.append(f"point {candidate_id}")
        point(self, pipeline, candidate_id, place)

    monkeypatch.setattr(FileRegistry, "publish", count_publish)
    monkeypatch.setattr(FileRegistry, "point", count_point)
    return seen


def decide_again(work: Workspace, key: str) -> str:
    """Write another decision about the newest run, as a run that met another champion does."""
    evaluations, decision = work.ledger.decision(work.ledger.decisions("shop")[-1].decision_key)
    work.ledger.add_decision("shop", evaluations, decision.model_copy(update={"decision_key": key}))
    return key


def test_a_new_rejection_does_not_publish_the_champion_again(work, written) -> None:
    decide_again(work, "d" * 64)
    project(work, "shop")
    assert written == []
    assert served(work.home) == "v1.0.0"


def test_a_registry_wiped_meanwhile_is_made_again_with_the_next_decision(work, written) -> None:
    shutil.rmtree(work.home / "registry")
    decide_again(work, "d" * 64)
    project(work, "shop")
    assert written == ["publish 1.0.0", f"point {work.ledger.champion('shop').candidate_id}"]
    assert served(work.home) == "v1.0.0"


def test_of_two_runs_that_decide_at_once_both_are_shown(work, monkeypatch) -> None:
    keys = [decide_again(work, letter * 64) for letter in "de"]
    published: list[str] = []
    real = projection._publish

    def publish(work: Workspace, decision: Decision, *rest: Any) -> dict[str, Shown]:
        published.append(decision.decision_key)
        return real(work, decision, *rest)

    monkeypatch.setattr(projection, "_publish", publish)
    assert set(keys) < set(project(work, "shop"))
    assert published == keys


def test_without_a_marker_no_decision_is_passed_over(work) -> None:
    keys = [decide_again(work, letter * 64) for letter in "de"]  # the first two runs of a home, side by side
    (work.home / "projections" / "shop.json").unlink()
    assert set(keys) < set(project(work, "shop"))


def test_each_run_is_told_where_its_own_decision_is_shown(work) -> None:
    promoted, rejected = work.ledger.decisions("shop")
    names = project(work, "shop", force=True)
    assert names == {promoted.decision_key: {"files": Shown("1.0.0")}, rejected.decision_key: {}}
    plan = work.ledger.plan(promoted.run_id)
    assert outcome_of(work, plan, promoted, work.ledger.champion("shop"), names=names).path == "1.0.0"
    plan = work.ledger.plan(rejected.run_id)
    assert outcome_of(work, plan, rejected, None, names=names).path is None


@pytest.mark.parametrize(
    ("outcome", "beginning"),
    [
        ("reject", "The challenger was rejected; "),
        ("inconclusive", "The evidence does not suffice; "),
        ("historical", "The model is kept for the record; "),
        ("error", "The run could not be judged; "),
    ],
)
def test_a_run_that_promotes_nothing_says_who_serves(work, outcome, beginning) -> None:
    decision = work.ledger.decisions("shop")[-1].model_copy(update={"outcome": outcome})
    version = outcome_of(work, work.ledger.plan(decision.run_id), decision, None, names={})
    assert version.sentence == f"{beginning}version 1.0.0 ({version.champion}) goes on serving"


def test_what_one_registry_refuses_reaches_the_others(work, monkeypatch) -> None:
    def refuse(*_: Any) -> None:
        raise RunError("a name that it does not take")

    champion = work.ledger.champion("shop").candidate_id
    shutil.rmtree(work.home / "registry")
    monkeypatch.setattr(projection, "drift", lambda *_: ["nothing agrees"])
    both = work.spec_of(work.ledger.plan(newest_run(work))).model_copy(
        update={"registries": (MlflowRegistry(), FileRegistry())}
    )
    monkeypatch.setattr(Workspace, "spec_of", lambda *_: both)
    monkeypatch.setattr(MlflowRegistry, "publish", refuse)
    monkeypatch.setattr(MlflowRegistry, "point", refuse)
    for _ in range(2):  # it is told again at each try
        with pytest.raises(RunError, match="a name that it does not take"):
            project(work, "shop", force=True)
        assert FileRegistry().pointed("shop", work.place) == champion

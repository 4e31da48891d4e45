"""The champion fitted anew in another environment: the same version, or nothing at all."""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from given.shop import day, newest_run, served

import mlsys
from mlsys import clock, keys, pipeline, rehydrate
from mlsys.errors import LostRaceError, RunError, UsageError
from mlsys.evaluation.canary import canary
from mlsys.ledger import ChampionChange, Ledger
from mlsys.ledger.anchors import newest_before
from mlsys.planning.plan import RunRequest
from mlsys.promotion.by_hand import promote_by_hand, roll_back
from mlsys.promotion.projection import drift, project
from mlsys.workspace import Workspace, open_workspace

pytestmark = pytest.mark.slow

NEWER = {**keys.versions(), "scikit-learn": "99.0"}


class Moved:
    """Stands for a class that a newer package has no more."""

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[str]]:
        return __import__, ("a_package_that_went_away",)


@pytest.fixture
def upgraded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keys, "versions", lambda: NEWER)


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What the fresh process is made to say; tests/evaluation/test_canary.py asks a real one."""
    said: dict[str, Any] = {"largest": 0.0}
    monkeypatch.setattr("mlsys.evaluation.canary._asked", lambda *_, **__: said)
    return said


def crown(work: Workspace, *, model: bytes, golden: str | None) -> ChampionChange:
    """Let a candidate with these model bytes serve, as if it had been fitted in an older environment."""
    champion = work.ledger.champion("shop")
    assert champion is not None
    old = work.ledger.candidate(champion.candidate_id)
    assert old is not None
    digest = work.store.put_bytes(model)
    candidate = old.model_copy(update={"candidate_id": "0123456789ab-logistic", "model": digest})
    work.ledger.add_candidate("shop", champion.run_id, candidate)
    update = {"generation": champion.generation + 1, "candidate_id": candidate.candidate_id, "golden": golden}
    return work.ledger.change_champion(champion.model_copy(update={**update, "version": "1.0.1", "kind": "manual"}))


def test_in_the_environment_of_its_promotion_there_is_nothing_to_do(work: Workspace) -> None:
    with pytest.raises(UsageError, match="the packages are those of its promotion"):
        rehydrate.rehydrate(work, "shop")
    with pytest.raises(UsageError, match="has no champion"):
        rehydrate.rehydrate(work, "nothing")


def test_the_same_version_serves_from_the_new_environment(work: Workspace, upgraded: None, told: Any) -> None:
    before = work.ledger.champion("shop")
    assert before is not None
    head = newest_before(work.ledger, "shop", None)
    tried = rehydrate.rehydrate(work, "shop", dry_run=True)
    assert (tried.change, tried.largest) == (None, 0.0)
    assert newest_before(work.ledger, "shop", None) == head
    found = rehydrate.rehydrate(work, "shop")
    after = work.ledger.champion("shop")
    assert after is not None
    assert after == found.change.model_copy(update={"at": after.at}) if found.change else False
    assert (after.version, after.kind, after.cutoff) == (before.version, "rehydrate", before.cutoff)
    assert after.candidate_id != before.candidate_id
    assert "golden predictions are identical" in after.reason
    assert served(work.home).startswith("v1.0.0+")
    assert drift(work, "shop", read=True) == []
    assert mlsys.load_champion("shop").version == "1.0.0"
    with pytest.raises(UsageError, match="needs no fit"):
        rehydrate.rehydrate(work, "shop")
    with pytest.raises(UsageError, match="is the first champion"):  # the same version before it is no way back
        roll_back(work, "shop", version=None, reason="a test")
    assert (work.home / "reports" / "shop" / f"{after.run_id}.html").is_file()
    assert work.ledger.verify("shop")


def test_an_override_keeps_its_end(work: Workspace, upgraded: None, told: Any) -> None:
    promoted = work.ledger.champion("shop")
    assert promoted is not None
    end = clock.now() + timedelta(days=1)
    update = {"generation": promoted.generation + 1, "kind": "manual", "expires": end}
    work.ledger.change_champion(promoted.model_copy(update=update))
    found = rehydrate.rehydrate(work, "shop").change
    assert found is not None
    assert (found.kind, found.expires) == ("rehydrate", end)


def test_a_champion_that_cant_be_loaded_is_not_comparable_until_it_is_fitted_anew(
    work: Workspace, upgraded: None, told: dict[str, Any]
) -> None:
    golden = work.ledger.champion("shop").golden  # type: ignore[union-attr]
    crown(work, model=pickle.dumps(Moved(), protocol=4), golden=golden)
    told.clear()
    told["error"] = "ModuleNotFoundError: No module named 'a_package_that_went_away'"
    finished = pipeline.run(work, RunRequest("shop", day=day(12)))
    assert finished.version is not None
    decision = finished.version.decision
    assert (decision.outcome, decision.reason) == ("inconclusive", "champion_not_comparable")
    assert "mlsys rehydrate shop" in decision.sentence
    found = rehydrate.rehydrate(work, "shop")
    assert (found.version, found.largest) == ("1.0.1", 0.0)
    assert canary(work, work.ledger.champion("shop")).ok  # type: ignore[union-attr, arg-type]


def test_another_model_does_not_take_over_as_the_same_version(
    work: Workspace, upgraded: None, told: dict[str, Any]
) -> None:
    champion = work.ledger.champion("shop")
    assert champion is not None
    old = work.ledger.candidate(champion.candidate_id)
    known = work.store.read_json(str(champion.golden))
    known["answers"] = np.random.default_rng(1).random(np.shape(known["answers"])).tolist()
    model = work.store.read_bytes(str(old.model if old else None))
    crown(work, model=model, golden=work.store.put_json(known))
    head = newest_before(work.ledger, "shop", None)
    with pytest.raises(RunError, match=r"another model than version 1\.0\.1: golden predictions differ"):
        rehydrate.rehydrate(work, "shop")
    assert newest_before(work.ledger, "shop", None) == head


def test_a_promotion_meanwhile_wins(
    work: Workspace, upgraded: None, told: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    fit = rehydrate._fit

    def overtaken(*arguments: Any, **named: Any) -> Any:
        fitted = fit(*arguments, **named)
        promote_by_hand(work, "shop", newest_run(work), candidate="prior", reason="somebody was faster")
        return fitted

    monkeypatch.setattr(rehydrate, "_fit", overtaken)
    with pytest.raises(LostRaceError, match="the champion was not changed by this command"):
        rehydrate.rehydrate(work, "shop")
    champion = work.ledger.champion("shop")
    assert champion is not None
    assert champion.kind == "manual"


@pytest.mark.parametrize("place", ["add_decision", "change_champion"])
def test_what_broke_off_before_the_change_is_done_again(
    place: str, work: Workspace, upgraded: None, told: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(Ledger, place, interrupted)
        with pytest.raises(KeyboardInterrupt):
            rehydrate.rehydrate(work, "shop")
    assert [change.kind for change in work.ledger.champion_changes("shop")] == ["promote"]
    rehydrate.rehydrate(work, "shop")
    assert [change.kind for change in work.ledger.champion_changes("shop")] == ["promote", "rehydrate"]
    assert drift(work, "shop", read=True) == []
    assert work.ledger.verify("shop")


def interrupted(*_: Any, **__: Any) -> None:
    raise KeyboardInterrupt


@pytest.mark.long
@pytest.mark.parametrize("before", ["change_champion", "after it"])
def test_a_kill_in_the_middle_leaves_one_champion_or_the_other(shop: Path, before: str) -> None:
    kill = "import os, signal; from mlsys import keys, rehydrate; from mlsys.evaluation import canary\n"
    kill += f"keys.versions = lambda: {NEWER!r}\ncanary._asked = lambda *_, **__: {{'largest': 0.0}}\n"
    kill += "from mlsys.ledger import Ledger\nfrom mlsys.workspace import open_workspace\n"
    place = "Ledger.change_champion" if before == "change_champion" else "rehydrate.project"
    kill += f"{place} = lambda *_, **__: os.kill(os.getpid(), signal.SIGKILL)\n"
    kill += "with open_workspace() as work: rehydrate.rehydrate(work, 'shop')\n"
    done = subprocess.run([sys.executable, "-c", kill], env=dict(os.environ), check=False, capture_output=True)
    assert done.returncode == -signal.SIGKILL, done.stderr.decode()
    with pytest.MonkeyPatch.context() as patched, open_workspace() as work:
        champion = work.ledger.champion("shop")
        assert champion is not None
        assert champion.kind == ("promote" if before == "change_champion" else "rehydrate")
        assert mlsys.load_champion("shop").version == "1.0.0"
        patched.setattr(keys, "versions", lambda: NEWER)
        patched.setattr("mlsys.evaluation.canary._asked", lambda *_, **__: {"largest": 0.0})
        if before == "change_champion":
            rehydrate.rehydrate(work, "shop")
        project(work, "shop")
        assert drift(work, "shop", read=True) == []
        assert [change.kind for change in work.ledger.champion_changes("shop")] == ["promote", "rehydrate"]
        assert work.ledger.verify("shop")
        assert isinstance(work.ledger, Ledger)

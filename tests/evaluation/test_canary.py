"""Golden predictions, and a fresh process that is asked whether the champion still gives them."""

from __future__ import annotations

import pickle
import subprocess
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from mlsys import keys
from mlsys.evaluation.canary import Canary, _asked, _judged, canary
from mlsys.planning.obstacles import of_champion
from mlsys.spec import load_spec
from mlsys.store import Store
from mlsys.training import golden
from mlsys.upkeep.doctor import examine
from mlsys.workspace import Workspace

pytestmark = pytest.mark.slow

NEWER = {**keys.versions(), "numpy": "99.0"}


class Gone:
    """Stands for a class that a newer package has no more."""

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[str]]:
        return __import__, ("a_package_that_went_away",)


def seen(work: Workspace, **changed: Any) -> Canary:
    champion = work.ledger.champion("shop")
    assert champion is not None
    found = canary(work, champion.model_copy(update=changed))
    assert found is not None
    return found


def test_with_the_packages_of_its_promotion_nobody_is_asked(work: Workspace) -> None:
    assert seen(work).state == "unchanged"
    assert seen(work, golden=None).state == "unchanged"
    assert keys.version_changes(keys.versions()) == []


def test_a_fresh_process_compares_the_golden_predictions(work: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keys, "versions", lambda: NEWER)
    champion = work.ledger.champion("shop")
    assert champion is not None
    assert canary(work, champion, ask=False) is None
    found = seen(work)
    assert found.state == "identical"
    assert "numpy " in found.sentence
    assert canary(work, champion, ask=False) == found  # remembered
    assert len(work.store.read_json(str(champion.golden))["answers"]) == golden.ROWS


@pytest.mark.parametrize(
    ("found", "state", "told"),
    [
        ({"largest": None}, "unknown", "no golden predictions were kept"),
        ({"largest": 1e-9}, "within tolerance", "in their last digits"),
        ({"largest": 0.2}, "differs", "differ by up to 20 % of their range"),
        ({"largest": float("inf")}, "differs", "have another shape"),
        ({"error": "AttributeError: gone"}, "unreadable", "(AttributeError: gone)"),
    ],
)
def test_what_was_found_in_words(found: dict[str, Any], state: str, told: str) -> None:
    judged = _judged(found, ["numpy 1 -> 2"])
    assert (judged.state, judged.ok) == (state, state not in ("differs", "unreadable"))
    assert told in judged.sentence
    assert judged.sentence.endswith("since its promotion: numpy 1 -> 2")


def test_a_process_that_breaks_or_hangs_is_an_unreadable_model(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    def ended(*_: Any, **__: Any) -> subprocess.CompletedProcess[str]:
        return subprocess.CompletedProcess([], -11, stdout="", stderr="one\nSegmentation fault")

    def hangs(*_: Any, **__: Any) -> None:
        raise subprocess.TimeoutExpired("python", 300)

    for run, told in ((ended, "ended with code -11: Segmentation fault"), (hangs, "not loaded within 300 seconds")):
        monkeypatch.setattr(subprocess, "run", run)
        assert told in _asked(store, model="0" * 64, golden=None, spec="0" * 64)["error"]


def test_a_model_that_cant_be_loaded_is_said_by_check_and_doctor(
    work: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keys, "versions", lambda: NEWER)
    champion = work.ledger.champion("shop")
    assert champion is not None
    candidate = work.ledger.candidate(champion.candidate_id)
    assert candidate is not None
    broken = candidate.model_copy(update={"model": work.store.put_bytes(pickle.dumps(Gone(), protocol=4))})
    monkeypatch.setattr(type(work.ledger), "candidate", lambda *_: broken)
    found = seen(work)
    assert found.state == "unreadable"
    assert "a_package_that_went_away" in found.sentence
    spec = load_spec(work.settings.spec_path("shop"))
    assert "mlsys rehydrate shop" in str(of_champion(work, spec))
    told = {one.subject: one for one in examine(work.settings)}["environment shop"]
    assert not told.ok
    assert "mlsys rehydrate shop" in told.sentence


def test_answers_are_apart_by_shares_of_their_spread() -> None:
    known = {"answers": [0.0, 2.0, 1.0]}
    assert golden.apart(known, np.array([0.0, 2.0, 1.0])) == (0.0, 0.0)
    assert golden.apart(known, np.array([0.0, 1.0, 1.0])) == pytest.approx((0.5, 0.5 / 3))
    assert golden.apart(known, np.array([1.0]))[0] == float("inf")
    assert golden.apart({"answers": [3.0, 3.0]}, np.array([3.0, 3.5])) == (0.5, 0.25)
    assert golden.apart({"answers": []}, np.array([])) == (0.0, 0.0)

"""Golden predictions, and a fresh process that is asked whether the champion still gives them."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from mlsys import keys
from mlsys.evaluation import golden
from mlsys.evaluation.canary import Canary, canary, changes
from mlsys.planning.obstacles import of_champion
from mlsys.spec import load_spec
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
    assert changes(keys.versions()) == []


def test_a_fresh_process_compares_the_golden_predictions(work: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keys, "versions", lambda: NEWER)
    champion = work.ledger.champion("shop")
    assert champion is not None
    assert canary(work, champion, ask=False) is None
    found = seen(work)
    assert found.state == "identical"
    assert "numpy " in found.sentence
    assert canary(work, champion, ask=False) == found  # remembered
    known = work.store.read_json(str(champion.golden))
    assert len(known["answers"]) == golden.ROWS
    known["answers"] = (1 - np.asarray(known["answers"])).tolist()
    other = seen(work, golden=work.store.put_json(known))
    assert other.state == "differs"
    assert not other.ok


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
    assert seen(work).state == "unreadable"
    assert "a_package_that_went_away" in seen(work).sentence
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

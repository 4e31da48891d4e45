"""Who answers: the ledger's champion, and the one before it where that one is broken."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from given.clocks import GivenTime
from given.shop import newest_run

from mlsys.errors import TransientError, UsageError
from mlsys.promotion.by_hand import promote_by_hand, roll_back
from mlsys.registries.files import GOLDEN, MODEL, folder_of
from mlsys.server.shelf import Broken, Shelf
from mlsys.workspace import Workspace


@pytest.fixture
def alarms() -> list[tuple[str, Broken]]:
    return []


@pytest.fixture
def shelf(work: Workspace, alarms: list[tuple[str, Broken]]) -> Shelf:
    """The shelf with the champion, which a second one then follows."""
    shelf = Shelf(work, alarm=lambda *told: alarms.append(told))
    shelf.refresh()
    return shelf


def folder(work: Workspace) -> Path:
    """Return the folder of the present champion."""
    change = work.ledger.champion("shop")
    assert change is not None
    found = folder_of("shop", change.candidate_id, work.home)
    assert found is not None
    return found


def write_over(path: Path, data: bytes) -> None:
    path.chmod(0o644)
    path.write_bytes(data)


def test_a_champion_whose_file_was_changed_does_not_answer(work: Workspace) -> None:
    model = folder(work) / MODEL
    whole = model.read_bytes()
    write_over(model, whole + b" ")
    shelf = Shelf(work)
    shelf.refresh()
    assert not shelf.models
    assert "not the one that was promoted" in shelf.broken["shop"].reason
    write_over(model, whole)
    shelf.refresh()
    assert [each.champion.version for each in shelf.models.values()] == ["1.0.0"]
    assert not shelf.broken


def test_a_promotion_and_a_rollback_are_followed_and_a_readers_own_mapping_stays_whole(
    work: Workspace, shelf: Shelf
) -> None:
    before = shelf.models
    promote_by_hand(work, "shop", newest_run(work), reason="newer")
    shelf.refresh()
    assert shelf.model("shop").champion.version == "1.0.1"
    assert before["shop"].champion.version == "1.0.0"
    roll_back(work, "shop", version=None, reason="worse")
    shelf.refresh()
    assert (shelf.model("shop").champion.version, shelf.model("shop").generation) == ("1.0.0", 3)


def test_one_that_answers_otherwise_than_it_did_never_takes_over(
    work: Workspace, shelf: Shelf, alarms: list[tuple[str, Broken]]
) -> None:
    promote_by_hand(work, "shop", newest_run(work), reason="newer")
    golden = folder(work) / GOLDEN
    whole = golden.read_bytes()
    known = json.loads(whole)
    write_over(golden, json.dumps({**known, "answers": [1 - said for said in known["answers"]]}).encode())
    for _ in range(3):
        shelf.refresh()
    assert shelf.model("shop").champion.version == "1.0.0"
    assert "answers otherwise than when it was promoted" in shelf.broken["shop"].reason
    assert [pipeline for pipeline, _ in alarms] == ["shop"]
    write_over(golden, whole)
    shelf.refresh()
    assert shelf.model("shop").champion.version == "1.0.1"
    assert not shelf.broken


def test_a_broken_one_is_looked_at_again_less_and_less_often(
    work: Workspace, monkeypatch: pytest.MonkeyPatch, shelf: Shelf
) -> None:
    promote_by_hand(work, "shop", newest_run(work), reason="newer")
    write_over(folder(work) / MODEL, b"nothing")
    loads: list[int] = []
    monkeypatch.setattr("mlsys.server.shelf.load", lambda *_: loads.append(1) or _fail())
    time = GivenTime()
    monkeypatch.setattr("mlsys.server.shelf.time", time)
    for seconds in range(120):
        time.now = float(seconds)
        shelf.refresh()
    assert len(loads) == 5  # at once, and after 5, 15, 35 and 75 seconds
    shelf.refresh(retry=True)
    assert len(loads) == 6


def _fail() -> None:
    raise ValueError("whatever a library raises")


def test_a_registry_that_vanished_is_served_from_the_store(work: Workspace) -> None:
    shutil.rmtree(work.home / "registry")
    shelf = Shelf(work)
    shelf.refresh()
    model = shelf.model("shop")
    assert model.champion.version == "1.0.0"
    assert len(model.known.examples) == 64


def test_where_the_store_has_lost_it_too_it_is_broken(work: Workspace) -> None:
    shutil.rmtree(work.home / "registry")
    shutil.rmtree(work.home / "store")
    shelf = Shelf(work)
    shelf.refresh()
    assert "nor does the store" in shelf.broken["shop"].reason
    with pytest.raises(UsageError, match="No model answers for 'shop'"):
        shelf.model("shop")


def test_while_the_ledger_is_away_everything_goes_on(
    work: Workspace, shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone() -> dict[str, int]:
        raise TransientError("The ledger's database does not answer")

    with monkeypatch.context() as patched:
        patched.setattr(work.ledger, "generations", gone)
        assert not shelf.look()
        assert shelf.away is not None
        assert shelf.model("shop").champion.version == "1.0.0"
    assert shelf.look()
    assert shelf.away is None


def test_without_the_ledger_the_file_registry_says_who_served_last(work: Workspace) -> None:
    shelf = Shelf(None, home=work.home)
    shelf.fill_without_ledger()
    assert (shelf.model("shop").champion.version, shelf.model("shop").generation) == ("1.0.0", 0)
    shelf.work = work
    shelf.refresh()
    assert shelf.model("shop").generation == 1

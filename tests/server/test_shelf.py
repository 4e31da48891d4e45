"""Who answers: the ledger's champion, and the one before it where that one is broken."""

from __future__ import annotations

from mlsys.registries.files import MODEL, folder_of
from mlsys.server.shelf import Shelf
from mlsys.workspace import Workspace


def test_a_champion_whose_file_was_changed_does_not_answer(work: Workspace) -> None:
    change = work.ledger.champion("shop")
    assert change is not None
    folder = folder_of("shop", change.candidate_id, work.home)
    assert folder is not None
    whole = (folder / MODEL).read_bytes()
    (folder / MODEL).chmod(0o644)
    (folder / MODEL).write_bytes(whole + b" ")
    shelf = Shelf(work)
    shelf.refresh()
    assert not shelf.models
    assert "not the one that was promoted" in shelf.broken["shop"].reason
    (folder / MODEL).write_bytes(whole)
    shelf.refresh()
    assert shelf.model("shop").champion.version == change.version
    assert not shelf.broken

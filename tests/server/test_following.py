"""The thread that follows the ledger."""

from __future__ import annotations

from pathlib import Path

import pytest
from given.shop import newest_run

from mlsys.errors import TransientError
from mlsys.polling import ask_until
from mlsys.promotion.by_hand import promote_by_hand
from mlsys.server import following as module
from mlsys.server.following import following
from mlsys.server.shelf import Shelf
from mlsys.settings import load_settings
from mlsys.workspace import Workspace


def served(shelf: Shelf, wanted: str) -> bool:
    """Return whether a version is loaded before a minute is over."""

    def loaded() -> bool:
        return [model.champion.version for model in shelf.models.values()] == [wanted]

    return ask_until(bool, loaded, seconds=60, pause=0.05)


def test_a_promotion_is_followed(work: Workspace) -> None:
    shelf = Shelf(work)
    with following(shelf, every=0.05):
        assert served(shelf, "1.0.0")
        promote_by_hand(work, "shop", newest_run(work), reason="newer")
        assert served(shelf, "1.0.1")


def test_a_ledger_that_was_away_from_the_start_is_opened_when_it_answers(
    shop: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = module.open_workspace
    calls: list[int] = []

    def first_away(*given: object) -> object:
        calls.append(1)
        if len(calls) < 3:
            raise TransientError("The ledger's database does not answer")
        return opened(*given)  # type: ignore[arg-type]

    monkeypatch.setattr(module, "open_workspace", first_away)
    monkeypatch.setattr(module, "_OPENING_SECONDS", 0.05)
    shelf = Shelf(None, home=shop)
    with following(shelf, every=0.05, settings=load_settings()):
        assert served(shelf, "1.0.0")
    assert len(calls) == 3
    assert shelf.away is None

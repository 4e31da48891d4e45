"""A chain that somebody made anew, hashes and all, does not fit what releases and report cards remember."""

from __future__ import annotations

import json
import shutil

import pytest
from given.forger import forge, other_reason

from mlsys.errors import IntegrityError
from mlsys.promotion.projection import project
from mlsys.report.run_records import card_path, write_card
from mlsys.upkeep.anchored import anchors, require_anchored
from mlsys.upkeep.doctor import examine

pytestmark = pytest.mark.slow


def test_a_release_and_its_card_remember_the_ledger(work) -> None:
    found = anchors(work, "shop")
    assert {anchor.where.split()[0] for anchor in found} == {"release", "report"}
    assert require_anchored(work, "shop").startswith("; 3 anchors outside it say the same")
    assert work.ledger.verify("shop")


def test_a_chain_made_anew_is_noticed_and_the_first_decision_named(work) -> None:
    forge(work.home, "shop", other_reason)
    assert work.ledger.verify("shop")  # each row fits the one before
    with pytest.raises(IntegrityError, match=r"chain was rewritten.* promote of run shop-2026-05-11"):
        require_anchored(work, "shop")
    told = {one.subject: one for one in examine(work.settings)}
    assert not told["ledger shop"].ok


def test_whoever_writes_the_registries_again_leaves_their_anchors(work) -> None:
    release = work.home / "registry" / "shop" / "v1.0.0" / "release.json"
    before = json.loads(release.read_text())["anchor"]
    forge(work.home, "shop", other_reason)
    model = release.with_name("model.joblib")
    model.chmod(0o644)
    model.write_bytes(b"damaged, so that the folder is written again")
    project(work, "shop", force=True)
    assert json.loads(release.read_text())["anchor"] == before


def test_a_card_of_the_true_chain_is_not_written_over(work) -> None:
    run_id = work.ledger.champion("shop").run_id
    card = card_path(work, run_id)
    before = card.read_bytes()
    forge(work.home, "shop", other_reason)
    with pytest.raises(IntegrityError, match="somebody has rewritten the chain"):
        write_card(work, run_id)
    assert card_path(work, run_id).read_bytes() == before


def test_a_ledger_from_before_there_were_anchors_is_no_error(work) -> None:
    shutil.rmtree(work.home / "reports")
    release = work.home / "registry" / "shop" / "v1.0.0" / "release.json"
    record = json.loads(release.read_text())
    release.chmod(0o644)
    release.write_text(json.dumps({key: value for key, value in record.items() if key != "anchor"}))
    assert require_anchored(work, "shop") == (
        "; nothing outside the ledger remembers it (the next decision will be remembered)"
    )
    assert require_anchored(work, "nobody") == ""

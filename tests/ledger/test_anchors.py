"""What is remembered of a chain outside the ledger is held against it, row by row."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from mlsys import clock
from mlsys.ledger import Ledger, RequestRow, anchors
from mlsys.records import ChainAnchor


def filled(ledger: Ledger, n: int) -> list[ChainAnchor]:
    for number in range(n):
        row = RequestRow(
            request_id=f"r{number}", run_id=None, status="skipped", sentence="s", mode="live", asked_by="cli"
        )
        ledger.add_request("p", row)
    found = anchors.streamed(ledger, "p", upto=n)
    return [ChainAnchor(seq=entry.seq, hash=str(entry.columns["hash"]), where="a tag") for entry in found]


def test_rows_come_one_after_the_other_whatever_is_held_at_once(ledger: Ledger, monkeypatch) -> None:
    monkeypatch.setattr(anchors, "_AT_ONCE", 2)
    known = filled(ledger, 5)
    assert [anchor.seq for anchor in known] == [1, 2, 3, 4, 5]
    assert [anchor.seq for anchor in known] == [entry.seq for entry in ledger.entries("p")]
    assert anchors.rewritten(ledger, "p", known) is None


def test_the_first_row_that_differs_is_named_with_the_last_that_is_right(ledger: Ledger) -> None:
    known = filled(ledger, 4)
    wrong = [anchor.model_copy(update={"hash": "f" * 64}) for anchor in known[2:]]
    found = anchors.rewritten(ledger, "p", [*reversed(wrong), *known[:2]])
    assert found is not None
    assert (found.anchor.seq, found.after, found.found) == (3, 2, known[2].hash)
    assert found.decision is None


def test_a_chain_that_became_shorter_is_another_one(ledger: Ledger) -> None:
    filled(ledger, 2)
    found = anchors.rewritten(ledger, "p", [ChainAnchor(seq=9, hash="a" * 64, where="a tag")])
    assert found is not None
    assert found.found is None


def test_the_newest_row_before_an_instant(ledger: Ledger) -> None:
    known = filled(ledger, 3)
    assert anchors.newest_before(ledger, "p", None).text == known[-1].text
    assert anchors.newest_before(ledger, "p", clock.now() + timedelta(days=1)).text == known[-1].text
    assert anchors.newest_before(ledger, "p", datetime(2020, 1, 1, tzinfo=UTC)).seq == 0
    assert anchors.newest_before(ledger, "unknown", None).seq == 0


def test_an_anchor_is_a_text_and_back() -> None:
    anchor = ChainAnchor(seq=7, hash="a" * 64, where="here")
    assert ChainAnchor.parse(anchor.text, where="here") == anchor
    assert ChainAnchor.parse("", where="here") is None
    assert ChainAnchor.parse("x:y", where="here") is None

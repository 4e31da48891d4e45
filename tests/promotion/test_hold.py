"""A hold: runs train and report, the gates promote nothing, and it ends at its time or when somebody releases it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from given.shop import day, edit_spec

from mlsys import clock, pipeline
from mlsys.errors import UsageError
from mlsys.ledger import HeldError
from mlsys.planning.plan import RunRequest
from mlsys.promotion import by_hand
from mlsys.promotion import promote as promotion
from mlsys.upkeep.standing import standing

pytestmark = pytest.mark.slow


@pytest.fixture
def sure(shop, work):
    """The shop with gates that any challenger passes, so that a run promotes unless something keeps it back."""
    edit_spec(shop / "pipelines", gates=[{"kind": "min_rows", "rows": 100, "per_class": 10}])
    return work


def run(work):
    return pipeline.run(work, RunRequest("shop", day=day(12)))


def test_a_held_pipeline_trains_and_reports_and_promotes_nothing(sure) -> None:
    before = sure.ledger.champion("shop")
    by_hand.hold(sure, "shop", reason="audit week", who="ann")
    done = run(sure)
    assert sure.ledger.champion("shop") == before
    decision = done.version.decision
    assert (decision.outcome, decision.reason) == ("reject", "held")
    assert "held by ann since" in decision.sentence
    assert "audit week" in decision.sentence
    assert "held back" in done.version.sentence
    assert [d.outcome for d in sure.ledger.decisions("shop", of={decision.run_id})] == ["promote", "reject"]
    assert "audit week" in (sure.home / done.report.path).read_text()
    stands = standing(sure, "shop", at=clock.cutoff_of(day(12)))
    assert stands.hold is not None
    assert "Held by ann" in stands.happened


def test_after_the_release_the_same_data_are_judged_again(sure) -> None:
    by_hand.hold(sure, "shop", reason="audit week", who="ann")
    held = run(sure)
    assert run(sure).start.reason == "unchanged"
    assert not by_hand.release(sure, "shop", reason="done", who="bob").held
    again = run(sure)
    assert again.version.changed
    assert again.candidates == held.candidates, "nothing is fitted twice"
    assert again.version.decision.outcome == "promote"
    assert [hold.held for hold in sure.ledger.holds("shop")] == [True, False]


def test_a_hold_ends_by_itself(work, monkeypatch) -> None:
    until = clock.now() + timedelta(hours=1)
    by_hand.hold(work, "shop", reason="audit week", until=until)
    assert work.ledger.hold("shop").until == until
    monkeypatch.setattr(clock, "now", lambda: until)
    assert work.ledger.hold("shop") is None


def test_a_hold_that_comes_between_decision_and_promotion_holds(sure, monkeypatch) -> None:
    real = promotion.promote

    def late(work, *arguments, **named):
        by_hand.hold(work, "shop", reason="just in time", who="ann")
        return real(work, *arguments, **named)

    monkeypatch.setattr(promotion, "promote", late)
    before = sure.ledger.champion("shop")
    assert run(sure).version.decision.reason == "held"
    assert sure.ledger.champion("shop") == before


def test_the_ledger_itself_refuses_what_the_gates_promote(work) -> None:
    by_hand.hold(work, "shop", reason="audit week", who="ann")
    now = work.ledger.champion("shop")
    wanted = now.model_copy(update={"generation": now.generation + 1})
    with pytest.raises(HeldError, match="held by ann") as refused:
        work.ledger.change_champion(wanted)
    assert refused.value.hold.reason == "audit week"
    assert work.ledger.change_champion(wanted.model_copy(update={"kind": "manual"})).generation == 2
    assert work.ledger.verify("shop")


def test_what_can_not_be_held_or_released_is_refused(work) -> None:
    with pytest.raises(UsageError, match="is not held"):
        by_hand.release(work, "shop", reason="a test")
    with pytest.raises(UsageError, match="ends in the future"):
        by_hand.hold(work, "shop", reason="a test", until=clock.now())
    with pytest.raises(UsageError, match="reason is needed"):
        by_hand.hold(work, "shop", reason=" ")
    by_hand.hold(work, "shop", reason="one")
    by_hand.hold(work, "shop", reason="another")
    assert work.ledger.hold("shop").reason == "another"
    by_hand.release(work, "shop", reason="a test")
    assert work.ledger.hold("shop") is None


def test_a_hold_is_no_request_for_a_run(work) -> None:
    before = work.ledger.requests("shop")
    by_hand.hold(work, "shop", reason="audit week")
    assert work.ledger.requests("shop") == before
    assert work.ledger.verify("shop") > 0

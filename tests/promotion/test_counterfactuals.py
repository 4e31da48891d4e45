"""A decision in words: by how much, what would have flipped it, and what came since."""

from __future__ import annotations

import pytest
from given.records_samples import decision
from given.shop import day, edit_spec, newest_run

from mlsys import pipeline
from mlsys.errors import UsageError
from mlsys.planning.plan import RunRequest
from mlsys.promotion import by_hand
from mlsys.promotion.counterfactuals import explain, flipped
from mlsys.records import Decision, GateResult

GATE = {"gate": "minimum", "needs": ">=", "limit": 0.8, "observed_as": "roc_auc", "sentence": "..."}
SHORT = GateResult(**GATE, name="roc_auc at least 0.8", state="fail", observed=0.75, distance=-0.05)
FLIP = "Would pass with roc_auc at least 0.8, in place of 0.75."


def decided(*gates: GateResult, outcome: str = "reject") -> Decision:
    told = {"gates": gates, "outcome": outcome, "reason": "a_gate", "answer": None}
    return decision("reject").model_copy(update=told)


def test_a_decision_says_of_its_gates_what_they_say_themselves() -> None:
    assert SHORT.flip == FLIP
    assert flipped(decided(SHORT)) == f"One gate alone kept it: roc_auc at least 0.8. {FLIP}"
    few = {"name": "rows", "distance": None, "state": "inconclusive", "reason": "too_few_rows"}
    rows = SHORT.model_copy(update=few)
    both = flipped(decided(SHORT, rows))
    assert both == f"All of these would have had to pass: roc_auc at least 0.8 (w{FLIP[1:-1]}); rows (too_few_rows)."
    near = SHORT.model_copy(update={"state": "pass", "observed": 0.81, "distance": 0.01})
    far = near.model_copy(update={"name": "far", "observed": 0.9, "distance": 0.1})
    assert flipped(decided(far, near, outcome="promote")).startswith("Nearest to another outcome was roc_auc at least")


@pytest.mark.slow
def test_a_run_is_explained_with_what_became_of_its_models(shop, work) -> None:
    first = work.ledger.champion("shop")
    found = explain(work, first.run_id)
    assert found.what.startswith(f"promote: {first.candidate_id}, by run {first.run_id}")
    assert "Nearest to another outcome was" in found.flipped
    assert found.since[0].endswith("and serves now")
    assert explain(work, first.decision_key[:8]) == found
    by_hand.promote_by_hand(work, "shop", newest_run(work), candidate="prior", reason="a test", who="ann")
    by_hand.roll_back(work, "shop", version=None, reason="worse", who="bob")
    since = explain(work, newest_run(work)).since
    assert "was put in place by ann (a test)" in since[0]
    assert "by a rollback" in since[0]
    historical = explain(work, newest_run(work))
    assert "Only a live run promotes" in historical.flipped


@pytest.mark.slow
def test_what_a_hold_keeps_back_is_told_as_that(shop, work) -> None:
    edit_spec(shop / "pipelines", gates=[{"kind": "min_rows", "rows": 100, "per_class": 10}])
    by_hand.hold(work, "shop", reason="audit week", who="ann")
    run_id = pipeline.run(work, RunRequest("shop", day=day(12))).start.run_id
    assert explain(work, run_id).flipped == "Without the hold it would have been promoted: all gates pass."


@pytest.mark.slow
def test_an_unknown_name_is_refused_with_the_nearest(work) -> None:
    with pytest.raises(UsageError, match="no run and no decision"):
        explain(work, "shop-2026")
    with pytest.raises(UsageError, match="no run and no decision"):
        explain(work, work.ledger.champion("shop").decision_key[:7])

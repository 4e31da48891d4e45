"""A decision in words: by how much, what would have flipped it, and what came since."""

from __future__ import annotations

import pytest
from given.shop import day, edit_spec, newest_run

from mlsys import pipeline
from mlsys.errors import UsageError
from mlsys.planning.plan import RunRequest
from mlsys.promotion import by_hand
from mlsys.promotion.counterfactuals import explain, flip_of
from mlsys.records import GateResult


def gate(**fields: object) -> GateResult:
    known = {"gate": "minimum", "name": "roc_auc at least 0.8", "sentence": "...", "needs": ">=", "limit": 0.8}
    return GateResult.model_validate({**known, **fields})


def test_a_figure_says_how_far_it_was() -> None:
    missed = gate(state="fail", observed=0.75, observed_as="roc_auc", distance=-0.05)
    assert flip_of(missed) == "0.05 short: roc_auc is 0.75, and at least 0.8 is needed"
    passed = gate(state="pass", observed=0.85, observed_as="roc_auc", distance=0.05)
    assert flip_of(passed).startswith("passes with 0.05 to spare")
    assert flip_of(gate(state="error", observed=0.1, distance=-0.7)) == ""
    assert flip_of(gate(state="inconclusive")) == ""


def test_of_a_bound_the_estimate_that_would_do_and_the_rows_are_told() -> None:
    # Half the width is 0.02, the lead 0.01: four times the rows halve the width.
    bound = {"needs": ">", "limit": 0.0, "observed": -0.01, "observed_as": "its lower bound", "unit": "difference"}
    found = flip_of(gate(**bound, state="fail", estimate=0.01, estimate_as="the difference", distance=-0.01))
    assert "the difference would have to be +0.0200 instead of +0.0100" in found
    assert "about 4.0 times as many rows would do" in found
    worse = flip_of(gate(**bound, state="fail", estimate=-0.005, estimate_as="the difference", distance=-0.01))
    assert worse.endswith("more rows alone would not do")


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

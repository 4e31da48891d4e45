from __future__ import annotations

from datetime import timedelta

import pytest
from given.shop import day, edit_spec

from mlsys import pipeline
from mlsys.orchestration.tasks.approval import Question
from mlsys.orchestration.tasks.questions import promotion_question
from mlsys.planning.plan import RunRequest
from mlsys.records import Decided, Decision, EvaluationSet, Prepared
from mlsys.workspace import Workspace

pytestmark = pytest.mark.slow


def decided(work: Workspace, **asked: object) -> tuple[Prepared, EvaluationSet, Decision]:
    """Take a run of day 11 to its decision."""
    start = pipeline.take_snapshot(work, RunRequest("shop", day=day(11), **asked))  # type: ignore[arg-type]
    plan, snapshot = start.plan, start.snapshot
    assert plan is not None
    assert snapshot is not None
    checks = pipeline.validate(work, plan, snapshot)
    prepared = pipeline.split(work, plan, snapshot, checks)
    candidates = pipeline.train_all(work, prepared)
    found = pipeline.evaluate(work, prepared, candidates=candidates)
    return prepared, found, pipeline.decide(work, prepared, evaluations=found)


def ask(prepared: Prepared, found: EvaluationSet, decision: Decision) -> Question | None:
    return promotion_question(Decided(prepared=prepared, evaluations=found, decision=decision).dump())


@pytest.fixture
def lenient(work: Workspace) -> Workspace:
    """A shop whose gates pass, so that the newer model would be promoted."""
    gates = [
        {"kind": "minimum", "metric": "roc_auc", "at_least": 0.6},
        {"kind": "min_rows", "rows": 10, "per_class": 5},
    ]
    edit_spec(work.settings.pipelines, gates=gates, approval={"timeout": "3h"})
    return work


def test_a_person_is_shown_the_decision_the_gates_both_models_and_the_card(lenient: Workspace) -> None:
    prepared, found, decision = decided(lenient, approval=True, reason="after the sale")
    asked = ask(prepared, found, decision)
    assert asked is not None
    assert decision.challenger is not None
    assert asked.timeout == timedelta(hours=3)
    assert asked.subject == f"Promote {decision.challenger} in shop?"
    assert decision.sentence in asked.body
    assert "after the sale" in asked.body
    assert "within 3 hours" in asked.body
    assert all(gate.sentence.replace("_", "\\_") in asked.body for gate in decision.gates)
    assert "| Metric on the holdout | Challenger | Champion |" in asked.body
    assert f"/mlsys/reports/shop/{prepared.plan.run_id}.html" in asked.body
    assert (lenient.home / "reports" / "shop" / f"{prepared.plan.run_id}.html").exists()


def test_a_run_that_asks_for_nobody_has_no_question(lenient: Workspace) -> None:
    prepared, found, decision = decided(lenient)
    assert decision.outcome == "promote"
    assert ask(prepared, found, decision) is None


def test_what_the_gates_refuse_is_not_asked(work: Workspace) -> None:
    edit_spec(work.settings.pipelines, gates=[{"kind": "minimum", "metric": "roc_auc", "at_least": 0.999}])
    prepared, found, decision = decided(work, approval=True)
    assert decision.outcome == "reject"
    assert ask(prepared, found, decision) is None


def test_a_dry_run_asks_nobody(lenient: Workspace) -> None:
    prepared, found, decision = decided(lenient, approval=True, mode="dry")
    assert ask(prepared, found, decision) is None

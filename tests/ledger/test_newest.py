"""Newest first, or a part alone: what pages ask the ledger for."""

from __future__ import annotations

from datetime import date

from mlsys.ledger import Ledger, RequestRow, RunRow
from mlsys.ledger.rows import Partition
from mlsys.records import Decision, EvaluationSet, Outcome


def decide(ledger: Ledger, key: str, outcome: Outcome = "reject", *, pipeline: str = "p") -> None:
    evaluations = EvaluationSet(
        primary=key, best=None, champion=None, champion_state="none", n_validation=1, n_holdout=1,
        holdout_classes={}, summary={}, details="0" * 64,
    )  # fmt: skip
    decision = Decision(
        decision_key=key, run_id=f"r-{key}", outcome=outcome, reason="because", sentence="So.",
        challenger=None, champion=None, gates=(),
    )  # fmt: skip
    ledger.add_decision(pipeline, evaluations, decision)


def test_judgements_are_the_newest_decisions_each_with_its_own_evaluations(ledger: Ledger) -> None:
    for key in ("a", "b", "c"):
        decide(ledger, key)
    decide(ledger, "d", pipeline="q")
    found = ledger.judgements("p", last=2)
    assert [(each.decision.decision_key, each.evaluations.primary) for each in found] == [("b", "b"), ("c", "c")]
    assert found[0].at <= found[1].at


def test_judgements_about_the_past_can_be_left_out_before_they_are_counted(ledger: Ledger) -> None:
    decide(ledger, "a")
    decide(ledger, "b")
    for key in ("x", "y", "z"):
        decide(ledger, key, "historical")
    assert [each.decision.decision_key for each in ledger.judgements("p", last=2, historical=False)] == ["a", "b"]


def test_the_newest_requests_come_oldest_first(ledger: Ledger) -> None:
    for name in ("x", "y", "z"):
        row = RequestRow(request_id=name, run_id="r", status="accepted", sentence="s", mode="live", asked_by="cli")
        ledger.add_request("p", row)
    assert [row.request_id for row in ledger.requests("p", last=2)] == ["y", "z"]


def test_transitions_of_some_runs_alone(ledger: Ledger) -> None:
    for name in ("x", "y"):
        ledger.add_run("p", RunRow(run_id=name, training_key="k", status="started"))
    ledger.add_run("p", RunRow(run_id="x", training_key="k", status="done"))
    assert [(row.run_id, row.status) for row in ledger.runs("p", of={"x"})] == [("x", "started"), ("x", "done")]
    assert ledger.runs("p", of=set()) == []


def test_the_newest_day_is_that_of_any_layout(ledger: Ledger) -> None:
    assert ledger.newest_day("p") is None
    for layout, day in (("old", date(2026, 3, 9)), ("new", date(2026, 3, 10)), ("new", date(2025, 12, 31))):
        partition = Partition(
            day=day, version=1, layout=layout, fingerprint="f", segment="0" * 64, offset=0, n_rows=1, n_labelled=1,
            read_at="2026-03-11T00:00:00Z",
        )  # fmt: skip
        ledger.add_partitions("p", [partition])
    assert ledger.newest_day("p") == date(2026, 3, 10)
    assert ledger.newest_day("q") is None

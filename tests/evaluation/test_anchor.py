"""Which of a pipeline's champions "not worse" is measured from."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from given.shop import day, edit_spec

from mlsys import pipeline
from mlsys.evaluation.anchor import anchor_of, becomes_anchor
from mlsys.ledger import ChampionChange
from mlsys.planning.plan import RunRequest
from mlsys.records import AnchorFinding, Decision, GateResult
from mlsys.workspace import Workspace

START = datetime(2026, 1, 1, tzinfo=UTC)


def finding(anchor: str, difference: float | None, bound: float | None, **more: Any) -> GateResult:
    held = AnchorFinding(model_id=anchor, version="1", state="scored", difference=difference, bound=bound)
    return GateResult(
        gate="g", name="g", state="pass", unit="difference", sentence="So.", anchor=held.model_copy(update=more)
    )


SUPERIOR = GateResult(gate="g", name="g", state="pass", unit="difference", sentence="Better.")


def history(*events: tuple[str, Any], days: int = 1) -> tuple[list[ChampionChange], dict[str, Decision]]:
    """Return changes named a, b, c, ... of kind and gate result, and the decisions behind them."""
    changes, decisions = [], {}
    for i, (kind, gate) in enumerate(events):
        name = "abcdefgh"[i]
        changes.append(
            ChampionChange(
                pipeline="p", generation=i + 1, candidate_id=name, version=f"1.0.{i}", kind=kind,
                cutoff=START + i * timedelta(days=days), run_id=name, decision_key=name,
                previous="abcdefgh"[i - 1] if i else None, who="gates", reason="so",
            )
        )  # fmt: skip
        gates = () if gate is None else (gate,)
        decisions[name] = Decision(
            decision_key=name, run_id=name, outcome="promote", reason="r", sentence="s", challenger=name,
            champion=None, gates=gates,
        )  # fmt: skip
    return changes, decisions


@pytest.mark.parametrize(
    ("events", "anchor"),
    [
        ([("promote", None)], "a"),
        # Not worse, again and again: the anchor stays.
        (
            [("promote", None), ("promote", finding("a", -0.001, -0.004)), ("promote", finding("a", -0.002, -0.004))],
            "a",
        ),
        # Shown to be better than the anchor.
        ([("promote", None), ("promote", finding("a", 0.02, 0.01))], "b"),
        # Better than the champion, which was the anchor; then better than one that is not.
        ([("promote", None), ("promote", SUPERIOR)], "b"),
        ([("promote", None), ("promote", finding("a", -0.001, -0.004)), ("promote", SUPERIOR)], "a"),
        # Nothing was compared; a person promoted; the anchor's file is gone.
        ([("promote", None), ("promote", None)], "b"),
        ([("promote", None), ("manual", finding("a", -0.1, -0.2))], "b"),
        ([("promote", None), ("promote", finding("a", None, None, state="unusable"))], "b"),
        # A rollback of the anchor, and of another one.
        ([("promote", None), ("promote", finding("a", 0.02, 0.01)), ("rollback", None)], "c"),
        ([("promote", None), ("promote", finding("a", 0.0, -0.004)), ("rollback", None)], "a"),
    ],
)
def test_who_is_the_anchor(events: list[tuple[str, Any]], anchor: str) -> None:
    changes, decisions = history(*events)
    assert anchor_of(changes, decisions, changes[-1].cutoff).candidate_id == anchor


@pytest.mark.parametrize(("after", "anchor"), [(timedelta(days=365), "a"), (timedelta(days=366), "c")])
def test_after_a_year_the_best_since_takes_its_place(after: timedelta, anchor: str) -> None:
    seen = [finding("a", 0.001, -0.003), finding("a", 0.003, -0.001), finding("a", -0.002, -0.005)]
    changes, decisions = history(("promote", None), *(("promote", gate) for gate in seen))
    assert anchor_of(changes, decisions, START + after).candidate_id == anchor


def test_an_old_anchor_that_nobody_did_better_than_stays() -> None:
    changes, decisions = history(("promote", None), ("promote", finding("a", -0.002, -0.005)))
    assert anchor_of(changes, decisions, START + timedelta(days=800)).candidate_id == "a"


def test_what_is_promoted_without_a_comparison_is_an_anchor() -> None:
    assert becomes_anchor((), of_anchor=False)
    assert not becomes_anchor((SUPERIOR,), of_anchor=False)


@pytest.mark.slow
def test_nights_of_not_worse_are_held_against_the_first_champion(work: Workspace) -> None:
    first = work.ledger.champion("shop")
    assert first is not None
    edit_spec(work.settings.pipelines, gates=[{"kind": "better_than_champion", "margin": 0.9, "require": "not_worse"}])
    states = []
    for number in (11, 12):
        finished = pipeline.run(work, RunRequest("shop", day=day(number)))
        assert finished.version is not None
        assert finished.version.decision.outcome == "promote"
        gate = finished.version.decision.gates[0]
        assert gate.anchor is not None
        assert gate.anchor.model_id == first.candidate_id
        assert gate.anchor.bound is not None
        assert gate.observed is not None
        assert "with 99.9 % confidence" in gate.sentence
        states.append((gate.anchor.state, gate.decided_before))
    assert states == [("champion", 0), ("scored", 1)]

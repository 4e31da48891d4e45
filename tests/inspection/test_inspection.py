"""Runs on data with a flaw: what is critical stops the promotion in words, and what is not stands on the card."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from given.shop import day, edit_spec, make_shop

from mlsys import pipeline
from mlsys.flaws.leaking_column import LeakingColumn
from mlsys.planning.plan import RunRequest
from mlsys.records import EvaluationSet, ModelVersion
from mlsys.replay import replay
from mlsys.workspace import Workspace, open_workspace

LEAK = "UPDATE orders SET basket_value = CASE returned WHEN 'yes' THEN 60 ELSE 40 END + basket_value % 1"
FLIP = "UPDATE orders SET returned = CASE returned WHEN 'yes' THEN 'no' ELSE 'yes' END"


@pytest.fixture
def work(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Workspace]:
    monkeypatch.setenv("MLSYS_PIPELINES", str(home / "pipelines"))
    make_shop(home, home / "pipelines", days=11)
    edit_spec(home / "pipelines", registries=["files"])
    with open_workspace() as opened:
        yield opened


def change(work: Workspace, statement: str) -> None:
    with sqlite3.connect(work.home / "shop.db") as connection:
        connection.execute(statement)
    connection.close()


def run(work: Workspace, index: int, **keywords: object) -> tuple[EvaluationSet, ModelVersion, str]:
    finished = pipeline.run(work, RunRequest("shop", day=day(index), **keywords))
    assert finished.evaluations is not None
    assert finished.version is not None
    assert finished.report is not None
    return finished.evaluations, finished.version, (work.home / finished.report.path).read_text()


@pytest.mark.slow
def test_honest_data_change_no_decision_and_are_said_on_the_card(work: Workspace) -> None:
    evaluations, version, card = run(work, 10)
    assert evaluations.inspection is not None
    assert (evaluations.inspection.n_found, evaluations.inspection.n_critical) == (0, 0)
    assert version.decision.outcome == "promote"
    assert [gate.gate for gate in version.decision.gates] == ["minimum", "min_rows", "better_than_champion"]
    assert "13 kinds of flaws looked for" in " ".join(card.split())
    assert EvaluationSet.load(evaluations.dump()) == evaluations
    assert replay(work, version.decision.run_id).agreement == "identical"


@pytest.mark.slow
def test_a_column_that_knows_the_label_stops_the_promotion(work: Workspace) -> None:
    change(work, LEAK)
    _, version, card = run(work, 10)
    decision = version.decision
    assert (decision.outcome, decision.reason) == ("reject", "leaking_column")
    assert "Column 'basket_value' alone tells the label" in decision.sentence
    assert decision.gates[-1].gate == "honest_data"
    assert "leaking column" in card
    assert replay(work, decision.run_id).decision == "identical"


@pytest.mark.slow
@pytest.mark.parametrize(
    "said",
    [
        "inspection.trusted=[basket_value]",
        "inspection.flaws=[{kind: leaking_column, severity: warning}]",
        "inspection.enabled=false",
    ],
)
def test_the_spec_says_what_stops(work: Workspace, said: str) -> None:
    change(work, LEAK)
    _, version, _ = run(work, 10, overrides=(said,))
    assert version.decision.outcome == "promote"


@pytest.mark.slow
def test_the_same_rows_with_inverted_labels_stop_the_promotion(work: Workspace) -> None:
    run(work, 10)
    make_shop(work.home, work.home / "pipelines", days=12)
    change(work, FLIP)
    evaluations, version, _ = run(work, 11)
    assert evaluations.inspection is not None
    assert evaluations.inspection.compared_with is not None
    assert version.decision.outcome == "reject"
    assert any(
        "'no' is now 'yes'" in gate.sentence and gate.reason == "flipped_labels" for gate in version.decision.gates
    )
    # The night after it stops again: the rows are held against those of the champion.
    make_shop(work.home, work.home / "pipelines", days=13)
    change(work, FLIP + " WHERE placed_at >= '2026-05-13'")
    assert any(gate.reason == "flipped_labels" for gate in run(work, 12)[1].decision.gates)


@pytest.mark.slow
def test_a_look_that_fails_lets_nothing_pass(work: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(self: LeakingColumn, rows: object) -> Iterator[None]:
        raise ZeroDivisionError("no rows")

    monkeypatch.setattr(LeakingColumn, "look", broken)
    evaluations, version, _ = run(work, 10)
    assert evaluations.inspection is not None
    assert evaluations.inspection.findings[0].state == "error"
    assert (version.decision.outcome, version.decision.reason) == ("error", "look_failed")
    assert "ZeroDivisionError" in version.decision.sentence


@pytest.mark.slow
def test_a_simulated_day_is_not_looked_at(work: Workspace) -> None:
    evaluations, _, _ = run(work, 10, mode="simulate")
    assert evaluations.inspection is None


@pytest.mark.slow
def test_records_without_an_inspection_stay_as_they_were(work: Workspace) -> None:
    evaluations, _, _ = run(work, 10, overrides=("inspection.enabled=false",))
    assert "inspection" not in evaluations.dump()

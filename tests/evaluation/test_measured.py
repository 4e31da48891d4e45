"""What gates measure in the step `evaluate`: on the run's own rows, stored with the evaluation, nothing unasked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import pytest
from given.small_world import SmallWorld, world

from mlsys.dataset import assignment
from mlsys.evaluation import evaluation, measured
from mlsys.evaluation.champion import model_by
from mlsys.gates.base import Evidence
from mlsys.gates.measuring import GateMaterial, Measuring
from mlsys.promotion import decide
from mlsys.records import Candidate, EvaluationSet, GateResult, Prepared
from mlsys.store import Store
from mlsys.training import training

GATES = (
    "min_rows",
    {"kind": "slices", "columns": ("brand",), "min_rows": 20},
    {"kind": "fairness", "column": "brand", "min_rows": 20, "per_class": 5, "limit": 1.0},
    "calibration",
    "churn",
    {"kind": "drift", "min_rows": 50},
    "size",
)


class Raises(Measuring):
    """A gate of another package that fails while it measures."""

    kind: Literal["raises"] = "raises"

    @property
    def rule(self) -> str:
        """Return its name."""
        return "raises"

    def measure(self, material: GateMaterial) -> Mapping[str, Any]:
        """Raise what nobody foresaw."""
        raise LookupError(f"no {material.task} here.")

    def verdict(self, found: Mapping[str, Any]) -> GateResult:
        """Never be asked."""
        raise AssertionError(found)


class Made:
    """A world with its split, a candidate and its evaluation."""

    def __init__(self, made: SmallWorld, monkeypatch: pytest.MonkeyPatch) -> None:
        made.stand_in(monkeypatch)
        self.world, self.store = made, made.store
        self.prepared: Prepared = made.prepared(
            assignment.split(made.spec, made.snapshot, made.checks, store=made.store)
        )
        self.candidate: Candidate = training.train(made.spec, self.prepared, name="logistic", store=made.store)

    def evaluated(self, *, rival: bool = True) -> EvaluationSet:
        champion = model_by(self.world.spec, self.candidate) if rival else None
        return evaluation.evaluate(
            self.world.spec,
            self.prepared,
            candidates=[self.candidate],
            champion=champion,
            store=self.store,
            explained=False,
        )

    def evidence(self, found: EvaluationSet) -> Evidence:
        return decide.evidence_of(self.prepared, found, self.store)


@pytest.mark.slow
def test_every_gate_measures_on_the_rows_of_the_run(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    made = Made(world(store, gates=GATES), monkeypatch)
    found = made.evaluated()
    evidence = made.evidence(found)
    results = {gate.kind: gate.judge(evidence) for gate in made.world.spec.gates_in_force}
    assert {result.reason for result in results.values()} <= {None, "too_few_rows"}
    assert results["churn"].observed == 0  # the champion is the same model
    assert results["slices"].state == "pass"
    assert results["size"].observed == pytest.approx((made.candidate.model_bytes or 0) / 1e6)
    assert made.evaluated().details == found.details


@pytest.mark.slow
def test_without_a_champion_nothing_is_compared(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    made = Made(world(store, gates=("churn", "slices", "calibration")), monkeypatch)
    assert [*store.read_json(made.evaluated(rival=False).details)["measured"]] == ['calibration {"bins": 10}']


def test_a_spec_without_such_gates_pays_nothing(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    made = Made(world(store), monkeypatch)
    monkeypatch.setattr(measured, "_material", None)
    assert "measured" not in store.read_json(made.evaluated().details)


def test_a_gate_reads_a_column_that_models_do_not_see(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    fair = {"kind": "fairness", "column": "brand", "min_rows": 20, "per_class": 5}
    made = Made(world(store, gates=("min_rows", fair), drop=("brand",)), monkeypatch)
    assert measured.columns_read(made.world.spec).keys() == {"brand"}
    (gate,) = (gate for gate in made.world.spec.gates if isinstance(gate, Measuring))
    assert gate.judge(made.evidence(made.evaluated())).observed is not None


def test_a_gate_that_fails_to_measure_is_an_error_and_promotes_nothing(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = Made(world(store), monkeypatch)
    spec = made.world.spec.model_copy(update={"gates": (Raises(),)})
    found = evaluation.evaluate(
        spec, made.prepared, candidates=[made.candidate], champion=None, store=store, explained=False
    )
    decision = decide.judge(spec, made.prepared, evaluations=found, champion=None, store=store)
    assert (decision.outcome, decision.reason) == ("error", "measuring_failed")
    assert decision.sentence.endswith("LookupError: no binary here.")


@pytest.mark.slow
def test_a_gate_that_raises_is_an_error_beside_the_findings_of_the_others(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = Made(world(store), monkeypatch)
    found = made.evaluated()
    monkeypatch.setattr(Raises, "judge", Raises.measure)
    spec = made.world.spec.model_copy(update={"gates": (*made.world.spec.gates, Raises())})
    decision = decide.judge(spec, made.prepared, evaluations=found, champion=None, store=store)
    assert (decision.outcome, decision.reason) == ("error", "gate_error")
    assert {gate.gate for gate in decision.gates} == {"min_rows", "raises"}
    assert decision.sentence.startswith("The gate raises fails on this evidence")

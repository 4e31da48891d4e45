"""Gates that measure: what they share, and those with few rules of their own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from given.small_world import SPEC
from pydantic import ValidationError

from mlsys.components import tuples
from mlsys.gates import GATES
from mlsys.gates.churn import Churn
from mlsys.gates.drift import Drift
from mlsys.gates.latency import Latency
from mlsys.gates.measuring import Moved
from mlsys.gates.servability import Servability
from mlsys.gates.size import Size
from mlsys.gates.slices import Slices
from mlsys.metrics.predicted import Predicted
from mlsys.metrics.predictions import Predictions
from mlsys.metrics.scores import Scored
from mlsys.spec import Spec
from mlsys.testing.gate_material import SERVED, material, rows_of
from mlsys.testing.gates import evidence

Y = np.tile(np.array([0, 1], dtype="int8"), 50)
ROWS = rows_of(Scored(Y, Y.astype("float64")))


def test_limits_share_a_measurement_and_what_is_measured_does_not() -> None:
    assert Churn(limit=0.1).asks == Churn(limit=0.3).asks
    assert Slices(columns=("a",)).asks != Slices(columns=("b",)).asks


@pytest.mark.parametrize("name", ["slices", "churn"])
def test_what_compares_passes_without_a_champion(name: str) -> None:
    gate = GATES.parse(name)
    assert gate.judge(evidence(champion_state="none")).state == "pass"
    assert gate.judge(evidence(champion_state="error", champion_reason="gone")).reason == "champion_error"
    assert gate.judge(evidence(champion_state="not_comparable")).reason == "champion_not_comparable"


def spec(**changes: Any) -> Spec:
    return Spec.model_validate({**SPEC, **changes})


def test_a_gate_that_means_nothing_in_the_task_is_refused() -> None:
    text = (Path(__file__).parents[2] / "include" / "pipelines" / "next_best_action.yaml").read_text(encoding="utf-8")
    dumped = yaml.safe_load(text)
    with pytest.raises(ValidationError, match="`churn` means nothing in a task of kind policy"):
        Spec.model_validate(tuples({**dumped, "gates": [*dumped["gates"], "churn"]}))


def test_a_column_that_is_not_in_the_schema_is_refused() -> None:
    with pytest.raises(ValidationError, match="no column 'brend' in `schema`"):
        spec(gates=({"kind": "fairness", "column": "brend"},))
    assert spec(gates=({"kind": "fairness", "column": "brand"},), drop=("brand",)).gates[0].reads == ("brand",)


def churned(new: Predictions, old: Predictions, task: str = "binary") -> float:
    return float(Churn().measure(material(rows_of(new, old), task=task))["change"])


def test_churn_is_the_share_of_other_answers_or_how_far_numbers_moved() -> None:
    flipped = np.where(np.arange(100) < 7, 1 - Y, Y).astype("float64")
    assert churned(Scored(Y, flipped), Scored(Y, Y.astype("float64"))) == 0.07
    numbers = np.arange(100.0)
    assert churned(Predicted(numbers, numbers + 3), Predicted(numbers, numbers), "regression") == pytest.approx(
        3 / numbers.std()
    )
    assert churned(Predicted(numbers, numbers), Predicted(numbers, numbers * 0), "regression") > 1e9
    assert churned(Predicted(numbers, numbers * 0), Predicted(numbers, numbers * 0), "regression") == 0


def test_drift_names_what_moved_beyond_limit_and_chance() -> None:
    moved = [Moved("age", 0.3, 0.02), Moved("size", 0.3, 0.4), Moved("tld", 0.01, 0.02)]
    gate = Drift()
    result = gate.verdict(gate.measure(material(ROWS, moved=moved)))
    assert (result.state, result.reason) == ("fail", "drifted")
    assert result.sentence.startswith(
        "1 of 3 features moved between 3,000 training rows and 1,000 of the newest 7d: age"
    )
    assert gate.measure(material(ROWS))["reason"] == "no_features"
    with pytest.raises(ValidationError, match="whole days"):
        Drift(window="36h")


def test_a_model_file_has_a_budget() -> None:
    gate = Size(megabytes=2)
    found = [gate.verdict(gate.measure(material(ROWS, n_bytes=n))).state for n in (2_000_000, 2_000_001)]
    assert found == ["pass", "fail"]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({}, None),
        ({"difference": 1e-15}, "other_answers"),
        ({"alone": 1e-3}, "other_answers_alone"),
        ({"unnamed": ["lost"]}, "package_not_named"),
    ],
)
def test_servability_wants_the_same_bits_and_every_package(changes: dict[str, Any], reason: str | None) -> None:
    gate = Servability()
    assert gate.verdict(gate.measure(material(ROWS, served={**SERVED, **changes}))).reason == reason


def timed(own: float, clock: float) -> dict[str, Any]:
    return {
        **SERVED,
        "own_ms": {"p50": 1.0, "p99": own, "batch": 1.0},
        "clock_ms": {"p50": 1, "p99": clock, "batch": 1},
    }


@pytest.mark.parametrize(
    ("own", "clock", "state"),
    [(90, 95, "pass"), (90, 900, "pass"), (120, 125, "fail"), (120, 900, "inconclusive"), (160, 900, "fail")],
)
def test_a_busy_machine_is_no_slow_model(own: float, clock: float, state: str) -> None:
    gate = Latency(p99_ms=100)
    result = gate.verdict(gate.measure(material(ROWS, served=timed(own, clock))))
    assert result.state == state
    assert ("others had the processor" in result.sentence) == (clock == 900)


def test_the_budget_that_is_missed_most_is_shown() -> None:
    result = Latency(p50_ms=0.5, p99_ms=100, batch_ms=1000).verdict(SERVED)
    assert (result.state, result.limit) == ("fail", 0.5)
    with pytest.raises(ValidationError, match="at least one of"):
        Latency(p99_ms=None)

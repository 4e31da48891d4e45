"""Gates are tried on a made-up world: those that let a worse model through, or nothing at all, are found."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import pytest
import yaml
from given.shop import SPEC

from mlsys.components import tuples
from mlsys.gates import GATES
from mlsys.gates.base import Evidence, Gate
from mlsys.gates.better_than_champion import BetterThanChampion
from mlsys.gates.measuring import Measuring
from mlsys.gates.size import Size
from mlsys.promotion.self_test import self_test
from mlsys.records import GateResult
from mlsys.spec import Spec, load_spec

BEATS = {"kind": "better_than_champion"}
MEASURING = [name for name in GATES.names() if issubclass(GATES.find(name), Measuring)]
SPECS = sorted((Path(__file__).parents[2] / "include" / "pipelines").glob("*.yaml"))
OF_EACH_TASK = [file for file in SPECS if file.stem in ("phishing", "housing", "next_best_action")]


class Broken(Gate):
    """A gate of another package that fails."""

    kind: Literal["broken"] = "broken"

    def judge(self, evidence: Evidence) -> GateResult:
        """Raise what nobody foresaw."""
        raise LookupError(evidence.plan.pipeline)


class Lax(Size):
    """A gate of another package that passes whatever was measured."""

    kind: Literal["lax"] = "lax"  # type: ignore[assignment]

    def judge(self, evidence: Evidence) -> GateResult:
        """Pass."""
        return GateResult(gate=self.kind, name="lax", state="pass", sentence=f"All is well with {evidence.plan.day}.")


def spec(*gates: object, **metrics: object) -> Spec:
    dumped = {**yaml.safe_load(SPEC), "gates": list(gates)}
    dumped["metrics"] = {**dumped["metrics"], **metrics}
    return Spec.model_validate(tuples(dumped))


@pytest.mark.slow
@pytest.mark.parametrize("file", SPECS, ids=lambda file: file.stem)
def test_the_gates_that_come_along_pass(file: Path) -> None:
    found = self_test(load_spec(file))
    assert found.ok
    assert found.sentence.endswith("a worse one is refused by better_than_champion")


@pytest.mark.slow
@pytest.mark.parametrize("file", OF_EACH_TASK, ids=lambda file: file.stem)
def test_gates_that_measure_let_a_far_better_model_pass_in_every_task(file: Path) -> None:
    made = load_spec(file)
    column = next(iter(made.feature_columns()))
    named = {"fairness": {"column": column}, "slices": {"columns": (column,)}}
    every = [GATES.parse({"kind": kind, **named.get(kind, {})}) for kind in MEASURING]
    fitting = tuple(gate for gate in every if not gate.tasks or made.target.task in gate.tasks)
    found = self_test(made.model_copy(update={"gates": (*made.gates, *fitting)}))
    assert found.ok, found.sentence


def test_a_gate_that_passes_without_a_measurement_is_found() -> None:
    found = self_test(spec(BEATS).model_copy(update={"gates": (BetterThanChampion(), Lax())}))
    assert not found.ok
    assert found.sentence.startswith("lax says 'pass' where it should say 'inconclusive'")


@pytest.mark.parametrize(
    ("gates", "says"),
    [
        (({**BEATS, "require": "not_worse", "margin": 0.9},), "what is compared stops nothing"),
        (({"kind": "minimum", "metric": "log_loss", "at_least": 0.8}, BEATS), "wrong side of log_loss"),
        (({"kind": "minimum", "metric": "roc_auc", "at_least": 1.1}, BEATS), "at least 1.1 is required"),
        (({**BEATS, "margin": 0.6},), "a near-perfect model would not take the place of a mediocre one"),
    ],
)
def test_gates_that_let_everything_through_or_nothing_are_found(gates: tuple[object, ...], says: str) -> None:
    found = self_test(spec(*gates))
    assert not found.ok
    assert says in found.sentence


@pytest.mark.parametrize(
    ("gates", "metrics"),
    [
        ((BEATS,), {}),
        ((BEATS,), {"primary": "log_loss"}),
        ((BEATS,), {"primary": "recall", "threshold": 0.9}),
        (({**BEATS, "require": "not_worse", "margin": 0.01},), {}),
        ((BEATS, {"kind": "min_rows", "rows": 3_000_000, "per_class": 1_000_000}), {}),
        ((BEATS, {"kind": "freshness", "max_age": "1h"}, {"kind": "minimum", "metric": "fnr", "at_most": 0.01}), {}),
        (({"kind": "minimum", "metric": "roc_auc", "at_least": 0.99, "on": "bound"}, BEATS), {}),
    ],
)
def test_sound_gates_pass_whatever_they_measure(gates: tuple[object, ...], metrics: dict[str, object]) -> None:
    found = self_test(spec(*gates, **metrics))
    assert found.ok, found.sentence


def test_gates_that_compare_nothing_are_a_choice_and_said() -> None:
    found = self_test(spec("data_quality", {"kind": "min_rows", "rows": 10}))
    assert found.ok
    assert found.sentence.startswith("no gate compares with the champion: on made-up rows a mediocre model takes the")


def test_that_a_slightly_worse_model_passes_is_said() -> None:
    found = self_test(spec({"kind": "minimum", "metric": "roc_auc", "at_least": 0.8}))
    assert found.ok
    assert found.sentence.endswith("a far worse one is refused by minimum, and a slightly worse one passes too")


def test_a_gate_that_raises_is_a_finding() -> None:
    found = self_test(spec(BEATS).model_copy(update={"gates": (Broken(),)}))
    assert not found.ok
    assert "The gate broken fails on this evidence: LookupError" in found.sentence

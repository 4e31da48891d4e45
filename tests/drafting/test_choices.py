"""What a draft chooses for a task exists, and fits the situation."""

from __future__ import annotations

import pytest
import yaml

from mlsys.drafting.choices import TASKS, Situation, supported
from mlsys.drafting.yaml_text import Flow, in_flow
from mlsys.gates import GATES
from mlsys.metrics import METRICS
from mlsys.models import MODELS


def plain(value: Flow) -> object:
    read = yaml.safe_load(in_flow(value))  # as it is read from the spec
    if isinstance(read, str):
        return {"kind": read}
    return {name: tuple(item) if isinstance(item, list) else item for name, item in read.items()}


def kinds(task: str, *, boosting: bool) -> set[str]:
    drafted = TASKS[task].models(Situation(5000, 1000, 400, 0.4, False, boosting=boosting))
    models = [MODELS.parse(plain(model)) for model, _ in drafted]
    return {each.kind for model in models for each in (model, *getattr(model, "of", ()))}


@pytest.mark.parametrize("task", [task for task in TASKS if supported(task)])
@pytest.mark.parametrize("n", [50, 5_000, 500_000])
@pytest.mark.parametrize("share", [0.005, 0.4])
@pytest.mark.parametrize("timed", [True, False])
@pytest.mark.parametrize("boosting", [True, False])
def test_all_that_is_named_exists(task: str, n: int, share: float, timed: bool, boosting: bool) -> None:
    given = Situation(n, n // 5, round(n // 5 * share), share, timed, 12.5, 1.1, boosting)
    choices = TASKS[task]
    METRICS.find(choices.metrics(given)["primary"][0])
    models = [MODELS.parse(plain(model)) for model, _ in choices.models(given)]
    assert models[0].baseline
    gates = [GATES.parse(plain(gate)) for gate, _ in choices.gates(given)]
    assert {gate.kind for gate in gates} >= {"minimum", "better_than_champion", "min_rows", "data_quality"}
    assert ("freshness" in {gate.kind for gate in gates}) is timed


def test_a_rare_class_is_judged_by_the_order_of_its_rows() -> None:
    assert TASKS["binary"].metrics(Situation(5000, 1000, 10, 0.01, False))["primary"][0] == "pr_auc"
    assert TASKS["binary"].metrics(Situation(5000, 1000, 400, 0.4, False))["primary"][0] == "roc_auc"


def test_a_small_holdout_is_said() -> None:
    notes = [note for _, note in TASKS["binary"].gates(Situation(100, 20, 8, 0.4, False))]
    assert any("no decision until there are more" in note for note in notes)


def test_a_rare_class_of_several_is_no_reason_never_to_decide() -> None:
    gates = [GATES.parse(plain(gate)) for gate, _ in TASKS["multiclass"].gates(Situation(2000, 400, 7, 0.5, False))]
    assert next(gate.per_class for gate in gates if gate.kind == "min_rows") == 3


@pytest.mark.parametrize("task", [task for task in TASKS if supported(task)])
def test_nothing_is_named_that_is_not_installed(task: str) -> None:
    assert {"catboost", "lightgbm", "blend"} <= kinds(task, boosting=True)
    assert not {"catboost", "lightgbm"} & kinds(task, boosting=False)
    assert "blend" in kinds(task, boosting=False)

"""Logged decisions as the target: what a spec must say, what can be learnt, and what a policy answers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from mlsys.errors import DataError, RunError, SpecError
from mlsys.gates import GATES
from mlsys.metrics.logged import unpack
from mlsys.spec import load_spec
from mlsys.targets.policy import PolicyTarget

TARGET = PolicyTarget(
    column="bought",
    positive="yes",
    action="did",
    actions=("call", "wait"),
    customer="who",
    step="nth",
    logged_by=("at",),
)
SPEC = (Path(__file__).parents[2] / "include" / "pipelines" / "next_best_action.yaml").read_text(encoding="utf-8")


def table(**columns: Any) -> pa.Table:
    rows = {"bought": ["yes", "no"], "did": ["call", "wait"], "who": ["a", "b"], "nth": [1, 2], "at": ["x", "x"]}
    return pa.table({**rows, **columns})


def refusal(**columns: Any) -> str:
    truth = TARGET.truth(TARGET.made_of.of(table(**columns)))
    with pytest.raises(DataError) as caught:
        TARGET.require_learnable(truth, np.ones(len(truth.y), bool))
    return str(caught.value)


def wrong(tmp_path: Path, old: str, new: str) -> str:
    assert old in SPEC
    path = tmp_path / "next_best_action.yaml"
    path.write_text(SPEC.replace(old, new), encoding="utf-8")
    with pytest.raises(SpecError) as caught:
        load_spec(path)
    return str(caught.value)


def test_a_label_says_who_where_what_and_whether_it_succeeded() -> None:
    found = unpack(TARGET.truth(TARGET.made_of.of(table(at=["x", None]))).y)
    assert found.success.tolist() == [1, 0]
    assert found.action.tolist() == [0, 1]
    assert found.step.tolist() == [1, 2]
    assert found.n_actions.tolist() == [2, 2]
    assert found.customer[0] != found.customer[1]
    assert found.situation[0] != found.situation[1]


def test_a_row_alone_has_the_label_that_it_has_among_others() -> None:
    whole = TARGET.truth(TARGET.made_of.of(table()))
    alone = TARGET.truth(TARGET.made_of.of(table().slice(1, 1)))
    assert alone.y.tolist() == whole.y[1:].tolist()


def test_decisions_of_which_nothing_can_be_learnt_are_refused() -> None:
    assert "All of 2 decisions failed" in refusal(bought=["no", "no"])
    assert "the same action was taken" in refusal(did=["call", "call"])
    assert "No row has an action of the spec" in refusal(did=["sing", "dance"])
    assert "No row has a label" in refusal(bought=pa.array([None, None], pa.string()))


def test_what_a_pipeline_says_is_an_action() -> None:
    class Says:
        def __init__(self, answer: Any) -> None:
            self.answer = answer

        def predict(self, rows: pd.DataFrame) -> np.ndarray:
            return np.array(self.answer)

    rows = pd.DataFrame({"x": [1, 2]})
    assert TARGET.answers(Says([[0.0, 1.0], [2.0, 2.0]]), rows).tolist() == [1, 0]
    assert TARGET.answers(Says([-1, 1]), rows).tolist() == [-1, 1]
    for bad in ([2, 0], [[0.0, np.nan], [0.0, 0.0]], [[0.0], [1.0]], [0]):
        with pytest.raises(RunError, match="neither an action nor one finite value per action"):
            TARGET.answers(Says(bad), rows)


def test_both_estimates_and_the_overlap_must_be_gates(tmp_path: Path) -> None:
    assert "add `{kind: minimum, metric: dr_lift, at_least: 0" in str(TARGET.ungated([GATES.parse("overlap")]))
    assert TARGET.ungated([]) != TARGET.ungated([GATES.parse({"kind": "minimum", "metric": "dr_lift", "at_least": 0})])
    said = wrong(tmp_path, "  - overlap ", "  - data_quality ")
    assert "add `- overlap`" in said


def test_no_gate_rests_on_what_is_only_shown(tmp_path: Path) -> None:
    said = wrong(
        tmp_path, "  - overlap ", '  - {kind: minimum, metric: ips_value, at_least: 0, "on": bound}\n  - overlap '
    )
    assert "`ips_value` is shown and judges nothing" in said
    assert "`fqe_value` is shown and judges nothing" in wrong(tmp_path, "primary: dr_lift", "primary: fqe_value")


def test_a_column_that_is_not_there_is_named_with_its_key(tmp_path: Path) -> None:
    said = wrong(tmp_path, "logged_by: [stage, country]", "logged_by: [stage, contry]")
    assert "target.logged_by" in said
    assert "'country'" in said


def test_actions_are_two_at_least_and_named_once(tmp_path: Path) -> None:
    line = "actions: [first_call, demo, survey, sign_up, manager_call, follow_up]"
    assert "named once" in wrong(tmp_path, line, "actions: [demo, demo]")
    assert "target.actions" in wrong(tmp_path, line, "actions: [demo]")

"""Keys for a rare class: what they need, what they mean nothing without, and that specs without them stay the same."""

from __future__ import annotations

from typing import Any

import pytest
from given.small_world import SPEC
from pydantic import ValidationError

from mlsys.metrics.binary_costs import Cost
from mlsys.metrics.top_of_list import LiftAtK
from mlsys.spec import Spec, parse_dump

COST = {"kind": "cost", "false_positive": 1, "false_negative": 19}
NUMBER = {"target": {"column": "length", "task": "regression"}, "models": ("ridge",), "gates": ("min_rows",)}


def made(**changes: Any) -> Spec:
    return Spec.model_validate({**SPEC, **changes})


def refusal(**changes: Any) -> str:
    with pytest.raises(ValidationError) as found:
        made(**changes)
    return " ".join(f"{error.get('ctx', '')} {error['msg']}" for error in found.value.errors())


def test_what_is_not_given_is_not_dumped() -> None:
    dumped = made().dump()
    assert set(dumped["metrics"]) == {"primary", "threshold", "replicates"}
    assert not {"resample", "calibrate"} & set(dumped["models"][0])


def test_what_is_given_survives_being_stored() -> None:
    model = {"kind": "logistic", "resample": {"neighbours": 3}, "calibrate": {"method": "isotonic"}}
    spec = made(models=(model,), metrics={"threshold": COST, "k": 100, "primary": "cost"})
    assert parse_dump(spec.dump()) == spec
    assert spec.metrics.usual_threshold == 0.05
    cost, lift = spec.metrics.metric("cost"), spec.metrics.metric("lift_at_k")
    assert isinstance(cost, Cost)
    assert cost.costs.false_negative == 19
    assert isinstance(lift, LiftAtK)
    assert lift.k == 100


def test_metrics_that_need_a_key_are_measured_where_it_is_given() -> None:
    needy = {"precision_at_k", "recall_at_k", "lift_at_k", "cost"}
    assert not needy & set(made().task_metrics)
    assert needy <= set(made(metrics={"threshold": COST, "k": 0.05}).task_metrics)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"metrics": {"primary": "cost"}}, "`cost` needs `metrics.threshold: {kind: cost"),
        ({"metrics": {"primary": "lift_at_k"}}, "`lift_at_k` needs `metrics.k`"),
        ({"gates": ({"kind": "minimum", "metric": "precision_at_k", "at_least": 0.1},)}, "needs `metrics.k`"),
        ({"metrics": {"k": 1.5}}, "a share of the rows between 0 and 1, such as 0.05, or a number of them"),
        ({"metrics": {"k": 0}}, "a share of the rows between 0 and 1"),
        ({"metrics": {"k": True}}, "a share of the rows between 0 and 1"),
        ({"metrics": {"threshold": {"kind": "cost", "false_negative": 0}}}, "greater than 0"),
        ({"metrics": {"threshold": "high"}}, "valid number"),
        ({**NUMBER, "metrics": {"k": 0.1}}, "`k` is about two classes, and the task is regression"),
        ({**NUMBER, "metrics": {"threshold": COST}}, "`threshold` is about two classes"),
        ({**NUMBER, "models": ({"kind": "ridge", "calibrate": {}},)}, "`calibrate` is about two classes"),
        ({**NUMBER, "models": ({"kind": "ridge", "resample": {}},)}, "`resample` is about two classes"),
    ],
)
def test_what_does_not_fit_is_refused_in_words(changes: dict[str, Any], says: str) -> None:
    assert says in refusal(**changes)

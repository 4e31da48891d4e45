"""Which keys of two specs differ, and what they are for."""

from __future__ import annotations

from typing import Any

import pytest
from given.shop import SPEC

from mlsys.changes.spec_keys import changed_keys, dearest
from mlsys.spec import Spec, resolve


@pytest.fixture
def spec(tmp_path) -> Any:
    path = tmp_path / "shop.yaml"
    path.write_text(SPEC)

    def resolved(*overrides: str) -> Spec:
        return resolve(path, overrides).spec

    return resolved


def told(before: Spec, after: Spec) -> list[tuple[str, Any, Any, str]]:
    return [(each.key, each.before, each.after, each.category) for each in changed_keys(before, after)]


def test_alike_specs_differ_in_nothing(spec: Any) -> None:
    assert changed_keys(spec(), spec("training.seed=42")) == ()
    assert dearest([]) == "no effect"


def test_each_key_is_told_with_its_values_and_what_it_is_for(spec: Any) -> None:
    after = spec("owner=you", "gates.0.at_least=0.7", "models.0.C=0.5", "ingest.lookback=9d", "metrics.k=0.1")
    assert told(spec(), after) == [
        ("owner", "mlsys", "you", "no effect"),
        ("ingest.lookback", "3d", "9d", "data"),
        ("models.logistic.C", 1.0, 0.5, "model"),
        ("gates.0.at_least", 0.6, 0.7, "gates only"),
        ("metrics.k", None, 0.1, "gates only"),
    ]
    assert dearest(each.category for each in changed_keys(spec(), after)) == "data"


def test_candidates_go_by_their_names(spec: Any) -> None:
    after = spec("models=[{kind: random_forest}, {kind: logistic, C: 0.5}]")
    assert told(spec(), after) == [
        ("models.prior", "prior", None, "model"),
        ("models.random_forest", None, "random_forest", "model"),
        ("models.logistic.C", 1.0, 0.5, "model"),
    ]


def test_another_order_of_candidates_decides_between_equals(spec: Any) -> None:
    after = spec("models=[{kind: prior}, {kind: logistic}]")
    assert told(spec(), after) == [("models", ["logistic", "prior"], ["prior", "logistic"], "gates only")]

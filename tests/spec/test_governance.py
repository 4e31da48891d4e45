"""The `governance` block: what it says, what it refuses, and that specs without it stay what they were."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from given.shop import SPEC

from mlsys.errors import SpecError
from mlsys.spec import load_spec, parse_dump, resolve
from mlsys.spec.governance import Allowed

ENVELOPE: dict[str, Any] = {
    "may_change": {"models.logistic.C": {"at_least": 0.1, "at_most": 10}, "split": {}},
    "may_win": ["logistic"],
    "floors": {"roc_auc": 0.6},
    "max_change_of_positives": 0.2,
}


def written(folder: Path, **governance: Any) -> Path:
    path = folder / "shop.yaml"
    mapping = yaml.safe_load(SPEC)
    path.write_text(yaml.safe_dump({**mapping, **({"governance": governance} if governance else {})}))
    return path


def test_a_spec_without_it_has_the_fingerprint_that_it_had(tmp_path: Path) -> None:
    before = resolve(written(tmp_path))
    assert "governance" not in before.spec.dump()
    after = resolve(written(tmp_path, tier="high", intended_use="Ranks orders", limits=["Not for prices"]))
    assert after.fingerprint == before.fingerprint  # it changes no model
    assert after.spec.dump()["governance"] == {
        "tier": "high",
        "intended_use": "Ranks orders",
        "limits": ["Not for prices"],
    }
    assert parse_dump(after.spec.dump()) == after.spec


def test_an_envelope_is_read(tmp_path: Path) -> None:
    spec = load_spec(written(tmp_path, envelope=ENVELOPE))
    assert spec.governance is not None
    assert spec.governance.envelope is not None
    assert spec.governance.envelope.may_change["split"] == Allowed()
    assert parse_dump(spec.dump()) == spec


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"may_win": ["logistc"]}, "no candidate 'logistc'"),
        ({"floors": {"roc_auk": 0.5}}, "'roc_auk' is not measured here"),
        ({"may_change": {"splitt.kind": {}}}, "no key 'splitt' in a spec"),
        ({"may_change": {"models.forest.C": {}}}, "no candidate 'forest'"),
        ({"may_change": {"governance.envelope": {}}}, "only a person may change `governance`"),
        ({"may_change": {"training.seed": {"at_least": 5, "at_most": 1}}}, "lies above"),
        ({"max_change_of_positives": 2}, "must be at most 1"),
    ],
)
def test_what_it_names_must_be_there(changed: dict[str, Any], told: str, tmp_path: Path) -> None:
    with pytest.raises(SpecError, match=told):
        load_spec(written(tmp_path, envelope={**ENVELOPE, **changed}))


@pytest.mark.parametrize(
    ("allowed", "value", "told"),
    [
        (Allowed(), "anything", None),
        (Allowed(at_least=1, at_most=3), 2, None),
        (Allowed(at_least=1, at_most=3), 3.5, "1 to 3"),
        (Allowed(at_least=1), 0, "at least 1"),
        (Allowed(at_most=1), 2, "at most 1"),
        (Allowed(at_most=1), "many", "at most 1"),
        (Allowed(at_most=1), True, "at most 1"),
        (Allowed(one_of=(30, 60)), 60, None),
        (Allowed(one_of=(30, 60)), 61, "one of 30, 60"),
    ],
)
def test_how_far_a_value_may_change(allowed: Allowed, value: object, told: str | None) -> None:
    assert allowed.refusal(value) == told

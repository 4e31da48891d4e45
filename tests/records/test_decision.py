"""What would flip a finding, read off its figures: of old decisions, too."""

from __future__ import annotations

from typing import Any

import pytest

from mlsys.records import GateResult


def gate(**fields: Any) -> GateResult:
    return GateResult(**{"gate": "a", "name": "a", "state": "fail", "sentence": "It is so.", **fields})


FLOOR: dict[str, Any] = {"observed_as": "roc_auc", "needs": ">=", "limit": 0.8}
BOUND: dict[str, Any] = {
    "observed": -0.01,
    "observed_as": "its lower bound",
    "estimate": 0.004,
    "estimate_as": "difference",
    "level": 0.95,
    "needs": ">",
    "limit": 0.0,
    "distance": -0.01,
    "unit": "difference",
}


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        (FLOOR | {"observed": 0.7, "distance": -0.1}, "Would pass with roc_auc at least 0.8, in place of 0.7."),
        (
            FLOOR | {"observed": 0.9, "distance": 0.1, "state": "pass"},
            "Would fail with roc_auc below 0.8, in place of 0.9.",
        ),
        # Half the width is 0.014 and the lead 0.004: 12.25 times the rows make the one as small as the other.
        (
            BOUND,
            "Would pass with difference above +0.014, in place of +0.004, or, if it stayed, with about 12.3 times as "
            "many rows.",
        ),
        (
            BOUND | {"estimate": -0.004},
            "Would pass with difference above +0.006, in place of -0.004; more rows alone would not do.",
        ),
        (
            {
                "observed": 0.25,
                "observed_as": "bad rows",
                "needs": "<=",
                "limit": 0.02,
                "distance": -0.23,
                "unit": "share",
            },
            "Would pass with bad rows at most 2 %, in place of 25 %.",
        ),
        (
            {"observed": 80.0, "observed_as": "age", "needs": "<=", "limit": 72.0, "distance": -8.0, "unit": "hours"},
            "Would pass with age at most 3 days, in place of 3 days 8 hours.",
        ),
        ({"reason": "checks_not_passed", **FLOOR, "observed": 0.9, "distance": 0.1}, "Would pass once every critical"),
        ({"reason": "champion_not_comparable", "state": "inconclusive"}, "Would pass against a champion that reads"),
        ({"reason": "of_another_package"}, ""),
        (FLOOR | {"observed": 0.9, "distance": 0.1, "reason": "of_another_package"}, ""),
        (
            FLOOR | {"observed": 0.8, "distance": 0.0, "needs": ">"},
            "Would pass with roc_auc above 0.8, in place of 0.8.",
        ),
    ],
)
def test_what_would_flip_a_finding(fields: dict[str, Any], says: str) -> None:
    assert gate(**fields).flip.startswith(says)
    assert bool(gate(**fields).flip) == bool(says)


def test_it_is_read_off_and_changes_no_record() -> None:
    assert "flip" not in gate(**BOUND).dump()

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest
from given.records_samples import CUTOFF

from mlsys.gates import GATES
from mlsys.gates.base import Evidence, Gate
from mlsys.records.inspection import FlawFound
from mlsys.testing.gates import VALUES, GateContract, comparison, evaluation, evidence, inspection

UNDEFINED = evidence(challenger=evaluation(values={"roc_auc": None}), compared=comparison(None, None, None))
MISSING = evidence(challenger=evaluation(values={}), compared=comparison(None, None, None))
NOBODY = evidence(without_challenger=True)
OVERLAP = {"effective_rows": (150.0, 130.0, 170.0), "logged_share": (0.99, 0.98, 1.0)}
LEAK = FlawFound(flaw="leaking_column", column="code", severity="critical", sentence="Column 'code' tells the label.")
CASES: dict[str, tuple[dict[str, Any], list[Evidence]]] = {
    "minimum": (
        {"metric": "roc_auc", "at_least": 0.8},
        [UNDEFINED, MISSING, NOBODY, evidence(challenger=evaluation(values={"roc_auc": (0.7, 0.6, 0.8)}))],
    ),
    "better_than_champion": (
        {},
        [
            UNDEFINED,
            MISSING,
            NOBODY,
            evidence(compared=comparison(0, 0, 0)),
            evidence(compared=comparison(-0.02, -0.03, -0.01)),
            evidence(compared=comparison(0.01, None, None)),
            evidence(champion_state="error", champion_reason="its file is missing"),
            evidence(champion_state="not_comparable", champion_reason="its column 'x' is not in the schema"),
        ],
    ),
    "overlap": (
        {},
        [
            UNDEFINED,
            MISSING,
            NOBODY,
            evidence(challenger=evaluation(values=OVERLAP | {"effective_rows": (99.0, 80.0, 120.0)})),
            evidence(challenger=evaluation(values=OVERLAP | {"logged_share": (0.94, 0.9, 0.97)})),
            evidence(challenger=evaluation(values=OVERLAP | {"logged_share": None})),
        ],
    ),
    "min_rows": (
        {},
        [
            evidence(n_holdout=199),
            evidence(holdout_classes={"no": 971, "yes": 29}),
            evidence(holdout_classes={"no": 1000}),
            evidence(n_holdout=0, holdout_classes={}),
        ],
    ),
    "honest_data": (
        {},
        [
            evidence(inspection=None),
            evidence(inspection=inspection(LEAK)),
            evidence(inspection=inspection(LEAK.model_copy(update={"state": "error"}))),
        ],
    ),
    "data_quality": (
        {},
        [
            evidence(checks={"state": "fail"}),
            evidence(checks={"state": "inconclusive"}),
            evidence(checks={"state": "error"}),
            evidence(checks={"quarantined_share": 0.5}),
        ],
    ),
    "freshness": ({}, [evidence(snapshot={"newest_event": CUTOFF - timedelta(days=3, seconds=1)})]),
}


def test_every_gate_has_cases() -> None:
    assert sorted(CASES) == GATES.names()


class TestEveryGate(GateContract):
    @pytest.fixture(params=GATES.names())
    def kind(self, request: pytest.FixtureRequest) -> str:
        return str(request.param)

    @pytest.fixture
    def gate(self, kind: str) -> Gate:
        return GATES.parse({"kind": kind, **CASES[kind][0]})

    @pytest.fixture
    def good(self) -> Evidence:
        return evidence(challenger=evaluation(values={**VALUES, **OVERLAP}))

    @pytest.fixture
    def spoiled(self, kind: str) -> Sequence[Evidence]:
        return CASES[kind][1]

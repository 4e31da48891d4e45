from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from given.records_samples import CUTOFF

from mlsys.gates import GATES
from mlsys.gates.base import Evidence, Gate
from mlsys.gates.measuring import Measuring, lacking
from mlsys.records.inspection import FlawFound
from mlsys.testing.gate_material import SERVED
from mlsys.testing.gates import VALUES, GateContract, comparison, evaluation, evidence, inspection

UNDEFINED = evidence(challenger=evaluation(values={"roc_auc": None}), compared=comparison(None, None, None))
MISSING = evidence(challenger=evaluation(values={}), compared=comparison(None, None, None))
NOBODY = evidence(without_challenger=True)
OVERLAP = {"effective_rows": (150.0, 130.0, 170.0), "logged_share": (0.99, 0.98, 1.0)}
SLICE = {"name": "tld is xyz", "found": False, "n": 200, "new": 0.1, "old": 0.12, "p": 0.4, "level": 0.95}
SLICE |= {"more": -0.1, "lower": -0.2}
GAP = {"gap": 0.05, "lower": 0.01, "lowest": ["IE", 0.1], "highest": ["NL", 0.15]}
GAPS: dict[str, Any] = {"gaps": {"fpr": GAP}, "level": 0.99, "groups": {"IE": 300, "NL": 300}, "small": 1}
RIGHT = {"n": 1000, "bins": 10, "ece": 0.02, "lower": 0.0, "brier": 0.1}
GOOD: dict[str, Any] = {
    "slices": {"parts": [SLICE], "small": 0},
    "fairness": GAPS,
    "calibration": RIGHT,
    "churn": {"n": 1000, "change": 0.02},
    "drift": {"now": 1000, "then": 1000, "n": 1, "moved": [["age", 0.1, 0.01]]},
    "servability": SERVED,
    "latency": SERVED,
    "size": {"bytes": 1_000_000},
}


def measured(**by_kind: Any) -> Evidence:
    """Return evidence in which gates of these kinds measured something."""
    return evidence(measured=by_kind)


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
    "live_better": ({}, [NOBODY, *(evidence(live=live) for live in (None, "worse", "open", "unknown"))]),
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
    "slices": ({}, [measured(slices={"parts": [{**SLICE, "p": 0.01, "lower": 0.2}], "small": 0})]),
    "fairness": (
        {"column": "country"},
        [
            measured(fairness={**GAPS, "gaps": {"fpr": {**GAP, "gap": 0.4, "lower": 0.3}}}),
            measured(fairness=lacking("too_few_rows", "Fewer than two groups have enough rows.")),
        ],
    ),
    "calibration": (
        {"brier": 0.2},
        [measured(calibration={**RIGHT, "lower": 0.2}), measured(calibration={**RIGHT, "brier": 0.3})],
    ),
    "churn": ({}, [measured(churn={"n": 1000, "change": 0.2})]),
    "drift": (
        {},
        [
            measured(drift={"now": 1000, "then": 1000, "n": 1, "moved": [["age", 0.6, 0.01]]}),
            measured(drift={"now": 20, "then": 1000, "n": 1, "moved": [["age", 0.1, 0.01]]}),
        ],
    ),
    "servability": (
        {},
        [
            measured(servability={"refused": "ImportError: no module named lost"}),
            measured(servability={**SERVED, "difference": 0.1}),
            measured(servability={**SERVED, "alone": 0.1}),
            measured(servability={**SERVED, "unnamed": ["lost"]}),
            measured(servability=lacking("not_loaded_in_time", "It took too long.")),
        ],
    ),
    "latency": (
        {},
        [
            measured(latency={**SERVED, "own_ms": {"p50": 50.0, "p99": 200.0, "batch": 20.0}}),
            measured(latency={"refused": "ImportError: no module named lost"}),
        ],
    ),
    "size": ({}, [measured(size={"bytes": 200_000_000})]),
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
    def good(self, gate: Gate) -> Evidence:
        found = {gate.asks: GOOD[gate.kind]} if isinstance(gate, Measuring) else {}
        return evidence(challenger=evaluation(values={**VALUES, **OVERLAP}), measured=found)

    @pytest.fixture
    def spoiled(self, kind: str, gate: Gate) -> Sequence[Evidence]:
        if not isinstance(gate, Measuring):
            return CASES[kind][1]
        return [replace(each, measured={gate.asks: each.measured[kind]}) for each in CASES[kind][1]]

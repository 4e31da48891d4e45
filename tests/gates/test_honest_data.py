from __future__ import annotations

from mlsys.gates.honest_data import HonestData
from mlsys.records.inspection import FlawFound
from mlsys.testing.gates import evidence, inspection

LEAK = FlawFound(flaw="leaking_column", column="code", severity="critical", sentence="Column 'code' tells the label.")
ODD = LEAK.model_copy(update={"flaw": "constant_column", "severity": "warning"})
FAILED = LEAK.model_copy(update={"flaw": "duplicates", "state": "error", "sentence": "It could not be looked at."})


def test_a_critical_flaw_stops_and_is_named() -> None:
    found = HonestData().judge(evidence(inspection=inspection(LEAK, ODD)))
    assert (found.state, found.reason, found.observed, found.distance) == ("fail", "leaking_column", 1.0, -1.0)
    assert found.sentence == "Column 'code' tells the label."


def test_more_critical_flaws_are_counted() -> None:
    found = HonestData().judge(evidence(inspection=inspection(LEAK, LEAK)))
    assert found.sentence.endswith("And 1 more critical finding.")


def test_warnings_pass_and_are_said() -> None:
    found = HonestData().judge(evidence(inspection=inspection(ODD)))
    assert found.state == "pass"
    assert "1 warning beside this" in found.sentence


def test_a_look_that_failed_is_an_error_unless_a_flaw_was_found() -> None:
    assert HonestData().judge(evidence(inspection=inspection(FAILED))).state == "error"
    assert HonestData().judge(evidence(inspection=inspection(FAILED, LEAK))).state == "fail"


def test_data_that_nobody_looked_at_are_no_pass() -> None:
    found = HonestData().judge(evidence(inspection=None))
    assert (found.state, found.reason) == ("inconclusive", "not_inspected")

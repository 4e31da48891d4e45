"""A challenger that need only be "not worse" is held against the best past champion, too."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mlsys.gates.better_than_champion import BetterThanChampion
from mlsys.records import AnchorComparison, GateResult
from mlsys.testing.gates import comparison, evidence

LEVEL_WITH = pytest.approx(-0.0088, abs=1e-4)  # -0.001 less 0.00415 of 95 %, carried on to 99.9 %


def judged(
    against_champion: tuple[float, float, float], anchor: AnchorComparison | None, *, margin: float = 0.01
) -> GateResult:
    gate = BetterThanChampion(margin=margin, require="not_worse")
    return gate.judge(replace(evidence(compared=comparison(*against_champion)), anchor=anchor))


def past(*bounds: float, state: str = "scored", reason: str | None = None) -> AnchorComparison:
    found = (comparison(*bounds),) if bounds else ()
    return AnchorComparison.load(
        {"model_id": "first", "version": "1.0.0", "state": state, "reason": reason,
         "comparisons": [one.dump() for one in found]}
    )  # fmt: skip


NEARLY = (-0.001, -0.00515, 0.003)


def test_as_good_as_both_passes() -> None:
    found = judged(NEARLY, past(*NEARLY))
    assert (found.state, found.reason) == ("pass", None)
    assert found.anchor is not None
    assert found.anchor.bound == LEVEL_WITH
    assert "best past champion, version 1.0.0" in found.sentence


def test_not_worse_than_the_champion_is_not_enough() -> None:
    found = judged(NEARLY, past(-0.008, -0.012, -0.004))
    assert (found.state, found.reason) == ("fail", "not_as_good_as_anchor")
    assert found.observed_as == "its lower bound to the best past champion"
    assert found.distance is not None
    assert found.distance < 0


def test_an_anchor_that_serves_is_held_to_the_stricter_level() -> None:
    assert judged(NEARLY, past(state="champion")).state == "pass"
    assert judged(NEARLY, past(state="champion"), margin=0.006).reason == "not_as_good_as_anchor"


def test_without_the_anchor_s_model_only_a_better_one_passes() -> None:
    gone = past(state="unusable", reason="its file is missing")
    found = judged(NEARLY, gone)
    assert (found.state, found.limit) == ("fail", 0.0)
    assert "its file is missing" in found.sentence
    assert judged((0.02, 0.01, 0.03), gone).state == "pass"


def test_an_undefined_metric_is_inconclusive() -> None:
    found = judged(NEARLY, past())
    assert (found.state, found.reason) == ("inconclusive", "undefined_metric")


def test_a_gate_that_asks_for_better_has_no_anchor() -> None:
    found = BetterThanChampion().judge(replace(evidence(), anchor=past(-0.5, -0.6, -0.4)))
    assert (found.state, found.anchor) == ("pass", None)


def test_how_often_the_rows_have_decided_is_said() -> None:
    found = BetterThanChampion().judge(replace(evidence(), decided_before=6))
    assert found.decided_before == 6
    assert "Some of these rows have decided 6 times before" in found.context
    assert "30 % at most." in found.context  # 1 - .95 ** 7
    assert "decided" not in BetterThanChampion().judge(replace(evidence(), decided_before=0)).sentence

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from mlsys.gates.better_than_champion import BetterThanChampion
from mlsys.gates.min_rows import MinRows
from mlsys.records import Flip, RowDependence
from mlsys.testing.gates import comparison, evidence


@pytest.mark.parametrize(
    ("bounds", "margin", "state", "reason"),
    [
        ((0.02, 0.01, 0.03), 0.0, "pass", None),
        ((0.02, 0.01, 0.03), 0.01, "fail", "not_significantly_better"),
        ((0.02, 0.01, 0.03), 0.02, "fail", "not_better"),
        ((0.02, -0.01, 0.05), 0.0, "fail", "not_significantly_better"),
        ((-0.01, -0.03, 0.01), 0.0, "fail", "not_better"),
        ((-0.02, -0.03, -0.01), 0.0, "fail", "not_better"),
        ((0.0, 0.0, 0.0), 0.0, "fail", "identical"),
    ],
)
def test_superior(bounds: tuple[float, float, float], margin: float, state: str, reason: str | None) -> None:
    found = BetterThanChampion(margin=margin).judge(evidence(compared=comparison(*bounds)))
    assert (found.state, found.reason) == (state, reason)


@pytest.mark.parametrize(
    ("bounds", "state", "reason"),
    [
        ((0.0, -0.005, 0.005), "pass", None),
        ((-0.005, -0.009, 0.001), "pass", None),
        ((-0.005, -0.02, 0.01), "fail", "not_shown_not_worse"),
        ((-0.05, -0.06, -0.04), "fail", "worse"),
        ((0.0, 0.0, 0.0), "fail", "identical"),
    ],
)
def test_not_worse(bounds: tuple[float, float, float], state: str, reason: str | None) -> None:
    gate = BetterThanChampion(margin=0.01, require="not_worse")
    found = gate.judge(evidence(compared=comparison(*bounds)))
    assert (found.state, found.reason) == (state, reason)


def test_first_champion_is_left_to_the_absolute_gates() -> None:
    found = BetterThanChampion().judge(evidence(champion_state="none", champion=None))
    assert found.state == "pass"
    assert found.sentence == "There is no champion yet: the absolute gates decide."


def test_no_champion_and_no_challenger_is_no_pass() -> None:
    found = BetterThanChampion().judge(evidence(champion_state="none", champion=None, without_challenger=True))
    assert (found.state, found.reason) == ("inconclusive", "no_challenger")


def test_champion_that_is_not_comparable_is_inconclusive() -> None:
    found = BetterThanChampion().judge(evidence(champion_state="not_comparable", champion_reason="column x is gone"))
    assert (found.state, found.reason) == ("inconclusive", "champion_not_comparable")
    assert "column x is gone" in found.sentence


def test_champion_that_fails_is_an_error() -> None:
    found = BetterThanChampion().judge(evidence(champion_state="error", champion_reason="its file is missing"))
    assert (found.state, found.reason) == ("error", "champion_error")


def test_a_metric_nobody_computed_is_inconclusive() -> None:
    found = BetterThanChampion(metric="revenue").judge(evidence())
    assert (found.state, found.reason) == ("inconclusive", "undefined_metric")


def test_finding_shows_bound_limit_and_distance() -> None:
    found = BetterThanChampion(margin=0.004).judge(evidence())
    assert (found.observed, found.limit) == (0.01, 0.004)
    assert found.distance == pytest.approx(0.006)
    assert found.sentence == (
        "By roc_auc the challenger is better than the champion on 1,000 holdout rows: difference +0.02, its lower "
        "bound +0.01 with 95 % confidence, needed > 0.004."
    )


def test_a_difference_and_its_bound_are_never_one_number() -> None:
    found = BetterThanChampion().judge(evidence(compared=comparison(0.0017, -0.0004, 0.0038)))
    assert (found.estimate, found.estimate_as) == (0.0017, "difference")
    assert (found.observed, found.observed_as) == (-0.0004, "its lower bound")
    assert (found.needs, found.limit, found.unit) == (">", 0, "difference")
    assert "difference +0.0017, its lower bound -0.0004 with 95 % confidence, needed > 0." in found.sentence


def test_negative_margin_is_refused() -> None:
    with pytest.raises(ValidationError, match="greater than or equal to 0"):
        BetterThanChampion(margin=-0.01)


def test_a_verdict_that_few_rows_turn_is_called_fragile() -> None:
    few = comparison().model_copy(update={"flips": (Flip(limit=0.0, n_rows=9, fragile=True),)})
    found = BetterThanChampion().judge(evidence(compared=few))
    assert found.state == "pass"
    assert found.sentence.endswith("needed > 0.")
    assert found.context == "The verdict is fragile: without 9 rows (0.9 %) it would not pass."
    assert not BetterThanChampion(margin=0.004).judge(evidence(compared=few)).context  # they are of another limit


def test_which_rows_count_together_stands_beside_the_verdict() -> None:
    found = BetterThanChampion().judge(evidence(dependence=dependence(unit="group", sentence="Whole groups count.")))
    assert (found.sentence[-11:], found.context) == ("needed > 0.", "Whole groups count.")
    found = BetterThanChampion().judge(evidence(dependence=dependence(unit="row", sentence="Rows count.")))
    assert (found.sentence[-11:], found.context) == ("needed > 0.", "")


def test_rows_that_depend_on_each_other_count_as_the_fewer_that_they_are_worth() -> None:
    tied = dependence(unit="day", n_units=7, effective_rows=60, effective_at_most=100, sentence="Whole days count.")
    found = MinRows(rows=200).judge(evidence(dependence=tied))
    assert (found.state, found.reason) == ("inconclusive", "too_few_rows")
    assert (found.observed, found.observed_as, found.limit) == (100, "effective rows", 200)
    assert "too few: at most 100 effective rows, 200 are required. About 14 days" in found.sentence
    assert found.context == "Whole days count."
    assert MinRows(rows=100).judge(evidence(dependence=tied)).state == "pass"


def dependence(**changed: Any) -> RowDependence:
    given: dict[str, Any] = {"unit": "group", "n_rows": 1000, "n_units": 50, "design_effect": 2.0}
    given |= {"effective_rows": 500, "effective_at_most": 600}
    return RowDependence.model_validate({**given, "sentence": "", **changed})

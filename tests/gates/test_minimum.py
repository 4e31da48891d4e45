from __future__ import annotations

import pytest
from pydantic import ValidationError

from mlsys.gates.minimum import Minimum
from mlsys.testing.gates import evaluation, evidence


def test_floor_is_met_exactly() -> None:
    found = Minimum(metric="roc_auc", at_least=0.95).judge(evidence())
    assert (found.state, found.observed, found.limit, found.distance) == ("pass", 0.95, 0.95, 0)


def test_below_the_floor_fails_by_a_negative_distance() -> None:
    found = Minimum(metric="roc_auc", at_least=0.97).judge(evidence())
    assert (found.state, found.reason) == ("fail", "below_minimum")
    assert found.distance == pytest.approx(-0.02)
    assert found.sentence == "The challenger's roc_auc is 0.95 on 1,000 holdout rows; at least 0.97 is required."


def test_above_the_ceiling_fails_by_a_negative_distance() -> None:
    found = Minimum(metric="log_loss", at_most=0.25).judge(evidence())
    assert (found.state, found.reason) == ("fail", "above_maximum")
    assert found.distance == pytest.approx(-0.05)


def test_ceiling_passes() -> None:
    assert Minimum(metric="log_loss", at_most=0.3).judge(evidence()).state == "pass"


@pytest.mark.parametrize(
    ("gate", "state"),
    [
        (Minimum(metric="roc_auc", at_least=0.945, on="bound"), "fail"),
        (Minimum(metric="roc_auc", at_least=0.94, on="bound"), "pass"),
        (Minimum(metric="log_loss", at_most=0.31, on="bound"), "fail"),
        (Minimum(metric="log_loss", at_most=0.32, on="bound"), "pass"),
    ],
)
def test_bound_judges_the_worse_end(gate: Minimum, state: str) -> None:
    assert gate.judge(evidence()).state == state


def test_bound_without_interval_is_inconclusive() -> None:
    challenger = evaluation(values={"roc_auc": (0.95, None, None)})
    found = Minimum(metric="roc_auc", at_least=0.8, on="bound").judge(evidence(challenger=challenger))
    assert (found.state, found.reason) == ("inconclusive", "undefined_metric")


def test_undefined_metric_is_inconclusive_with_its_reason() -> None:
    found = Minimum(metric="roc_auc", at_least=0.0).judge(evidence(challenger=evaluation(values={"roc_auc": None})))
    assert (found.state, found.reason) == ("inconclusive", "undefined_metric")
    assert "all rows are of one class" in found.sentence


@pytest.mark.parametrize("gate", [Minimum(metric="log_loss", at_least=0.1), Minimum(metric="roc_auc", at_most=0.99)])
def test_limit_on_the_wrong_side_is_an_error(gate: Minimum) -> None:
    found = gate.judge(evidence())
    assert (found.state, found.reason) == ("error", "wrong_side")


@pytest.mark.parametrize("limits", [{}, {"at_least": 0.1, "at_most": 0.2}])
def test_exactly_one_limit_is_required(limits: dict[str, float]) -> None:
    with pytest.raises(ValidationError, match="exactly one"):
        Minimum.model_validate({"metric": "roc_auc", **limits})


def test_nan_is_no_limit() -> None:
    with pytest.raises(ValidationError, match="finite"):
        Minimum(metric="roc_auc", at_least=float("nan"))


def test_a_near_miss_does_not_look_like_a_hit() -> None:
    challenger = evaluation(values={"roc_auc": (0.899999, 0.8, 0.95)})
    found = Minimum(metric="roc_auc", at_least=0.9).judge(evidence(challenger=challenger))
    assert found.state == "fail"
    assert "0.899999" in found.sentence


@pytest.mark.parametrize(("at_least", "misses"), [(0.97, True), (0.9, False)])
def test_the_champion_is_held_to_the_same_limit_when_asked(at_least: float, misses: bool) -> None:
    gate = Minimum(metric="roc_auc", at_least=at_least)
    assert gate.champion_misses(evidence(challenger=evaluation(values={"roc_auc": (0.5, 0.4, 0.6)}))) is misses


def test_without_champion_or_its_metric_nobody_misses_a_limit() -> None:
    assert not Minimum(metric="roc_auc", at_least=0.97).champion_misses(evidence(champion_state="none", champion=None))
    assert not Minimum(metric="revenue", at_least=0.97).champion_misses(evidence())


def test_a_bound_is_named_beside_what_it_is_a_bound_of() -> None:
    found = Minimum(metric="roc_auc", at_least=0.8, on="bound").judge(evidence())
    assert (found.estimate, found.estimate_as) == (0.95, "roc_auc")
    assert (found.observed, found.observed_as, found.needs) == (0.94, "worse end of its interval", ">=")
    plain = Minimum(metric="log_loss", at_most=0.8).judge(evidence())
    assert (plain.estimate, plain.observed_as, plain.needs) == (None, "log_loss", "<=")

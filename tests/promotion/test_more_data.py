"""What more data would do for a rejected challenger: in days of the holdout, in nights, or nothing."""

from __future__ import annotations

import pytest
from given import records_samples, small_world

from mlsys.gates.better_than_champion import BetterThanChampion
from mlsys.gates.data_quality import DataQuality
from mlsys.gates.minimum import Minimum
from mlsys.promotion.more_data import advice, times_as_many
from mlsys.records import GateResult, Snapshot
from mlsys.spec import Spec
from mlsys.testing.gates import comparison, evaluation, evidence

IN_TIME = {"kind": "time", "validation_days": 5, "holdout_days": 7}
BY_HASH = {"kind": "hash"}


def against(difference: float, lower: float, *, margin: float = 0.0) -> GateResult:
    compared = comparison(difference, lower, 2 * difference - lower)
    return BetterThanChampion(margin=margin).judge(evidence(compared=compared))


def told(*gates: GateResult, split: object = None, snapshot: Snapshot | None = None) -> str | None:
    spec = Spec.model_validate({**small_world.SPEC, "split": split or IN_TIME})
    return advice(spec, gates, evidence().evaluations, snapshot or records_samples.snapshot())


def test_a_holdout_that_keeps_its_days_is_said_in_days() -> None:
    # (0.02 / 0.015)**2 * ((1.645 + 0.842) / 1.645)**2 = 4.06 times the rows
    assert told(against(0.015, -0.005)) == (
        "More nights alone would not decide it, for the holdout keeps its 7 days: one of about 29 days "
        "(`split.holdout_days`) would, four times out of five, if the truth is as seen here."
    )


def test_keys_set_aside_in_the_newest_days_are_said_in_days_too() -> None:
    said = told(against(0.015, -0.005), split={"kind": "recent_hash", "days": 5})
    assert said is not None
    assert said.startswith("More nights alone would not decide it, for the holdout keeps its 5 days: one of about 21 ")
    assert "`split.days`" in said


def test_a_holdout_by_hash_grows_with_every_night() -> None:
    # 60 days of data, and 3.06 times as many on top of them, as rows of a day go on coming
    said = told(against(0.015, -0.005), split=BY_HASH, snapshot=records_samples.snapshot())
    assert said is not None
    assert said.startswith("More than 100 more nights of such data would decide it, four times out of five")
    young = records_samples.snapshot().model_copy(update={"n_partitions": 10})
    said = told(against(0.015, -0.005), split=BY_HASH, snapshot=young)
    assert said is not None
    assert said.startswith("About 31 more nights of such data would decide it")


def test_a_source_without_time_is_told_in_rows() -> None:
    timeless = records_samples.snapshot().model_copy(update={"newest_event": None, "n_partitions": 1})
    said = told(against(0.015, -0.005), split=BY_HASH, snapshot=timeless)
    assert said is not None
    assert said.startswith("About 4,063 holdout rows in place of 1,000 would decide it")


def test_a_small_difference_would_take_longer_than_anyone_waits() -> None:
    said = told(against(0.001, -0.02))
    assert said is not None
    assert "one of more than 100 days" in said


@pytest.mark.parametrize(("difference", "margin"), [(-0.002, 0.0), (0.0, 0.0), (0.003, 0.004)])
def test_a_difference_outside_its_limit_is_not_helped_by_more_data(difference: float, margin: float) -> None:
    said = told(against(difference, difference - 0.01, margin=margin))
    assert said is not None
    assert said.startswith("More data of this kind would not help: the difference itself, ")
    assert said.endswith(f"is not > {margin:g}.")


def test_a_limit_on_a_bound_is_decided_by_more_data_too() -> None:
    challenger = evaluation(values={"roc_auc": (0.82, 0.79, 0.85)})
    gate = Minimum(metric="roc_auc", at_least=0.8, on="bound").judge(evidence(challenger=challenger))
    assert times_as_many(gate) == pytest.approx((0.03 / 0.02) ** 2 * ((1.96 + 0.8416) / 1.96) ** 2, rel=1e-3)
    ceiling = evaluation(values={"log_loss": (0.30, 0.27, 0.33)})
    gate = Minimum(metric="log_loss", at_most=0.32, on="bound").judge(evidence(challenger=ceiling))
    assert times_as_many(gate) == pytest.approx((0.03 / 0.02) ** 2 * ((1.96 + 0.8416) / 1.96) ** 2, rel=1e-3)
    below = Minimum(metric="roc_auc", at_least=0.83, on="bound").judge(evidence(challenger=challenger))
    assert told(below) == "More data of this kind would not help: the roc_auc itself, 0.82, is not >= 0.83."


def test_where_something_else_failed_too_nothing_is_promised() -> None:
    bad = DataQuality(quarantined_share=0.001).judge(evidence())
    floor = Minimum(metric="roc_auc", at_least=0.99).judge(evidence())
    open_question = against(0.015, -0.005)
    assert told(open_question, bad) is None
    assert told(open_question, floor) is None
    assert told() is None


def test_models_that_do_exactly_alike_get_no_advice() -> None:
    assert told(against(0.0, 0.0)) is None


def test_the_gate_that_needs_most_decides() -> None:
    slow, quick = against(0.01, -0.01), against(0.02, -0.005)
    assert told(slow, quick) == told(slow)
    assert told(slow) != told(quick)

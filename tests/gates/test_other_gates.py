"""Gates that do not look at metrics: rows, data quality, freshness."""

from __future__ import annotations

from datetime import timedelta

import pytest
from given.records_samples import CUTOFF

from mlsys.gates import GATES
from mlsys.gates.data_quality import DataQuality
from mlsys.gates.freshness import Freshness
from mlsys.gates.min_rows import MinRows
from mlsys.records import BadRows
from mlsys.testing.gates import evidence


def test_enough_rows_at_the_limits() -> None:
    found = MinRows().judge(evidence(n_holdout=200, holdout_classes={"no": 170, "yes": 30}))
    assert (found.state, found.distance) == ("pass", 0)


def test_too_few_rows_of_a_class_are_inconclusive() -> None:
    found = MinRows().judge(evidence(holdout_classes={"no": 990, "yes": 10}))
    assert (found.state, found.reason, found.observed, found.limit) == ("inconclusive", "too_few_rows", 10, 30)
    assert "10 rows of class 'yes'" in found.sentence


def test_one_class_is_inconclusive_however_many_rows() -> None:
    found = MinRows().judge(evidence(n_holdout=10_000, holdout_classes={"no": 10_000}))
    assert (found.state, found.reason) == ("inconclusive", "too_few_rows")


def test_warnings_do_not_fail_data_quality() -> None:
    found = DataQuality().judge(evidence())
    assert found.state == "pass"
    assert "warning" in found.sentence


def test_quarantined_share_has_its_own_limit_if_given() -> None:
    found = DataQuality(quarantined_share=0.001).judge(evidence())
    assert (found.state, found.reason) == ("fail", "too_many_quarantined")
    assert found.distance is not None
    assert found.distance < 0


def test_a_count_and_a_share_of_bad_rows_each_say_of_what() -> None:
    worst = BadRows(n_bad=2, n_rows=180, of="newest day")
    seen = {"n_rows": 10_699, "n_quarantined": 47, "quarantined_share": 2 / 180, "bad": worst}
    found = DataQuality().judge(evidence(checks=seen))
    assert found.sentence == (
        "The data pass with 1 warning; 47 of 10,699 rows are quarantined; 2 of 180 rows of the newest day (1.11 %) are "
        "bad, and 2 % may be."
    )
    assert (found.observed_as, found.needs) == ("bad rows of the newest day", "<=")


def test_reports_of_earlier_versions_do_not_claim_to_know_of_what() -> None:
    found = DataQuality().judge(evidence(checks={"bad": None}))
    assert "of all rows, or of the newest day's if that is more" in found.sentence
    assert found.observed_as == "bad rows"


def test_the_count_that_is_shown_says_what_it_counts() -> None:
    found = MinRows().judge(evidence(holdout_classes={"no": 990, "yes": 10}))
    assert (found.observed_as, found.needs) == ("rows of class 'yes'", ">=")


@pytest.mark.parametrize("state", ["fail", "inconclusive", "error"])
def test_checks_that_did_not_pass_hand_on_their_state(state: str) -> None:
    found = DataQuality().judge(evidence(checks={"state": state}))
    assert (found.state, found.reason) == (state, "checks_not_passed")


@pytest.mark.parametrize(("age", "state"), [(timedelta(days=3), "pass"), (timedelta(days=3, seconds=1), "fail")])
def test_freshness_is_counted_from_the_cutoff(age: timedelta, state: str) -> None:
    found = Freshness().judge(evidence(snapshot={"newest_event": CUTOFF - age}))
    assert found.state == state


def test_freshness_is_in_hours() -> None:
    gate = GATES.parse({"kind": "freshness", "max_age": "36h"})
    found = gate.judge(evidence(snapshot={"newest_event": CUTOFF - timedelta(days=2)}))
    assert (found.observed, found.limit, found.distance) == (48, 36, -12)
    assert "2 days older than the cutoff" in found.sentence
    assert "at most 1 day 12 hours" in found.sentence


def test_source_without_time_has_no_age() -> None:
    assert Freshness().judge(evidence(snapshot={"newest_event": None})).state == "pass"


@pytest.mark.parametrize(("tried", "meant"), [("threshold", "minimum"), ("champion", "better_than_champion")])
def test_names_people_try_are_hinted(tried: str, meant: str) -> None:
    with pytest.raises(ValueError, match=f"Did you mean '{meant}'"):
        GATES.find(tried)

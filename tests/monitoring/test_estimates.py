"""Estimates beside the real values that labels gave, and what becomes of an estimator that was wrong too often."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from given.shop import ROWS_PER_DAY, day, edit_spec, make_shop

from mlsys.monitoring.estimates import MOST, judged, outside, too_often
from mlsys.monitoring.monitoring import monitor, read_report
from mlsys.records import MetricValue
from mlsys.records.monitoring import CheckedEstimate, MonitorReport, MonitorResult
from mlsys.store import canonical_json
from mlsys.workspace import Workspace

ESTIMATE = {"kind": "estimated_metric", "window": "3d", "min_rows": 50, "min_effective": 20, "per_class": 10}
ALARM = MonitorResult(
    monitor="estimated_metric", name="estimated roc_auc over 7d", state="alarm", observed=0.8, limit=0.85,
    sentence="It is likely to be worse.", reason="likely_worse", n_rows=900, n_windows=2,
)  # fmt: skip


def value(of: float, half: float, n: int = 900) -> MetricValue:
    return MetricValue(name="roc_auc", value=of, lower=of - half, upper=of + half, n=n)


def check(estimated: float, real: float, index: int = 0) -> CheckedEstimate:
    made, found, last = value(estimated, 0.01), value(real, 0.01), date(2026, 3, 31) - timedelta(days=7 * index)
    return CheckedEstimate(
        first_day=last - timedelta(days=6), last_day=last, estimated=made, real=found, outside=outside(made, found)
    )


@pytest.mark.parametrize(("real", "lies_outside"), [(0.9, False), (0.913, False), (0.915, True), (0.885, True)])
def test_an_estimate_is_outside_where_both_intervals_together_do_not_reach(real: float, lies_outside: bool) -> None:
    assert outside(value(0.9, 0.01), value(real, 0.01)) is lies_outside


def test_each_side_of_an_interval_counts_by_itself() -> None:
    real = MetricValue(name="roc_auc", value=0.9, lower=0.8, upper=0.901, n=900)
    assert not outside(value(0.83, 0.001), real)
    assert outside(value(0.97, 0.001), real)


def test_too_often_is_beyond_the_luck_of_one_case_in_a_hundred() -> None:
    fewest = [next(k for k in range(n + 1) if too_often(k, n)) for n in range(2, MOST + 1)]
    assert fewest == [2, 2, 3, 3, 3, 3, 3]
    assert not too_often(0, 1)
    assert not too_often(1, 1)


def test_an_estimator_that_was_right_keeps_its_verdict_and_tells_what_labels_said() -> None:
    found = judged(ALARM, [check(0.9, 0.902), check(0.9, 0.95, 1)])
    assert (found.state, found.observed, found.reason) == ("alarm", 0.8, "likely_worse")
    assert "For 2026-03-25 to 2026-03-31 it had said 0.9 (0.89 to 0.91); 900 labels say 0.902" in found.sentence
    assert [each.outside for each in found.checked] == [False, True]
    assert MonitorResult.load(found.dump()) == found


def test_an_estimator_that_was_off_too_often_is_not_believed() -> None:
    found = judged(ALARM, [check(0.9, 0.95), check(0.9, 0.85, 1)])
    assert (found.state, found.reason) == ("inconclusive", "estimates_were_off")
    assert (found.observed, found.limit) == (None, None)
    assert "Of 2 windows whose labels have come its estimates lay outside in 2" in found.sentence


def test_an_error_stays_an_error() -> None:
    failed = ALARM.model_copy(update={"state": "error", "reason": "monitor_error"})
    assert judged(failed, [check(0.9, 0.95), check(0.9, 0.85, 1)]).state == "error"


def test_without_checks_nothing_changes() -> None:
    assert judged(ALARM, []) == ALARM


def estimated(work: Workspace, index: int, of: float, *, champion: str | None = None) -> None:
    """Give the report of a day an estimate, as if the monitor had said so then."""
    change = work.ledger.champion("shop")
    assert change is not None
    result = ALARM.model_copy(update={"name": "estimated roc_auc over 3d", "estimate": value(of, 0.01)})
    report = MonitorReport(
        pipeline="shop", day=day(index), champion=champion or change.candidate_id, state="alarm", sentence="-",
        results=(result,),
    )  # fmt: skip
    path = work.home / "monitoring" / "shop" / f"{day(index)}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(canonical_json(report.dump()))


@pytest.mark.slow
class TestOfTheShop:
    @pytest.fixture(autouse=True)
    def _watched(self, work: Workspace) -> None:
        make_shop(work.home, work.home / "pipelines", days=20)
        edit_spec(work.home / "pipelines", monitors={"watch": [ESTIMATE]}, label={"delay": "2d"})

    def test_what_was_estimated_is_held_against_the_labels_once_they_are_due(self, work: Workspace) -> None:
        estimated(work, 13, 0.5)
        assert monitor(work, "shop", day=day(14)).results[0].checked == ()  # day 13 is a day old
        (found,) = monitor(work, "shop", day=day(15)).results[0].checked
        assert (found.first_day, found.last_day) == (day(11), day(13))
        assert found.estimated.value == 0.5
        assert found.real.n == 3 * ROWS_PER_DAY
        report = read_report(work.home, "shop", day(15))
        assert report is not None
        assert report.results[0].checked == (found,)
        page = (work.home / "reports" / "shop" / "drift.html").read_text(encoding="utf-8")
        assert "What labels said of the estimates" in page

    def test_windows_share_no_day_and_estimates_for_others_do_not_count(self, work: Workspace) -> None:
        for index in (13, 14, 15, 16):
            estimated(work, index, 0.5)
        estimated(work, 17, 0.5, champion="another")
        found = monitor(work, "shop", day=day(19)).results[0].checked
        assert [each.last_day for each in found] == [day(16), day(13)]

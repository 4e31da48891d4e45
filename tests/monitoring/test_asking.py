from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

import pytest

from mlsys.monitoring.asking import Asking, asking
from mlsys.records.monitoring import MonitorReport, MonitorResult, MonitorState
from mlsys.spec.watching import Monitors

TODAY = date(2026, 6, 30)
RULE = Monitors.model_validate({"ask_after": 2, "of": 3})  # windows of 7 days


def found(n_windows: int = 1) -> list[MonitorResult]:
    return [MonitorResult(monitor="m", name="m", state="alarm", sentence="It moved.", n_windows=n_windows)]


def before(
    days: Sequence[int], state: MonitorState = "alarm", *, champion: str = "one", asks: bool = False
) -> list[MonitorReport]:
    return [
        MonitorReport(
            pipeline="shop",
            day=TODAY - timedelta(days=ago),
            champion=champion,
            state=state,
            sentence="It moved.",
            asks_retraining=asks,
        )
        for ago in days
    ]


def wish(
    earlier: Sequence[MonitorReport], *, state: MonitorState = "alarm", rule: Monitors = RULE, n_windows: int = 1
) -> Asking:
    return asking(state, found(n_windows), earlier, day=TODAY, champion="one", rule=rule)


def test_windows_that_share_a_day_with_the_newest_are_not_counted() -> None:
    one = wish(before(range(1, 7)))
    assert (one.n_alarmed, one.n_windows, one.asks) == (1, 1, False)
    two = wish(before(range(1, 8)))
    assert (two.n_alarmed, two.n_windows, two.asks) == (2, 2, True)


def test_where_a_night_was_missed_the_next_older_window_is_counted() -> None:
    counted = wish([*before([8], "pass"), *before([9, 14]), *before([15])])
    assert (counted.n_alarmed, counted.n_windows) == (2, 3)


def test_the_newest_window_must_alarm() -> None:
    over = wish(before([7, 14]), state="pass")
    assert (over.n_alarmed, over.asks) == (2, False)


def test_windows_of_another_champion_are_not_counted() -> None:
    assert wish(before([7], champion="other")).n_windows == 1


def test_an_alarm_that_rests_on_two_windows_counts_as_two() -> None:
    both = wish([], n_windows=2)
    assert (both.n_alarmed, both.n_windows, both.asks) == (2, 2, True)


@pytest.mark.parametrize(("ago", "asks"), [(6, False), (7, True)])
def test_the_cool_down_counts_days_of_data_whoever_was_watched(ago: int, asks: bool) -> None:
    asked = [*before([ago], champion="other", asks=True), *before([7])]
    assert wish(asked).asks is asks


def test_without_a_cool_down_every_night_may_ask() -> None:
    rule = RULE.model_validate({"ask_after": 1, "of": 1, "cool_down": "0d"})
    assert wish(before([1], asks=True), rule=rule).asks

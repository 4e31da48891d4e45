"""Bad rows are counted in one way: unreadable and set aside, among all that came."""

import pytest

from mlsys.snapshot.tolerance import DayCount, worst_share


def worst(*days: DayCount) -> str:
    return worst_share(days, newest="new", together="all").text


@pytest.mark.parametrize(
    ("days", "expected"),
    [
        ((), "0 of 0 new (0.00%)"),
        ((DayCount(10),), "0 of 10 new (0.00%)"),
        ((DayCount(9, n_unreadable=1),), "1 of 10 new (10.00%)"),
        ((DayCount(10, n_quarantined=1),), "1 of 10 new (10.00%)"),
        ((DayCount(8, n_unreadable=2, n_quarantined=3),), "5 of 10 new (50.00%)"),
        ((DayCount(0, n_unreadable=4),), "4 of 4 new (100.00%)"),
        ((DayCount(9_000), DayCount(990, n_unreadable=10)), "10 of 1,000 new (1.00%)"),
        ((DayCount(90, n_unreadable=10), DayCount(100)), "10 of 200 all (5.00%)"),
    ],
)
def test_the_worse_of_newest_day_and_all_days_counts(days: tuple[DayCount, ...], expected: str) -> None:
    assert worst(*days) == expected

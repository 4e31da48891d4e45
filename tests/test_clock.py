from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlsys import clock
from mlsys.errors import UsageError

D = date(2026, 3, 9)


def never() -> date:
    raise AssertionError("the newest day must not be asked for")


def test_a_time_is_utc_unless_it_has_an_offset() -> None:
    assert clock.parse_instant("2026-03-09T14:00", where="--at") == datetime(2026, 3, 9, 14, tzinfo=UTC)
    assert clock.parse_instant("2026-03-09T14:00+02:00", where="--at") == datetime(2026, 3, 9, 12, tzinfo=UTC)
    with pytest.raises(UsageError, match="--at: A time is written in ISO 8601"):
        clock.parse_instant("3d", where="--at")


def test_a_parameter_wins_over_the_newest_day() -> None:
    found = clock.resolve_day(parameter="2026-03-09", newest_complete=never)
    assert (found.day, found.source) == (D, "parameter")
    assert found.cutoff == datetime(2026, 3, 10, tzinfo=UTC)


def test_the_partition_key_is_the_day() -> None:
    assert clock.resolve_day(partition_key="2026-03-09", newest_complete=never).source == "partition"


def test_without_both_it_is_the_newest_complete_day() -> None:
    assert clock.resolve_day(newest_complete=lambda: D) == clock.ResolvedDay(D, "newest")


def test_the_same_day_twice_is_fine_but_two_days_are_named() -> None:
    clock.resolve_day(parameter="2026-03-09", partition_key="2026-03-09", newest_complete=never)
    with pytest.raises(UsageError, match=r"2026-03-09.*2026-03-08"):
        clock.resolve_day(parameter="2026-03-09", partition_key="2026-03-08", newest_complete=never)


def test_a_bare_logical_date_is_refused_with_the_remedy() -> None:
    with pytest.raises(UsageError, match="partition key"):
        clock.resolve_day(logical_date=datetime(2026, 3, 9, tzinfo=UTC), newest_complete=never)


def test_a_day_for_a_whole_backfill_is_refused() -> None:
    with pytest.raises(UsageError, match="same data"):
        clock.resolve_day(parameter="2026-03-09", run_type="backfill", newest_complete=never)


@pytest.mark.parametrize("text", ["2026-1-2", "2026-02-30", "yesterday", "2026-03-09T00:00", "20260309", ""])
def test_another_spelling_of_a_day_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="YYYY-MM-DD"):
        clock.parse_day(text)


@pytest.mark.parametrize("text", ["9999-12-31", "0001-01-01"])
def test_a_day_at_the_end_of_the_calendar_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match=f"Days of data lie between .*{text}"):
        clock.resolve_day(partition_key=text, newest_complete=never)


@given(st.dates(min_value=date(1990, 1, 1), max_value=date(2100, 1, 1)))
def test_a_key_and_its_cutoff_lead_back_to_the_day(day: date) -> None:
    assert clock.parse_day(day.isoformat()) == day
    assert clock.last_day_before(clock.cutoff_of(day)) == day


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        (datetime(2026, 3, 10, 1, 59, tzinfo=UTC), date(2026, 3, 8)),
        (datetime(2026, 3, 10, 2, 0, tzinfo=UTC), date(2026, 3, 9)),
        (datetime(2026, 3, 10, 3, 0, tzinfo=timezone(timedelta(hours=5))), date(2026, 3, 8)),
        (datetime(2026, 9, 1, tzinfo=UTC), date(2026, 3, 10)),
    ],
)
def test_a_day_is_complete_when_its_end_and_the_settling_time_have_passed(at: datetime, expected: date) -> None:
    newest = datetime(2026, 3, 10, 0, 30, tzinfo=UTC)
    assert clock.newest_complete_day(newest, timedelta(hours=2), at=at) == expected

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from airflow.serialization.decoders import decode_timetable
from airflow.serialization.encoders import encode_timetable
from airflow.timetables.base import TimeRestriction
from airflow.utils.types import DagRunType
from pendulum import instance

from mlsys.orchestration.nightly import NightlyTimetable

START = instance(datetime(2026, 3, 9, 2, tzinfo=UTC))


@pytest.mark.parametrize("hour", [0, 2, 12])
def test_runs_start_at_the_hour_about_the_utc_day_before(hour: int) -> None:
    restriction = TimeRestriction(earliest=instance(datetime(2026, 3, 9, tzinfo=UTC)), latest=None, catchup=True)
    found = NightlyTimetable(hour).next_dagrun_info_v2(last_dagrun_info=None, restriction=restriction)
    assert found is not None
    assert found.run_after == datetime(2026, 3, 9, hour, tzinfo=UTC)
    assert found.partition_key == "2026-03-08"


def test_nothing_is_made_up_for_from_before_it_counts() -> None:
    nightly = NightlyTimetable(2, since=datetime(2026, 3, 9, tzinfo=UTC))
    for earliest in (None, instance(datetime(2026, 1, 1, tzinfo=UTC))):
        restriction = TimeRestriction(earliest=earliest, latest=None, catchup=True)
        found = nightly.next_dagrun_info_v2(last_dagrun_info=None, restriction=restriction)
        assert found is not None
        assert found.partition_key == "2026-03-08"


def test_a_backfill_neither_loses_nor_doubles_a_day() -> None:
    first = datetime(2026, 3, 1, tzinfo=UTC)
    infos = NightlyTimetable(2).iter_partition_dagrun_infos(earliest=first, latest=first + timedelta(days=40))
    keys = [info.partition_key for info in infos]
    assert keys == [str((first + timedelta(days=offset)).date()) for offset in range(41)]


@pytest.mark.parametrize("zone", range(-10, 14))
def test_a_backfill_of_days_picked_by_any_clock_is_about_these_days(zone: int) -> None:
    there = timezone(timedelta(hours=zone))
    # What the form in Airflow's UI sends for the first to the third.
    first, last = datetime(2026, 3, 1, tzinfo=there), datetime(2026, 3, 3, 23, 59, 59, 999000, tzinfo=there)
    infos = NightlyTimetable(2).iter_partition_dagrun_infos(earliest=first.astimezone(UTC), latest=last.astimezone(UTC))
    assert [info.partition_key for info in infos] == ["2026-03-01", "2026-03-02", "2026-03-03"]


@pytest.mark.parametrize("clock", ["00:00:00", "18:00:00", "23:59:59"])
def test_a_backfill_includes_the_utc_day_of_its_end(clock: str) -> None:
    first, last = datetime(2026, 3, 1, tzinfo=UTC), datetime.fromisoformat(f"2026-03-02T{clock}+00:00")
    infos = NightlyTimetable(2).iter_partition_dagrun_infos(earliest=first, latest=last)
    assert [info.partition_key for info in infos] == ["2026-03-01", "2026-03-02"]


def test_without_an_hour_nothing_runs_by_itself_and_days_are_days_all_the_same() -> None:
    by_hand, first = NightlyTimetable(None), datetime(2026, 3, 1, tzinfo=UTC)
    restriction = TimeRestriction(earliest=instance(first), latest=None, catchup=True)
    assert by_hand.next_dagrun_info_v2(last_dagrun_info=None, restriction=restriction) is None
    assert not by_hand.can_be_scheduled
    assert (by_hand.partitioned, by_hand.periodic) == (True, True)
    infos = by_hand.iter_partition_dagrun_infos(earliest=first, latest=first + timedelta(days=1))
    assert [info.partition_key for info in infos] == ["2026-03-01", "2026-03-02"]


@pytest.mark.parametrize("since", [datetime(2026, 3, 9, tzinfo=UTC), None])
@pytest.mark.parametrize("hour", [3, None])
def test_the_scheduler_reads_back_what_the_dag_file_declared(hour: int | None, since: datetime | None) -> None:
    read = decode_timetable(encode_timetable(NightlyTimetable(hour, since=since)))
    assert isinstance(read, NightlyTimetable)
    assert read == NightlyTimetable(hour, since=since)
    assert read not in (
        NightlyTimetable(4, since=since),
        NightlyTimetable(hour, since=datetime(2020, 1, 1, tzinfo=UTC)),
    )


def test_the_ui_shows_the_utc_hour() -> None:
    assert NightlyTimetable(2).summary == "daily 02:00 UTC"
    assert NightlyTimetable(2).description == "Every night at 02:00 UTC, about the UTC day before"
    assert NightlyTimetable(None).summary == "by hand"


def test_run_ids_begin_with_the_day_and_differ() -> None:
    timetable = NightlyTimetable(2)
    settings = {"run_type": DagRunType.SCHEDULED, "run_after": START, "data_interval": None}
    first, second = (timetable.generate_run_id(**settings, partition_key="2026-03-08") for _ in range(2))
    assert first.startswith("scheduled__2026-03-08__")
    assert first != second


def test_a_run_id_without_a_day_has_the_time_and_nothing_that_an_address_must_quote() -> None:
    run_id = NightlyTimetable(2).generate_run_id(run_type=DagRunType.MANUAL, run_after=START, data_interval=None)
    assert run_id.startswith("manual__at-2026-03-09T02-00-00__")
    assert not set(run_id) & set("+:/ ")

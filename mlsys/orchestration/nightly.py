"""When the nightly runs are: their timetable, and the start that their deadline counts from.

Airflow's scheduler uses these classes too, so `airflow_plugin.py` registers them.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, time, timedelta
from typing import TYPE_CHECKING, Any

from airflow.sdk.definitions.deadline import BaseDeadlineReference
from airflow.timetables.trigger import CronPartitionTimetable
from pendulum import instance

if TYPE_CHECKING:
    from airflow.timetables.base import DagRunInfo, DataInterval, TimeRestriction
    from airflow.utils.types import DagRunType
    from pendulum import DateTime
    from sqlalchemy.orm import Session


# Midnights from Auckland's (UTC+13) to Honolulu's (UTC-10) are those of the same UTC day.
_EAST = timedelta(hours=13)


class NightlyTimetable(CronPartitionTimetable):  # type: ignore[misc]
    """Every night at a UTC hour, about the UTC day before, which is the partition key, in backfills too.

    Midnight ticks of a zone west of UTC, so that runs start at the wanted UTC hour and a backfill of days, whose
    bounds are midnights, neither loses nor doubles one. A cron of `0 2` would do both.

    Args:
        hour: 0 to 12; None makes no run by itself, and takes runs by hand and backfills with their days all the same.
        since: no run is made by itself for ticks before. A DAG's own start date would do the same, and make a run with
            an older logical date succeed without any task.
    """

    def __init__(self, hour: int | None, *, since: datetime | None = None) -> None:
        super().__init__("0 0 * * *", timezone=f"Etc/GMT+{hour or 0}", run_offset=-1, key_format="%Y-%m-%d")
        self._hour, self._since = hour, since
        self.can_be_scheduled = hour is not None
        self.description = "By hand, about any UTC day"
        if hour is not None:
            self.description = f"Every night at {hour:02d}:00 UTC, about the UTC day before"

    @property
    def summary(self) -> str:
        """What stands in the UI's column of schedules; the cron would say midnight."""
        return "by hand" if self._hour is None else f"daily {self._hour:02d}:00 UTC"

    @classmethod
    def deserialize(cls, data: dict[str, Any]) -> NightlyTimetable:
        """Return the timetable of what `serialize` gave."""
        since = data["since"]
        return cls(data["hour"], since=None if since is None else datetime.fromisoformat(since))

    def serialize(self) -> dict[str, Any]:
        """Return what the scheduler needs to make the same timetable."""
        return {"hour": self._hour, "since": None if self._since is None else self._since.isoformat()}

    def next_dagrun_info_v2(
        self, *, last_dagrun_info: DagRunInfo | None, restriction: TimeRestriction
    ) -> DagRunInfo | None:
        """Return the next scheduled run, or None where nothing runs by itself."""
        if self._hour is None:
            return None
        if self._since is not None:
            since = instance(self._since)
            restriction = restriction._replace(earliest=max(since, restriction.earliest or since))
        return super().next_dagrun_info_v2(last_dagrun_info=last_dagrun_info, restriction=restriction)

    def iter_partition_dagrun_infos(self, *, earliest: datetime, latest: datetime) -> Iterable[DagRunInfo]:
        """Return the runs of a backfill: of each day from its first to its last one.

        The form in Airflow's UI sends the first and the last instant of the days that a person picks, by the clock of
        the browser: midnight in New York means the UTC day that has the same date.
        """
        first, last = _midnight(earliest), latest
        if (latest.minute, latest.second) == (59, 59):
            last = _midnight(latest + timedelta(seconds=1)) - timedelta(days=1)
        runs: Iterable[DagRunInfo] = super().iter_partition_dagrun_infos(earliest=first, latest=last)
        return runs

    def __eq__(self, other: object) -> bool:
        return isinstance(other, NightlyTimetable) and self.serialize() == other.serialize()

    def __hash__(self) -> int:
        return hash(self._hour)

    def generate_run_id(
        self, *, run_type: DagRunType, run_after: DateTime, data_interval: DataInterval | None, **extra: Any
    ) -> str:
        """Return a run id that begins with the day, as in `scheduled__2026-03-09__x7Kd2mQ1`, or with the time."""
        whole = str(super().generate_run_id(run_type=run_type, run_after=run_after, data_interval=data_interval))
        unique = whole.rpartition("__")[2]
        about = extra.get("partition_key") or f"at-{run_after:%Y-%m-%dT%H-%M-%S}"
        return str(run_type.generate_run_id(suffix=f"{about}__{unique}"))


def _midnight(instant: datetime) -> datetime:
    """Return the UTC midnight of the date that a clock somewhere shows at its midnight `instant`."""
    return datetime.combine((instant.astimezone(UTC) + _EAST).date(), time(), UTC)


class NightlyStart(BaseDeadlineReference):  # type: ignore[misc]
    """The instant at which the schedule meant a run to start; None for runs that somebody asked for."""

    required_kwargs = frozenset({"dag_id", "run_id"})

    def _evaluate_with(self, *, session: Session, dag_id: str, run_id: str) -> datetime | None:
        from airflow.models import DagRun
        from airflow.utils.types import DagRunType
        from sqlalchemy import select

        scheduled = DagRun.run_type == DagRunType.SCHEDULED
        found: datetime | None = session.scalar(
            select(DagRun.run_after).where(DagRun.dag_id == dag_id, DagRun.run_id == run_id, scheduled)
        )
        return found

"""What Airflow's own processes must know of mlsys to read its DAGs; found by the entry point `airflow.plugins`."""

from __future__ import annotations

from typing import ClassVar

from airflow.plugins_manager import AirflowPlugin

from mlsys.orchestration.nightly import NightlyStart, NightlyTimetable


class MlsysScheduling(AirflowPlugin):  # type: ignore[misc]
    """Registers the timetable and the deadline of nightly runs."""

    name = "mlsys_scheduling"
    timetables: ClassVar = [NightlyTimetable]
    deadline_references: ClassVar = [NightlyStart]

"""All days of the backfill that a run belongs to; Airflow tells a run its own day alone."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

from mlsys import clock
from mlsys.errors import MlsysError
from mlsys.events import get_logger
from mlsys.orchestration.api import retrainings, service
from mlsys.planning.plan import RunRequest
from mlsys.snapshot.ranges import DayRange

log = get_logger(__name__)


def with_days_of_backfill(request: RunRequest) -> RunRequest:
    """Return the request of a backfill's run with all days of the backfill, and any other one as it is.

    Where Airflow can't be asked, the run reads its own lookback alone.
    """
    if request.run_type != "backfill" or request.partition_key is None:
        return request
    try:
        day = clock.parse_day(request.partition_key)
        dag_id = retrainings.retrain(request.pipeline)
        with service.connect() as api:
            found = api.backfills(dag_id)
    except MlsysError as error:
        log.warning("days_of_backfill_not_known", reason=str(error))
        return request
    ranges = (_range(dag_id, backfill) for backfill in found)
    return replace(request, together=next((days for days in ranges if days.first <= day <= days.last), None))


def _range(dag_id: str, backfill: dict[str, Any]) -> DayRange:
    # Numbers begin anew in a new database of Airflow.
    name = f"{dag_id} {backfill['id']} {backfill['created_at']}"
    return DayRange(name, _day(backfill["from_date"]), _day(backfill["to_date"]))


def _day(instant: str) -> date:
    return datetime.fromisoformat(instant).astimezone(UTC).date()

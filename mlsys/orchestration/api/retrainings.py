"""Ask one DAG for something from another one: over the public REST API, as the service user.

A live retraining is asked for once for the same reason: its run's id names what it is about, so that Airflow itself
refuses the second of two that ask at the same moment.
"""

from __future__ import annotations

from typing import Any

from mlsys.errors import MlsysError, UsageError
from mlsys.events import get_logger
from mlsys.orchestration.api import service
from mlsys.orchestration.api.client import AirflowApi, Json

log = get_logger(__name__)

OPEN = ("queued", "running")
SIMULATE = "simulate"


def retrain(pipeline: str) -> str:
    """Return the id of the DAG that retrains a pipeline."""
    return f"retrain_{pipeline}"


def under_way(api: AirflowApi, pipeline: str) -> str | None:
    """Return a run of the retraining that is queued, running or waits for a person; those of a backfill don't count."""
    found = [run for run in api.runs(retrain(pipeline), states=OPEN) if run["run_type"] != "backfill"]
    return str(found[0]["dag_run_id"]) if found else None


def backfills_under_way(api: AirflowApi, pipeline: str) -> list[Json]:
    """Return the runs of backfills of the retraining that are queued or running."""
    return [run for run in api.runs(retrain(pipeline), states=OPEN) if run["run_type"] == "backfill"]


def ask(api: AirflowApi, pipeline: str, *, day: str, run_id: str, reason: str) -> bool:
    """Start a retraining about a day; return whether this call did, and not one before it with the same id.

    Raises:
        UsageError: Airflow refuses.
    """
    dag_id = retrain(pipeline)
    conf = {"reason": reason[:500]}
    # Without a nightly schedule the retraining is a DAG that takes no partition key.
    keyed = (api.dag(dag_id) or {}).get("timetable_partitioned", False)
    try:
        if keyed:
            api.trigger(dag_id, run_id=run_id, partition_key=day, conf=conf)
        else:
            api.trigger(dag_id, run_id=run_id, conf={**conf, "day": day})
    except UsageError:
        if api.state_of(dag_id, run_id) is None:
            raise
        log.info("asked_before", dag=dag_id, run=run_id)
        return False
    log.info("asked", dag=dag_id, run=run_id, day=day, reason=reason)
    return True


def ask_for_report(pipeline: str, dag_run: Any) -> None:
    """Have the simulated days reported when a backfill's run ends and no more of its days are queued; fails no run."""
    if str(getattr(dag_run.run_type, "value", dag_run.run_type)) != "backfill":
        return
    try:
        with service.connect() as api:
            if not any(run["state"] == "queued" for run in backfills_under_way(api, pipeline)):
                api.trigger(SIMULATE, conf={"pipeline": pipeline, "after": dag_run.run_id})
    except (MlsysError, LookupError) as error:
        log.warning("report_not_asked_for", pipeline=pipeline, reason=str(error))

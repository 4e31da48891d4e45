"""The nightly decision is not there in time: Airflow's scheduler notices, and its triggerer tells."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from airflow.sdk import Connection
from airflow.sdk.definitions.callback import AsyncCallback
from airflow.sdk.definitions.deadline import DeadlineAlert
from airflow.sdk.exceptions import AirflowNotFoundException

from mlsys import clock
from mlsys.errors import MlsysError
from mlsys.events import get_logger
from mlsys.notification.outbox import Notice, key_of
from mlsys.orchestration.nightly import NightlyStart
from mlsys.orchestration.page import addresses
from mlsys.orchestration.tasks.notifying import SMTP, tell
from mlsys.settings import load_settings
from mlsys.spec import Spec, load_spec

log = get_logger(__name__)


def deadline(spec: Spec) -> DeadlineAlert | None:
    """Return the deadline of a spec's nightly runs, or None when it has none.

    With one, `dag.test()` of Airflow 3.3.2 fails after the last task; a scheduler's runs do not.
    """
    allowed = spec.schedule.allowed
    if allowed is None or not spec.schedule.enabled:
        return None
    callback = AsyncCallback(missed, kwargs={"pipeline": spec.pipeline, "due": spec.schedule.deadline})
    return DeadlineAlert(reference=NightlyStart(), interval=allowed, callback=callback, name="nightly decision")


async def missed(pipeline: str, due: str, context: Mapping[str, Any]) -> str:
    """Tell that a run missed its deadline; the triggerer calls it, once."""
    run = context["dag_run"]
    notice = Notice(
        key=key_of("deadline_missed", run["dag_id"], run["dag_run_id"]),
        event="deadline_missed",
        pipeline=pipeline,
        sentence=f"The nightly decision about {run.get('partition_key')} is not there in time (deadline: {due})",
        at=clock.now(),
        day=run.get("partition_key"),
        dag_run=run["dag_run_id"],
        links={"airflow": addresses.airflow_run(run["dag_id"], run["dag_run_id"])},
    )
    connections = await _connections(pipeline)
    await asyncio.to_thread(tell, notice, find=connections.__getitem__)
    return notice.sentence


async def _connections(pipeline: str) -> dict[str, Any]:
    """Return the Airflow connections of a pipeline's channels; the triggerer must not wait for them elsewhere."""
    try:
        channels = load_spec(load_settings().spec_path(pipeline)).notify.channels
    except MlsysError:
        return {}  # `tell` says what is wrong
    found = {}
    for name in {SMTP if channel.kind == "email" else channel.to for channel in channels}:
        try:
            found[name] = await Connection.async_get(name)
        except AirflowNotFoundException:
            log.warning("no_connection", name=name)
    return found

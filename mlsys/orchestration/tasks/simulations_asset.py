"""Simulated days as an asset of Airflow: an event when the last runs of a backfill end, and its report is due."""

from __future__ import annotations

import logging
from typing import Any

from airflow.sdk import Asset

from mlsys.errors import MlsysError
from mlsys.orchestration.api import retrainings, service

log = logging.getLogger(__name__)


def simulations_asset(pipeline: str) -> Asset:
    """Return the asset that stands for the simulated days of a pipeline."""
    return Asset(name=f"simulations_{pipeline}", uri=f"mlsys://{pipeline}/simulations")


def announce_day(pipeline: str, dag_run: Any) -> None:
    """Post an event at the end of a backfill's run, unless more of its days are queued; never fails the run."""
    if str(getattr(dag_run.run_type, "value", dag_run.run_type)) != "backfill":
        return
    try:
        with service.connect() as api:
            if any(run["state"] == "queued" for run in retrainings.backfills_under_way(api, pipeline)):
                return
            asset = api.asset(simulations_asset(pipeline).name)
            if asset is not None:
                api.add_asset_event(asset["id"], extra={"run_id": dag_run.run_id})
    except MlsysError as error:
        log.warning("simulation_not_announced pipeline=%s reason=%r", pipeline, str(error))

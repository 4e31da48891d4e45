"""The champion as an asset of Airflow: an event whenever another model begins to serve, and at no other time.

The event is posted over the REST API. One that a task emits carries the partition key of its run, and DAGs that are
scheduled on an asset alone never see events with a key (Airflow 3.3.2).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow.sdk import Asset

from mlsys.errors import UsageError
from mlsys.events import get_logger
from mlsys.orchestration.api import service

if TYPE_CHECKING:
    from mlsys.ledger import ChampionChange
    from mlsys.workspace import Workspace

log = get_logger(__name__)


def champion_asset(pipeline: str) -> Asset:
    """Return the asset that stands for the champion of a pipeline."""
    return Asset(name=f"champion_{pipeline}", uri=f"mlsys://{pipeline}/champion")


def announce(work: Workspace, pipeline: str) -> bool:
    """Post an event for the present champion, unless the newest one is about it already; return whether it was posted.

    Raises:
        TransientError: Airflow does not answer; the next call makes up for it.
    """
    change = work.ledger.champion(pipeline)
    if change is None:
        return False
    try:
        with service.connect() as api:
            name = champion_asset(pipeline).name
            asset = api.asset(name)
            if asset is None:
                log.warning("champion_not_announced", asset=name, reason="no DAG in Airflow names it")
                return False
            newest = api.newest_asset_event(asset["id"])
            if newest is not None and newest["extra"].get("generation") == change.generation:
                return False
            api.add_asset_event(asset["id"], extra=_extra(work, change))
    except UsageError as error:
        log.warning("champion_not_announced", pipeline=pipeline, reason=str(error))
        return False
    log.info("champion_announced", pipeline=pipeline, version=change.version, generation=change.generation)
    return True


def _extra(work: Workspace, change: ChampionChange) -> dict[str, Any]:
    plan = work.ledger.plans({change.run_id}).get(change.run_id)
    return {
        "pipeline": change.pipeline,
        "generation": change.generation,
        "kind": change.kind,
        "version": change.version,
        "candidate": change.candidate_id,
        "cutoff": change.cutoff.isoformat(),
        "last_day": change.last_day.isoformat(),
        "metrics": _metrics(work, change),
        "run": change.run_id,
        "who": change.who,
        "reason": change.reason,
        "asked_for": plan.reason if plan else None,
    }


def _metrics(work: Workspace, change: ChampionChange) -> dict[str, float]:
    """Return the champion's metrics on the holdout it was judged on."""
    found = work.ledger.decision(change.decision_key) if change.decision_key else None
    if found is None:
        return {}
    judged = change.candidate_id.removesuffix("-refit")
    models = {model["model_id"]: model for model in work.store.read_json(found[0].details)["evaluations"]}
    holdout = models[judged]["holdout"] if judged in models else []
    return {value["name"]: value["value"] for value in holdout if value["value"] is not None}

"""What the newest event of a champion's asset in Airflow says, beside the ledger; and an event where they differ."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mlsys.events import get_logger

if TYPE_CHECKING:
    from mlsys.ledger import ChampionChange
    from mlsys.orchestration.api.client import AirflowApi, Json
    from mlsys.workspace import Workspace

log = get_logger(__name__)


def asset_name(pipeline: str) -> str:
    """Return the name of the asset that stands for the champion of a pipeline."""
    return f"champion_{pipeline}"


def difference(work: Workspace, pipeline: str, api: AirflowApi) -> str | None:
    """Return in words how Airflow's newest event differs from the ledger; None where it does not.

    It does not where no DAG names the asset: nobody waits for its events then.

    Raises:
        TransientError: Airflow does not answer.
    """
    found = _found(work, pipeline, api)
    return None if found is None else found[2]


def mend(work: Workspace, pipeline: str, api: AirflowApi) -> str | None:
    """Post an event for the present champion where the newest one is about another one or missing; return what was so.

    Raises:
        TransientError: Airflow does not answer; the next call makes up for it.
    """
    found = _found(work, pipeline, api)
    if found is None:
        return None
    asset, change, said = found
    api.add_asset_event(asset["id"], extra=_extra(work, change))
    log.info("champion_announced", pipeline=pipeline, version=change.version, generation=change.generation)
    return said


def _found(work: Workspace, pipeline: str, api: AirflowApi) -> tuple[Json, ChampionChange, str] | None:
    """Return the asset, the champion, and how the newest event differs from it; None where nothing does."""
    change = work.ledger.champion(pipeline)
    if change is None:
        return None
    name = asset_name(pipeline)
    asset = api.asset(name)
    if asset is None:
        log.warning("champion_not_announced", asset=name, reason="no DAG in Airflow names it")
        return None
    newest = api.newest_asset_event(asset["id"])
    said = _differs(newest["extra"] if newest else None, change)
    return None if said is None else (asset, change, f"{pipeline}: of Airflow, {said}")


def _differs(shown: Json | None, change: ChampionChange) -> str | None:
    ledger = f"the ledger {change.candidate_id} ({change.version})"
    if shown is None:
        return f"asset {asset_name(change.pipeline)} has no event, {ledger}"
    there = (shown.get("generation"), shown.get("candidate"))
    if there == (change.generation, change.candidate_id):
        return None
    who = f"{shown.get('candidate') or 'nobody'} ({shown.get('version') or 'no version'})"
    if there[1] == change.candidate_id:  # it served before, and the event is about that time
        who += ", of an earlier time"
    return f"the newest event of asset {asset_name(change.pipeline)} names {who}, {ledger}"


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

"""What MLflow is told about a run: tags, parameters and metrics."""

from __future__ import annotations

from typing import Any

from mlsys.records import Candidate, Evaluation
from mlsys.registries.base import Release

CANDIDATE_TAG = "mlsys.candidate"


def run_tags(release: Release) -> dict[str, str]:
    """Return the tags of a retraining's run; the dataset is described by its fingerprint, not copied."""
    plan, snapshot, decision = release.plan, release.snapshot, release.decision
    return {
        "mlsys.run_id": plan.run_id,
        "mlsys.pipeline": plan.pipeline,
        "mlsys.day": plan.day.isoformat(),
        "mlsys.mode": plan.mode,
        "mlsys.training_key": plan.training_key,
        "mlsys.decision_key": decision.decision_key,
        "mlsys.outcome": decision.outcome,
        "mlsys.spec_fingerprint": plan.spec_fingerprint,
        "mlsys.report": f"reports/{plan.pipeline}/{plan.run_id}.html",
        "mlsys.dataset.fingerprint": snapshot.fingerprint,
        "mlsys.dataset.cutoff": snapshot.cutoff.isoformat(),
        "mlsys.dataset.rows": str(snapshot.n_rows),
        "mlsys.dataset.labelled": str(snapshot.n_labelled),
        "mlflow.note.content": decision.sentence,
        "mlflow.source.name": "mlsys",
        "mlflow.user": "mlsys",
    }


def candidate_tags(release: Release, candidate: Candidate, parent: str) -> dict[str, str]:
    """Return the tags of a candidate's run, nested below the run `parent`."""
    tags = {
        **run_tags(release),
        CANDIDATE_TAG: candidate.candidate_id,
        "mlsys.kind": candidate.kind,
        "mlsys.baseline": str(candidate.baseline).lower(),
        "mlsys.released": str(candidate.candidate_id == release.candidate.candidate_id).lower(),
        "mlflow.parentRunId": parent,
    }
    tags["mlflow.note.content"] = candidate.reason or "; ".join(candidate.notes)
    if candidate.model:
        tags["mlsys.sha256"] = candidate.model
    return tags


def version_tags(release: Release) -> dict[str, str]:
    """Return the tags of the registered version; `mlsys.version` is the semantic one, once it was promoted."""
    tags = {
        CANDIDATE_TAG: release.candidate.candidate_id,
        "mlsys.sha256": str(release.candidate.model),
        "mlsys.training_key": release.plan.training_key,
        "mlsys.decision_key": release.decision.decision_key,
        "mlsys.outcome": release.decision.outcome,
    }
    return {**tags, "mlsys.version": release.version} if release.version else tags


def candidate_params(candidate: Candidate) -> dict[str, str]:
    """Return the parameters of a candidate as MLflow stores them (texts of at most 6,000 characters)."""
    params = {key: str(value)[:6000] for key, value in candidate.params.items() if value is not None}
    return {**params, "kind": candidate.kind, "seed": str(candidate.seed)}


def candidate_metrics(candidate: Candidate, evaluation: Evaluation | None, release: Release) -> list[Any]:
    """Return MLflow metrics: `validation_*`, `holdout_*` with the bounds of their intervals, and facts of the fit.

    An undefined metric is left out; time is the run's cutoff, so that writing again writes the same.
    """
    from mlflow.entities import Metric

    values = {
        "fit_seconds": candidate.fit_seconds,
        "n_training_rows": float(candidate.n_training_rows),
        "n_features": float(candidate.n_features),
    }
    for side in ("validation", "holdout") if evaluation else ():
        for metric in getattr(evaluation, side):
            bounds = {"": metric.value, "_lower": metric.lower, "_upper": metric.upper}
            values.update({f"{side}_{metric.name}{end}": v for end, v in bounds.items() if v is not None})
    moment = int(release.snapshot.cutoff.timestamp() * 1000)
    return [Metric(name, value, moment, 0) for name, value in sorted(values.items())]

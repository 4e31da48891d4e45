"""What MLflow is told about a run: its name, tags, parameters, metrics and dataset.

A decision stands before MLflow hears of it, so nothing here may be refused: texts are cut to the lengths that MLflow's
tables take, and names lose the characters that it does not.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from mlsys.records import Candidate, ChainAnchor, Evaluation
from mlsys.records.inspection import Inspection
from mlsys.registries.base import Release

RUN_TAG = "mlsys.run_id"
CANDIDATE_TAG = "mlsys.candidate"
ANCHOR_TAG = "mlsys.anchor"  # with a point and the row's place: a later row gets a tag of its own

_NAME, _TAG, _DESCRIPTION, _PARAMETER = 250, 5000, 5000, 6000  # characters; the least of MLflow's tables
_SCHEMA = 1_000_000
_NOT_IN_A_NAME = re.compile(r"[^\w \-]")
_NOT_IN_A_METRIC = re.compile(r"[^\w .\-]")

MLFLOW_TYPES = {
    # An integer column may hold missing values, which MLflow's integers may not.
    "integer": "double",
    "number": "double",
    "text": "string",
    "category": "string",
    "boolean": "boolean",
}


def experiment_tags(release: Release) -> dict[str, str]:
    """Return an experiment's tags: MLflow shows it as model training, not as an agent's, with the spec's text."""
    return {"mlflow.experimentKind": "custom_model_development", "mlflow.note.content": description(release)}


def description(release: Release) -> str:
    """Return the spec's text about the pipeline."""
    return fitting(release.spec["spec"].get("description", ""), _DESCRIPTION)


def fitting(text: str, limit: int) -> str:
    """Return a text as databases take it (no NUL, no half of a character), cut at `limit` characters."""
    text = text.replace("\0", "").encode("utf-8", "replace").decode()
    return text if len(text) <= limit else text[: limit - 3] + "..."


def safe_name(name: str) -> str:
    """Return the name of a candidate's run and model: letters, digits, `_`, `-` and blanks."""
    return _NOT_IN_A_NAME.sub("_", fitting(name, _NAME)) or "_"


def run_name(release: Release) -> str:
    """Return the name of a retraining's run: short enough for MLflow's column, which cuts after 18 characters."""
    return f"{release.plan.day} {outcome_of(release)}"


def outcome_of(release: Release) -> str:
    """Return what came of a decision, in one word: `promote` alone says that the model came to serve by it.

    What all gates let pass and nothing promoted is `waiting` for a person or its promotion, or was a trial (`dry`).
    """
    decided = release.decision.outcome
    if decided != "promote" or release.version is not None:
        return decided
    return "dry" if release.plan.mode == "dry" else "waiting"


def verdict(release: Release) -> str:
    """Return the decision as a sentence that begins with its outcome, for lists that show only a beginning."""
    return fitting(f"{outcome_of(release).capitalize()}: {release.decision.sentence}", _DESCRIPTION)


def run_tags(release: Release) -> dict[str, str]:
    """Return the tags of a retraining's run; the dataset is described by its fingerprint, not copied."""
    plan, snapshot = release.plan, release.snapshot
    tags = {
        **_shared_tags(release),
        "mlsys.spec_fingerprint": plan.spec_fingerprint,
        "mlsys.report": f"reports/{plan.pipeline}/{plan.run_id}.html",
        "mlsys.dataset.assignment.fingerprint": snapshot.fingerprint,
        "mlsys.dataset.assignment.cutoff": snapshot.cutoff.isoformat(),
        "mlsys.dataset.rows": str(snapshot.n_rows),
        "mlsys.dataset.assignment.labelled": str(snapshot.n_labelled),
        "mlflow.note.content": verdict(release),
        **_flaw_tags(release.inspection),
    }
    return _tags(tags)


def _flaw_tags(seen: Inspection | None) -> dict[str, str]:
    """Return how many flaws the data have, and which; nothing of a run that did not look."""
    if seen is None:
        return {}
    named = ", ".join(dict.fromkeys(finding.flaw for finding in seen.findings)) or "none"
    return {"mlsys.flaws": named, "mlsys.flaws.critical": str(seen.n_critical)}


def _shared_tags(release: Release) -> dict[str, str]:
    plan, decision = release.plan, release.decision
    return {
        "mlsys.outcome": outcome_of(release),
        "mlsys.reason": decision.reason,
        "mlsys.day": plan.day.isoformat(),
        "mlsys.mode": plan.mode,
        "mlsys.pipeline": plan.pipeline,
        RUN_TAG: plan.run_id,
        "mlsys.training_key": plan.training_key,
        "mlsys.decision_key": decision.decision_key,
        "mlflow.source.name": "mlsys",
        "mlflow.user": "mlsys",
    }


def candidate_tags(release: Release, candidate: Candidate, parent: str) -> dict[str, str]:
    """Return the tags of a candidate's run, nested below the run `parent`.

    A promotion is the outcome of the model that was promoted, and of no other one of its run.
    """
    released = candidate.candidate_id == release.candidate.candidate_id
    tags = {
        **_shared_tags(release),
        **({} if released else {"mlsys.outcome": "failed" if candidate.status == "failed" else "not_chosen"}),
        CANDIDATE_TAG: candidate.candidate_id,
        "mlsys.kind": candidate.kind,
        "mlsys.baseline": str(candidate.baseline).lower(),
        "mlsys.released": str(released).lower(),
        "mlflow.parentRunId": parent,
    }
    tags["mlflow.note.content"] = candidate.reason or "; ".join(candidate.notes)
    if candidate.model:
        tags["mlsys.sha256"] = candidate.model
    return _tags(tags)


def version_tags(release: Release) -> dict[str, str]:
    """Return the tags of the registered version; `mlsys.version` is the semantic one, once it was promoted.

    `mlsys.outcome` is what the gates' decision came to, also where a person has put the model in place: then
    `mlsys.promotion` is `manual`, `mlsys.promoted_by` names them, and `mlsys.expires` when that ends.
    """
    tags = {
        "mlsys.outcome": outcome_of(release),
        "mlsys.reason": release.decision.reason,
        "mlsys.day": release.plan.day.isoformat(),
        CANDIDATE_TAG: release.candidate.candidate_id,
        "mlsys.sha256": str(release.candidate.model),
        "mlsys.training_key": release.plan.training_key,
        "mlsys.decision_key": release.decision.decision_key,
    }
    if release.version and release.promoted:
        how, who = release.promoted
        tags |= {"mlsys.version": release.version, "mlsys.promotion": how, "mlsys.promoted_by": who}
        tags |= {"mlsys.expires": release.expires.isoformat()} if release.expires else {}
    elif release.version:
        tags["mlsys.version"] = release.version
    return _tags(tags)


def anchor_tags(release: Release) -> dict[str, str]:
    """Return the tag of the ledger's row that a version rests on; such a tag is never written over."""
    anchor = release.anchor
    return {f"{ANCHOR_TAG}.{anchor.seq}": anchor.hash} if anchor else {}


def anchors_in(tags: Mapping[str, str], *, where: str) -> list[ChainAnchor]:
    """Return the rows of the ledger's chain that the tags of a version remember."""
    named = {key.removeprefix(f"{ANCHOR_TAG}."): value for key, value in tags.items() if key.startswith(ANCHOR_TAG)}
    found = (ChainAnchor.parse(f"{seq}:{digest}", where=where) for seq, digest in named.items())
    return [anchor for anchor in found if anchor is not None]


def _tags(tags: Mapping[str, str]) -> dict[str, str]:
    return {key: fitting(value, _TAG) for key, value in tags.items()}


def dataset_input(release: Release) -> Any:
    """Return the snapshot as MLflow's dataset: its day and fingerprint, the columns that models see, row counts."""
    from mlflow.entities import Dataset, DatasetInput, InputTag

    plan, snapshot = release.plan, release.snapshot
    columns = [{"name": name, "type": MLFLOW_TYPES[logical]} for name, logical in release.columns.items()]
    schema = json.dumps({"mlflow_colspec": columns})
    dataset = Dataset(
        name=f"{plan.pipeline} to {plan.day}",
        digest=snapshot.fingerprint[:12],
        source_type="mlsys",
        source=json.dumps({"manifest": snapshot.manifest, "fingerprint": snapshot.fingerprint}),
        schema=schema if len(schema) <= _SCHEMA else None,
        profile=json.dumps({"num_rows": snapshot.n_rows, "num_labelled": snapshot.n_labelled}),
    )
    return DatasetInput(dataset, [InputTag("mlflow.data.context", "training")])


def candidate_params(candidate: Candidate) -> dict[str, str]:
    """Return the parameters of a candidate as MLflow stores them (texts of at most 6,000 characters)."""
    params = {key: fitting(str(value), _PARAMETER) for key, value in candidate.params.items() if value is not None}
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
            name = _NOT_IN_A_METRIC.sub("_", fitting(metric.name, _NAME // 2))
            values.update({f"{side}_{name}{end}": v for end, v in bounds.items() if v is not None})
    moment = int(release.snapshot.cutoff.timestamp() * 1000)
    return [Metric(name, value, moment, 0) for name, value in sorted(values.items())]

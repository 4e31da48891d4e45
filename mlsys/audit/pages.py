"""The pages of an export: an index in plain words, and a model card for each version that served."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from mlsys.audit.verify import DecisionTable
from mlsys.errors import IntegrityError
from mlsys.ledger import ChampionChange
from mlsys.ledger.anchors import anchor_of
from mlsys.metrics import METRICS
from mlsys.records import Candidate, ChainAnchor, Evaluation, MetricValue
from mlsys.report import page
from mlsys.report.card import Card
from mlsys.report.run_records import card_of
from mlsys.spec import flatten
from mlsys.workspace import Workspace


@dataclass(frozen=True)
class _Segment:
    """A part of the holdout: the column and value that cut it out, its rows, and the model's primary metric there."""

    column: str
    value: str
    n: int
    metric: float | None


def model_card(work: Workspace, change: ChampionChange, *, until: datetime | None) -> str:
    """Return the model card of a version for one term of its service, as HTML that needs nothing else.

    Raises:
        IntegrityError: the ledger has no such candidate, or its run's records are gone.
    """
    known = card_of(work, change.run_id)
    candidate = next((c for c in known.candidates if c.candidate_id == change.candidate_id), None)
    if candidate is None:
        raise IntegrityError("The ledger has no candidate of the version's name", got=change.candidate_id)
    details = _details(work, known)
    judged = _judged_as(known, change)
    spec = known.spec["spec"]
    return page.templates().get_template("model_card.html.j2").render(
        card=known,
        change=change,
        until=until,
        candidate=candidate,
        anchor=anchor_of(work.ledger, change.pipeline, change.decision_key or "", generation=change.generation),
        governance=spec.get("governance") or {},
        metrics=_metrics(details, judged),
        segments=_segments(details, judged),
        primary=METRICS.find(spec["metrics"]["primary"]).title,
        refitted=candidate.candidate_id != judged,
        limits=_limits(known, candidate, refitted=candidate.candidate_id != judged),
        features=list(work.spec_of(known.plan).feature_columns()),
        params=flatten(candidate.params),
        versions=known.environment.get("versions", {}),
        style=page.style("report/style.css"),
    )  # fmt: skip


def index(
    span: Mapping[str, str | None],
    *,
    head: ChainAnchor,
    table: DecisionTable,
    reports: Collection[str],
    served: Sequence[tuple[ChampionChange, datetime | None, str]],
    anchors: Sequence[ChainAnchor],
    missing: Sequence[str],
) -> str:
    """Return the first page of an export: what is in it, what was decided, who served, what is missing."""
    return page.templates().get_template("audit.html.j2").render(
        span=span,
        head=head,
        rows=table.rows(),
        outcomes=table.outcomes,
        reports=reports,
        served=served,
        anchors=anchors,
        missing=missing,
        style=page.style("report/style.css"),
    )  # fmt: skip


def _details(work: Workspace, known: Card) -> Mapping[str, Any]:
    """Return the details of the evaluation; nothing where they are gone, and the card says so."""
    if known.evaluations is None:
        return {}
    try:
        found: Mapping[str, Any] = work.store.read_json(known.evaluations.details)
    except IntegrityError:
        return {}
    return found


def _judged_as(known: Card, change: ChampionChange) -> str:
    """Return the id under which the version was judged: a refitted model was judged as what it was refitted from."""
    challenger = known.challenger or ""
    return challenger if change.candidate_id == Candidate.refitted(challenger) else change.candidate_id


def _metrics(details: Mapping[str, Any], model_id: str) -> list[tuple[str, MetricValue]]:
    found = [Evaluation.load(one) for one in details.get("evaluations", ()) if one["model_id"] == model_id]
    return [(_title(value.name), value) for one in found for value in one.holdout]


def _title(metric: str) -> str:
    try:
        return METRICS.find(metric).title
    except ValueError:  # of a package that is not installed here
        return metric


def _segments(details: Mapping[str, Any], model_id: str) -> list[_Segment]:
    cut = (details.get("insight") or {}).get("segments", ())
    return [
        _Segment(one["column"], row["value"], row["n"], row["values"][model_id])
        for one in cut
        for row in one["rows"]
        if model_id in row["values"]
    ]


def _limits(known: Card, candidate: Candidate, *, refitted: bool) -> list[str]:
    """Return what is known to limit the version, in words, beside what its owner wrote."""
    found = []
    if refitted:
        found.append(
            "What serves was fitted again on training and validation rows after it was judged: the metrics below are "
            "those of the model that was judged"
        )
    if known.split is not None:
        found.append(f"It was judged on {known.split.holdout.n_rows:,} rows that it was not fitted on")
        left = sum(known.split.left_out.values())
        if left:
            why = ", ".join(f"{name}: {n:,}" for name, n in known.split.left_out.items())
            found.append(f"{left:,} rows stood on no side of the split ({why})")
    if known.checks is not None and known.checks.n_quarantined:
        found.append(f"{known.checks.n_quarantined:,} rows were set aside as bad and were not learnt from")
    return [*found, *candidate.notes]

"""Report cards of runs: where they lie, and how to write one again from ledger and store."""

from __future__ import annotations

import re
from pathlib import Path

from mlsys.errors import IntegrityError, UsageError, near_match
from mlsys.events import get_logger
from mlsys.ledger import RunRow
from mlsys.ledger.anchors import anchor_of, rewritten
from mlsys.records import (
    HISTORICAL,
    Arrivals,
    Candidate,
    ChainAnchor,
    CheckReport,
    Decision,
    EvaluationSet,
    ModelVersion,
    Plan,
    RunReport,
    Split,
)
from mlsys.report import card, explained, refusals
from mlsys.workspace import Workspace

log = get_logger(__name__)

# A decision found beside a failure at an earlier step belongs to an earlier attempt at the same run.
_AFTER_DECISION = ("promote", "report")
_ANCHOR = re.compile(rb'<meta name="mlsys-anchor" content="([0-9]+:[0-9a-f]{64})">')
_HEAD = 2000  # bytes of a card in which its anchor stands


def card_path(work: Workspace, run_id: str) -> Path:
    """Return the path of a run's card, written again from ledger and store.

    Where files are gone that it shows (housekeeping removes those of old runs), the card stays as it was written.

    A request that failed before its run was begun has a card too, by its own id.

    Raises:
        UsageError: no such run.
        IntegrityError: files are gone, and so is the card.
    """
    request = work.ledger.request(run_id)
    if request is not None and request.status == "failed":
        return work.home / refusals.write(work.ledger.pipeline_of(run_id) or "", request, home=work.home).path
    try:
        return work.home / write_card(work, run_id).path
    except IntegrityError as error:
        known = work.home / card.card_path(work.ledger.plan(run_id))
        if not known.is_file():
            raise
        log.warning("card_not_written_again", run=run_id, reason=str(error))
        return known


def write_card(work: Workspace, run_id: str) -> RunReport:
    """Write the card of a run as far as it came: to its end, to a failure, or still on its way.

    Raises:
        UsageError: no such run.
        IntegrityError: the card remembers another ledger than the present one; it stays as it is.
    """
    found = card_of(work, run_id)
    known = anchor_in(work.home / card.card_path(found.plan))
    if known is not None and rewritten(work.ledger, found.plan.pipeline, [known]) is not None:
        raise IntegrityError(
            f"The ledger's row {known.seq} is not the one that this card was made of: somebody has rewritten the chain",
            where=known.where,
            remedy="Keep the card; `mlsys doctor` names the first decision that differs",
        )
    return card.write(found, store=work.store, home=work.home)


def anchor_in(path: Path) -> ChainAnchor | None:
    """Return the ledger's row that a card remembers, or None; cards of earlier versions remember none."""
    try:
        with path.open("rb") as file:
            found = _ANCHOR.search(file.read(_HEAD))
    except OSError:
        return None
    return ChainAnchor.parse(found[1].decode(), where=f"report card {path.name}") if found else None


def anchors_of_cards(pipeline: str, home: Path) -> list[ChainAnchor]:
    """Return the rows of the ledger's chain that the report cards of a pipeline remember."""
    found = (anchor_in(path) for path in sorted((home / "reports" / pipeline).glob("*.html")))
    return [anchor for anchor in found if anchor is not None]


def card_of(work: Workspace, run_id: str) -> card.Card:
    """Return the records of a run as far as it came.

    Raises:
        UsageError: no such run.
    """
    rows = work.ledger.run(run_id)
    if not rows:
        known = [row.run_id for name in work.ledger.pipelines() for row in work.ledger.runs(name)]
        remedy = near_match(run_id, set(known)) if known else "No run was started yet"
        raise UsageError("There is no such run", got=run_id, remedy=remedy)
    plan, snapshot = next((row.plan, row.snapshot) for row in rows if row.plan and row.snapshot)
    begun = max(place for place, row in enumerate(rows) if row.status == "started")
    attempt = rows[begun:]
    parts = {name: work.store.read_json(digest) for row in attempt for name, digest in row.parts.items()}
    version = ModelVersion.load(parts["version"]) if "version" in parts else None
    failed = attempt[-1] if attempt[-1].status == "failed" else None
    evaluations, decision = _judgement(work, plan, version, failed=failed, again=begun > 0)
    return card.Card(
        plan=plan,
        snapshot=snapshot,
        checks=CheckReport.load(parts["checks"]) if "checks" in parts else None,
        split=Split.load(parts["split"]) if "split" in parts else None,
        candidates=_candidates(work, plan),
        evaluations=evaluations,
        decision=decision,
        version=version or _promoted(work, plan, decision),
        spec=work.dumped_spec(plan),
        environment=parts["environment"],
        arrivals=Arrivals.load(parts["arrivals"]) if "arrivals" in parts else None,
        failure=failed.sentence if failed else None,
        failed_step=failed.step if failed else None,
        versions=_versions(work, plan, decision, version),
        override=_override(work, plan, rows[0]),
        pages=parts.get("pages", {}),
        explanation=explained.read(plan, work.home),
        anchor=anchor_of(work.ledger, plan.pipeline, decision.decision_key) if decision else None,
    )


def _versions(work: Workspace, plan: Plan, decision: Decision | None, version: ModelVersion | None) -> dict[str, str]:
    """Return the versions of who served before and after a run: those of their first promotion, which never change."""
    ids = {plan.champion, decision and decision.champion, version and version.champion}
    changes = work.ledger.champion_changes(plan.pipeline, of=[str(name) for name in ids if name])
    return {change.candidate_id: change.version for change in reversed(changes)}


def _override(work: Workspace, plan: Plan, begun: RunRow) -> str | None:
    """Return in words that a person had put the champion in place under which a live run began, or None."""
    change = work.ledger.champion_at(plan.pipeline, begun.at) if begun.at and plan.mode not in HISTORICAL else None
    if change is None or change.kind != "manual":
        return None
    until = f" until {change.expires:%Y-%m-%d %H:%M} UTC" if change.expires else ""
    return f"{change.who} had put {change.version} in place by hand{until}: {change.reason}"


def _judgement(
    work: Workspace, plan: Plan, version: ModelVersion | None, *, failed: RunRow | None, again: bool
) -> tuple[EvaluationSet, Decision] | tuple[None, None]:
    """Return the decision of a run's newest attempt with its evaluations; never that of an earlier attempt."""
    if version is not None:
        return work.ledger.decision(version.decision.decision_key) or (None, None)
    if (failed is not None and failed.step not in _AFTER_DECISION) or (failed is None and again):
        return None, None
    decisions = work.ledger.decisions(plan.pipeline, of={plan.run_id})
    return (work.ledger.decision(decisions[-1].decision_key) if decisions else None) or (None, None)


def _candidates(work: Workspace, plan: Plan) -> tuple[Candidate, ...]:
    """Return the candidates in the spec's order, then a refitted one."""
    known = {candidate.candidate_id: candidate for candidate in work.ledger.candidates(plan.training_key)}
    ids = [Candidate.id_of(plan.training_key, model.label) for model in work.spec_of(plan).models]
    return tuple(({name: known[name] for name in ids if name in known} | known).values())


def _promoted(work: Workspace, plan: Plan, decision: Decision | None) -> ModelVersion | None:
    """Return what serves when a run promoted and broke off before it could write that down."""
    challenger = (decision and decision.challenger) or ""
    given = (challenger, Candidate.refitted(challenger))
    made = decision and [
        change
        for change in work.ledger.champion_changes(plan.pipeline, of=given)
        if change.kind in ("promote", "rehydrate") and change.decision_key == decision.decision_key
    ]
    if not decision or not made:
        return None
    return ModelVersion(
        pipeline=plan.pipeline,
        changed=True,
        champion=made[-1].candidate_id,
        version=made[-1].version,
        sentence=made[-1].reason,
        decision=decision,
    )

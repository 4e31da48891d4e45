"""From findings to a decision, and from a decision to a champion.

The ledger decides in one transaction (compare-and-set); what other systems see is written after it (`projection.py`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

from mlsys.errors import IntegrityError
from mlsys.ledger import ChampionChange, ChampionMovedError
from mlsys.records import HELD, Answer, Candidate, Decision, ModelVersion, Outcome, Plan, Prepared
from mlsys.registries.base import Shown
from mlsys.spec import Spec
from mlsys.training import golden
from mlsys.workspace import Workspace

Bump = Literal["major", "minor", "patch"]
_NOT_PROMOTED: dict[Outcome, str] = {
    "reject": "The challenger was rejected",
    "inconclusive": "The evidence does not suffice",
    "historical": "The model is kept for the record",
    "error": "The run could not be judged",
}


def promote(
    work: Workspace,
    prepared: Prepared,
    decision: Decision,
    *,
    answer: Answer | None = None,
    refitted: Candidate | None = None,
) -> ChampionChange | None:
    """Make the challenger of a `promote` decision the champion; None for any other outcome and in a dry run.

    A repetition returns the change made before. A model `refitted` serves in the challenger's place, unless its guards
    refused it. Where a person has the last word (the spec or the run asks for one, or the challenger lies outside the
    envelope), `answer` is theirs, and without it nothing happens.

    Raises:
        ChampionMovedError: the champion is no longer the one that the decision compared with.
        HeldError: a person holds the pipeline.
    """
    plan = prepared.plan
    if not would_serve(plan, decision, answer):
        return None
    changes = work.ledger.champion_changes(plan.pipeline)
    made = [change for change in changes if change.decision_key == decision.decision_key]
    if made:
        return made[-1]
    present = changes[-1] if changes else None
    if (present.candidate_id if present else None) != decision.champion:
        raise ChampionMovedError(
            f"The decision compared with {decision.champion or 'no champion'}, which serves no more"
        )
    candidate = work.ledger.candidate(decision.challenger or "")
    if candidate is None:
        raise IntegrityError("The ledger has no candidate of the challenger's name", got=decision.challenger)
    reason = f"{answer.reason}. {decision.sentence}" if answer and answer.reason else decision.sentence
    if refitted is not None:
        reason = f"{reason}. {refitted.refit_sentence}"
        candidate = refitted if refitted.status == "fitted" else candidate
    return work.ledger.change_champion(
        ChampionChange(
            pipeline=plan.pipeline,
            generation=(present.generation if present else 0) + 1,
            candidate_id=candidate.candidate_id,
            version=next_version(work, changes, plan=plan, candidate=candidate),
            kind="promote",
            cutoff=plan.cutoff,
            run_id=plan.run_id,
            decision_key=decision.decision_key,
            previous=decision.champion,
            who=answer.who if answer else "gates",
            reason=reason[:500],
            golden=golden.keep(work.spec_of(plan), prepared.snapshot, prepared.split, candidate, work.store),
        )
    )


def would_serve(plan: Plan, decision: Decision, answer: Answer | None) -> bool:
    """Whether the challenger of a decision takes over; where a person has the last word, `answer` is theirs."""
    if decision.outcome != "promote" or plan.mode != "live" or decision.challenger is None:
        return False
    return not (plan.approval or decision.needs_person) or (answer is not None and answer.answer == "approved")


def outcome_of(
    work: Workspace,
    plan: Plan,
    decision: Decision,
    promoted: ChampionChange | None,
    *,
    names: Mapping[str, Mapping[str, Shown]],
) -> ModelVersion:
    """Return what serves now, in words; `names` is where each decision is shown, as `project` returns it."""
    champion = work.ledger.champion(plan.pipeline)
    if promoted is not None and champion is not None and champion.generation > promoted.generation:
        # The run was interrupted after its promotion, and somebody has changed the champion since.
        sentence = f"Promoted as version {promoted.version}; since then {champion.candidate_id} was put in its place"
    elif promoted is not None:
        sentence = f"{promoted.candidate_id} is champion of {plan.pipeline} as version {promoted.version}"
        if decision.envelope is not None and decision.envelope.inside:
            sentence += f", inside the envelope of version {decision.envelope.version}"
    elif decision.outcome == "promote" and plan.mode == "live":
        sentence = (
            f"{decision.challenger} passes all gates and waits for a person: "
            f"mlsys promote {plan.pipeline} {plan.run_id} --reason '...'"
        )
        sentence += f". {decision.envelope.sentence}" if decision.envelope and decision.needs_person else ""
    elif decision.outcome == "promote":
        would = "waited for a person" if decision.needs_person else "become champion"
        sentence = f"Dry run: {decision.challenger} would have {would}"
    else:
        serves = (
            f"version {champion.version} ({champion.candidate_id}) goes on serving" if champion else "nothing serves"
        )
        stayed = "The challenger is held back" if decision.reason == HELD else _NOT_PROMOTED[decision.outcome]
        sentence = f"{stayed}; {serves}"
    shown = names.get(decision.decision_key, {})
    in_mlflow, in_files = shown.get("mlflow"), shown.get("files")
    return ModelVersion(
        pipeline=plan.pipeline,
        changed=promoted is not None,
        champion=champion.candidate_id if champion else None,
        version=promoted.version if promoted else None,
        mlflow_version=in_mlflow.name if in_mlflow else None,
        mlflow_run_id=in_mlflow.run if in_mlflow else None,
        path=in_files.name if in_files else None,
        sentence=sentence,
        decision=decision,
    )


def next_version(work: Workspace, changes: Sequence[ChampionChange], *, plan: Plan, candidate: Candidate) -> str:
    """Return the semantic version of a new champion; numbers are never used twice, not even after a rollback.

    Major: the input schema changed; minor: the spec or the kind of model changed; patch: new data only.
    """
    if not changes:
        return "1.0.0"
    highest = max(_numbers(change.version) for change in changes)
    before = work.ledger.plan(changes[-1].run_id)
    old = work.ledger.candidate(changes[-1].candidate_id)
    bump: Bump = "patch"
    if plan.spec_fingerprint != before.spec_fingerprint or old is None or candidate.kind != old.kind:
        bump = "minor"
    if _inputs(work.spec_of(plan)) != _inputs(work.spec_of(before)):
        bump = "major"
    major, minor, patch = highest
    raised = {"major": (major + 1, 0, 0), "minor": (major, minor + 1, 0), "patch": (major, minor, patch + 1)}
    return ".".join(map(str, raised[bump]))


def _inputs(spec: Spec) -> dict[str, str]:
    return {name: column.type for name, column in spec.feature_columns().items()}


def _numbers(version: str) -> tuple[int, int, int]:
    major, minor, patch = version.split(".")
    return int(major), int(minor), int(patch)

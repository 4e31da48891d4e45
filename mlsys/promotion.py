"""From findings to a decision, and from a decision to a champion.

The ledger decides in one transaction (compare-and-set); what other systems see is written after it (`projection.py`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

from mlsys import keys, training
from mlsys.errors import IntegrityError
from mlsys.evaluation import ChampionModel
from mlsys.gates.base import Evidence
from mlsys.ledger import ChampionChange, ChampionMovedError, Ledger
from mlsys.metrics import METRICS
from mlsys.records import (
    HISTORICAL,
    Answer,
    Candidate,
    CheckReport,
    Comparison,
    Decision,
    Evaluation,
    EvaluationSet,
    GateResult,
    ModelVersion,
    Outcome,
    Plan,
    Snapshot,
    Split,
)
from mlsys.registries.base import Shown
from mlsys.spec import Spec
from mlsys.store import Store
from mlsys.workspace import Workspace

Bump = Literal["major", "minor", "patch"]
SIMULATED = "simulated"  # reason of a decision that no registry shows
_NOT_PROMOTED: dict[Outcome, str] = {
    "reject": "The challenger was rejected",
    "inconclusive": "The evidence does not suffice",
    "historical": "The model is kept for the record",
    "error": "The run could not be judged",
}


def decide(
    spec: Spec, plan: Plan, *, snapshot: Snapshot, checks: CheckReport, evaluations: EvaluationSet, work: Workspace
) -> Decision:
    """Let every gate judge the evidence, write the decision into the ledger and return it.

    A decision of the same key stands: it is returned as it was made.
    """
    decision = judge(
        spec,
        plan,
        snapshot=snapshot,
        checks=checks,
        evaluations=evaluations,
        champion=work.ledger.champion(spec.pipeline),
        store=work.store,
    )
    return work.ledger.add_decision(spec.pipeline, evaluations, decision)


def judge(
    spec: Spec,
    plan: Plan,
    *,
    snapshot: Snapshot,
    checks: CheckReport,
    evaluations: EvaluationSet,
    champion: ChampionChange | None,
    store: Store,
) -> Decision:
    """Return what the gates say, without writing it down; `champion` is who serves, for its cutoff alone."""
    evidence = _evidence(plan, snapshot, checks=checks, evaluations=evaluations, store=store)
    gates = tuple(gate.judge(evidence) for gate in spec.gates_in_force)
    outcome, reason, sentence = _outcome(plan, gates, evaluations, champion)
    return Decision(
        decision_key=keys.decision_key(plan.training_key, plan.mode, evaluations.champion),
        run_id=plan.run_id,
        outcome=outcome,
        reason=reason,
        sentence=sentence,
        challenger=evaluations.best,
        champion=evaluations.champion,
        gates=gates,
        advice=_advice(outcome, reason, spec.pipeline, plan.run_id),
    )


def rival(work: Workspace, plan: Plan) -> ChampionModel | None:
    """Return the champion to compare a run's candidates with, or None when there is none yet.

    A run that was interrupted after its own promotion is still compared with the champion before. A run about the
    past is compared with none: today's champion may have learnt from the very rows it would be judged on.
    """
    champion = work.ledger.champion(plan.pipeline)
    if plan.mode in HISTORICAL:
        return None
    if champion is not None and champion.run_id == plan.run_id and champion.kind == "promote":
        before = [c for c in work.ledger.champion_changes(plan.pipeline) if c.candidate_id == champion.previous]
        champion = before[-1] if before else None
    return None if champion is None else model_of(work, champion)


def model_of(work: Workspace, champion: ChampionChange) -> ChampionModel:
    """Return the model that a change made champion, with the feature columns of its own run.

    Raises:
        IntegrityError: the ledger has no such candidate, or not its run.
    """
    candidate = work.ledger.candidate(champion.candidate_id)
    if candidate is None:
        raise IntegrityError("The ledger has no candidate of the champion's name", got=champion.candidate_id)
    spec = work.spec_of(plan_of(work.ledger, champion.run_id))
    return ChampionModel(candidate=candidate, columns=spec.feature_columns())


def refuse(work: Workspace, decision: Decision, answer: Answer) -> Decision:
    """Write into the ledger that a person refused what the gates would have promoted, and return that decision."""
    who = f"{answer.who} refused it" if answer.answer == "refused" else "Nobody answered in time"
    refused = decision.model_copy(
        update={
            "decision_key": keys.refusal_key(decision.decision_key),
            "outcome": "reject",
            "reason": f"approval_{answer.answer}",
            "sentence": f"All gates pass, but a person has the last word. {who}"
            + (f": {answer.reason}" if answer.reason else ""),
            "answer": answer,
        }
    )
    found = work.ledger.decision(decision.decision_key)
    if found is None:
        raise IntegrityError("The ledger has no decision of that key", got=decision.decision_key)
    return work.ledger.add_decision(plan_of(work.ledger, decision.run_id).pipeline, found[0], refused)


def crown(
    work: Workspace,
    plan: Plan,
    decision: Decision,
    *,
    taken: Snapshot,
    checks: CheckReport,
    divided: Split,
    answer: Answer | None = None,
) -> ChampionChange | None:
    """Make the challenger of a `promote` decision the champion; None for any other outcome and in a dry run.

    A repetition returns the change made before. Where the spec asks for a refit, the refitted model serves. Where a
    person has the last word, `answer` is theirs, and without it nothing happens.

    Raises:
        ChampionMovedError: the champion is no longer the one that the decision compared with.
    """
    if decision.outcome != "promote" or plan.mode != "live" or decision.challenger is None:
        return None
    if plan.approval and (answer is None or answer.answer != "approved"):
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
    candidate = work.ledger.candidate(decision.challenger)
    if candidate is None:
        raise IntegrityError("The ledger has no candidate of the challenger's name", got=decision.challenger)
    spec = work.spec_of(plan)
    if spec.training.refit:
        refitted = training.refit(spec, plan, taken, checks, divided, candidate=candidate, store=work.store)
        candidate = work.ledger.add_candidate(plan.pipeline, plan.run_id, refitted)
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
            reason=(f"{answer.reason}. {decision.sentence}" if answer and answer.reason else decision.sentence)[:500],
        )
    )


def outcome_of(
    work: Workspace,
    plan: Plan,
    decision: Decision,
    crowned: ChampionChange | None,
    *,
    names: Mapping[str, Mapping[str, Shown]],
) -> ModelVersion:
    """Return what serves now, in words; `names` is where each decision is shown, as `project` returns it."""
    champion = work.ledger.champion(plan.pipeline)
    if crowned is not None and champion is not None and champion.generation > crowned.generation:
        # The run was interrupted after its promotion, and somebody has changed the champion since.
        sentence = f"Promoted as version {crowned.version}; since then {champion.candidate_id} was put in its place"
    elif crowned is not None:
        sentence = f"{crowned.candidate_id} is champion of {plan.pipeline} as version {crowned.version}"
    elif decision.outcome == "promote" and plan.mode == "live":
        sentence = (
            f"{decision.challenger} passes all gates and waits for a person: "
            f"mlsys promote {plan.pipeline} {plan.run_id} --reason '...'"
        )
    elif decision.outcome == "promote":
        sentence = f"Dry run: {decision.challenger} would have become champion"
    else:
        serves = (
            f"version {champion.version} ({champion.candidate_id}) goes on serving" if champion else "nothing serves"
        )
        sentence = f"{_NOT_PROMOTED[decision.outcome]}; {serves}"
    shown = names.get(decision.decision_key, {})
    in_mlflow, in_files = shown.get("mlflow"), shown.get("files")
    return ModelVersion(
        pipeline=plan.pipeline,
        changed=crowned is not None,
        champion=champion.candidate_id if champion else None,
        version=crowned.version if crowned else None,
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
    before = plan_of(work.ledger, changes[-1].run_id)
    old = work.ledger.candidate(changes[-1].candidate_id)
    bump: Bump = "patch"
    if plan.spec_fingerprint != before.spec_fingerprint or old is None or candidate.kind != old.kind:
        bump = "minor"
    if _inputs(work.spec_of(plan)) != _inputs(work.spec_of(before)):
        bump = "major"
    major, minor, patch = highest
    raised = {"major": (major + 1, 0, 0), "minor": (major, minor + 1, 0), "patch": (major, minor, patch + 1)}
    return ".".join(map(str, raised[bump]))


def plan_of(ledger: Ledger, run_id: str) -> Plan:
    """Return the plan of a run.

    Raises:
        IntegrityError: the ledger has no such run.
    """
    plan = next((row.plan for row in ledger.run(run_id) if row.plan is not None), None)
    if plan is None:
        raise IntegrityError("The ledger has no run of that name", where=run_id)
    return plan


def _evidence(
    plan: Plan, snapshot: Snapshot, *, checks: CheckReport, evaluations: EvaluationSet, store: Store
) -> Evidence:
    details = store.read_json(evaluations.details)
    by_id = {e["model_id"]: Evaluation.load(e) for e in details["evaluations"]}
    comparisons = [Comparison.load(c) for c in details["comparisons"]]
    return Evidence(
        plan=plan,
        snapshot=snapshot,
        checks=checks,
        evaluations=evaluations,
        challenger=by_id.get(evaluations.best or ""),
        champion=by_id.get(evaluations.champion or "") if evaluations.champion_state == "scored" else None,
        comparisons={comparison.metric: comparison for comparison in comparisons},
        directions={kind: METRICS.find(kind).direction for kind in METRICS.names()},
    )


def _outcome(
    plan: Plan, gates: Sequence[GateResult], evaluations: EvaluationSet, champion: ChampionChange | None
) -> tuple[Outcome, str, str]:
    def first(state: str) -> GateResult | None:
        return next((gate for gate in gates if gate.state == state), None)

    if evaluations.champion_state == "error":
        return "error", "champion_unusable", f"The champion can't be scored: {evaluations.champion_reason}"
    broken = first("error")
    if broken or evaluations.best is None:
        sentence = broken.sentence if broken else "No candidate could be scored"
        return "error", (broken.reason if broken else None) or "gate_error", sentence
    if plan.mode == "train":
        return "historical", "train_mode", "Trained for the record: this mode never promotes"
    if plan.mode == "simulate":
        return "historical", SIMULATED, "Simulated: the walk-forward report says what would have come of it"
    if champion is not None and champion.cutoff > plan.cutoff:
        return (
            "historical",
            "older_than_champion",
            f"The champion knows data up to {champion.cutoff:%Y-%m-%d}, this run only up to {plan.cutoff:%Y-%m-%d}",
        )
    for state, outcome in (("fail", "reject"), ("inconclusive", "inconclusive")):
        found = first(state)
        if found is not None:
            return outcome, found.reason or found.gate, found.sentence  # type: ignore[return-value]
    rival = f"beats {evaluations.champion}" if evaluations.champion else "is the first champion"
    return "promote", "all_gates_pass", f"{evaluations.best} passes all {len(gates)} gates and {rival}"


def _advice(outcome: Outcome, reason: str, pipeline: str, run_id: str) -> str | None:
    if reason == "champion_not_comparable":
        return f"A person may promote it: mlsys promote {pipeline} {run_id} --reason '...'"
    if outcome == "historical":
        return f"To make it champion all the same: mlsys promote {pipeline} {run_id} --reason '...'"
    if outcome == "error":
        return "Look at `mlsys doctor` and at the run's log; nothing was promoted"
    return None


def _inputs(spec: Spec) -> dict[str, str]:
    return {name: column.type for name, column in spec.feature_columns().items()}


def _numbers(version: str) -> tuple[int, int, int]:
    major, minor, patch = version.split(".")
    return int(major), int(minor), int(patch)

"""Gates on evidence: the decision, with its reasons."""

from __future__ import annotations

from collections.abc import Sequence

from mlsys import keys
from mlsys.errors import IntegrityError, shortened
from mlsys.evaluation import champion as champions
from mlsys.evaluation.champion import ChampionModel
from mlsys.events import get_logger
from mlsys.gates.base import Evidence, Gate
from mlsys.gates.honest_data import HonestData
from mlsys.ledger import ChampionChange, Hold
from mlsys.metrics import METRICS
from mlsys.promotion import luck, more_data
from mlsys.promotion.envelope import envelope_of
from mlsys.promotion.reuse import decided_before
from mlsys.records import (
    HELD,
    HISTORICAL,
    SIMULATED,
    AnchorComparison,
    Answer,
    Comparison,
    Decision,
    Evaluation,
    EvaluationSet,
    GateResult,
    Outcome,
    Plan,
    Prepared,
)
from mlsys.spec import Spec
from mlsys.store import Store
from mlsys.workspace import Workspace

log = get_logger(__name__)

# What would make an inconclusive run conclusive, by its reason.
_HELP = {
    "too_few_rows": ("Take in more days, give that side more rows under `split`, or see whether labels{} arrive"),
    "undefined_metric": "Choose another `metrics.primary`, move `metrics.threshold`, or take in more days",
}


def decide(spec: Spec, prepared: Prepared, *, evaluations: EvaluationSet, work: Workspace) -> Decision:
    """Let every gate judge the evidence, write the decision into the ledger and return it.

    A decision of the same key stands: it is returned as it was made. An error is none, once what caused it is mended.
    What a hold keeps back becomes a decision of its own, beside what the gates said.
    """
    champion = work.ledger.champion(spec.pipeline)
    before = None if prepared.plan.mode in HISTORICAL else decided_before(work, spec, prepared)
    decision = judge(spec, prepared, evaluations=evaluations, champion=champion, store=work.store, before=before)
    known = work.ledger.decision(decision.decision_key)
    if spec.training.seeds > 1 and (known is None or known[1].outcome == "error"):
        rival = champions.rival(work, prepared.plan)
        decision = lucky(spec, prepared, decision, evaluations, rival=rival, change=champion, work=work)
    found = envelope_of(work, spec, decision, evaluations, champion)
    decision = decision if found is None else decision.model_copy(update={"envelope": found})
    stands = work.ledger.add_decision(spec.pipeline, evaluations, decision)
    if stands.outcome != "error" or decision.outcome == "error":
        hold = work.ledger.hold(spec.pipeline) if is_held_back(prepared.plan, stands) else None
        return stands if hold is None else hold_back(work, stands, hold)
    mended = decision.model_copy(update={"decision_key": keys.mended_key(decision.decision_key)})
    return work.ledger.add_decision(spec.pipeline, evaluations, mended)


def lucky(
    spec: Spec,
    prepared: Prepared,
    decision: Decision,
    evaluations: EvaluationSet,
    *,
    rival: ChampionModel | None,
    change: ChampionChange | None,
    work: Workspace,
) -> Decision:
    """Return a decision that knows what other seeds would have changed; arguments as in `luck.tried` and `judge`."""
    return luck.tried(
        spec,
        prepared,
        decision,
        candidate=work.ledger.candidate(decision.challenger or ""),
        rival=rival,
        evaluations=evaluations,
        judge=lambda found: judge(spec, prepared, evaluations=found, champion=change, store=work.store),
        store=work.store,
    )


def judge(
    spec: Spec,
    prepared: Prepared,
    *,
    evaluations: EvaluationSet,
    champion: ChampionChange | None,
    store: Store,
    before: int | None = None,
) -> Decision:
    """Return what the gates say, without writing it down; `champion` is who serves, for its cutoff alone.

    `before` is how often the holdout's rows have decided, where somebody counts.
    """
    plan, evidence = prepared.plan, evidence_of(prepared, evaluations, store, before=before)
    gates = tuple(judged(gate, evidence) for gate in gates_for(spec, evaluations))
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
        advice=(
            more_data.advice(spec, gates, evaluations, prepared.snapshot)
            if outcome == "reject"
            else _advice(outcome, reason, plan, classes=bool(evaluations.holdout_classes))
        ),
    )


def gates_for(spec: Spec, evaluations: EvaluationSet) -> tuple[Gate, ...]:
    """Return the spec's gates and, where it names no `honest_data` and a flaw that stops was found, that one too."""
    gates, seen = spec.gates_in_force, evaluations.inspection
    named = any(isinstance(gate, HonestData) for gate in gates)
    return gates if named or seen is None or not seen.n_critical else (*gates, HonestData())


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
    return _after(work, decision, refused)


def is_held_back(plan: Plan, decision: Decision) -> bool:
    """Return whether a hold stops what a decision wants: the gates' own promotions alone."""
    return plan.mode == "live" and decision.outcome == "promote"


def hold_back(work: Workspace, decision: Decision, hold: Hold) -> Decision:
    """Write into the ledger that a hold keeps back what the gates would have promoted, and return that decision."""
    held = decision.model_copy(
        update={
            "decision_key": keys.held_key(decision.decision_key, str(hold.at)),
            "outcome": "reject",
            "reason": HELD,
            "sentence": f"All gates pass, but nothing is promoted: {hold.pipeline} is {hold.sentence}"[:1000],
            "advice": f"`mlsys hold {hold.pipeline} --release --reason '...'` ends that; the next run judges again",
        }
    )
    return _after(work, decision, held)


def _after(work: Workspace, decision: Decision, following: Decision) -> Decision:
    """Write a decision that rests on the evaluations of another one."""
    found = work.ledger.decision(decision.decision_key)
    if found is None:
        raise IntegrityError("The ledger has no decision of that key", got=decision.decision_key)
    return work.ledger.add_decision(work.ledger.plan(decision.run_id).pipeline, found[0], following)


def evidence_of(prepared: Prepared, evaluations: EvaluationSet, store: Store, *, before: int | None = None) -> Evidence:
    """Return what gates look at; `before` is how often the holdout's rows have decided.

    Raises:
        IntegrityError: the details of the evaluation are missing or were changed.
    """
    details = store.read_json(evaluations.details)
    by_id = {e["model_id"]: Evaluation.load(e) for e in details["evaluations"]}
    comparisons = [Comparison.load(c) for c in details["comparisons"]]
    return Evidence(
        plan=prepared.plan,
        snapshot=prepared.snapshot,
        checks=prepared.checks,
        evaluations=evaluations,
        challenger=by_id.get(evaluations.best or ""),
        champion=by_id.get(evaluations.champion or "") if evaluations.champion_state == "scored" else None,
        comparisons={comparison.metric: comparison for comparison in comparisons},
        directions={kind: METRICS.find(kind).direction for kind in {*METRICS.names(), evaluations.primary}},
        measured=details.get("measured", {}),
        anchor=AnchorComparison.load(details["anchor"]) if "anchor" in details else None,
        decided_before=before,
    )


def judged(gate: Gate, evidence: Evidence) -> GateResult:
    """Return a gate's finding; one that raises has found an error, and nothing is promoted."""
    try:
        return gate.judge(evidence)
    except Exception as error:
        log.exception("gate_failed", gate=gate.kind)
        sentence = f"The gate {gate.kind} fails on this evidence: {type(error).__name__}: {shortened(str(error))}."
        return GateResult(gate=gate.kind, name=gate.kind, state="error", sentence=sentence, reason="gate_error")


def _outcome(
    plan: Plan, gates: Sequence[GateResult], evaluations: EvaluationSet, champion: ChampionChange | None
) -> tuple[Outcome, str, str]:
    def first(state: str) -> GateResult | None:
        return next((gate for gate in gates if gate.state == state), None)

    if evaluations.champion_state == "error":
        return "error", "champion_unusable", f"The champion can't be scored: {evaluations.champion_reason}"
    broken, shortage = first("error"), evaluations.shortage
    if broken or (evaluations.best is None and shortage is None):
        sentence = broken.sentence if broken else f"No candidate could be scored: {_unscored(evaluations)}"
        return "error", (broken.reason if broken else None) or "gate_error", sentence
    if shortage is not None and (evaluations.best is None or plan.mode not in HISTORICAL):
        return "inconclusive", shortage.reason, shortage.sentence
    if plan.mode == "train":
        return "historical", "train_mode", "Trained for the record: this mode never promotes"
    if plan.mode == "simulate":
        return "historical", SIMULATED, "Simulated: the walk-forward report says what would have come of it"
    if champion is not None and champion.cutoff > plan.cutoff:
        return (
            "historical",
            "older_than_champion",
            f"The champion knows data up to {champion.last_day}, this run only up to {plan.day}",
        )
    for state, outcome in (("fail", "reject"), ("inconclusive", "inconclusive")):
        found = first(state)
        if found is not None:
            return outcome, found.reason or found.gate, found.sentence  # type: ignore[return-value]
    passed = "the one gate" if len(gates) == 1 else f"all {len(gates)} gates"
    sentence = f"{evaluations.best} passes {passed} and {_succession(gates, evaluations)}"
    return "promote", "all_gates_pass", sentence


def _succession(gates: Sequence[GateResult], evaluations: EvaluationSet) -> str:
    """Return in words what the challenger is to the champion: who was not compared beats nobody."""
    if evaluations.champion is None:
        return "is the first champion"
    limits = [gate.limit or 0.0 for gate in gates if gate.unit == "difference"]
    if not limits:
        return f"takes the place of {evaluations.champion}, with which no gate compares it"
    return f"beats {evaluations.champion}" if max(limits) >= 0 else f"holds its own against {evaluations.champion}"


def _unscored(evaluations: EvaluationSet) -> str:
    reasons = (value.reason for model, value in evaluations.summary.items() if model != evaluations.champion)
    return next((reason for reason in reasons if reason), "no reason given")


def _advice(outcome: Outcome, reason: str, plan: Plan, *, classes: bool) -> str | None:
    if reason == "champion_not_comparable":
        return f"A person may promote it: mlsys promote {plan.pipeline} {plan.run_id} --reason '...'"
    if outcome == "historical":
        return f"To make it champion all the same: mlsys promote {plan.pipeline} {plan.run_id} --reason '...'"
    if outcome == "inconclusive" and reason in _HELP:
        return _HELP[reason].format(" of the other class" if classes else "")
    if outcome == "error":
        return "Look at `mlsys doctor` and at the run's log; nothing was promoted"
    return None

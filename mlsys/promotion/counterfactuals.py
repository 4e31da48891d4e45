"""A decision in plain words: what was decided and why, by how much, what would have flipped it, and what came since.

Everything is computed from the stored decision, so that old ones are explained too.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from mlsys.errors import UsageError, near_match
from mlsys.ledger import ChampionChange
from mlsys.records import HELD, Candidate, Decision, GateResult, Plan
from mlsys.workspace import Workspace

_SHORTEST = 8  # characters of a decision's key that name it


@dataclass(frozen=True)
class Weighed:
    """What one gate found, and what would flip that; `flip` is empty where nothing tells."""

    name: str
    state: str
    sentence: str
    flip: str


@dataclass(frozen=True)
class DecisionExplained:
    """A decision in words.

    Attributes:
        what: one sentence: outcome, run, day.
        because: what decided.
        flipped: what would have led to another outcome.
        gates: every gate, those that kept the model back first.
        since: what became of the model, oldest first; empty where nothing did.
        advice: what a person may do, or None.
    """

    decision: Decision
    what: str
    because: str
    flipped: str
    gates: tuple[Weighed, ...]
    since: tuple[str, ...]
    advice: str | None


def explain(work: Workspace, name: str) -> DecisionExplained:
    """Explain the newest decision of a run, or the one of a key (its first 8 characters will do).

    Raises:
        UsageError: no such run or decision, or the run has none.
    """
    decision = _found(work, name)
    plan = work.ledger.plan(decision.run_id)
    order = ("error", "fail", "inconclusive", "pass")
    gates = sorted(decision.gates, key=lambda gate: order.index(gate.state))
    challenger = decision.challenger or "no candidate"
    against = f" against {decision.champion}" if decision.champion else ""
    trial = "" if plan.mode == "live" else f" ({plan.mode})"
    return DecisionExplained(
        decision=decision,
        what=f"{decision.outcome}: {challenger}{against}, by run {decision.run_id} about {plan.day}{trial}",
        because=decision.sentence,
        flipped=flipped(decision),
        gates=tuple(Weighed(gate.name, gate.state, gate.sentence, gate.flip) for gate in gates),
        since=tuple(_since(work, plan, decision)),
        advice=decision.advice,
    )


def _found(work: Workspace, name: str) -> Decision:
    known = work.ledger.decision(name)
    if known is not None:
        return known[1]
    pipelines = list(work.ledger.pipelines())
    rows = work.ledger.run(name)
    if rows:
        pipeline = work.ledger.plan(name).pipeline
        decisions = work.ledger.decisions(pipeline, of={name})
        if decisions:
            return decisions[-1]
        rule = f"The run has no decision: {rows[-1].sentence or rows[-1].status}"
        raise UsageError(rule.rstrip("."), where=name, remedy=f"See `mlsys report {name}`")
    keys = [d for each in pipelines for d in work.ledger.decisions(each) if d.decision_key.startswith(name)]
    if len(name) >= _SHORTEST and len(keys) == 1:
        return keys[0]
    runs = {row.run_id for each in pipelines for row in work.ledger.runs(each)}
    remedy = f"{near_match(name, runs)}. `mlsys history NAME` lists runs" if runs else "No run was started yet"
    raise UsageError("There is no run and no decision of that name", got=name, remedy=remedy)


def flipped(decision: Decision) -> str:
    """Return what would have led to another outcome, as a sentence."""
    against = [gate for gate in decision.gates if gate.state != "pass"]
    if decision.reason == HELD:
        return "Without the hold it would have been promoted: all gates pass."
    if decision.answer is not None:
        return "A yes would have promoted it: all gates pass."
    if decision.outcome == "promote":
        return _nearest(decision.gates)
    if decision.outcome == "historical":
        rest = _names(against) or "none of the gates stood against it"
        if decision.reason == "older_than_champion":
            return f"Data newer than the champion's would have made it a candidate for promotion; {rest}."
        return f"Only a live run promotes; of what the gates found, {rest}."
    if not against:
        return "No gate stood against it: what is said above alone did."
    if len(against) == 1:
        return f"One gate alone kept it: {against[0].name}. {against[0].flip}".rstrip()
    return f"All of these would have had to pass: {_names(against)}."


def _names(gates: Sequence[GateResult]) -> str:
    """Return gates by name, each with what would flip it, or why it found what it did."""
    return "; ".join(f"{gate.name} ({_lowered(gate.flip) or gate.reason or gate.state})" for gate in gates)


def _lowered(sentence: str) -> str:
    """Return a sentence as a part of another one."""
    return (sentence[:1].lower() + sentence[1:]).rstrip(".")


def _nearest(gates: Sequence[GateResult]) -> str:
    """Return which gate was nearest to another outcome, in units of its own limit."""
    weighed = [
        (gate.distance / (abs(gate.limit) or abs(gate.estimate or 0) or 1.0), gate)
        for gate in gates
        if gate.distance is not None and gate.limit is not None and gate.flip
    ]
    if not weighed:
        return "No gate gives a figure that could have fallen on the other side."
    _, gate = min(weighed, key=lambda pair: pair[0])
    return f"Nearest to another outcome was {gate.name}. {gate.flip}"


def _since(work: Workspace, plan: Plan, decision: Decision) -> Iterator[str]:
    """Yield what happened to the challenger, and to the run's other models, as champions."""
    candidates = {candidate.candidate_id for candidate in work.ledger.candidates(plan.training_key)}
    own = {decision.challenger or "", Candidate.refitted(decision.challenger or "")}
    changes = work.ledger.champion_changes(plan.pipeline)
    for change, following in zip(changes, [*changes[1:], None], strict=True):
        if change.candidate_id not in candidates | own:
            continue
        name = "It" if change.candidate_id in own else change.candidate_id
        yield f"{name} {_came(change)}{_went(following) if following else ', and serves now'}"


def _came(change: ChampionChange) -> str:
    how = {
        "promote": "was promoted by the gates",
        "manual": f"was put in place by {change.who} ({change.reason})",
        "rollback": f"was rolled back to by {change.who} ({change.reason})",
        "expiry": "came to serve again when an override ended",
    }[change.kind]
    until = f", until {change.expires:%Y-%m-%d %H:%M} UTC" if change.expires else ""
    return f"{how} as {change.version}" + (f" on {change.at:%Y-%m-%d %H:%M} UTC" if change.at else "") + until


def _went(following: ChampionChange) -> str:
    why = {"rollback": " by a rollback", "manual": " by hand", "expiry": " when its time was over", "promote": ""}
    at = f" on {following.at:%Y-%m-%d %H:%M} UTC" if following.at else ""
    reason = f" ({following.reason})" if following.kind == "rollback" else ""
    return f"; {following.version} took its place{why[following.kind]}{at}{reason}"

"""The anchor: the past champion that "not worse" is measured from, so that many small losses can't add up.

A challenger that is a little worse than the champion may pass a gate that asks for "not worse"; the next one is then a
little worse than that one, and quality creeps downhill (Feng, Emerson and Simon, Biometrics 77, 2021). So such a gate
holds challengers against one past champion as well, which moves only for a reason:

- The first champion is the first anchor, and so is one that a person promotes, or that no gate compares with anything.
- A champion takes the anchor's place when it was shown to be better than the anchor on its promotion; also where a gate
  asked it to be better than the champion, which was the anchor, or whose anchor could not be scored any more.
- An anchor of more than a year gives way to the best of the champions since, by their difference to it when they were
  promoted, if that one did better than it at all.
- Where a rollback takes the anchor out of service, what serves then is the anchor.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from mlsys.evaluation.champion import ChampionModel, model_of, rival_change
from mlsys.ledger import ChampionChange
from mlsys.records import AnchorFinding, Decision, GateResult, Plan
from mlsys.spec import Spec
from mlsys.workspace import Workspace

OLDEST = timedelta(days=365)


@dataclass(frozen=True)
class Anchor:
    """The past champion to compare with: `model` is None where it is the one that serves."""

    model_id: str
    version: str
    model: ChampionModel | None


def anchor_for(work: Workspace, spec: Spec, plan: Plan) -> Anchor | None:
    """Return the anchor of a run, or None where no gate of the spec asks for one, or nobody serves."""
    champion = rival_change(work, plan) if spec.anchored_metrics else None
    return None if champion is None else anchor_under(work, champion, plan.cutoff)


def anchor_under(work: Workspace, champion: ChampionChange, cutoff: datetime) -> Anchor:
    """Return the anchor that stood beside a champion, for a run with this cutoff."""
    changes = [c for c in work.ledger.champion_changes(champion.pipeline) if c.generation <= champion.generation]
    decided = work.ledger.decisions(champion.pipeline, of={change.run_id for change in changes})
    found = anchor_of(changes, {decision.decision_key: decision for decision in decided}, cutoff)
    same = found.candidate_id == champion.candidate_id
    return Anchor(found.candidate_id, found.version, None if same else model_of(work, found))


def anchor_of(changes: Sequence[ChampionChange], decisions: Mapping[str, Decision], cutoff: datetime) -> ChampionChange:
    """Return which of a pipeline's champions is the anchor, of at least one; `changes` come oldest first."""
    anchor = changes[0]
    since: list[ChampionChange] = []
    for change in changes[1:]:
        anchor, since = _renewed(anchor, since, decisions, change.cutoff)
        gates = _gates(decisions, change)
        if change.kind == "rollback":
            moves = change.previous == anchor.candidate_id
        else:
            moves = change.kind == "manual" or becomes_anchor(gates, of_anchor=change.previous == anchor.candidate_id)
        anchor, since = (change, []) if moves else (anchor, [*since, change])
    return _renewed(anchor, since, decisions, cutoff)[0]


def becomes_anchor(gates: Sequence[GateResult], *, of_anchor: bool) -> bool:
    """Whether what these gates promoted is the new anchor; `of_anchor`: the anchor served before it."""
    found = _finding(gates)
    if found is not None:
        return found.shown_better or found.state == "unusable"
    return of_anchor or not any(gate.unit == "difference" for gate in gates)


def _finding(gates: Sequence[GateResult]) -> AnchorFinding | None:
    return next((gate.anchor for gate in gates if gate.anchor is not None), None)


def _renewed(
    anchor: ChampionChange, since: list[ChampionChange], decisions: Mapping[str, Decision], cutoff: datetime
) -> tuple[ChampionChange, list[ChampionChange]]:
    """Return the best of the champions since an anchor that is too old, and those after it."""
    if cutoff - anchor.cutoff <= OLDEST:
        return anchor, since
    best, most = anchor, 0.0
    for change in since:
        found = _finding(_gates(decisions, change))
        if found is not None and found.model_id == anchor.candidate_id and (found.difference or 0.0) > most:
            best, most = change, found.difference or 0.0
    return best, since[since.index(best) + 1 :] if best in since else since


def _gates(decisions: Mapping[str, Decision], change: ChampionChange) -> tuple[GateResult, ...]:
    decision = decisions.get(change.decision_key or "")
    return decision.gates if decision else ()

"""Day by day: what the gates would have said of each best candidate against the model that would have served then.

It is the spec's own gates that judge, on the evidence of the step `evaluate`; only the champion is a virtual one.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

from mlsys import keys
from mlsys.backfill.days import SimulatedDay, Simulation
from mlsys.backfill.records import Verdict
from mlsys.evaluation import evaluation
from mlsys.evaluation.anchor import Anchor, becomes_anchor
from mlsys.evaluation.champion import model_by
from mlsys.events import get_logger
from mlsys.gates.base import Evidence, Gate
from mlsys.gates.honest_data import HonestData
from mlsys.inspection import inspection
from mlsys.promotion import decide
from mlsys.promotion.reuse import MOST, sharing
from mlsys.records import Decision, Prepared
from mlsys.spec import Spec
from mlsys.store import Store, canonical_json, recall, remember
from mlsys.workspace import Workspace

log = get_logger(__name__)


def judge_in_turn(work: Workspace, simulation: Simulation) -> tuple[Verdict, ...]:
    """Return one verdict per simulated day; each day that the gates promote is the rival of the days after it."""
    verdicts: list[Verdict] = []
    champion: SimulatedDay | None = None
    anchor: SimulatedDay | None = None
    for simulated in simulation.days:
        days = zip(simulation.days, verdicts, strict=False)
        compared = [day.plan.cutoff for day, judged in days if judged.rival is not None][-MOST:]
        before = sharing(simulation.spec, simulated.plan.cutoff, compared)
        verdict = _verdict(work, simulation, simulated, (champion, anchor), before)
        if verdict.outcome == "promote":
            moves = becomes_anchor(verdict.gates, of_anchor=champion is anchor)
            champion, anchor = simulated, simulated if moves else anchor
        verdicts.append(verdict)
    log.info("judged_in_turn", pipeline=simulation.pipeline, days=len(verdicts))
    return tuple(verdicts)


def promoted(days: Sequence[SimulatedDay], verdicts: Sequence[Verdict]) -> tuple[SimulatedDay, ...]:
    """Return the days whose model the gates would have taken into service."""
    return tuple(day for day, verdict in zip(days, verdicts, strict=True) if verdict.outcome == "promote")


def _verdict(
    work: Workspace,
    simulation: Simulation,
    simulated: SimulatedDay,
    champions: tuple[SimulatedDay | None, SimulatedDay | None],
    before: int,
) -> Verdict:
    rival, anchor = champions
    held = anchor if simulation.spec.anchored_metrics else None
    path = _path(work, simulated, rival, held, before)
    known = recall(path)
    if known is not None:
        return Verdict.model_validate_json(known)
    spec = simulation.spec
    # A dry run is judged as a live one is; nothing of it is written into the ledger.
    prepared = simulated.prepared.model_copy(update={"plan": simulated.plan.model_copy(update={"mode": "dry"})})
    evaluations = evaluation.evaluate(
        spec,
        prepared,
        candidates=[simulated.best],
        champion=model_by(spec, rival.best) if rival else None,
        anchor=_as_anchor(spec, held, rival) if held else None,
        store=work.store,
        explained=False,
        inspect=_look(spec, prepared, work.store),
    )
    decision = decide.judge(spec, prepared, evaluations=evaluations, champion=None, store=work.store, before=before)
    evidence = decide.evidence_of(prepared, evaluations, work.store)
    verdict = Verdict(
        outcome=decision.outcome,
        reason=decision.reason,
        sentence=decision.sentence,
        rival=rival.day if rival else None,
        comparison=evaluations.comparison,
        gates=decision.gates,
        kept_out_by=_kept_out_by(decide.gates_for(spec, evaluations), evidence, decision),
    )
    remember(path, canonical_json(verdict.model_dump(mode="json")))
    return verdict


def _look(spec: Spec, prepared: Prepared, store: Store) -> inspection.Inspector | None:
    """Return the look at a day's data, where a gate of the spec asks for it; no earlier run is held against it."""
    asked = any(isinstance(gate, HonestData) for gate in spec.gates) and spec.inspection.enabled
    return inspection.look_at(spec, prepared, reference=None, store=store) if asked else None


def _as_anchor(spec: Spec, held: SimulatedDay, rival: SimulatedDay | None) -> Anchor:
    """Return the model of a simulated day as the anchor, which keeps its place while the range lasts."""
    return Anchor(held.best.candidate_id, held.day.isoformat(), None if held is rival else model_by(spec, held.best))


def _kept_out_by(gates: Sequence[Gate], evidence: Evidence, decision: Decision) -> tuple[str, ...]:
    """Return the limits that alone kept a better model out, where the one that serves misses each of them too."""
    compared = evidence.evaluations.comparison
    if decision.outcome != "reject" or compared is None or compared.lower is None or compared.lower <= 0:
        return ()
    missed = [(gate, found) for gate, found in zip(gates, decision.gates, strict=True) if found.state != "pass"]
    alike = all(gate.champion_misses(evidence) for gate, _ in missed)
    return tuple(found.name for _, found in missed) if alike else ()


def _path(
    work: Workspace, simulated: SimulatedDay, rival: SimulatedDay | None, held: SimulatedDay | None, before: int
) -> Path:
    parts = [
        keys.code_fingerprint(),
        simulated.plan.run_id,
        simulated.plan.training_key,
        simulated.best.candidate_id,
        [rival.best.candidate_id, rival.day.isoformat()] if rival else None,
        *([held.best.candidate_id] if held else []),
        before,
    ]
    name = hashlib.sha256(canonical_json(parts)).hexdigest()
    return work.home / "cache" / "walkforward" / "verdicts" / f"{name}.json"

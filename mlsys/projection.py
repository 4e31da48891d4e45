"""From the ledger to what other systems see: MLflow's registry and alias, the file registry and its link.

Everything here can be wiped and is made again from ledger and store. A crash between the ledger and a registry
leaves a true ledger and a stale registry; the next run, `mlsys up` or `mlsys reconcile` heals it.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mlsys.errors import IntegrityError
from mlsys.ledger import ChampionChange
from mlsys.promotion import SIMULATED, plan_of
from mlsys.records import Decision, Evaluation
from mlsys.registries.base import Release
from mlsys.store import write_atomically
from mlsys.workspace import Workspace

log = logging.getLogger(__name__)


def project(work: Workspace, pipeline: str, *, force: bool = False) -> dict[str, str]:
    """Write what the ledger says into the registries; return the name of the newest decision's model in each.

    Costs one file read when nothing changed since the last time; `force` writes all decisions again and asks the
    registries themselves.
    """
    decisions = _shown(work, pipeline)
    if not decisions:
        return {}
    changes = work.ledger.champion_changes(pipeline)
    state = {"generation": changes[-1].generation if changes else 0, "decision": decisions[-1].decision_key}
    marker = work.home / "projections" / f"{pipeline}.json"
    done = None if force else _read(marker)
    if done is not None and done["state"] == state:
        return dict(done["names"])
    with work.ledger.projecting(pipeline):
        # Read again under the lock: whoever held it before may have changed the champion.
        changes = work.ledger.champion_changes(pipeline)
        decisions = _shown(work, pipeline)
        names: dict[str, str] = {}
        for decision in _to_publish(work, changes, decisions, force=force):
            names = _publish(work, decision, changes)
        if changes:
            _point(work, pipeline, changes[-1])
        state = {"generation": changes[-1].generation if changes else 0, "decision": decisions[-1].decision_key}
        write_atomically(marker, json.dumps({"state": state, "names": names}, sort_keys=True).encode())
    return names


def _shown(work: Workspace, pipeline: str) -> list[Decision]:
    return [decision for decision in work.ledger.decisions(pipeline) if decision.reason != SIMULATED]


def _read(marker: Path) -> dict[str, Any] | None:
    """Return what the marker says, or None when it is missing or damaged; everything is then written again."""
    try:
        found: dict[str, Any] = json.loads(marker.read_text())
    except (FileNotFoundError, ValueError):
        return None
    return found if {"state", "names"} <= set(found) else None


def drift(work: Workspace, pipeline: str) -> list[str]:
    """Return what the registries show that the ledger does not say, in words; empty when they agree."""
    champion = work.ledger.champion(pipeline)
    if champion is None:
        return []
    found = []
    for registry in work.spec_of(plan_of(work.ledger, champion.run_id)).registries:
        shown = registry.pointed(pipeline, work.place)
        if shown != champion.candidate_id:
            found.append(
                f"{pipeline}: {registry.kind} shows {shown or 'no champion'}, the ledger {champion.candidate_id}"
            )
    return found


def _to_publish(
    work: Workspace, changes: Sequence[ChampionChange], decisions: Sequence[Decision], *, force: bool
) -> list[Decision]:
    # The champion's release first (newer decisions may all be rejections), the newest decision last.
    wanted: dict[str, Decision] = {}
    key = next((c.decision_key for c in reversed(changes) if c.candidate_id == changes[-1].candidate_id), None)
    found = work.ledger.decision(key) if key else None
    if found is not None:
        wanted[found[1].decision_key] = found[1]
    for decision in decisions if force else decisions[-1:]:
        wanted.pop(decision.decision_key, None)
        wanted[decision.decision_key] = decision
    return [decision for decision in wanted.values() if decision.challenger]


def _publish(work: Workspace, decision: Decision, changes: Sequence[ChampionChange]) -> dict[str, str]:
    crowned = [c for c in changes if c.decision_key == decision.decision_key and c.kind != "rollback"]
    release = _release(work, decision, crowned[-1] if crowned else None)
    names = {}
    for registry in work.spec_of(release.plan).registries:
        if release.version is not None or registry.shows_unpromoted:
            names[registry.kind] = registry.publish(release, work.place)
            log.info("published registry=%s name=%s run=%s", registry.kind, names[registry.kind], decision.run_id)
    return names


def _point(work: Workspace, pipeline: str, champion: ChampionChange) -> None:
    for registry in work.spec_of(plan_of(work.ledger, champion.run_id)).registries:
        registry.point(pipeline, champion.candidate_id, work.place)
        log.info("pointed registry=%s pipeline=%s champion=%s", registry.kind, pipeline, champion.candidate_id)


def _release(work: Workspace, decision: Decision, change: ChampionChange | None) -> Release:
    plan = plan_of(work.ledger, decision.run_id)
    rows = work.ledger.run(decision.run_id)
    snapshot = next(row.snapshot for row in rows if row.snapshot is not None)
    found = work.ledger.decision(decision.decision_key)
    details = work.store.read_json(found[0].details) if found else {"evaluations": []}
    evaluations = {e["model_id"]: Evaluation.load(e) for e in details["evaluations"]}
    served = change.candidate_id if change else decision.challenger
    candidate = work.ledger.candidate(served or "")
    if candidate is None:
        raise IntegrityError("The ledger has no such candidate", where=f"run {decision.run_id}", got=served)
    return Release(
        plan=plan,
        snapshot=snapshot,
        candidate=candidate,
        parts=tuple((c, evaluations.get(c.candidate_id)) for c in work.ledger.candidates(plan.training_key)),
        decision=decision,
        columns={name: column.type for name, column in work.spec_of(plan).feature_columns().items()},
        spec=work.dumped_spec(plan),
        version=change.version if change else None,
    )

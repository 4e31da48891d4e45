"""Any fitted candidate as a champion would be, out of the ledger and the store: for what is tried beside one."""

from __future__ import annotations

from mlsys.errors import IntegrityError
from mlsys.serving.champion import Champion
from mlsys.training import model_file
from mlsys.workspace import Workspace


def stored_candidate(work: Workspace, pipeline: str, candidate_id: str) -> Champion:
    """Return a candidate as it would serve; its version is the one it served as, else its own name.

    Its folder is none: only what is promoted is released.

    Raises:
        IntegrityError: the ledger has no fitted candidate of that name, or its file is gone or changed.
        RunError: the installed packages can't read it.
    """
    candidate, run_id = work.ledger.candidate(candidate_id), work.ledger.run_of(candidate_id)
    if candidate is None or candidate.model is None or run_id is None:
        raise IntegrityError("The ledger has no fitted candidate of that name", where=pipeline, got=candidate_id)
    plan = work.ledger.plan(run_id)
    spec = work.spec_of(plan)
    served = work.ledger.champion_changes(pipeline, of=[candidate_id])
    own, usual = candidate.threshold, spec.metrics.usual_threshold
    positive = getattr(spec.target, "positive", None) if spec.target.two_classes else None
    model = model_file.load(candidate.model, work.store)
    return Champion(
        pipeline=pipeline,
        version=served[-1].version if served else candidate_id,
        candidate_id=candidate_id,
        cutoff=plan.cutoff,
        task=spec.target.task,
        target=spec.target.column,
        positive=positive,
        threshold=None if positive is None else (usual if own is None else own),
        classes=spec.target.knows(model),
        features=spec.feature_columns(),
        joins=spec.joins,
        model=model,
        folder=work.store.path(candidate.model).parent,
        actions=getattr(spec.target, "actions", ()),
    )

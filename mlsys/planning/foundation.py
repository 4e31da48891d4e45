"""The champion at the beginning of a run, for candidates that are made of it."""

from __future__ import annotations

from mlsys.dataset.learnt_rows import learnt_in
from mlsys.errors import IntegrityError
from mlsys.ledger import ChampionChange
from mlsys.records import BuiltOn
from mlsys.spec import Spec
from mlsys.workspace import Workspace

MOST = 20  # recalibrations of one model, each with rows that it knows from then on


def foundation(work: Workspace, spec: Spec, champion: ChampionChange | None) -> BuiltOn | None:
    """Return the champion as candidates may be made of it; None where there is none, or none of them asks for it.

    Raises:
        IntegrityError: the ledger has no candidate of the champion's name, or its run's records were changed.
    """
    if champion is None or not any(model.of_champion for model in spec.models):
        return None
    candidate = work.ledger.candidate(champion.candidate_id)
    if candidate is None or candidate.model is None:
        raise IntegrityError("The ledger has no candidate of the champion's name", got=champion.candidate_id)
    learnt = learnt_in(work, champion.run_id, candidate.refit.on if candidate.refit else None)
    before = candidate.built_on.learnt if candidate.built_on else ()
    obstacle = _obstacle(work.spec_of(work.ledger.plan(champion.run_id)), spec)
    if learnt is None:
        obstacle = obstacle or "its run left no record of the rows that it was fitted on"
    elif len(before) >= MOST:
        obstacle = obstacle or f"it was recalibrated {MOST} times in a row: it is time for another model"
    return BuiltOn(
        candidate_id=candidate.candidate_id,
        model=candidate.model,
        params=candidate.ranks_by,
        learnt=() if learnt is None or obstacle else (*before, learnt),
        obstacle=obstacle,
    )


def _obstacle(then: Spec, now: Spec) -> str | None:
    """Return why the champion of a spec can't be a part of a model by another spec, or None."""
    if then.target.model_dump() != now.target.model_dump():
        return "its target was another one"
    if then.key != now.key or (not now.key and then.columns != now.columns):
        return "its rows had other keys: nothing tells which of today's rows it knows"
    columns = [
        {name: column.type for name, column in spec.feature_columns().items()} | spec.joined_meanings()
        for spec in (then, now)
    ]
    if columns[0] != columns[1]:
        return "it reads other columns"
    return None

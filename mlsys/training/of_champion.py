"""Loads the champion for candidates that are made of it, or says why they are left out."""

from __future__ import annotations

import numpy as np

from mlsys.dataset.learnt_rows import among, names_and_sides, names_learnt, row_names
from mlsys.errors import IntegrityError, RunError
from mlsys.models.fit_task import Foundation
from mlsys.records import HISTORICAL, Prepared
from mlsys.splits.base import HOLDOUT, VALIDATION
from mlsys.store import Store
from mlsys.training import model_file
from mlsys.wording import counted


def champion_for(
    prepared: Prepared, key_hash: np.ndarray, day: np.ndarray, *, keyed: bool, store: Store
) -> Foundation | str:
    """Return the champion of a run's plan with what it knows of some rows, or why nothing can be made of it.

    A champion that has learnt from rows which are to judge is none to build on: what is made of it knows them, too.

    Args:
        prepared: the run.
        key_hash: `(n_rows,)` uint64 of the rows to learn from.
        day: `(n_rows,)` datetime64[D] of the same rows.
        keyed: whether the rows have a key.
        store: of models and rows.
    """
    plan, built_on = prepared.plan, prepared.plan.built_on
    if built_on is None:
        return "a run about the past has no champion" if plan.mode in HISTORICAL else "there is no champion yet"
    if built_on.obstacle is not None:
        return f"the champion {built_on.candidate_id} is none to build on: {built_on.obstacle}"
    try:
        learnt = names_learnt(built_on.learnt, store)
        manifest, assignment = prepared.snapshot.manifest, prepared.split.assignment
        names, side = names_and_sides(manifest, assignment, store, keyed=keyed)
        pipeline = model_file.load(built_on.model, store)
    except (IntegrityError, RunError) as error:
        return f"the champion {built_on.candidate_id} can't be loaded with its rows: {error}"
    judging = np.isin(side, (VALIDATION, HOLDOUT))
    n_known = int((among(names, learnt) & judging).sum())
    if n_known:
        rows = counted(int(judging.sum()), "validation and holdout row")
        return f"the champion {built_on.candidate_id} has learnt from {n_known:,} of the {rows}"
    days = day.astype("datetime64[D]")
    age = (days.max() - days).astype(int) if len(days) else np.zeros(0, dtype=int)
    return Foundation(pipeline, fresh=~among(row_names(key_hash, day, keyed=keyed), learnt), age=age)

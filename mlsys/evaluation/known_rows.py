"""Rows of the holdout that the champion was fitted on: found exactly, by the keys of its training rows.

A split keeps a run's own candidates from its holdout. The champion is of another run, whose split may have had other
sides: after a change of `split`, after a refit, or under a key whose rows come back.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from mlsys.dataset.learnt_rows import among, learnt_in, names_learnt
from mlsys.errors import IntegrityError
from mlsys.records import KnownRows, LearntRows, RefitOn
from mlsys.wording import counted
from mlsys.workspace import Workspace

MOST = 0.5  # of the holdout; where the champion knows more, what is left is no fair sample of it


@dataclass(frozen=True)
class FittedOn:
    """The rows that a model was fitted on.

    Attributes:
        keys: `(n,)` uint64, sorted, as `row_names` gives them; empty where they are not known.
        unknown: why they are not, as a sentence.
    """

    keys: np.ndarray = field(compare=False)
    unknown: str | None = None


def fitted_on(work: Workspace, run_id: str, on: RefitOn | None, *, beside: Sequence[LearntRows] = ()) -> FittedOn:
    """Return the keys that a run's candidates were fitted on, or those of its refit; with the rows `beside` them."""
    nobody = np.empty(0, dtype=np.uint64)
    try:
        own = learnt_in(work, run_id, on)
        if own is None:
            return FittedOn(nobody, f"run {run_id} left no record of its split")
        return FittedOn(names_learnt([own, *beside], work.store))
    except IntegrityError as error:
        return FittedOn(nobody, f"the rows of run {run_id} are gone: {error}")


def known_of(known: FittedOn | None, names: np.ndarray, on_holdout: np.ndarray) -> np.ndarray:
    """Return `(n_rows,)` bool: holdout rows that a model was fitted on, by their `row_names`."""
    if known is None:
        return np.zeros_like(on_holdout)
    found: np.ndarray = on_holdout & among(names, known.keys)
    return found


def too_many(known: np.ndarray, on_holdout: np.ndarray) -> str | None:
    """Return why a champion can't be compared on rows of which it knows some, or None; both `(n_rows,)` bool."""
    n_known, n_rows = int(known.sum()), int(on_holdout.sum())
    if n_known <= MOST * n_rows:
        return None
    return f"it was fitted on {n_known:,} of the {counted(n_rows, 'holdout row')}"


def record(known: FittedOn | None, n_known: int, n_rows: int) -> KnownRows | None:
    """Return what there is to say of them; None where there are none."""
    unknown = known.unknown if known else None
    return KnownRows(n_rows=n_known, n_holdout=n_rows, unknown=unknown) if n_known or unknown else None

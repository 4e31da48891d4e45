"""Rows of the holdout that the champion was fitted on: found exactly, by the keys of its training rows.

A split keeps a run's own candidates from its holdout. The champion is of another run, whose split may have had other
sides: after a change of `split`, after a refit, or under a key whose rows come back.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from mlsys.dataset import dataset
from mlsys.errors import IntegrityError
from mlsys.records import KnownRows, RefitOn, Split
from mlsys.schema import DAY, KEY
from mlsys.snapshot.rows import read_rows
from mlsys.splits.base import HOLDOUT, TRAINING, VALIDATION
from mlsys.wording import counted
from mlsys.workspace import Workspace

MOST = 0.5  # of the holdout; where the champion knows more, what is left is no fair sample of it
_SIDES: dict[RefitOn | None, tuple[int, ...]] = {
    None: (TRAINING,),
    "train+validation": (TRAINING, VALIDATION),
    "all": (TRAINING, VALIDATION, HOLDOUT),
}


@dataclass(frozen=True)
class FittedOn:
    """The rows that a model was fitted on.

    Attributes:
        keys: `(n,)` uint64, sorted, as `row_names` gives them; empty where they are not known.
        unknown: why they are not, as a sentence.
    """

    keys: np.ndarray = field(compare=False)
    unknown: str | None = None


def fitted_on(work: Workspace, run_id: str, on: RefitOn | None) -> FittedOn:
    """Return the keys that a run's candidates were fitted on, or those of its refit."""
    rows = work.ledger.run(run_id)
    snapshot = next((row.snapshot for row in rows if row.snapshot is not None), None)
    parts = {name: digest for row in rows for name, digest in row.parts.items()}
    if snapshot is None or "split" not in parts:
        return FittedOn(np.empty(0, dtype=np.uint64), f"run {run_id} left no record of its split")
    try:
        side = dataset.read_assignment(Split.load(work.store.read_json(parts["split"])), work.store)
        table = read_rows(snapshot.manifest, work.store, [KEY, DAY])
        keyed = bool(work.spec_of(work.ledger.plan(run_id)).key)
        names = row_names(dataset.keys_of(table), table[DAY].to_numpy(), keyed=keyed)
    except IntegrityError as error:
        return FittedOn(np.empty(0, dtype=np.uint64), f"the rows of run {run_id} are gone: {error}")
    return FittedOn(np.unique(names[np.isin(side, _SIDES[on])]))


def known_of(known: FittedOn | None, names: np.ndarray, on_holdout: np.ndarray) -> np.ndarray:
    """Return `(n_rows,)` bool: holdout rows that a model was fitted on, by their `row_names`."""
    if known is None or not known.keys.size:
        return np.zeros_like(on_holdout)
    place = np.minimum(np.searchsorted(known.keys, names), known.keys.size - 1)
    found: np.ndarray = on_holdout & (known.keys[place] == names)
    return found


def row_names(key_hash: np.ndarray, day: np.ndarray, *, keyed: bool) -> np.ndarray:
    """Return `(n_rows,)` uint64 that tell rows apart: their keys, and without a key their content and day.

    Content alone would take every row that is like an old one for that old one: in a table of a few columns nearly all.
    """
    if keyed:
        return key_hash
    days = day.astype("datetime64[D]").astype(np.int64).astype(np.uint64)
    mixed: np.ndarray = key_hash ^ (days * np.uint64(0x9E3779B97F4A7C15))
    return mixed


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

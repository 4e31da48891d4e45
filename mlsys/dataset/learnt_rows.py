"""The rows that a model has learnt from, by names that tell rows apart in any snapshot of the pipeline."""

from __future__ import annotations

import io
from collections.abc import Iterable

import numpy as np

from mlsys.dataset.dataset import keys_of
from mlsys.dataset.of_run import SIDES_FITTED, snapshot_and_split
from mlsys.records import LearntRows, RefitOn
from mlsys.schema import DAY, KEY
from mlsys.snapshot.rows import read_rows
from mlsys.store import Store
from mlsys.workspace import Workspace


def learnt_in(work: Workspace, run_id: str, on: RefitOn | None) -> LearntRows | None:
    """Return which rows a run's candidates were fitted on, or its refit; None where it left no record of its split.

    Raises:
        IntegrityError: that record is gone or was changed.
    """
    found = snapshot_and_split(work, run_id)
    if found is None:
        return None
    snapshot, split = found
    keyed = bool(work.spec_of(work.ledger.plan(run_id)).key)
    return LearntRows(manifest=snapshot.manifest, assignment=split.assignment, on=on, keyed=keyed)


def names_learnt(learnt: Iterable[LearntRows], store: Store) -> np.ndarray:
    """Return `(n,)` uint64, sorted and each once: the `row_names` of all of some rows.

    Raises:
        IntegrityError: a file that says it is gone or was changed.
    """
    found = [np.empty(0, dtype=np.uint64)]
    for rows in learnt:
        names, side = names_and_sides(rows.manifest, rows.assignment, store, keyed=rows.keyed)
        found.append(names[np.isin(side, SIDES_FITTED[rows.on])])
    return np.unique(np.concatenate(found))


def names_and_sides(manifest: str, assignment: str, store: Store, *, keyed: bool) -> tuple[np.ndarray, np.ndarray]:
    """Return `(n_rows,)` names of a snapshot's rows and `(n_rows,)` int8 sides, in the snapshot's order."""
    side = np.load(io.BytesIO(store.read_bytes(assignment)), allow_pickle=False)
    table = read_rows(manifest, store, [KEY, DAY])
    return row_names(keys_of(table), table[DAY].to_numpy(), keyed=keyed), side


def row_names(key_hash: np.ndarray, day: np.ndarray, *, keyed: bool) -> np.ndarray:
    """Return `(n_rows,)` uint64 that tell rows apart: their keys, and without a key their content and day.

    Content alone would take every row that is like an old one for that old one: in a table of a few columns nearly all.
    """
    if keyed:
        return key_hash
    days = day.astype("datetime64[D]").astype(np.int64).astype(np.uint64)
    mixed: np.ndarray = key_hash ^ (days * np.uint64(0x9E3779B97F4A7C15))
    return mixed


def among(names: np.ndarray, learnt: np.ndarray) -> np.ndarray:
    """Return `(n_rows,)` bool: rows whose names are among the sorted ones `learnt`."""
    if not learnt.size:
        return np.zeros(len(names), dtype=bool)
    found: np.ndarray = learnt[np.minimum(np.searchsorted(learnt, names), learnt.size - 1)] == names
    return found

"""Rows by names that tell them apart, and those of them that a run's models have learnt from."""

from __future__ import annotations

import numpy as np
import pytest

from mlsys.dataset.learnt_rows import among, learnt_in, names_and_sides, names_learnt, row_names
from mlsys.splits.base import TRAINING, VALIDATION
from mlsys.workspace import Workspace


def test_without_a_key_a_row_like_an_old_one_is_not_that_one() -> None:
    content = np.array([5, 5, 5, 6], dtype=np.uint64)
    days = np.array(["2026-01-01", "2026-01-01", "2026-01-02", "2026-01-01"], dtype="datetime64[D]")
    assert row_names(content, days, keyed=True).tolist() == [5, 5, 5, 6]
    first, again, later, other = row_names(content, days, keyed=False)
    assert first == again
    assert len({first, later, other}) == 3


def test_names_are_found_among_sorted_ones() -> None:
    names = np.array([4, 9, 2, 7], dtype=np.uint64)
    assert among(names, np.array([2, 4, 5], dtype=np.uint64)).tolist() == [True, False, True, False]
    assert not among(names, np.empty(0, dtype=np.uint64)).any()


@pytest.mark.slow
def test_the_rows_of_a_run_are_those_of_its_sides(work: Workspace) -> None:
    change = work.ledger.champion("shop")
    assert change is not None
    alone, more = (learnt_in(work, change.run_id, on) for on in (None, "train+validation"))
    assert alone is not None
    assert more is not None
    assert alone.keyed
    names, side = names_and_sides(alone.manifest, alone.assignment, work.store, keyed=True)
    assert set(names_learnt([alone], work.store)) == set(names[side == TRAINING])
    both = names_learnt([alone, more], work.store)
    assert set(both) == set(names[np.isin(side, (TRAINING, VALIDATION))])
    assert (np.diff(both.astype(object)) > 0).all()
    assert learnt_in(work, "shop-never", None) is None

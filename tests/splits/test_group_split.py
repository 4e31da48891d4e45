import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlsys.errors import DataError, RunError
from mlsys.splits.base import SplitRows
from mlsys.splits.group_split import GroupSplit
from mlsys.testing.splits import some_rows


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 1000))
def test_no_group_stands_on_two_sides(seed: int) -> None:
    rows = some_rows(500, seed=seed)
    side = GroupSplit(column="owner").assign(rows).side
    for group in np.unique(rows.group_hash):
        assert len(np.unique(side[(rows.group_hash == group) & rows.usable])) <= 1


def test_too_few_groups_are_said() -> None:
    rows = some_rows()
    one = SplitRows(rows.day, rows.key_hash, np.ones_like(rows.key_hash), rows.usable, rows.last_day)
    with pytest.raises(DataError, match="1 group of 'owner' is too few"):
        GroupSplit(column="owner").assign(one)


def test_without_group_hashes_it_refuses_to_guess() -> None:
    rows = some_rows()
    with pytest.raises(RunError, match="needs the hash of column 'owner'"):
        GroupSplit(column="owner").assign(SplitRows(rows.day, rows.key_hash, None, rows.usable, rows.last_day))

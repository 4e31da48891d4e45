from datetime import date, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from mlsys.errors import DataError, RunError
from mlsys.splits.base import HOLDOUT, LEFT_OUT, TRAINING, VALIDATION, SplitRows
from mlsys.splits.recent_hash_split import RecentHashSplit
from mlsys.testing.splits import some_rows

LAST = date(2026, 2, 9)
rules = st.builds(
    RecentHashSplit,
    days=st.integers(3, 10),
    validation=st.floats(0.15, 0.4),
    holdout=st.floats(0.15, 0.5),
    train_window_days=st.none() | st.integers(15, 30),
)


def about(last_day: date, seed: int = 0, group: np.ndarray | None = None) -> SplitRows:
    rows = some_rows(1500, seed=seed)
    return SplitRows(rows.day, rows.key_hash, group, rows.day <= np.datetime64(last_day), last_day)


@settings(max_examples=25, deadline=None)
@given(rules, st.integers(20, 30), st.integers(1, 9))
def test_as_days_come_in_rows_only_move_towards_training(rule: RecentHashSplit, start: int, step: int) -> None:
    first = date(2026, 1, 1) + timedelta(days=start)
    before, after = rule.assign(about(first)).side, rule.assign(about(first + timedelta(days=step))).side
    both = (before != LEFT_OUT) & (after != LEFT_OUT)
    moved = both & (before != after)
    assert (after[moved] == TRAINING).all()


@settings(max_examples=25, deadline=None)
@given(rules, st.integers(0, 1000))
def test_within_the_newest_days_a_key_stands_on_one_side(rule: RecentHashSplit, seed: int) -> None:
    rows = about(LAST, seed)
    recent = (np.datetime64(LAST) - rows.day).astype(int) < rule.days
    twice = np.where(recent, rows.key_hash // np.uint64(2**56), rows.key_hash)  # 256 keys there
    side = rule.assign(SplitRows(rows.day, twice, None, rows.usable, LAST)).side
    for key in np.unique(twice[recent & rows.usable]):
        assert len(np.unique(side[recent & rows.usable & (twice == key)])) == 1


def test_every_newest_day_trains_chooses_and_judges_by_its_shares() -> None:
    rows = some_rows(20_000)
    side = RecentHashSplit(days=7).assign(rows).side
    recent = (np.datetime64(LAST) - rows.day).astype(int) < 7
    shares = [(side[recent & rows.usable] == number).mean() for number in (TRAINING, VALIDATION, HOLDOUT)]
    assert shares == pytest.approx([0.25, 0.25, 0.5], abs=0.03)
    assert (side[~recent & rows.usable] == TRAINING).all()


def test_whole_groups_are_set_aside() -> None:
    rows = some_rows()
    side = RecentHashSplit(column="owner").assign(rows).side
    judged = np.isin(side, (VALIDATION, HOLDOUT))
    for group in np.unique(rows.group_hash):
        of_group = side[(rows.group_hash == group) & judged]
        assert len(np.unique(of_group)) <= 1


def test_a_row_outside_the_window_is_counted_and_left_out() -> None:
    rows = some_rows()
    found = RecentHashSplit(train_window_days=20).assign(rows)
    old = (np.datetime64(LAST) - rows.day).astype(int) >= 20
    assert found.left_out == {"before the training window": int((old & rows.usable).sum())}
    assert (found.side[old] == LEFT_OUT).all()


def test_sides_of_known_keys_never_change() -> None:
    known = np.array([0, 1, 2, 3, 10**18, 2**63, 2**64 - 1, 77], dtype=np.uint64)
    day = np.full(len(known), np.datetime64(LAST))
    side = RecentHashSplit().assign(SplitRows(day, known, None, np.ones(len(known), dtype=bool), LAST)).side
    assert side.tolist() == [2, 3, 1, 3, 1, 3, 3, 1]


def test_a_window_shorter_than_the_days_that_judge_is_refused() -> None:
    with pytest.raises(ValidationError, match="keys of 7 days judge"):
        RecentHashSplit(train_window_days=5)


def test_too_few_rows_name_the_days() -> None:
    rows = some_rows(3)
    with pytest.raises(DataError, match="2026-02-03 to 2026-02-09"):
        RecentHashSplit().assign(rows)


def test_without_group_hashes_it_refuses_to_guess() -> None:
    rows = some_rows()
    with pytest.raises(RunError, match="needs the hash of column 'owner'"):
        RecentHashSplit(column="owner").assign(SplitRows(rows.day, rows.key_hash, None, rows.usable, rows.last_day))

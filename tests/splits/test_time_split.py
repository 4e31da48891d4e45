from datetime import date, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlsys.errors import DataError
from mlsys.splits.base import HOLDOUT, LEFT_OUT, TRAINING, VALIDATION, SplitRows
from mlsys.splits.time_split import TimeSplit
from mlsys.testing.splits import some_rows

DAYS = np.arange("2026-01-01", "2026-03-02", dtype="datetime64[D]")


def one_row_a_day(last_day: date) -> SplitRows:
    n = len(DAYS)
    return SplitRows(DAYS, np.arange(n, dtype=np.uint64), None, np.datetime64(last_day) >= DAYS, last_day)


def days_of(splitter: TimeSplit, last_day: date) -> dict[int, list[str]]:
    side = splitter.assign(one_row_a_day(last_day)).side
    return {number: DAYS[side == number].astype(str).tolist() for number in (TRAINING, VALIDATION, HOLDOUT)}


def test_holdout_is_the_last_days_then_gap_validation_gap_training() -> None:
    found = days_of(TimeSplit(validation_days=2, holdout_days=3, gap_days=1, train_window_days=2), date(2026, 2, 9))
    assert found[HOLDOUT] == ["2026-02-07", "2026-02-08", "2026-02-09"]
    assert found[VALIDATION] == ["2026-02-04", "2026-02-05"]
    assert found[TRAINING] == ["2026-02-01", "2026-02-02"]


def test_without_a_window_all_earlier_days_train() -> None:
    found = days_of(TimeSplit(validation_days=2, holdout_days=3), date(2026, 2, 9))
    assert found[TRAINING][0] == "2026-01-01"
    assert found[TRAINING][-1] == "2026-02-04"


@pytest.mark.slow
@settings(max_examples=40, deadline=None)
@given(
    st.builds(
        TimeSplit,
        validation_days=st.integers(1, 6),
        holdout_days=st.integers(1, 6),
        gap_days=st.integers(0, 3),
        train_window_days=st.none() | st.integers(1, 20),
    ),
    st.integers(25, 50),
    st.integers(1, 9),
)
def test_as_the_cutoff_advances_rows_only_move_towards_training(rule: TimeSplit, start: int, step: int) -> None:
    first = date(2026, 1, 1) + timedelta(days=start)
    before = rule.assign(one_row_a_day(first)).side
    after = rule.assign(one_row_a_day(first + timedelta(days=step))).side
    on_a_side = (before != LEFT_OUT) & (after != LEFT_OUT)
    assert (after[on_a_side] <= before[on_a_side]).all()
    # Whoever trained before never judges or chooses later.
    assert not np.isin(after[before == TRAINING], (VALIDATION, HOLDOUT)).any()


def test_left_out_rows_are_counted_by_reason() -> None:
    found = TimeSplit(validation_days=2, holdout_days=3, gap_days=1, train_window_days=2)
    left_out = found.assign(one_row_a_day(date(2026, 2, 9))).left_out
    assert left_out == {"gap": 2, "before the training window": 31}


def test_the_sentence_has_the_dates() -> None:
    sentence = TimeSplit(validation_days=2, holdout_days=3).assign(one_row_a_day(date(2026, 2, 9))).sentence
    assert "training 2026-01-01 to 2026-02-04" in sentence
    assert "validation 2026-02-05 to 2026-02-06" in sentence
    assert "holdout 2026-02-07 to 2026-02-09" in sentence


def test_rows_of_one_day_get_the_advice_to_split_by_hash() -> None:
    rows = some_rows(n_days=1)
    with pytest.raises(DataError, match="side of the split is empty") as caught:
        TimeSplit().assign(SplitRows(rows.day, rows.key_hash, None, rows.usable, date(2026, 1, 1)))
    assert "kind: hash" in str(caught.value)


def test_too_few_days_say_how_far_the_rows_reach() -> None:
    with pytest.raises(DataError, match="training side") as caught:
        TimeSplit(holdout_days=40).assign(one_row_a_day(date(2026, 2, 9)))
    assert "from 2026-01-01 to 2026-02-09" in str(caught.value)

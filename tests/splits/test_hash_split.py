import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from mlsys.splits.base import HOLDOUT, TRAINING, VALIDATION, uniform
from mlsys.splits.hash_split import HashSplit, sides_by_hash
from mlsys.testing.splits import some_rows

hashes = st.lists(st.integers(0, 2**64 - 1), min_size=1, max_size=50).map(lambda v: np.array(v, dtype=np.uint64))


@pytest.mark.slow
@given(hashes, hashes)
def test_a_side_depends_on_the_rows_own_key_alone(some: np.ndarray, others: np.ndarray) -> None:
    alone = sides_by_hash(some, 0.2, 0.2)
    together = sides_by_hash(np.concatenate([others, some]), 0.2, 0.2)
    assert (together[len(others) :] == alone).all()


@pytest.mark.slow
@given(hashes, st.floats(0.01, 0.4), st.floats(0.01, 0.4))
def test_a_larger_validation_share_leaves_the_holdout_as_it_was(some: np.ndarray, a: float, b: float) -> None:
    one, two = sides_by_hash(some, a, 0.2), sides_by_hash(some, b, 0.2)
    assert ((one == HOLDOUT) == (two == HOLDOUT)).all()


@settings(max_examples=20)
@given(st.integers(0, 2**64 - 1))
def test_uniform_lies_in_0_to_1(value: int) -> None:
    assert 0 <= uniform(np.array([value], dtype=np.uint64), 5)[0] < 1


def test_sides_of_known_hashes_never_change() -> None:
    known = np.array([0, 1, 2, 3, 10**18, 2**63, 2**64 - 1, 77], dtype=np.uint64)
    assert sides_by_hash(known, 0.2, 0.2).tolist() == [1, 2, 1, 1, 3, 1, 2, 1]


def test_shares_are_kept_even_for_hashes_that_count_up() -> None:
    side = sides_by_hash(np.arange(100_000, dtype=np.uint64), 0.2, 0.1)
    shares = [(side == number).mean() for number in (TRAINING, VALIDATION, HOLDOUT)]
    assert shares == pytest.approx([0.7, 0.2, 0.1], abs=0.01)


def test_another_salt_gives_independent_numbers() -> None:
    counting = np.arange(50_000, dtype=np.uint64)
    assert abs(np.corrcoef(uniform(counting, 1), uniform(counting, 2))[0, 1]) < 0.02


def test_the_sentence_gives_the_shares() -> None:
    assert "60 % training, 20 % validation, 20 % holdout" in HashSplit().assign(some_rows()).sentence


def test_shares_that_leave_nothing_for_training_are_refused() -> None:
    with pytest.raises(ValidationError, match="leave 10 % for training"):
        HashSplit(validation=0.5, holdout=0.45)

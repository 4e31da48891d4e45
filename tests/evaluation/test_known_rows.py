import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from mlsys.evaluation.known_rows import FittedOn, fitted_on, known_of, record, too_many
from mlsys.workspace import Workspace

hashes = st.lists(st.integers(0, 40), max_size=30).map(lambda values: np.array(values, dtype=np.uint64))


@given(hashes, hashes, st.integers(0, 99))
def test_exactly_the_holdout_rows_of_a_known_key_are_found(known: np.ndarray, rows: np.ndarray, seed: int) -> None:
    on_holdout = np.random.default_rng(seed).random(len(rows)) < 0.5
    found = known_of(FittedOn(np.unique(known)), rows, on_holdout)
    assert found.tolist() == [bool(held) and key in known for key, held in zip(rows, on_holdout, strict=True)]


def test_more_than_half_of_the_holdout_is_too_many() -> None:
    held = np.array([True] * 10 + [False] * 5)
    few, many = np.zeros(15, dtype=bool), np.zeros(15, dtype=bool)
    few[:5], many[:6] = True, True
    assert too_many(few, held) is None
    assert too_many(many, held) == "it was fitted on 6 of the 10 holdout rows"


def test_nothing_is_said_where_nothing_is_known_and_nothing_missing() -> None:
    assert record(None, 0, 10) is None
    assert record(FittedOn(np.empty(0, dtype=np.uint64)), 0, 10) is None
    found = record(FittedOn(np.empty(0, dtype=np.uint64), "the rows are gone"), 0, 10)
    assert found is not None
    assert found.unknown == "the rows are gone"


def test_the_keys_of_a_run_are_those_of_its_training_rows(work: Workspace) -> None:
    change = work.ledger.champion("shop")
    assert change is not None
    alone, more, everything = (fitted_on(work, change.run_id, on) for on in (None, "train+validation", "all"))
    assert alone.unknown is None
    assert 0 < len(alone.keys) < len(more.keys) < len(everything.keys)
    assert set(alone.keys) < set(more.keys) < set(everything.keys)


def test_a_run_whose_rows_are_gone_says_so(work: Workspace) -> None:
    change = work.ledger.champion("shop")
    assert change is not None
    assert fitted_on(work, "shop-never", None).unknown == "run shop-never left no record of its split"
    snapshot = next(row.snapshot for row in work.ledger.run(change.run_id) if row.snapshot is not None)
    work.store.path(snapshot.manifest).unlink()
    assert "are gone" in str(fitted_on(work, change.run_id, None).unknown)

from __future__ import annotations

import sys

import numpy as np
import pandas as pd
import pytest

from mlsys.errors import UsageError
from mlsys.models.resampling import Resampling
from mlsys.testing.features import some_frame


def rare(n_rows: int = 400, n_positive: int = 30) -> tuple[pd.DataFrame, np.ndarray]:
    y = np.zeros(n_rows, dtype=np.int8)
    y[:n_positive] = 1
    return some_frame(n_rows, seed=3), y


@pytest.mark.slow
def test_the_rarer_class_gets_its_share() -> None:
    frame, y = rare()
    extra, labels = Resampling(share=0.25).made_up(frame, y, seed=1)
    assert (labels == 1).all()
    assert (y.sum() + len(extra)) / (len(y) + len(extra)) == pytest.approx(0.25, abs=0.002)


@pytest.mark.slow
def test_made_up_rows_are_rows_like_those_of_the_class() -> None:
    frame, y = rare()
    extra, _ = Resampling(share=0.4).made_up(frame, y, seed=1)
    of_class = frame[y == 1]
    assert list(extra.columns) == list(frame.columns)
    assert (extra.dtypes == frame.dtypes).all()
    for name, column in of_class.items():
        if column.dtype.kind == "f" and column.nunique() > 2:
            assert extra[name].min() >= column.min() - 1e-9
            assert extra[name].max() <= column.max() + 1e-9
            assert not extra[name].isna().any() or column.isna().any()
        else:
            assert set(extra[name].dropna()) <= set(column.dropna())


def test_yes_and_no_stay_yes_and_no_and_missing_stays_missing() -> None:
    n_rows = 300
    random = np.random.default_rng(0)
    frame = pd.DataFrame({"size": random.normal(size=n_rows), "asked": (random.random(n_rows) < 0.5).astype(float)})
    frame.loc[random.random(n_rows) < 0.5, "size"] = np.nan
    frame.loc[::7, "asked"] = np.nan
    y = (np.arange(n_rows) % 10 == 0).astype(np.int8)
    extra, _ = Resampling(share=0.5).made_up(frame, y, seed=1)
    assert set(extra["asked"].dropna()) == {0.0, 1.0}
    assert 0.2 < extra["size"].isna().mean() < 0.8


@pytest.mark.parametrize("kinds", [["length", "age"], ["brand", "owner"]], ids=["numbers", "categories"])
def test_columns_may_be_all_of_a_kind(kinds: list[str]) -> None:
    frame, y = rare()
    extra, _ = Resampling().made_up(frame[kinds].fillna({"length": 1.0, "age": 1.0}), y, seed=1)
    assert len(extra)


@pytest.mark.slow
def test_the_same_seed_makes_the_same_rows() -> None:
    frame, y = rare()
    one, two, other = (Resampling().made_up(frame, y, seed=seed)[0] for seed in (1, 1, 2))
    pd.testing.assert_frame_equal(one, two)
    assert not one.equals(other)


def test_a_class_that_has_its_share_gets_nothing() -> None:
    frame, y = rare(n_positive=150)
    extra, labels = Resampling(share=0.2).made_up(frame, y, seed=1)
    assert len(extra) == len(labels) == 0


@pytest.mark.parametrize(("n_positive", "says"), [(4, "only 4 rows .* `neighbours` to at most 3"), (1, "only 1 row ")])
def test_too_few_rows_for_the_neighbours_are_refused_in_words(n_positive: int, says: str) -> None:
    frame, y = rare(n_positive=n_positive)
    with pytest.raises(ValueError, match=says):
        Resampling().made_up(frame, y, seed=1)


def test_more_than_two_classes_are_refused_in_words() -> None:
    frame, y = rare()
    y[-5:] = 2
    with pytest.raises(ValueError, match="balances two classes, and the rows to learn from are of 3"):
        Resampling().made_up(frame, y, seed=1)


def test_without_its_library_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    frame, y = rare()
    monkeypatch.setitem(sys.modules, "imblearn.over_sampling", None)
    with pytest.raises(UsageError, match=r"mlsys\[imbalance\]"):
        Resampling().made_up(frame, y, seed=1)

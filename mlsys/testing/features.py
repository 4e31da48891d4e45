"""What every feature recipe must do; subclass it for a recipe of your own and set `recipe`."""
# ruff: noqa: D102 - a test's name says what it shows

from __future__ import annotations

import pickle
from typing import Any, ClassVar

import numpy as np
import pandas as pd
import pytest

from mlsys.features.base import FeatureColumns, Features
from mlsys.schema import LARGEST

COLUMNS = FeatureColumns(numeric=("length", "age"), categorical=("brand", "owner"))


def some_frame(n_rows: int = 400, *, seed: int = 0) -> pd.DataFrame:
    """Return two numbers and two categories; `length` and `brand` have holes."""
    rng = np.random.default_rng(seed)
    brand = rng.choice(np.array(["acme", "bolt", "coil"], dtype=object), n_rows)
    brand[rng.random(n_rows) < 0.1] = None
    return pd.DataFrame(
        {
            "length": np.where(rng.random(n_rows) < 0.1, np.nan, rng.normal(50, 20, n_rows)),
            "age": rng.integers(0, 100, n_rows).astype(float),
            "brand": pd.Series(brand, dtype=object),
            "owner": pd.Series(rng.choice([f"owner {i}" for i in range(20)], n_rows), dtype=object),
        }
    )


def values_of(X: Any) -> np.ndarray:
    """Return a recipe's matrix as an array, whether it is one or sparse."""
    return np.asarray(X.toarray() if hasattr(X, "toarray") else X)


class FeaturesContract:
    """Tests of one recipe."""

    recipe: ClassVar[Features]

    def test_gives_a_finite_matrix_of_floats_dense_or_in_rows(self) -> None:
        X = self.recipe.build(COLUMNS).fit_transform(some_frame())
        assert isinstance(X, np.ndarray) or X.format == "csr"
        assert X.dtype.kind == "f"
        assert np.isfinite(values_of(X)).all()

    def test_gives_models_that_take_no_sparse_matrix_a_dense_one_or_says_that_it_cant(self) -> None:
        if not self.recipe.sparse_only:
            assert isinstance(self.recipe.build_dense(COLUMNS).fit_transform(some_frame()), np.ndarray)

    def test_the_same_rows_give_the_same_bytes(self) -> None:
        one, two = (self.recipe.build(COLUMNS).fit(some_frame()) for _ in range(2))
        assert pickle.dumps(one) == pickle.dumps(two)

    def test_columns_are_picked_by_name(self) -> None:
        frame = some_frame()
        fitted = self.recipe.build(COLUMNS).fit(frame)
        other = frame.assign(extra=1.0, more="x")[["more", "owner", "age", "extra", "brand", "length"]]
        assert (values_of(fitted.transform(other)) == values_of(fitted.transform(frame))).all()

    def test_survives_unseen_and_missing_values(self) -> None:
        fitted = self.recipe.build(COLUMNS).fit(some_frame())
        unseen = some_frame(3, seed=1).assign(brand="never", owner=pd.Series([None] * 3, dtype=object), age=np.nan)
        assert np.isfinite(values_of(fitted.transform(unseen))).all()

    @pytest.mark.parametrize("extreme", [LARGEST, -LARGEST, 1e30])
    def test_gives_what_models_can_hold_whatever_they_can_hold_comes_in(self, extreme: float) -> None:
        frame = some_frame()
        frame["length"] /= 1e6  # so that scaling makes larger numbers of them
        seen = frame.copy()
        frame.loc[5, "length"] = extreme
        for fitted in (self.recipe.build(COLUMNS).fit(seen), self.recipe.build(COLUMNS).fit(frame)):
            assert np.isfinite(values_of(fitted.transform(frame)).astype(np.float32)).all()

    @pytest.mark.parametrize("empty", ["length", "brand", "owner"])
    def test_a_column_all_missing_in_training_neither_crashes_nor_warns(self, empty: str) -> None:
        frame = some_frame()
        frame[empty] = np.nan if empty in COLUMNS.numeric else pd.Series([None] * len(frame), dtype=object)
        fitted = self.recipe.build(COLUMNS).fit(frame)
        assert np.isfinite(values_of(fitted.transform(some_frame(5, seed=2)))).all()

    @pytest.mark.parametrize("missing", [None, np.nan], ids=["None", "NaN"])
    def test_a_missing_category_means_the_same_as_none_and_as_nan(self, missing: float | None) -> None:
        frame = some_frame()
        fitted = self.recipe.build(COLUMNS).fit(frame)
        other = frame.assign(brand=frame["brand"].where(frame["brand"].notna(), missing))
        expected = values_of(fitted.transform(frame))
        assert (values_of(fitted.transform(other)) == expected).all()
        assert (values_of(self.recipe.build(COLUMNS).fit(other).transform(frame)) == expected).all()

    @pytest.mark.parametrize("as_floats", [False, True])
    def test_categories_without_any_value_may_come_as_floats(self, as_floats: bool) -> None:
        nothing = pd.Series([np.nan] * 400) if as_floats else pd.Series([None] * 400, dtype=object)
        known, unknown = some_frame(), some_frame().assign(brand=nothing)
        none = some_frame().assign(brand=pd.Series([None] * 400, dtype=object))
        fitted = self.recipe.build(COLUMNS).fit(known)
        assert (values_of(fitted.transform(unknown)) == values_of(fitted.transform(none))).all()
        assert np.isfinite(values_of(self.recipe.build(COLUMNS).fit(unknown).transform(known))).all()

    def test_does_not_change_its_input(self) -> None:
        frame = some_frame()
        before = frame.copy(deep=True)
        fitted = self.recipe.build(COLUMNS).fit(frame)
        fitted.transform(frame)
        pd.testing.assert_frame_equal(frame, before)

    def test_pickles(self) -> None:
        frame = some_frame()
        fitted = self.recipe.build(COLUMNS).fit(frame)
        again = pickle.loads(pickle.dumps(fitted))  # noqa: S301 - from here
        assert (values_of(again.transform(frame)) == values_of(fitted.transform(frame))).all()

    @pytest.mark.parametrize("columns", [FeatureColumns(("age",), ()), FeatureColumns((), ("owner",))])
    def test_works_with_one_kind_of_column_alone(self, columns: FeatureColumns) -> None:
        assert self.recipe.build(columns).fit_transform(some_frame()).shape[1] >= 1

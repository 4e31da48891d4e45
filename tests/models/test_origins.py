"""Of which raw column an encoded one is made."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import ColumnTransformer
from sklearn.decomposition import PCA
from sklearn.feature_extraction.text import HashingVectorizer, TfidfVectorizer
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from mlsys.features.base import FeatureColumns
from mlsys.features.tabular import TabularFeatures
from mlsys.features.text import TextColumn
from mlsys.models.catboost_model import CatBoost
from mlsys.models.origins import origins
from mlsys.testing.features import COLUMNS, some_frame


def changed_by(fitted: object, frame: pd.DataFrame, name: str) -> set[int]:
    """Return the encoded columns that change when one raw column is shuffled: the truth to hold `origins` against."""
    before = np.asarray(fitted.transform(frame), dtype=object)  # type: ignore[attr-defined]
    values = frame[name].to_numpy()[np.random.default_rng(0).permutation(len(frame))]
    shuffled = frame.assign(**{name: pd.Series(values, dtype=frame[name].dtype)})
    after = np.asarray(fitted.transform(shuffled), dtype=object)  # type: ignore[attr-defined]
    return {int(i) for i in np.flatnonzero((before != after).any(axis=0))}


@pytest.mark.slow
@pytest.mark.parametrize("recipe", [TabularFeatures(), TabularFeatures(missing_category="most_frequent", scale=False)])
def test_the_recipes_columns_are_those_that_a_shuffled_raw_column_changes(recipe: TabularFeatures) -> None:
    frame = some_frame()
    fitted = recipe.build(COLUMNS).fit(frame)
    found = origins(fitted, list(frame.columns))
    assert len(found) == fitted.transform(frame).shape[1]
    for name in frame.columns:
        assert changed_by(fitted, frame, name) == {i for i, of in enumerate(found) if of == name}


@pytest.mark.slow
def test_categories_as_they_are_count_too() -> None:
    frame = some_frame()
    fitted = CatBoost().transformer(TabularFeatures(), COLUMNS).fit(frame)
    found = origins(fitted, list(frame.columns))
    for name in frame.columns:
        assert changed_by(fitted, frame, name) == {i for i, of in enumerate(found) if of == name}


def test_names_that_contain_each_other_are_told_apart() -> None:
    frame = pd.DataFrame({"a": ["x", "b_x"], "a_b": ["x", "y"]})
    fitted = OneHotEncoder(sparse_output=False).fit(frame)
    assert list(fitted.get_feature_names_out()) == ["a_b_x", "a_x", "a_b_x", "a_b_y"]
    assert origins(fitted, ["a", "a_b"]) == ["a", "a", "a_b", "a_b"]


@pytest.mark.parametrize("vectorizer", [TfidfVectorizer(), HashingVectorizer(n_features=16)])
def test_words_belong_to_their_text_and_a_resampler_makes_no_columns(vectorizer: object) -> None:
    frame = pd.DataFrame({"url": ["a cat", "no dog here"], "n": [1.0, 2.0]})
    parts = [("words", vectorizer, "url"), ("n", StandardScaler(), ["n"])]
    pipeline = Pipeline([("features", ColumnTransformer(parts)), ("nothing", "passthrough")])
    fitted = pipeline.fit(frame)
    found = origins(fitted, ["url", "n"])
    assert found == ["url"] * (fitted.transform(frame).shape[1] - 1) + ["n"]


def test_columns_that_are_mixed_are_refused() -> None:
    columns = FeatureColumns(numeric=("length", "age"), categorical=())
    frame = some_frame()[["length", "age"]]
    fitted = Pipeline([("features", TabularFeatures().build(columns)), ("pca", PCA(2))]).fit(frame)
    with pytest.raises(ValueError, match="`PCA` does not say of which single column"):
        origins(fitted, ["length", "age"])


@pytest.mark.parametrize("dense", [False, True])
def test_text_that_is_taken_apart_is_of_its_column(dense: bool) -> None:
    rows = pd.DataFrame({"n": np.arange(60.0), "url": [f"http://a{i % 7}.b/{i}" for i in range(60)]})
    recipe = TabularFeatures(text={"url": TextColumn(min_df=1, reduce=3 if dense else None)})
    features = recipe.build(FeatureColumns(("n",), ("url",))).fit(rows)
    found = origins(features, list(rows.columns))
    assert len(found) == features.transform(rows).shape[1]
    assert set(found) == {"n", "url"}

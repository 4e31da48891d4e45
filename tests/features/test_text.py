"""Columns of text by their n-grams: what counts, what is alike, and that no dense matrix is made of them."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_matrix, issparse
from sklearn.decomposition import TruncatedSVD

from mlsys.features.base import FeatureColumns
from mlsys.features.tabular import TabularFeatures
from mlsys.features.text import TextColumn
from mlsys.models import MODELS
from mlsys.models.base import Model
from mlsys.models.blend import Blend
from mlsys.models.logistic import Logistic
from mlsys.models.ridge import Ridge
from mlsys.store import Store
from mlsys.testing.model_problems import task_of
from mlsys.training import model_file

COLUMNS = FeatureColumns(numeric=("length",), categorical=("tld", "url"))
SPARSE = TabularFeatures(text={"url": TextColumn(min_df=2)})
REDUCED = TabularFeatures(text={"url": TextColumn(min_df=2, reduce=10)})

LEARNERS = sorted(
    name
    for name, kind in MODELS.built_in().items()
    if name != "blend" and not kind.of_champion and "policy" not in kind.estimators
)


def texts(*values: object) -> pd.Series:
    return pd.Series(values, dtype=object)


def sites(n_rows: int = 400, *, seed: int = 0) -> tuple[pd.DataFrame, np.ndarray]:
    """Return rows whose class nothing tells but a digit in place of a letter, somewhere in an address of its own."""
    random = np.random.default_rng(seed)
    y = (random.random(n_rows) < 0.4).astype(np.int8)
    letters = random.choice(list("abcdefgh"), (n_rows, 12))
    urls = [f"https://{''.join(word)}.com/{'l0gin' if bad else 'login'}" for word, bad in zip(letters, y, strict=True)]
    tld = random.choice(np.array(["com", "org"], dtype=object), n_rows)
    return pd.DataFrame({"length": random.normal(50, 10, n_rows), "tld": tld, "url": texts(*urls)}), y


def fitted(model: Model, recipe: TabularFeatures, *, seed: int = 0) -> object:
    frame, y = sites(seed=seed)
    estimator = model.estimators[0]
    target = y if estimator == "classifier" else y.astype(float)
    return model.fit(model.transformer(recipe, COLUMNS), frame, target, task_of(estimator=estimator)).pipeline


@pytest.mark.slow
def test_what_letters_tell_is_learnt_where_no_text_comes_twice() -> None:
    rows, y = sites(seed=1)
    blind = fitted(Logistic(), TabularFeatures()).score(rows, y)  # type: ignore[attr-defined]
    seeing = fitted(Logistic(), SPARSE).score(rows, y)  # type: ignore[attr-defined]
    assert blind < 0.75 < 0.99 < seeing


@pytest.mark.slow
@pytest.mark.parametrize("name", LEARNERS)
def test_every_model_learns_from_it_sparse_or_reduced_and_again_the_same_bytes(name: str, tmp_path: Path) -> None:
    quick = {"n_estimators": 20} if "n_estimators" in MODELS.find(name).model_fields else {}
    model, store = MODELS.parse({"kind": name, **quick}), Store(tmp_path)
    once, again = (model_file.save(fitted(model, REDUCED), store)[0] for _ in range(2))
    assert once == again
    content = store.read_bytes(once)
    assert b"mlsys" not in content  # a model file outlives the modules of the release that wrote it
    rows, _ = sites(3, seed=2)
    unseen = rows.assign(url=texts(None, "", "\u0430\u0431\u0432 \u4f60\u597d " * 9))
    assert np.isfinite(model_file.load(once, store).predict(unseen)).all()
    matrix = model.transformer(REDUCED, COLUMNS).fit_transform(sites()[0])
    assert issparse(matrix) == (model.sparse == "takes")


@pytest.mark.slow
def test_a_blend_gives_each_member_what_it_takes() -> None:
    members = tuple(MODELS.parse(kind) for kind in ("logistic", "hist_gradient_boosting"))
    rows, y = sites(seed=1)
    assert fitted(Blend(of=members), REDUCED).score(rows, y) > 0.9  # type: ignore[attr-defined]
    assert "`hist_gradient_boosting` takes no sparse matrix" in str(Blend(of=members).misfit(SPARSE))


@pytest.mark.slow
@pytest.mark.parametrize("name", ["logistic", "linear", "ridge", "elastic_net", "random_forest", "xgboost", "lightgbm"])
def test_no_dense_matrix_is_made_on_the_way(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a sparse matrix was made dense")

    for method in ("toarray", "todense"):
        monkeypatch.setattr(csr_matrix, method, refuse)
    quick = {"n_estimators": 5} if "n_estimators" in MODELS.find(name).model_fields else {}
    model = MODELS.parse({"kind": name, **quick})
    rows, _ = sites(50, seed=1)
    assert len(fitted(model, SPARSE).predict(rows)) == 50  # type: ignore[attr-defined]


@pytest.mark.slow
def test_columns_are_named_by_their_ngrams() -> None:
    rows, _ = sites()
    for recipe, build, name in (
        (SPARSE, "build", "text url__l0gi"),
        (REDUCED, "build_dense", "text url__truncatedsvd0"),
    ):
        built = getattr(recipe, build)(COLUMNS).fit(rows)
        names = built.get_feature_names_out()
        assert {"others__numbers__length", name} <= set(names)
        assert len(names) == built.transform(rows).shape[1]


def test_missing_and_empty_texts_are_alike_and_not_nothing() -> None:
    built = TextColumn(min_df=1).build().fit(texts("abc", "abd", None))
    missing, empty, nan = built.transform(texts(None, "", np.nan)).toarray()
    assert (missing == empty).all()
    assert (missing == nan).all()
    assert (missing**2).sum() == pytest.approx(1.0)


@pytest.mark.parametrize("reduce", [None, 5])
@pytest.mark.parametrize("value", [None, "", "x"])
def test_a_column_that_says_the_same_everywhere_is_fitted_without_a_warning(
    value: str | None, reduce: int | None
) -> None:
    built = TextColumn(reduce=reduce).build(dense=reduce is not None)
    assert built.fit_transform(texts(*[value] * 20)).shape[0] == 20
    assert np.isfinite(built.transform(texts("new", None))).all() if reduce else True


def test_of_a_megabyte_the_beginning_counts() -> None:
    long = "abc" * 350_000
    built = TextColumn(min_df=1, max_chars=100).build()
    built.fit(texts(long, "abc"))
    assert (built.transform(texts(long)) != built.transform(texts(long[:100]))).nnz == 0


def test_letters_of_any_alphabet_are_letters() -> None:
    built = TextColumn(min_df=1, ngram=(3, 3)).build().fit(texts("\u0430\u043f\u0435\u043b", "\u4f60\u597d\u5417"))
    assert {"\u0430\u043f\u0435", "\u4f60\u597d\u5417"} <= set(built[-1].vocabulary_)


def test_words_and_capitals_as_the_spec_wishes() -> None:
    words = TextColumn(analyzer="word", ngram=(1, 1), min_df=1, lowercase=False).build().fit(texts("Log in", "log in"))
    assert set(words[-1].vocabulary_) == {"_", "__", "Log", "log", "in"}


def test_a_reduction_is_stored_as_that_of_scikit_learn() -> None:
    built = TextColumn(min_df=1, reduce=500).build(dense=True).fit(texts("abc", "abd", "xyz"))
    file = io.BytesIO()
    model_file._CanonicalPickler(file).dump(built)
    again = model_file.unpickled(file.getvalue(), where="here")
    assert type(again[-1]) is TruncatedSVD
    assert (again.transform(texts("abc")) == built.transform(texts("abc"))).all()


@pytest.mark.parametrize("ngram", [(0, 3), (3, 2), (3, 11), (4, 5)])
def test_impossible_ngrams_are_refused(ngram: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match=r"`ngram` is the least, 1 to 3, and the most, up to 10"):
        TextColumn(ngram=ngram)


def test_words_come_one_by_one_at_least() -> None:
    with pytest.raises(ValueError, match=r"of words begins with 1"):
        TextColumn(analyzer="word", ngram=(2, 2))


def test_without_text_a_recipe_is_dumped_as_before_there_was_text() -> None:
    assert "text" not in TabularFeatures().model_dump()
    assert Ridge().misfit(SPARSE) is None

"""CatBoost is given numbers and categories apart, and says what it says of a DataFrame."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from given.served_champions import COLUMNS, PLAIN, REDUCED, champion_of, sites

from mlsys.features.base import Features
from mlsys.features.tabular import TabularFeatures
from mlsys.models.base import Model
from mlsys.models.blend import Blend
from mlsys.models.catboost_model import MISSING, CatBoost
from mlsys.models.logistic import Logistic
from mlsys.schema import ColumnSpec
from mlsys.serving import Champion, fast
from mlsys.serving.fast import converted, fast_path
from mlsys.serving.fast_pools import PoolProgram, program_of
from mlsys.serving.fast_rows import RowReader, given_rows
from mlsys.serving.plain_path import plain_answers
from mlsys.targets.base import Target
from mlsys.targets.multiclass import MulticlassTarget

TREES = CatBoost(n_estimators=8, depth=3)
RAW = TabularFeatures(scale=False)
ROWS = given_rows(COLUMNS, sites(200, seed=1)[0])
SEVERAL = MulticlassTarget(column="label", classes=("0", "1", "2"))


pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def few_made_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fast, "N_MADE", 136)


@pytest.fixture(scope="module")
def champion(tmp_path_factory: pytest.TempPathFactory) -> Champion:
    return champion_of(TREES, RAW, folder=tmp_path_factory.mktemp("release"))


@pytest.mark.parametrize(
    ("model", "recipe", "target"),
    [
        (TREES, PLAIN, None),
        (TREES, REDUCED, SEVERAL),
        (Blend(of=(Logistic(), TREES)), PLAIN, None),
    ],
    ids=["binary", "reduced text, several classes", "blend"],
)
def test_it_answers_with_the_same_bits(model: Model, recipe: Features, target: Target | None, tmp_path: Path) -> None:
    champion = champion_of(model, recipe, folder=tmp_path, target=target)
    path, found = fast_path(champion)
    assert path is not None, found
    assert found == "bit-equal to the plain way on 200 rows"
    np.testing.assert_array_equal(path.answers(ROWS), plain_answers(champion, ROWS))
    np.testing.assert_array_equal(path.answers(ROWS[7:8]), plain_answers(champion, ROWS[7:8]))
    assert path.answers([]).shape == plain_answers(champion, []).shape


@pytest.mark.parametrize("columns", [("tld", "brand"), ("n_dots", "size")], ids=["categories alone", "numbers alone"])
def test_columns_of_one_kind_are_enough(columns: tuple[str, ...], tmp_path: Path) -> None:
    kinds: dict[str, ColumnSpec] = {name: COLUMNS[name] for name in columns}
    champion = champion_of(TREES, folder=tmp_path, columns=kinds)
    path, found = fast_path(champion)
    assert path is not None, found
    np.testing.assert_array_equal(path.answers(ROWS), plain_answers(champion, ROWS))


def test_values_that_training_had_not_count_alike(champion: Champion) -> None:
    """Numbers that float32 has not, texts in other alphabets, a text that is what stands for a missing one."""
    unlike: list[dict[str, Any]] = [
        {"size": 1e300}, {"size": -1e300}, {"size": 1e-300}, {"n_dots": 2**53}, {"tld": "Ü\0"}, {"tld": "漢字"},
        {"tld": MISSING}, {"brand": None}, dict.fromkeys(COLUMNS),
    ]  # fmt: skip
    rows = [{**ROWS[0], **values} for values in unlike]
    np.testing.assert_array_equal(converted(champion).answers(rows), plain_answers(champion, rows))


def test_a_missing_category_is_what_the_fitted_step_says(champion: Champion) -> None:
    program = program_of(champion.model[0], RowReader(champion).numeric)
    assert isinstance(program, PoolProgram)
    assert (program.categories, program.missing) == (("tld", "brand", "url"), MISSING)
    assert program.width == champion.model[0].transform(sites(5)[0]).shape[1]


def test_a_filling_that_is_not_known_is_served_plainly(tmp_path: Path) -> None:
    champion = champion_of(TREES, RAW, folder=tmp_path)
    filled = champion.model[0].named_transformers_["categories"].named_steps["filled"]
    filled.func = pd.DataFrame.ffill
    assert fast_path(champion) == (None, "missing categories are filled in another way")

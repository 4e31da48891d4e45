"""The fast way to answer: bit-equal to the plain one, for every recipe and model that has it, or not taken at all."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from given.served_champions import COLUMNS, FEWER, PLAIN, REDUCED, SPARSE, WORDS, champion_of, policy_of, sites

from mlsys.features.tabular import TabularFeatures
from mlsys.models.blend import Blend
from mlsys.models.calibration import Calibration
from mlsys.models.hist_gradient_boosting import HistGradientBoosting
from mlsys.models.lightgbm_model import LightGBM
from mlsys.models.logistic import Logistic
from mlsys.models.q_learning import QLearning
from mlsys.models.random_forest import RandomForest
from mlsys.models.ridge import Ridge
from mlsys.models.xgboost_model import XGBoost
from mlsys.registries.files import GOLDEN
from mlsys.serving import Champion, fast
from mlsys.serving.fast import FastPath, converted, fast_path
from mlsys.serving.fast_rows import given_rows
from mlsys.serving.plain_path import plain_answers
from mlsys.targets.multiclass import MulticlassTarget
from mlsys.targets.regression import RegressionTarget

TREES = XGBoost(n_estimators=20)
ROWS = given_rows(COLUMNS, sites(200, seed=1)[0])
BLEND = Blend(of=(Logistic(), TREES))
BINARY = None
SEVERAL = MulticlassTarget(column="label", classes=("0", "1", "2"))
NUMBER = RegressionTarget(column="label")
LOGARITHM = RegressionTarget(column="label", transform="log")


@pytest.fixture(autouse=True)
def few_made_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fast, "N_MADE", 136)


def path_of(champion: Champion) -> FastPath:
    path, found = fast_path(champion)
    assert path is not None, found
    assert found.startswith("bit-equal to the plain way on 200 rows")
    return path


@pytest.mark.slow
@pytest.mark.parametrize(
    ("model", "recipe", "target"),
    [
        (TREES, PLAIN, BINARY),
        (TREES, SPARSE, BINARY),
        (TREES, TabularFeatures(scale=False, missing_indicators=False, missing_category="most_frequent"), BINARY),
        (TREES, TabularFeatures(rare_share=0, max_categories=3), SEVERAL),
        (TREES, SPARSE, NUMBER),
        (TREES, REDUCED, LOGARITHM),
        (TREES, WORDS, BINARY),
        (Ridge(), FEWER, NUMBER),
        (Logistic(), PLAIN, BINARY),
        (Logistic(), SPARSE, BINARY),
        (Ridge(), REDUCED, LOGARITHM),
        (LightGBM(n_estimators=20), SPARSE, BINARY),
        (HistGradientBoosting(max_iter=20), REDUCED, BINARY),
        (RandomForest(n_estimators=20), REDUCED, SEVERAL),
        (XGBoost(n_estimators=20, calibrate=Calibration(method="sigmoid")), SPARSE, BINARY),
        (Logistic(calibrate=Calibration(method="isotonic")), PLAIN, BINARY),
        (BLEND, REDUCED, BINARY),
        (BLEND, SPARSE, SEVERAL),
        (Blend(of=(Ridge(), TREES), weights=(1, 3)), SPARSE, LOGARITHM),
    ],
    ids=lambda each: getattr(each, "kind", None) or getattr(each, "task", None) or "binary",
)
def test_it_answers_with_the_same_bits(model: Any, recipe: TabularFeatures, target: Any, tmp_path: Path) -> None:
    champion = champion_of(model, recipe, folder=tmp_path, target=target)
    path = path_of(champion)
    np.testing.assert_array_equal(path.answers(ROWS), plain_answers(champion, ROWS))
    np.testing.assert_array_equal(path.answers(ROWS[7:8]), plain_answers(champion, ROWS[7:8]))
    assert path.answers([]).shape == plain_answers(champion, []).shape


@pytest.mark.slow
@pytest.mark.parametrize(
    "model",
    [
        QLearning(episodes=500, bins=3, rates=("brand",)),
        QLearning(episodes=500, rates=("tld",), without=("size",)),
    ],
    ids=["rates and codes", "without"],
)
def test_a_policy_gives_the_same_values(model: Any, tmp_path: Path) -> None:
    champion = policy_of(model, folder=tmp_path)
    path = path_of(champion)
    assert path.name == "arrays + a table"
    rows = [{**row, "tld": "new"} if i % 9 == 0 else row for i, row in enumerate(ROWS)]
    np.testing.assert_array_equal(path.answers(rows), plain_answers(champion, rows))
    assert path.answers(rows[:1]).shape == (1, 3)


@pytest.mark.slow
def test_xgboosts_trees_are_asked_in_place(tmp_path: Path) -> None:
    assert path_of(champion_of(TREES, folder=tmp_path)).name == "arrays + xgboost in place"


@pytest.mark.slow
def test_other_estimators_are_asked_by_their_own_method(tmp_path: Path) -> None:
    assert path_of(champion_of(Logistic(), folder=tmp_path)).name == "arrays + LogisticRegression.predict_proba"


@pytest.fixture(scope="module")
def champion(tmp_path_factory: pytest.TempPathFactory) -> Champion:
    return champion_of(TREES, SPARSE, folder=tmp_path_factory.mktemp("release"))


@pytest.mark.slow
def test_many_rows_are_cut_into_parts(champion: Champion, monkeypatch: pytest.MonkeyPatch) -> None:
    path = converted(champion)
    whole = path.answers(ROWS)
    monkeypatch.setattr("mlsys.serving.fast._CELLS", 7 * path.width)
    np.testing.assert_array_equal(path.answers(ROWS), whole)


@pytest.mark.slow
def test_a_step_that_is_not_known_is_served_plainly(champion: Champion) -> None:
    assert fast_path(replace(champion, model=object())) == (None, "the model is object of 0 steps")


@pytest.mark.slow
def test_a_setting_that_is_not_known_is_served_plainly(tmp_path: Path) -> None:
    champion = champion_of(TREES, folder=tmp_path)
    champion.model[0].named_transformers_["numbers"].named_steps["scale"].unit_variance = True
    assert fast_path(champion) == (None, "numbers are imputed or scaled in another way")


@pytest.mark.slow
def test_without_golden_rows_it_is_compared_on_those_given(champion: Champion, tmp_path: Path) -> None:
    bare = replace(champion, folder=tmp_path)
    assert fast_path(bare) == (None, "there are no golden rows to compare it on")
    path, found = fast_path(bare, sites(100)[0].assign(note="x"))
    assert path is not None
    assert found == "bit-equal to the plain way on 236 rows"
    assert not (tmp_path / GOLDEN).exists()


@pytest.mark.slow
def test_raw_rows_to_compare_on_may_be_written_in_any_way(champion: Champion) -> None:
    rows = sites(50)[0].assign(n_dots=lambda frame: frame["n_dots"].astype(object).where(frame["n_dots"].notna(), "NA"))
    path, _ = fast_path(champion, pd.DataFrame(rows))
    assert path is not None

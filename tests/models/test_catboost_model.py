from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from mlsys.features.base import FeatureColumns
from mlsys.features.tabular import TabularFeatures
from mlsys.models.catboost_model import MISSING, CatBoost
from mlsys.testing.features import COLUMNS, some_frame
from mlsys.testing.model_problems import easy_problem, fit, numbers, task_of


def test_categories_reach_it_as_they_are_and_numbers_by_the_recipe() -> None:
    frame = some_frame()
    found = CatBoost().transformer(TabularFeatures(clip=1.0), COLUMNS).fit_transform(frame)
    assert found["categories__brand"].tolist() == frame["brand"].fillna(MISSING).tolist()
    assert found["categories__owner"].tolist() == frame["owner"].tolist()
    assert found["recipe__numbers__age"].abs().max() <= 1
    assert "recipe__missing__missingindicator_length" in found


@pytest.mark.slow
def test_a_missing_category_is_the_same_however_it_is_written() -> None:
    frame, y = easy_problem()
    pipeline = fit(CatBoost(n_estimators=10), frame, y, task_of()).pipeline
    other = frame.assign(brand=frame["brand"].astype("str"))
    assert other["brand"].isna().any()
    assert (pipeline.predict_proba(other) == pipeline.predict_proba(frame)).all()


@pytest.mark.slow
def test_it_learns_what_a_column_for_each_of_many_categories_can_not_say() -> None:
    # 300 shops of ten rows each: the default recipe groups all of them into one column.
    random = np.random.default_rng(0)
    shop, n_rows = random.integers(0, 300, 3000), 3000
    y = (random.random(n_rows) < np.where(shop % 2 == 0, 0.9, 0.1)).astype(np.int8)
    frame = some_frame(n_rows).assign(owner=pd.Series(shop, dtype=str).astype(object))
    found = fit(CatBoost(n_estimators=60), frame, y, task_of(n_rows)).pipeline.predict_proba(frame)[:, 1]
    assert found[shop % 2 == 0].mean() > found[shop % 2 == 1].mean() + 0.4


@pytest.mark.parametrize("columns", [FeatureColumns(("age",), ()), FeatureColumns((), ("owner", "brand"))])
def test_works_with_one_kind_of_column_alone(columns: FeatureColumns) -> None:
    frame, y = easy_problem()
    model = CatBoost(n_estimators=5)
    fitted = model.fit(model.transformer(TabularFeatures(), columns), frame, y, task_of())
    assert np.isfinite(fitted.pipeline.predict_proba(frame)).all()


def test_its_own_errors_are_refusals_of_a_candidate() -> None:
    frame, y = numbers()
    y[3] = np.nan
    with pytest.raises(ValueError, match=r"^CatBoost: metric/loss-function RMSE does not allow nan"):
        fit(CatBoost(n_estimators=5), frame, y, task_of(estimator="regressor"))


def test_writes_no_files_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    fit(CatBoost(n_estimators=5), *easy_problem(), task_of())
    assert list(tmp_path.iterdir()) == []

"""What is said of a row, for every learning task."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from given.served_champions import COLUMNS, champion_of, sites
from starlette.testclient import TestClient

from mlsys import clock
from mlsys.models.base import Model
from mlsys.models.blend import Blend
from mlsys.models.logistic import Logistic
from mlsys.models.ridge import Ridge
from mlsys.models.xgboost_model import XGBoost
from mlsys.schema import ColumnSpec
from mlsys.server.app import make_app
from mlsys.server.known import TrainedOn
from mlsys.server.served import ServedModel
from mlsys.server.shelf import Shelf
from mlsys.serving import Champion
from mlsys.serving.fast_rows import given_rows
from mlsys.targets.base import Target
from mlsys.targets.multiclass import MulticlassTarget
from mlsys.targets.regression import RegressionTarget

SEVERAL = MulticlassTarget(column="label", classes=("a", "b", "c"))
LOGARITHM = RegressionTarget(column="label", transform="log")
ROW = given_rows(COLUMNS, sites(5, seed=1)[0])[2]


def client(champion: Champion, target: Target | None = None, model: Model | None = None) -> TestClient:
    """Return a client of a server of this champion alone."""
    shelf = Shelf(None, home=champion.folder)
    known = TrainedOn.beside(champion.folder, champion.features)
    release = {} if model is None else {"candidate": {"params": model.model_dump(mode="json")}}
    shelf._models = {"sites": ServedModel(champion, 1, clock.now(), release, known, known.watch(), target)}
    return TestClient(make_app(shelf))


@pytest.mark.slow
@pytest.mark.parametrize("model", [Logistic(), XGBoost(n_estimators=20)], ids=["lines", "trees"])
def test_several_classes_have_a_probability_each(tmp_path: Path, model: Model) -> None:
    champion = champion_of(model, folder=tmp_path, target=SEVERAL)
    asked = client(champion, SEVERAL, model)
    said = asked.post("/predict", json=ROW).json()["predictions"][0]
    assert list(said["probabilities"]) == list(champion.classes)
    assert sum(said["probabilities"].values()) == pytest.approx(1)
    assert said["class"] == max(said["probabilities"], key=lambda name: float(said["probabilities"][name]))
    found = asked.post("/explain", json=ROW).json()
    assert found["prediction"] == said
    assert_adds_up(found["reasons"])
    assert found["changes"]
    assert all(each["prediction"]["class"] != said["class"] for each in found["changes"])


@pytest.mark.slow
def test_a_number_is_a_value_and_what_moves_it_most_comes_first(tmp_path: Path) -> None:
    asked = client(champion_of(Ridge(), folder=tmp_path, target=LOGARITHM), LOGARITHM, Ridge())
    found = asked.post("/explain", json=ROW).json()
    assert set(found["prediction"]) == {"value"}
    assert_adds_up(found["reasons"])
    away = [abs(each["prediction"]["value"] - found["prediction"]["value"]) for each in found["changes"]]
    assert away == sorted(away, reverse=True)
    assert away[-1] > 0


@pytest.mark.slow
def test_a_line_in_a_blend_adds_to_a_single_row_what_it_adds_alone(tmp_path: Path) -> None:
    line, trees = Ridge(), XGBoost(n_estimators=5)
    adds: dict[str, dict[str, float]] = {}
    for model in (Blend(of=(line, trees)), line, trees):
        folder = tmp_path / model.kind
        folder.mkdir()
        asked = client(champion_of(model, folder=folder, target=LOGARITHM), LOGARITHM, model)
        reasons = asked.post("/explain", json=ROW).json()["reasons"]
        assert_adds_up(reasons)
        adds[model.kind] = {each["column"]: each["adds"] for each in reasons["columns"]}
    for column in ("n_dots", "secure", "tld"):
        mean = (adds["ridge"][column] + adds["xgboost"][column]) / 2
        assert adds["blend"][column] == pytest.approx(mean, abs=1e-4)


def assert_adds_up(reasons: dict[str, Any]) -> None:
    total = reasons["base"] + sum(each["adds"] for each in reasons["columns"]) + reasons["rest"]
    assert total == pytest.approx(reasons["said"], abs=1e-4)


class _Table:
    """A policy's model: the first of three actions is worth `x`, the second 1, the third 0."""

    def predict(self, rows: pd.DataFrame) -> np.ndarray:
        return np.column_stack([rows["x"], np.ones(len(rows)), np.zeros(len(rows))])


def test_an_action_comes_with_its_alternatives_the_best_first(tmp_path: Path) -> None:
    champion = Champion(
        pipeline="next", version="1.0.0", candidate_id="c", cutoff=datetime(2026, 5, 1, tzinfo=UTC), task="policy",
        target="won", positive="True", threshold=None, classes=(), joins=(),
        features={"x": ColumnSpec(type="number")}, model=_Table(),
        folder=tmp_path, actions=("call", "mail", "wait"),
    )  # fmt: skip
    asked = client(champion)
    said = asked.post("/predict", json={"x": -1.0}).json()["predictions"]
    order = [{"action": "wait", "value": 0.0}, {"action": "call", "value": -1.0}]
    assert said == [{"action": "mail", "value": 1.0, "alternatives": order}]
    assert "left_out" in asked.post("/explain", json={"x": -1.0}).json()["reasons"]
    scored = asked.post("/score", content=b"x\n5\n", headers={"content-type": "text/csv"}).text
    assert scored == "x,predicted_action,predicted_value,problem\n5,call,5.0,\n"


@pytest.mark.slow
def test_a_model_that_knows_no_rows_of_training_is_explained_as_far_as_it_goes(tmp_path: Path) -> None:
    champion = champion_of(XGBoost(n_estimators=20), folder=tmp_path)
    asked = client(champion)
    found = asked.post("/explain", json=ROW).json()
    assert found["reasons"] == {"left_out": "The learning task is not known"}
    assert found["noticed"] == {"missing": {name: 1 for name, value in ROW.items() if value is None}}

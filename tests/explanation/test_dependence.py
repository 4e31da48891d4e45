"""Mean answers by value, held against a model whose weights are known."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from given.asked_samples import COLUMNS, asked, frame_of

from mlsys.explanation.dependence import dependence
from mlsys.schema import ColumnSpec


def curves(**keywords: Any) -> dict[str, dict[str, Any]]:
    return {curve["column"]: curve for curve in dependence(asked(task="regression", **keywords))["columns"]}


def test_of_a_line_it_is_a_line_with_its_slope() -> None:
    found = curves()["strong"]
    slopes = np.diff(np.ravel(found["answers"])) / np.diff(found["values"])
    assert slopes == pytest.approx(2.0, rel=1e-3)
    assert len(found["values"]) == 15
    assert sum(found["density"]) >= 950


def test_categories_and_missing_values_have_what_they_add() -> None:
    found = curves()
    brand = dict(zip(found["brand"]["values"], np.ravel(found["brand"]["answers"]), strict=True))
    assert found["brand"]["values"] == ["acme", "bolt", None]
    assert brand["bolt"] - brand["acme"] == pytest.approx(1.0, abs=1e-5)
    assert brand[None] == pytest.approx(brand["acme"])
    assert sum(found["brand"]["counts"]) + found["brand"]["n_missing"] == 1000
    https = found["https"]
    assert https["values"] == [True, False, None]
    assert https["answers"][2][0] - https["answers"][0][0] == pytest.approx(0.25, abs=1e-5)


def test_numbers_end_before_the_outermost_rows() -> None:
    frame = frame_of(1000)
    frame.loc[3, "strong"] = 1e6
    assert max(curves(frame=frame)["strong"]["values"]) < 10


def test_few_numbers_are_all_asked_about() -> None:
    frame = frame_of(1000).assign(strong=np.arange(1000) % 4.0)
    assert curves(frame=frame)["strong"]["values"] == [0, 1, 2, 3]


def test_of_many_categories_the_most_frequent_ones_are_asked_about() -> None:
    many = pd.Series([f"brand {i % 50:02d}" for i in range(1000)], dtype=object)
    found = curves(frame=frame_of(1000).assign(brand=many), ranked=["brand"])["brand"]
    assert (len(found["values"]), found["n_more"]) == (30, 20)


def test_a_column_with_one_value_and_a_text_have_no_curve() -> None:
    frame = frame_of(300).assign(weak=1.0, https=np.nan)
    columns = {**COLUMNS, "brand": ColumnSpec(type="text")}
    assert list(curves(frame=frame, columns=columns)) == ["strong", "noise"]


def test_as_many_columns_are_drawn_as_the_spec_says() -> None:
    assert list(curves(ranked=["noise", "weak", "strong"], top=2)) == ["noise", "weak"]


class ThreeClasses:
    """A model of three classes, of which `strong` decides the last one."""

    def answers(self, rows: pd.DataFrame) -> np.ndarray:
        p = 1 / (1 + np.exp(-rows["strong"].to_numpy()))
        return np.column_stack([(1 - p) / 2, (1 - p) / 2, p])


def test_classes_have_a_curve_each(monkeypatch: pytest.MonkeyPatch) -> None:
    given = asked(300, ranked=["strong"])
    monkeypatch.setattr(type(given), "answers", lambda self, rows: ThreeClasses().answers(rows))
    (found,) = dependence(given)["columns"]
    answers = np.array(found["answers"])
    assert answers.shape == (15, 3)
    assert answers.sum(axis=1) == pytest.approx(1, abs=1e-5)
    assert (np.diff(answers[:, 2]) > 0).all()

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from mlsys.monitoring.leaning import FEWEST_ROWS, leans
from mlsys.targets.binary import BinaryTarget

TARGET = BinaryTarget(column="label", positive="1")


class Weighing:
    """Leans twice as much on `a` as on `b`, and not on `kind`."""

    classes_ = (0, 1)

    def predict_proba(self, rows: pd.DataFrame) -> np.ndarray[Any, Any]:
        found = 0.5 + 0.1 * rows["a"].to_numpy() + 0.05 * rows["b"].to_numpy()
        return np.column_stack([1 - found, found])


def drawn(n_rows: int) -> pd.DataFrame:
    random = np.random.default_rng(1)
    kind = random.choice(np.array(["web", "app", None], dtype=object), n_rows)
    return pd.DataFrame({"a": random.random(n_rows), "b": random.random(n_rows), "kind": kind})


def test_shares_are_those_of_the_changes() -> None:
    found = leans(Weighing(), TARGET, drawn(2000))
    assert found["kind"] == 0
    assert sum(found.values()) == pytest.approx(1)
    assert found["a"] == pytest.approx(2 * found["b"], rel=0.2)


def test_the_order_of_rows_plays_no_part() -> None:
    rows = drawn(800)
    other = rows.iloc[np.random.default_rng(2).permutation(len(rows))].reset_index(drop=True)
    assert leans(Weighing(), TARGET, rows) == leans(Weighing(), TARGET, other)


def test_of_few_rows_nothing_is_said() -> None:
    assert leans(Weighing(), TARGET, drawn(FEWEST_ROWS - 1)) == {}


def test_a_model_that_says_the_same_of_all_rows_leans_on_nothing() -> None:
    rows = drawn(100).assign(a=1.0, b=2.0)
    assert leans(Weighing(), TARGET, rows) == {}

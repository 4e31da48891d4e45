"""What the columns of training rows hold."""

from __future__ import annotations

import pandas as pd

from mlsys.schema import ColumnSpec
from mlsys.training.seen import MOST_VALUES, seen

COLUMNS = {
    "n": ColumnSpec(type="integer"),
    "flag": ColumnSpec(type="boolean"),
    "kind": ColumnSpec(type="category"),
    "many": ColumnSpec(type="category"),
    "words": ColumnSpec(type="text"),
    "empty": ColumnSpec(type="number"),
}


def test_each_type_of_column_has_its_own() -> None:
    n = MOST_VALUES + 1
    rows = pd.DataFrame(
        {
            "n": [float(value) for value in range(n - 1)] + [float("nan")],
            "flag": [1.0] * 9 + [0.0] * (n - 9),
            "kind": ["b"] * (n - 3) + ["c", "a", None],
            "many": [f"v{value}" for value in range(n)],
            "words": ["x y"] * n,
            "empty": [float("nan")] * n,
        }
    )
    found = seen(rows, COLUMNS)
    points = found["n"].pop("points")
    assert found == {
        "n": {"missing": 1, "lowest": 0.0, "highest": 999.0},
        "flag": {"missing": 0, "values": [False, True]},
        "kind": {"missing": 1, "values": ["b", "a", "c"]},
        "many": {"missing": 0},
        "words": {"missing": 0},
        "empty": {"missing": n},
    }
    assert points == sorted(set(points))
    assert (len(points), points[0], points[-1]) == (15, 0.0, 999.0)

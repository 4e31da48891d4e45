from __future__ import annotations

from datetime import timedelta
from typing import Any

import pandas as pd
import pytest

from mlsys.checks import CHECKS
from mlsys.checks.base import Check
from mlsys.components import Table
from mlsys.testing.checks import CheckContract, good_frame

NOON = pd.Timestamp("2026-03-01T12:00:00Z")

# A check, and the value in its column that breaks it.
CASES: list[tuple[dict[str, Any], tuple[str, Any] | None]] = [
    ({"kind": "not_null", "column": "id"}, ("id", pd.NA)),
    ({"kind": "not_null", "column": "kind"}, ("kind", None)),
    ({"kind": "between", "column": "size", "min": 0, "max": 1}, ("size", 2.0)),
    ({"kind": "between", "column": "size", "min": -1, "strict_min": True}, ("size", -1.0)),
    ({"kind": "between", "column": "id", "max": 100}, ("id", 101)),
    ({"kind": "between", "column": "sent", "max": "2026-03-01T11:00:00+00:00"}, ("sent", NOON)),
    ({"kind": "in_set", "column": "kind", "values": ("x", "y")}, ("kind", "z")),
    ({"kind": "in_set", "column": "paid", "values": (True,)}, ("paid", False)),
    ({"kind": "matches", "column": "name", "regex": "^[a-z]+$"}, ("name", "ABC")),
    ({"kind": "length", "column": "name", "min": 3, "max": 3}, ("name", "abcd")),
    ({"kind": "compare_columns", "column": "seen", "other": "sent", "operator": "greater"}, ("sent", NOON)),
    ({"kind": "compare_columns", "column": "sent", "other": "seen", "operator": "less_or_equal"}, ("sent", NOON)),
    ({"kind": "compare_columns", "column": "name", "other": "name", "operator": "equal"}, None),
    ({"kind": "unique", "column": "id"}, None),
    ({"kind": "unique", "columns": ("id", "name")}, None),
    *(({"kind": "of_type", "column": name}, None) for name in ("id", "size", "name", "kind", "paid", "sent")),
    ({"kind": "row_count", "min_rows": 10, "max_rows": 200}, None),
    ({"kind": "recency", "max_age": timedelta(hours=36)}, None),
    ({"kind": "unique_key", "max_share": 0.1}, None),
]


def test_every_check_has_a_case() -> None:
    assert {case["kind"] for case, _ in CASES} == set(CHECKS.names())


@pytest.mark.parametrize("case", CASES, ids=lambda case: "-".join(str(value) for value in list(case[0].values())[:2]))
class TestEveryCheck(CheckContract):
    @pytest.fixture
    def check(self, case: tuple[dict[str, Any], Any]) -> Check:
        return CHECKS.parse(case[0])

    @pytest.fixture
    def table(self) -> Table[Check]:
        return CHECKS

    @pytest.fixture
    def bad_frame(self, case: tuple[dict[str, Any], tuple[str, Any] | None]) -> pd.DataFrame | None:
        if case[1] is None:
            return None
        frame = good_frame()
        frame.loc[0, case[1][0]] = case[1][1]
        return frame

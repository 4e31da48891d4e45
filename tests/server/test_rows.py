"""Rows out of a request's JSON."""

from __future__ import annotations

import pytest

from mlsys.schema import ColumnSpec
from mlsys.server.rows import RefusedRequestError, rows_of

FEATURES = {"a": ColumnSpec(type="number"), "b": ColumnSpec(type="category")}


def test_one_row_or_several_without_what_is_no_feature() -> None:
    assert rows_of({"a": 1, "b": None, "c": 3}, FEATURES, most=2) == [{"a": 1, "b": None}]
    assert rows_of({"rows": [{"a": 1, "b": "x"}] * 2}, FEATURES, most=2) == [{"a": 1, "b": "x"}] * 2


@pytest.mark.parametrize("body", [[], 3, None, {"rows": []}, {"rows": [1]}, {"rows": [{}] * 3}, {"a": 1}])
def test_anything_else_is_refused(body: object) -> None:
    with pytest.raises(RefusedRequestError) as refused:
        rows_of(body, FEATURES, most=2)
    assert refused.value.status == 422
    assert refused.value.problems

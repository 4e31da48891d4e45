"""Rows out of a request's JSON."""

from __future__ import annotations

import pytest

from mlsys.schema import ColumnSpec
from mlsys.server.refusals import RefusedRequestError
from mlsys.server.rows import feature_rows, given_rows

FEATURES = {"a": ColumnSpec(type="number"), "b": ColumnSpec(type="category")}


def test_one_row_or_several_without_what_is_no_feature() -> None:
    assert given_rows({"a": 1, "b": None, "c": 3}, FEATURES, most=2) == [{"a": 1, "b": None, "c": 3}]
    assert given_rows({"rows": [{"a": 1, "b": "x"}] * 2}, FEATURES, most=2) == [{"a": 1, "b": "x"}] * 2
    assert list(feature_rows([{"b": None, "c": 3, "a": 1}], FEATURES)) == [{"a": 1, "b": None}]


def test_a_column_may_be_called_rows() -> None:
    assert given_rows({"rows": 3}, {"rows": ColumnSpec(type="number")}, most=2) == [{"rows": 3}]


@pytest.mark.parametrize("body", [[], 3, None, {"rows": []}, {"rows": [1]}, {"rows": {}}, {"rows": None}])
def test_anything_else_is_refused(body: object) -> None:
    with pytest.raises(RefusedRequestError) as refused:
        given_rows(body, FEATURES, most=2)
    assert refused.value.status == 422
    assert refused.value.problems


def test_too_many_rows_have_a_status_of_their_own() -> None:
    with pytest.raises(RefusedRequestError, match="3 rows are too many") as refused:
        given_rows({"rows": [{}] * 3}, FEATURES, most=2)
    assert refused.value.status == 413


def test_all_missing_columns_are_named_with_what_was_meant() -> None:
    with pytest.raises(RefusedRequestError) as refused:
        feature_rows([{"a": 1, "B": 2}, {"b": 3}], FEATURES)
    assert refused.value.problems == [
        {"row": 0, "column": "b", "problem": "The column is missing", "allowed": "a text or null"},
        {"row": 1, "column": "a", "problem": "The column is missing", "allowed": "a number or null"},
    ]
    with pytest.raises(RefusedRequestError, match="there is 'amont'"):
        feature_rows([{"amont": 1}], {"amount": ColumnSpec(type="number")})


def test_what_holds_other_values_is_none() -> None:
    with pytest.raises(RefusedRequestError) as refused:
        feature_rows([{"a": [1], "b": {"x": 1}}] * 9, FEATURES)
    assert len(refused.value.problems) == 10
    assert refused.value.problems[0] == {
        "row": 0,
        "column": "a",
        "value": "[1]",
        "problem": "A list is no value of a column",
        "allowed": "a number or null",
    }


def test_true_is_no_number_alone_or_beside_others() -> None:
    for rows in ([{"a": True, "b": "x"}], [{"a": 1, "b": "x"}, {"a": False, "b": True}]):
        with pytest.raises(RefusedRequestError, match="no numbers") as refused:
            feature_rows(rows, FEATURES)
        assert [each["column"] for each in refused.value.problems] == ["a"]
    assert list(feature_rows([{"a": 1.5, "b": True}], FEATURES)) == [{"a": 1.5, "b": True}]

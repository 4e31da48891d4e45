"""Rows kept by column are the same rows."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlsys.serving.column_rows import ColumnRows, column_of

_ROWS = st.lists(st.fixed_dictionaries({"a": st.integers(), "b": st.none() | st.text(), "other": st.booleans()}))


@pytest.mark.slow
@given(rows=_ROWS, names=st.sampled_from([("b", "a"), ("a",), ()]), begin=st.integers(-5, 5), end=st.integers(-5, 5))
def test_they_are_the_rows_cut_to_their_columns(
    rows: list[dict[str, object]], names: tuple[str, ...], begin: int, end: int
) -> None:
    cut = [{name: row[name] for name in names} for row in rows]
    found = ColumnRows.of(rows, names)
    assert (list(found), len(found)) == (cut, len(cut))
    assert [found[place] for place in range(len(rows))] == cut
    assert list(found[begin:end]) == cut[begin:end]
    assert all(tuple(row) == names for row in found)
    assert list(ColumnRows.of(found, names[:1])) == [{name: row[name] for name in names[:1]} for row in rows]


def test_a_row_without_a_column_and_a_place_without_a_row_are_told() -> None:
    with pytest.raises(KeyError, match="b"):
        ColumnRows.of([{"a": 1}], ("a", "b"))
    with pytest.raises(IndexError):
        ColumnRows.of([{"a": 1}], ())[1]


def test_rows_are_taken_by_their_places() -> None:
    rows = ColumnRows.of([{"a": 1, "b": "x"}, {"a": 2, "b": None}, {"a": 3, "b": "z"}], ["a", "b"])
    assert list(rows.at([2, 0])) == [{"a": 3, "b": "z"}, {"a": 1, "b": "x"}]
    assert len(rows.at([])) == 0


def test_a_column_of_rows_has_none_where_a_row_lacks_it() -> None:
    rows = [{"a": 1}, {"b": 2}]
    assert column_of(rows, "a") == [1, None]
    assert column_of(ColumnRows({"a": [1, 3]}, 2), "a") == [1, 3]
    assert column_of(ColumnRows({"a": [1, 3]}, 2), "b") == [None, None]

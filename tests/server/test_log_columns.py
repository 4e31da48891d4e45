"""Columns of the log are those that a source's values would become."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlsys.schema import ColumnSpec
from mlsys.server.log_columns import numbers_column, texts_column, typed_column
from mlsys.serving.champion import typed_table

_COLUMNS = {
    "integer": ColumnSpec(type="integer"),
    "number": ColumnSpec(type="number"),
    "boolean": ColumnSpec(type="boolean"),
    "category": ColumnSpec(type="category"),
    "text": ColumnSpec(type="text", null_values=("NA", "")),
}
_VALUES = {
    "integer": st.integers(-(2**53), 2**53),
    "number": st.floats(-1e15, 1e15) | st.integers(-(2**53), 2**53),
    "boolean": st.booleans(),
    "category": st.text() | st.sampled_from(["NA", " com ", ""]),
    "text": st.text() | st.sampled_from(["NA", " com ", ""]),
}


@pytest.mark.slow
@pytest.mark.parametrize("kind", list(_COLUMNS))
@given(data=st.data())
def test_values_of_their_type_are_laid_down_as_arrow_reads_them(kind: str, data: st.DataObject) -> None:
    values = data.draw(st.lists(st.none() | _VALUES[kind]))
    found, column = typed_column(values, _COLUMNS[kind]), _COLUMNS[kind]
    read = typed_table(pd.DataFrame({"x": pd.Series(values, dtype=object)}), {"x": column}).column(0).combine_chunks()
    assert found is not None
    assert found.type == read.type
    assert found.to_pylist() == read.to_pylist()
    found.validate(full=True)


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("integer", 2**53 + 1),
        ("integer", 3.0),
        ("integer", True),
        ("number", 1e300),
        ("number", "3"),
        ("boolean", 1),
        ("text", 3),
        ("text", "\ud800"),
        ("timestamp", "2026-03-09"),
    ],
)
def test_other_values_are_left_to_whoever_reads_sources(kind: Any, value: Any) -> None:
    assert typed_column([None, value], ColumnSpec(type=kind)) is None


def test_texts_and_numbers_may_be_missing() -> None:
    import numpy as np

    assert texts_column(["é", None, ""]).to_pylist() == ["é", None, ""]
    assert numbers_column(np.arange(3), np.array([True, False, True])).to_pylist() == [0, None, 2]
    assert numbers_column(np.arange(6.0).reshape(3, 2)[:, 1]).to_pylist() == [1.0, 3.0, 5.0]

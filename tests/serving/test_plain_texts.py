"""Texts of a file become what the reader of sources makes of them, or stay as they are."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlsys.schema import ColumnSpec
from mlsys.serving.plain_texts import json_values
from mlsys.sources.reading.values import logical_values

KINDS = {
    "integer": ColumnSpec(type="integer"),
    "number": ColumnSpec(type="number"),
    "boolean": ColumnSpec(type="boolean"),
    "zero is missing": ColumnSpec(type="number", null_values=("0", "-1", "")),
    "one is true and false": ColumnSpec(type="boolean", false_values=("1", "no"), null_values=("f",)),
}
_WRITTEN = st.sampled_from(
    ["", "0", "-1", "007", "-0", "1.", ".5", "-", "1e400", "5e-324", "NaN", "true", "no", "f", "1"]
)
_TEXT = st.none() | _WRITTEN | st.text(st.sampled_from("0123456789-.eE+ x_"), max_size=24)


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=75)
@given(texts=st.lists(_TEXT, min_size=1, max_size=4))
def test_what_is_read_is_what_sources_read(kind: str, texts: list[str | None]) -> None:
    column = KINDS[kind]
    found = json_values(texts, column)
    if found is texts:
        return
    expected, bad = logical_values(pa.array(texts, pa.string()), column, "here")
    assert bad is None
    assert list(map(repr, found)) == list(map(repr, expected.to_pylist()))  # -0.0 is not 0.0


@pytest.mark.parametrize(
    ("kind", "texts", "found"),
    [
        ("integer", ["7", None, "-12"], [7, None, -12]),
        ("number", ["0.1039", "1e-05", "NA", "4"], [0.1039, 1e-05, None, 4.0]),
        ("boolean", ["true", "0", None], [True, False, None]),
    ],
)
def test_what_files_mostly_have_is_read(kind: str, texts: list[str | None], found: list[Any]) -> None:
    assert json_values(texts, KINDS[kind]) == found


@pytest.mark.parametrize(
    ("column", "texts"),
    [
        (ColumnSpec(type="integer"), ["7", "dear"]),
        (ColumnSpec(type="integer"), ["7", "2.5"]),
        (ColumnSpec(type="integer"), ["1234567890123456"]),
        (ColumnSpec(type="number"), ["7", "1e999"]),
        (ColumnSpec(type="number", decimal=","), ["7"]),
        (ColumnSpec(type="boolean"), ["true", "perhaps"]),
        (ColumnSpec(type="category"), ["7"]),
    ],
    ids=lambda each: "" if isinstance(each, list) else each.type,
)
def test_a_column_stays_as_it_is_where_a_value_is_written_otherwise(
    column: ColumnSpec, texts: list[str | None]
) -> None:
    assert json_values(texts, column) is texts

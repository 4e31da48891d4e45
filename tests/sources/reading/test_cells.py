"""Cells of a column mean the same whatever stands beside them."""

from datetime import date, datetime, time, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlsys.schema import ColumnSpec
from mlsys.sources.reading.cells import cell_column, without_format
from mlsys.sources.reading.values import logical_values

COLUMNS = [
    ColumnSpec(type="integer"),
    ColumnSpec(type="number"),
    ColumnSpec(type="number", decimal=",", thousands="."),
    ColumnSpec(type="category"),
    ColumnSpec(type="text"),
    ColumnSpec(type="boolean"),
    ColumnSpec(type="boolean", true_values=("ja",), false_values=("nein",)),
    ColumnSpec(type="timestamp", timezone="Europe/Berlin"),
    ColumnSpec(type="timestamp", timezone="UTC", format="%d.%m.%Y"),
    ColumnSpec(type="timestamp", format="%d.%m.%Y %H:%M %z", timezone="UTC"),
]
TEXTS = ["1", "1.0", "1,5", "1.234,5", "ja", "yes", "true", "None", "01.03.2026", "2026-03-01", " 01.03.2026 ", "x"]
TEXTS += ["01.03.2026 10:00 +0200", "1e400", "24:00", "inf"]
CELLS = st.one_of(
    st.none(),
    st.booleans(),
    st.sampled_from(TEXTS),
    st.sampled_from([0, 1, 2, -1, 2**53 + 1, 2**63 - 1, 2**63, 20260301]),
    st.sampled_from([0.0, 1.0, 2.0, -0.0, 0.1, 1e16, 2.0**53, 1e300, 20260301.0]),
    st.floats(allow_nan=False, allow_infinity=False),
    st.datetimes(datetime(1900, 3, 1), datetime(9999, 12, 30)).map(lambda at: at.replace(microsecond=0)),
    st.dates(date(1900, 3, 1)),
    st.times().map(lambda at: at.replace(microsecond=0)),
    st.timedeltas(timedelta(0), timedelta(days=99)),
)


def meant(cells, column):
    """Return value and badness of each cell of one column."""
    values, bad = logical_values(cell_column(cells, column), without_format(column), "here")
    return list(zip(values.to_pylist(), bad.to_pylist() if bad else [False] * len(cells), strict=True))


@pytest.mark.slow
@pytest.mark.parametrize("column", COLUMNS, ids=str)
@settings(max_examples=40)
@given(cells=st.lists(CELLS, max_size=6))
def test_the_others_do_not_matter(column, cells):
    assert meant(cells, column) == [meant([cell], column)[0] for cell in cells]


@pytest.mark.parametrize(
    ("cell", "column", "value"),
    [
        (time(10, 30), ColumnSpec(type="text"), "10:30:00"),
        (date(2026, 3, 1), ColumnSpec(type="category"), "2026-03-01"),
        (7.0, ColumnSpec(type="category"), "7"),
        (True, ColumnSpec(type="integer"), 1),
        (1.0, ColumnSpec(type="boolean"), True),
        (3.5, ColumnSpec(type="integer"), None),
        (2.0**53, ColumnSpec(type="integer"), None),
        (1e16, ColumnSpec(type="integer"), None),
        (2**53 + 1, ColumnSpec(type="integer"), 2**53 + 1),
        (2**53 + 1, ColumnSpec(type="category"), str(2**53 + 1)),
    ],
)
def test_values(cell, column, value):
    assert meant([cell], column)[0][0] == value
    assert meant([cell, "x"], column)[0][0] == value

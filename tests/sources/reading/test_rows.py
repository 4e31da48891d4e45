"""Driver rows to Arrow: a value's spelling does not depend on what else is read with it."""

from decimal import Decimal

import pytest

from mlsys.schema import ColumnSpec
from mlsys.sources.reading.rows import record_batch
from mlsys.sources.reading.values import logical_values


def texts(*values):
    column = ColumnSpec(type="category")
    batch = record_batch([(value,) for value in values], {"code": column})
    return logical_values(batch.column(0), column, "here")[0].to_pylist()


@pytest.mark.parametrize("beside", [(), ("x",), (b"x",), (1,), (2.5,), (2**60,), (None,), (Decimal("7.5"), "x")])
@pytest.mark.parametrize(
    ("value", "spelling"),
    [
        (1, "1"),
        (1.0, "1"),
        (1.5, "1.5"),
        (1e-7, "1e-7"),
        (123_456_789_012.0, "123456789012"),
        (float("nan"), None),
        (-0.0, "0"),
    ],
)
def test_a_number_in_a_text_column_has_one_spelling(value, spelling, beside):
    assert texts(value, *beside)[0] == spelling


@pytest.mark.parametrize("beside", [(), ("x",)])
@pytest.mark.parametrize(("value", "spelling"), [(Decimal("1.00"), "1"), (Decimal("1.50"), "1.5"), (True, "true")])
def test_so_have_decimals_and_truth_values(value, spelling, beside):
    assert texts(value, *beside)[0] == spelling


@pytest.mark.parametrize("beside", ["x", 1, 2.5])
def test_bytes_that_are_no_text_stay_apart(beside):
    one, other, _ = texts(b"\xff", b"\xfe", beside)
    assert one != other

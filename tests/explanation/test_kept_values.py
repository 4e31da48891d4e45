"""Values as an explanation keeps them."""

from __future__ import annotations

from typing import Any

import pytest

from mlsys.explanation.kept_values import short, value_of
from mlsys.schema import ColumnSpec


@pytest.mark.parametrize(
    ("value", "kind", "kept"),
    [
        (1234567.8, "number", 1234570.0),
        (float("nan"), "number", None),
        (None, "category", None),
        (1.0, "boolean", True),
        (0.0, "boolean", False),
        ("x" * 41, "text", "x" * 39 + "…"),
        ("NA", "category", "NA"),
    ],
)
def test_values_are_kept_short(value: Any, kind: Any, kept: Any) -> None:
    assert value_of(value, ColumnSpec(type=kind)) == kept


def test_numbers_have_six_digits_and_no_minus_zero() -> None:
    assert short(0.123456789) == 0.123457
    assert str(short(-0.0)) == "0.0"

"""Values as an explanation keeps them, and samples of the rows."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from given.asked_samples import asked

from mlsys.explanation.asked import short, value_of
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


def test_a_smaller_sample_is_part_of_a_larger_one_and_both_are_the_same_again() -> None:
    given = asked(500)
    few, many = given.sample(50), given.sample(400)
    assert set(few) < set(many)
    assert (given.sample(50) == few).all()
    assert len(given.sample(10_000)) == 500


def test_some_rows_keep_their_answers() -> None:
    given = asked(100)
    part = given.of(np.array([7, 3]))
    assert (part.answers(part.rows) == part.predictions.answers).all()
    assert part.predictions.answers.tolist() == given.predictions.answers[[7, 3]].tolist()

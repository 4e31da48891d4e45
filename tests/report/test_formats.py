"""How the report card writes what could be read in two ways."""

import pytest

from mlsys.report.formats import interval, prose


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("the difference is above -0.004", "the difference is above −0.004"),
        ("(-1 to -.5)", "(−1 to −.5)"),
        ("data of 2026-03-09, run shop-2026-03-09-1f", "data of 2026-03-09, run shop-2026-03-09-1f"),
        ("3-5 rows, at 1e-5, by --top 3, t-5", "3-5 rows, at 1e-5, by --top 3, t-5"),
        ("set `margin: -0.01` below -1", "set <code>margin: -0.01</code> below −1"),
        ("an open ` and -1", "an open ` and −1"),
    ],
)
def test_a_number_below_zero_has_a_minus_sign_and_nothing_else_has(text: str, expected: str) -> None:
    assert prose(text) == expected


def test_an_interval_below_zero_is_not_joined_by_a_dash() -> None:
    assert interval(0.25, 0.5) == "0.250–0.500"
    assert interval(-0.25, 0.5) == "−0.250 to 0.500"

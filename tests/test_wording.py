from __future__ import annotations

import pytest

from mlsys.wording import counted, first_line, number, signed


@pytest.mark.parametrize(
    ("value", "other", "text"),
    [
        (0.95, None, "0.95"),
        (0.123456, None, "0.1235"),
        (1200.0, None, "1,200"),
        (-0.00001, None, "0"),
        (0.80004, 0.8, "0.80004"),
        (0.8, 0.8, "0.8"),
        (0.00001, 0.0, "0.00001"),
    ],
)
def test_numbers_are_short_but_never_look_equal_when_they_are_not(value: float, other: float | None, text: str) -> None:
    assert number(value, other) == text


@pytest.mark.parametrize(
    ("n", "one", "many", "text"),
    [
        (0, "row", None, "0 rows"),
        (1, "row", None, "1 row"),
        (1, "new partition", None, "1 new partition"),
        (12345, "row", None, "12,345 rows"),
        (2, "class", "classes", "2 classes"),
        (1, "class", "classes", "1 class"),
    ],
)
def test_a_noun_agrees_with_its_count(n: int, one: str, many: str | None, text: str) -> None:
    assert counted(n, one, many) == text


def test_differences_carry_their_sign() -> None:
    assert [signed(value) for value in (0.0017, -0.0004, 0.0)] == ["+0.0017", "-0.0004", "0"]
    assert signed(0.00001, 0.0) == "+0.00001"


@pytest.mark.parametrize(
    ("error", "line"),
    [(EOFError(), "EOFError"), (OSError("\n \nno room\nmore"), "no room"), (ValueError("  "), "ValueError")],
)
def test_an_error_that_says_nothing_has_its_name(error: Exception, line: str) -> None:
    assert first_line(error) == line

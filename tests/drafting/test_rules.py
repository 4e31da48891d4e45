"""Limits have slack, and two significant digits."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from mlsys.drafting.yaml_text import nice


@given(st.floats(-1e15, 1e15).filter(lambda value: value == 0 or abs(value) > 1e-12), st.booleans())
def test_a_nice_number_lies_beyond_and_near(value: float, up: bool) -> None:
    found = nice(value, up=up)
    slack = abs(value) * 1e-8
    assert found >= value - slack if up else found <= value + slack
    assert abs(found - value) <= abs(value) * 0.11 + slack


def test_whole_numbers_stay_whole() -> None:
    assert (nice(318.6, up=True), nice(0.0123, up=False), nice(-3.3, up=False)) == (320, 0.012, -3.3)


def test_what_float64_cannot_hold_has_no_limit() -> None:
    assert (nice(float("inf"), up=True), nice(-float("inf"), up=False)) == (float("inf"), -float("inf"))

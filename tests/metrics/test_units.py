"""What counts as one piece of evidence."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlsys.metrics.units import ROWS, Spread, Units

VALUES = np.random.default_rng(0).normal(size=400)


def test_each_row_is_a_unit_of_its_own() -> None:
    alone = Units("group", np.arange(400))
    assert alone.spread(VALUES).error == pytest.approx(ROWS.spread(VALUES).error, rel=0.002)
    assert (alone.count(400), ROWS.count(400)) == (400, 400)
    assert alone.same(Units("day", np.arange(400) * 2))
    assert not alone.same(ROWS)
    assert ROWS.same(Units())


@given(times=st.integers(2, 8))
def test_rows_written_several_times_are_no_news(times: int) -> None:
    copies = Units("group", np.repeat(np.arange(400), times))
    once, again = Units("group", np.arange(400)).spread(VALUES), copies.spread(np.repeat(VALUES, times))
    assert again.error == pytest.approx(once.error)
    assert ROWS.spread(np.repeat(VALUES, times)).error < 0.75 * once.error


def test_few_units_need_a_t_quantile() -> None:
    seven = Units("day", np.repeat(np.arange(7), 20))
    assert seven.spread(VALUES[:140]).freedom == 6
    assert seven.few(0.05) == pytest.approx(1.943 / 1.645, rel=1e-3)
    assert seven.stretch(0.05) == pytest.approx(1.943 / 1.645 * (7 / 6) ** 0.5, rel=1e-3)
    assert ROWS.stretch(0.05) == 1
    assert Spread(2.0, 6).reach(0.05) == pytest.approx(3.886, rel=1e-3)
    assert Spread(2.0, float("inf")).reach(0.05) == pytest.approx(3.290, rel=1e-3)


def test_an_error_made_of_few_large_values_is_unsure() -> None:
    rare = np.where(np.arange(400) < 4, 10.0, 0.1)
    assert ROWS.cautious_spread(rare - rare.mean()).freedom < 10
    assert ROWS.cautious_spread(VALUES).freedom == pytest.approx(399, rel=0.3)
    assert ROWS.cautious_spread(VALUES).error == ROWS.spread(VALUES).error


def test_nothing_that_varies_has_no_error() -> None:
    assert ROWS.spread(np.zeros(10)) == ROWS.cautious_spread(np.zeros(10)) == Spread(0.0, float("inf"))
    assert Units("group", np.zeros(10)).spread(VALUES[:10]).error == 0


def test_units_of_some_rows() -> None:
    found = Units("group", np.array([5, 7, 7, 9])).where(np.array([0, 2]))
    assert found.n == 2
    assert found.sums(np.array([1.0, 2.0])).tolist() == [1, 2]

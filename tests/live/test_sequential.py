"""The bound of a test that is looked at daily, against tables and against simulation."""

from __future__ import annotations

import numpy as np
import pytest

from mlsys.live.sequential import bound_of, crossing, share_of


@pytest.mark.parametrize(("looks", "known"), [(1, 1.960), (2, 2.178), (5, 2.413), (10, 2.555)])
def test_bounds_are_those_of_pococks_table(looks: int, known: float) -> None:
    # Jennison and Turnbull 2000, table 2.1, two-sided 5 %: one side has half of it.
    assert bound_of(range(1, looks + 1), 0.025) == pytest.approx(known, abs=0.006)


@pytest.mark.parametrize("sizes", [[1, 2, 3, 4, 5], [1, 100, 101], [5, 6, 20, 21, 22, 40]])
def test_the_chance_to_cross_is_that_of_a_simulation(sizes: list[float]) -> None:
    steps = np.sqrt(np.diff(sizes, prepend=0))
    paths = (np.random.default_rng(3).normal(size=(200_000, len(sizes))) * steps).cumsum(axis=1)
    seen = float((paths / np.sqrt(sizes)).max(axis=1).__gt__(2.2).mean())
    assert crossing(sizes, 2.2) == pytest.approx(seen, abs=0.0015)


def test_a_look_that_adds_nothing_costs_nothing() -> None:
    assert crossing([1, 2, 2, 3], 2.2) == pytest.approx(crossing([1, 2, 3], 2.2))


def test_a_years_tests_spend_its_budget_and_no_more() -> None:
    shares = [share_of(0.02, place) for place in range(1, 400)]
    assert sum(shares) < 0.02
    assert sum(shares) == pytest.approx(0.02, rel=0.01)
    assert shares == sorted(shares, reverse=True)

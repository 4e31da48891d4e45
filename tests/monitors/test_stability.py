from __future__ import annotations

from math import log, sqrt

import numpy as np
import pandas as pd
import pytest

from mlsys.monitors.stability import Shift, edges_of, psi, shift

N = 2000


def moved(reference: object, current: object) -> Shift:
    return shift(pd.Series(reference), pd.Series(current), n_bins=10, false_alarms=0.001)


def names(*values: str | None, times: int = N) -> pd.Series:
    return pd.Series((list(values) * times)[:times], dtype=object)


def test_the_index_is_the_divergence_in_both_directions() -> None:
    then, now = np.array([49.5, 49.5]), np.array([89.5, 9.5])  # with half a row more: shares 0.5, 0.5 and 0.9, 0.1
    assert psi(then, now) == pytest.approx(0.4 * log(0.9 / 0.5) - 0.4 * log(0.1 / 0.5))
    assert psi(now, then) == pytest.approx(psi(then, now))


def test_equal_shares_have_the_index_zero() -> None:
    assert psi(np.array([5, 20, 75]), np.array([5, 20, 75])) == 0


def test_an_empty_bin_gives_a_finite_index() -> None:
    assert 0 < psi(np.array([50, 50]), np.array([100, 0])) < 10


def test_bins_hold_about_the_same_share() -> None:
    values = np.random.default_rng(1).lognormal(size=N)
    counts = np.bincount(np.searchsorted(edges_of(values, 10), values, side="right"))
    assert counts.size == 10
    assert counts.min() >= 0.099 * N


def test_a_value_that_fills_more_than_a_bin_has_one_of_its_own() -> None:
    values = np.where(np.arange(N) % 20 == 0, 1.0 + np.arange(N), 0.0)  # 95 % zeros
    bins = np.searchsorted(edges_of(values, 10), values, side="right")
    assert set(values[bins == bins[1]]) == {0.0}


def test_what_happens_beside_a_frequent_value_shows() -> None:
    mostly_zero = np.where(np.arange(N) % 20 == 0, 3.0, 0.0)
    half_zero = np.where(np.arange(N) % 2 == 0, 3.0, 0.0)
    found = moved(mostly_zero, half_zero)
    assert found.psi > max(0.25, found.by_chance)


@pytest.mark.parametrize("value", [4.0, 6.0])
def test_a_constant_that_changes_shows(value: float) -> None:
    assert moved(np.full(N, 5.0), np.full(N, value)).psi > 1


def test_missing_numbers_are_a_bin_of_their_own() -> None:
    values = np.random.default_rng(2).normal(size=N)
    found = moved(values, np.where(np.arange(N) % 3 == 0, np.nan, values))
    assert found.psi > max(0.25, found.by_chance)


def test_a_column_that_was_all_missing_and_is_not_shows() -> None:
    assert moved(np.full(N, np.nan), np.ones(N)).psi > 1


def test_missing_categories_are_a_bin_of_their_own() -> None:
    assert moved(names("a", "b", "b"), names("a", "b", "b", None)).psi > 0.25


def test_a_category_called_none_is_not_a_missing_one() -> None:
    assert moved(names("a", "None"), names("a", None)).psi > 1


def test_a_new_category_is_not_a_missing_one() -> None:
    assert moved(names("a", "b", None), names("a", "b", "new")).psi > 1


def test_new_categories_show_together() -> None:
    fresh = pd.Series([f"new-{i}" if i % 2 else "a" for i in range(N)], dtype=object)
    found = moved(names("a", "b"), fresh)
    assert found.psi > max(0.25, found.by_chance)


def test_names_that_never_repeat_are_no_drift() -> None:
    found = moved([f"{i}" for i in range(N)], [f"{N + i}" for i in range(N)])
    assert found == Shift(0.0, 0.0)


@pytest.mark.slow
@pytest.mark.parametrize("n_rows", [200, 2000])
def test_nothing_changed_exceeds_chance_as_often_as_asked(n_rows: int) -> None:
    generator = np.random.default_rng(n_rows)
    asked, n_worlds, n_beyond = 0.05, 400, 0
    for _ in range(n_worlds):
        reference, current = (pd.Series(generator.normal(size=size)) for size in (3000, n_rows))
        found = shift(reference, current, n_bins=10, false_alarms=asked)
        n_beyond += found.psi > found.by_chance
    three_errors = 3 * sqrt(asked * (1 - asked) / n_worlds)
    assert asked - three_errors < n_beyond / n_worlds < asked + three_errors


def test_chance_is_larger_the_fewer_rows_there_are() -> None:
    values = np.random.default_rng(3).normal(size=N)
    few, many = moved(values, values[:100]), moved(values, values)
    assert few.by_chance > 0.1 > many.by_chance

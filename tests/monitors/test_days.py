"""What days do by themselves, learnt from worlds whose truth is known."""

from __future__ import annotations

from math import sqrt
from typing import Any

import numpy as np
import pytest

from mlsys.monitors.days import STEADY, DailyCounts, Wobble, by_day, chance, lags, whole_weeks, wobbles

N_BINS, ROWS = 4, 2000
FIRST = np.datetime64("2026-01-05", "D")  # a Monday


def dates(n_days: int) -> np.ndarray[Any, Any]:
    return FIRST + np.arange(n_days)


def column(moves: np.ndarray[Any, Any], seed: int) -> DailyCounts:
    """Return a column of equal bins whose first two exchange so much of their share on each day."""
    shares = np.full((moves.size, N_BINS), 1 / N_BINS)
    shares[:, 0] += moves
    shares[:, 1] -= moves
    return DailyCounts(dates(moves.size), np.random.default_rng(seed).multinomial(ROWS, shares))


def columns(kind: str, n: int = 10, n_days: int = 56, spread: float = 0.03) -> list[DailyCounts]:
    random, found = np.random.default_rng(7), []
    for seed in range(n):
        moves = random.normal(0, spread, n_days)
        if kind == "week":
            moves = random.normal(0, spread, 7)[np.arange(n_days) % 7]
        elif kind == "level":
            for day in range(1, n_days):
                moves[day] = 0.9 * moves[day - 1] + sqrt(1 - 0.9**2) * moves[day]
        elif kind == "rows":
            moves = np.zeros(n_days)
        found.append(column(np.clip(moves, -0.2, 0.2), seed))
    return found


def truth(spread: float = 0.03) -> float:
    """The variance of a day in units of the index: two bins of a quarter move by as much."""
    return 2 * spread**2 * N_BINS


def mean(found: list[Wobble], name: str) -> float:
    return float(np.mean([getattr(each, name) for each in found]))


def test_independent_rows_leave_nothing_to_the_days() -> None:
    found = wobbles(columns("rows"), weekly=True)
    assert mean(found, "own") + mean(found, "level") < 0.1 * truth()


def test_what_is_each_day_s_own_is_found() -> None:
    found = wobbles(columns("day"), weekly=True)
    assert mean(found, "own") == pytest.approx(truth(), rel=0.25)
    assert mean(found, "level") < 0.25 * truth()


def test_a_level_that_persists_is_found() -> None:
    found = wobbles(columns("level", n=30), weekly=True)
    assert found[0].persistence in {0.8, 0.9, 0.95}
    assert mean(found, "level") == pytest.approx(truth(), rel=0.5)


@pytest.mark.parametrize(("weekly", "counts"), [(True, False), (False, True)])
def test_the_season_of_the_week_counts_where_the_window_has_not_all_of_it(weekly: bool, counts: bool) -> None:
    found = wobbles(columns("week"), weekly=weekly)
    assert (mean(found, "own") + mean(found, "level") > 0.5 * truth()) is counts


def test_few_days_have_few_degrees_of_freedom_and_a_high_limit() -> None:
    few, many = (wobbles(columns("day", n_days=n), weekly=False)[0] for n in (6, 56))
    assert (few.own_freedom, few.level, many.own_freedom) == (5, 0, 55)
    spread, like = lags(dates(6), dates(7)[-1:]), {"n_then": 9000, "n_now": 1500, "n_bins": N_BINS}
    limits = [chance(Wobble(own=truth(), own_freedom=n), spread, **like).limit(0.001) for n in (5, 55)]
    assert limits[0] > 2 * limits[1]


def test_one_day_or_one_bin_says_nothing() -> None:
    alone = [
        DailyCounts(dates(1), np.array([[5, 5]])),
        DailyCounts(dates(3), np.array([[5], [4], [6]])),
        DailyCounts(dates(3), np.array([[5, 0], [4, 0], [6, 0]])),
    ]
    assert [each.own for each in wobbles(alone, weekly=False)] == [0, 0, 0]


def test_without_days_chance_is_that_of_independent_rows() -> None:
    from scipy.special import chdtri

    null = chance(STEADY, np.zeros(1), n_then=3000, n_now=500, n_bins=10)
    wanted = float(chdtri(9, 0.01)) * (1 / 3000 + 1 / 500)
    assert null.limit(0.01) == pytest.approx(wanted, rel=1e-4)
    assert null.of(wanted) == pytest.approx(0.01, rel=1e-3)


def test_lags_are_those_of_the_difference_of_two_means() -> None:
    then, now = dates(2).repeat(3), dates(4)[3:].repeat(5)  # a half each of days 0 and 1; all of day 3
    assert lags(then, now) == pytest.approx([1.5, 2 * 0.25, 2 * -0.5, 2 * -0.5])


def test_a_bin_that_is_filled_alone_does_nothing_by_chance() -> None:
    null = chance(STEADY, np.zeros(1), n_then=10, n_now=10, n_bins=1)
    assert (null.limit(0.01), null.of(0.0)) == (0.0, 1.0)


def test_weeks_are_whole_where_every_weekday_is_there_alike_often() -> None:
    assert whole_weeks(dates(14).repeat(2))
    assert not whole_weeks(dates(8))
    assert not whole_weeks(dates(3))


def test_rows_are_counted_by_day_and_bin() -> None:
    fourth = FIRST + np.timedelta64(3, "D")
    found = by_day(np.array([0, 2, 2, 1]), np.array([fourth, FIRST, FIRST, fourth]))
    assert list(found.days) == [FIRST, fourth]
    assert found.counts.tolist() == [[0, 0, 2], [1, 1, 0]]

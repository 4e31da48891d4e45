from __future__ import annotations

from math import log
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import dblquad
from scipy.stats import norm

from mlsys.monitors.running_risk import STARTS, Daily, by_day, rise

MONDAY = np.datetime64("2026-01-05")


def on(day: int) -> np.datetime64:
    """Return a day, counted from a Monday."""
    return MONDAY + np.timedelta64(day, "D")


HELD = 7


def days(means: np.ndarray[Any, Any], first: np.datetime64, n_rows: Any = 300) -> Daily:
    """Return days of rows that are either 0 or 1."""
    n = np.broadcast_to(np.asarray(n_rows), means.shape)
    return Daily(first + np.arange(means.size), n, means, n * means * (1 - means))


def alike(means: Any, first: np.datetime64) -> Daily:
    """Return days of which each counts the same: their rows do not differ."""
    mean = np.asarray(means, dtype=float)
    return Daily(first + np.arange(mean.size), np.full(mean.size, 10), mean, np.zeros(mean.size))


@pytest.mark.slow
def test_evidence_is_the_ratio_of_likelihoods() -> None:
    # Rises are |N(0, 1)| days' standard deviations; the mean is integrated out by hand, the deviation by numbers.
    then, now = [0.1, 0.3, 0.2, 0.25], [0.5, 0.4, 0.45]
    found = rise(alike(then, on(-4)), alike(now, MONDAY), tolerance=0.0)
    assert found is not None
    values, later = np.array(then + now), np.repeat([0.0, 1.0], [4, 3])

    def likelihood(deviation: float, risen: float) -> float:
        left = values - risen * deviation * later
        of_values = np.exp(-((left - left.mean()) ** 2).sum() / 2 / deviation**2) / deviation ** (values.size - 1)
        return float(of_values / deviation)

    over_both = dblquad(lambda s, d: likelihood(s, d) * 2 * norm.pdf(d), 0, 12, 0.005, 3, epsrel=1e-6)[0]
    without = dblquad(lambda s, _: likelihood(s, 0.0), 0, 1, 0.005, 3)[0]
    assert found.log_evidence == pytest.approx(log(over_both / without), abs=1e-4)
    assert (found.before, found.after) == pytest.approx((0.2125, 0.45))
    assert found.since == MONDAY


@pytest.mark.slow
@given(st.integers(0, 1000), st.floats(0.01, 100), st.floats(-5, 5), st.integers(1, 60))
def test_neither_unit_nor_zero_plays_a_part(seed: int, unit: float, zero: float, n_now: int) -> None:
    means = np.random.default_rng(seed).normal(0.5, 0.1, 4 + n_now)
    sides = alike(means[:4], on(-4)), alike(means[4:], MONDAY)
    moved = alike(zero + unit * means[:4], on(-4)), alike(zero + unit * means[4:], MONDAY)
    found, same = rise(*sides, tolerance=0.0), rise(*moved, tolerance=0.0)
    assert found is not None
    assert same is not None
    assert same.log_evidence == pytest.approx(found.log_evidence, rel=1e-4, abs=1e-4)


@pytest.mark.slow
@given(st.integers(0, 1000), st.floats(0, 0.2), st.floats(0, 0.5))
def test_higher_later_days_are_more_evidence(seed: int, risen: float, tolerance: float) -> None:
    means = np.random.default_rng(seed).normal(0.5, 0.05, 11)
    then = alike(means[:HELD], on(-HELD))
    found = [rise(then, alike(means[HELD:] + by, MONDAY), tolerance=tolerance) for by in (0.0, risen)]
    assert found[0] is not None
    assert found[1] is not None
    assert found[1].log_evidence >= found[0].log_evidence - 1e-9


def test_a_rise_is_found_since_its_week() -> None:
    means = np.r_[np.full(HELD + 28, 0.2), np.full(14, 0.3)] + 0.01 * np.tile([1, -1], 50)[: HELD + 42]
    found = rise(days(means[:HELD], on(-HELD)), days(means[HELD:], MONDAY), tolerance=0.05)
    assert found is not None
    assert found.since == on(28)
    assert found.log_evidence > log(STARTS / 0.01)


def test_a_return_to_what_it_was_is_no_rise() -> None:
    means = np.r_[np.full(HELD, 0.3), np.full(28, 0.2), np.full(28, 0.3)] + 0.01 * np.tile([1, -1], 50)[: HELD + 56]
    found = rise(days(means[:HELD], on(-HELD)), days(means[HELD:], MONDAY), tolerance=0.05)
    assert found is not None
    assert found.log_evidence <= 0


def test_equal_days_are_evidence_of_nothing() -> None:
    found = rise(alike(np.zeros(HELD), on(-HELD)), alike(np.zeros(20), MONDAY), tolerance=0.05)
    assert found is not None
    assert found.log_evidence == 0.0


@pytest.mark.parametrize(("n_then", "n_now"), [(0, 9), (9, 0), (3, 1)])
def test_few_days_say_nothing(n_then: int, n_now: int) -> None:
    sides = days(np.full(n_then, 0.2), on(-9)), days(np.full(n_now, 0.2), MONDAY)
    assert rise(*sides, tolerance=0.0) is None


def test_days_with_few_rows_wait_for_the_next() -> None:
    day = MONDAY + np.array([0, 0, 0, 1, 2, 2, 3])
    found = by_day(np.array([1.0, 2, 3, 5, 6, 10, 99]), day, least=3)
    assert list(found.day) == [MONDAY, on(2)]
    assert list(found.n_rows) == [3, 3]
    assert list(found.mean) == [2.0, 7.0]
    assert list(found.squares) == [2.0, 14.0]


@pytest.mark.slow
@given(st.lists(st.tuples(st.integers(0, 5), st.floats(0, 1)), max_size=60), st.randoms())
def test_the_order_of_rows_plays_no_part(rows: list[tuple[int, float]], random: Any) -> None:
    def grouped() -> Daily:
        day, values = MONDAY + np.array([d for d, _ in rows], dtype=int), np.array([v for _, v in rows], dtype=float)
        return by_day(values, day, least=4)

    found = grouped()
    random.shuffle(rows)
    assert all(np.array_equal(a, b) for a, b in zip(found, grouped(), strict=True))


def first_alarm(seed: int, *, day_sd: float, week_sd: float, risen: float, at: int, alpha: float) -> int | None:
    """Return on which of 364 nights an alarm comes first; 15 % of 300 rows a day are wrong, later `risen` more."""
    random, n = np.random.default_rng(seed), HELD + 364
    season = random.normal(0, week_sd, 7)
    share = 0.15 + random.normal(0, day_sd, n) + (season - season.mean())[np.arange(n) % 7]
    share[HELD + at :] += risen
    n_rows = 1 + random.poisson(300 * np.exp(random.normal(0, 0.3, n)))
    means = random.binomial(n_rows, np.clip(share, 0, 1)) / n_rows
    whole = days(means, on(seed % 7), n_rows)
    then = Daily(*(each[:HELD] for each in whole))
    for night in range(HELD + 1, n + 1):
        found = rise(then, Daily(*(each[HELD:night] for each in whole)), tolerance=0.0)
        if found is not None and found.log_evidence >= log(STARTS / alpha):
            return night - HELD
    return None


@pytest.mark.slow
@pytest.mark.parametrize(
    ("day_sd", "week_sd"),
    [pytest.param(0.0, 0.0, marks=pytest.mark.long), pytest.param(0.03, 0.0, marks=pytest.mark.long), (0.0, 0.03)],
)
def test_a_year_of_nights_alarms_as_rarely_as_promised(day_sd: float, week_sd: float) -> None:
    quiet = {"day_sd": day_sd, "week_sd": week_sd, "risen": 0.0, "at": 0, "alpha": 0.05}
    assert sum(first_alarm(seed, **quiet) is not None for seed in range(40)) <= 2  # type: ignore[arg-type]


@pytest.mark.slow
@pytest.mark.parametrize(("day_sd", "at", "longest"), [(0.0, 28, 14), (0.0, 200, 10), (0.03, 28, 28)])
def test_a_planted_loss_is_found_in_weeks(day_sd: float, at: int, longest: int) -> None:
    found = [first_alarm(seed, day_sd=day_sd, week_sd=0.0, risen=0.05, at=at, alpha=0.01) for seed in range(15)]
    late = [night - at for night in found if night is not None and night > at]
    assert len(late) == len(found)
    assert np.median(late) <= longest

"""The fall of a model that is never retrained: dated when it is abrupt, said when it is gradual, else nothing."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pytest

from mlsys.backfill.change import ON_EITHER_SIDE, P_VALUE, fall_of
from mlsys.backfill.records import Change

N_DAYS = 30


def days(n: int) -> list[date]:
    return [date(2026, 3, 1) + timedelta(days=i) for i in range(n)]


def noisy(values: list[float], seed: int = 0, spread: float = 0.02) -> list[float]:
    found: list[float] = (np.asarray(values) + np.random.default_rng(seed).normal(0, spread, len(values))).tolist()
    return found


def found_in(values: list[float], direction: str = "higher") -> Change | None:
    return fall_of(days(len(values)), values, direction=direction)  # type: ignore[arg-type]


@pytest.mark.parametrize("at", [ON_EITHER_SIDE, 10, N_DAYS - ON_EITHER_SIDE])
def test_an_abrupt_fall_is_dated(at: int) -> None:
    change = found_in(noisy([0.9] * at + [0.7] * (N_DAYS - at)))
    assert change is not None
    assert (change.kind, change.day) == ("abrupt", days(N_DAYS)[at])
    assert change.before == pytest.approx(0.9, abs=0.03)
    assert change.after == pytest.approx(0.7, abs=0.03)
    assert change.p_value < P_VALUE
    assert str(change.day) in change.sentence


def test_a_metric_that_is_better_when_lower_falls_upwards() -> None:
    change = found_in(noisy([0.2] * 15 + [0.6] * 15), "lower")
    assert change is not None
    assert (change.day, change.before < change.after) == (days(N_DAYS)[15], True)


def test_a_rise_is_no_fall() -> None:
    assert found_in(noisy([0.7] * 15 + [0.9] * 15)) is None


def test_a_steady_fall_has_no_day() -> None:
    change = found_in(noisy(np.linspace(0.95, 0.6, N_DAYS).tolist()))
    assert change is not None
    assert (change.kind, change.day) == ("gradual", None)
    assert "steadily" in change.sentence


def test_too_few_days_say_nothing() -> None:
    assert found_in([0.9] * ON_EITHER_SIDE + [0.1] * (ON_EITHER_SIDE - 1)) is None
    assert found_in([]) is None


def test_days_all_alike_on_either_side_are_divided() -> None:
    change = found_in([1.0] * 5 + [0.5] * 5)
    assert change is not None
    assert (change.day, change.p_value) == (days(10)[5], 0.0)


def test_days_all_alike_have_no_fall() -> None:
    assert found_in([0.8] * 12) is None


def test_one_bad_day_is_no_change() -> None:
    assert found_in(noisy([0.9] * 14 + [0.6] + [0.9] * 15)) is None


@pytest.mark.slow
def test_calm_days_are_rarely_taken_for_a_fall() -> None:
    n_worlds = 400
    alarms = sum(found_in(noisy([0.9] * N_DAYS, seed=seed)) is not None for seed in range(n_worlds))
    assert alarms / n_worlds <= P_VALUE + 3 * (P_VALUE / n_worlds) ** 0.5


@pytest.mark.slow
@pytest.mark.parametrize(("n_days", "spreads"), [(14, 4), (20, 3), (30, 3), (60, 2)])
def test_a_straight_fall_is_rarely_dated(n_days: int, spreads: int) -> None:
    line = np.linspace(0.9, 0.9 - 0.02 * spreads, n_days).tolist()
    found = [found_in(noisy(line, seed=seed)) for seed in range(100)]
    seen = [change.kind for change in found if change is not None]
    assert len(seen) > 60
    assert seen.count("abrupt") / len(seen) < 0.2


@pytest.mark.slow
def test_an_abrupt_fall_of_noisy_days_is_mostly_dated() -> None:
    level = [0.9] * 12 + [0.82] * 18
    found = [found_in(noisy(level, seed=seed)) for seed in range(100)]
    assert sum(change is not None and change.kind == "abrupt" for change in found) > 90

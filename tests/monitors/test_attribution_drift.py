"""Whether a model leans on other columns than it did: what is found, and how often chance alone would look like it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from mlsys.monitors.attribution_drift import AttributionDrift, TrainingDays, by_chance
from mlsys.monitors.base import Past, Window
from mlsys.testing.monitors import LAST_DAY, window

EMPTY = window(n_rows=14, n_before=50)
WEIGHTS = np.array([1.0, 0.8, 0.6, 0.4, 0.2, 0.0])


def leaning(rows: pd.DataFrame, others: pd.DataFrame) -> dict[str, np.ndarray[Any, Any]]:
    """A linear model."""
    apart = np.abs((rows.to_numpy() - others.to_numpy()) * WEIGHTS)
    return {str(name): apart[:, i] for i, name in enumerate(rows.columns)}


def seen(
    seed: int, *, spread: float = 1.0, by_day: float = 0.0, n_days: int = 56, then: int = 100, now: int = 100
) -> Window:
    """Return a window of seven days, whose first column spreads more; `by_day` is how much spreads differ by day."""
    random = np.random.default_rng(seed)
    names = [f"f{i}" for i in range(WEIGHTS.size)]

    def drawn(days: int, rows: int, factor: float) -> pd.DataFrame:
        own = np.exp(by_day * random.normal(size=(days, WEIGHTS.size))).repeat(rows, axis=0)
        values = random.normal(size=(days * rows, WEIGHTS.size)) * own
        values[:, 0] *= factor
        return pd.DataFrame(values, columns=names)

    def days(first: int, n: int, rows: int) -> np.ndarray[Any, Any]:
        return (np.datetime64(LAST_DAY, "D") - np.timedelta64(first, "D") + np.arange(n)).repeat(rows)

    day_then, day, none = days(n_days + 7, n_days, then), days(6, 7, now), np.zeros(7 * now)
    known = Past(day=day_then, y_score=day_then, y_true=day_then, holdout_day=day_then)
    return replace(
        EMPTY, leaning=leaning, reference=drawn(n_days, then, 1.0), past=known,
        rows=drawn(7, now, spread), day=day, y_score=none, y_true=none,
    )  # fmt: skip


def test_a_column_that_says_more_takes_its_share_from_the_others() -> None:
    found = AttributionDrift().look(seen(1, spread=3.0))
    assert (found.state, found.reason, found.unit) == ("alarm", "leans_on_others", "leaning")
    # On average two normal numbers lie as far apart as the root of the sum of their variances.
    owed = np.sqrt(5)
    assert found.observed == pytest.approx(owed / (owed + 2) - 1 / 3, abs=0.05)
    assert found.parts[0].name == "f0"
    assert found.parts[0].observed == pytest.approx(found.observed)
    assert "Most moved: f0 3" in found.sentence


def test_a_shift_below_the_limit_is_no_alarm_however_sure() -> None:
    made = seen(1, spread=1.5, then=300, now=1000)
    assert AttributionDrift().look(made).state == "pass"
    assert AttributionDrift(limit=0.01).look(made).state == "alarm"


@pytest.mark.slow
@pytest.mark.parametrize(("by_day", "then", "now"), [(0.0, 100, 30), (0.0, 10, 300), (0.5, 60, 60)])
def test_where_nothing_changed_it_is_quiet(by_day: float, then: int, now: int) -> None:
    monitor = AttributionDrift(limit=0.0, significance=0.05)
    worlds = [seen(seed, by_day=by_day, then=then, now=now) for seed in range(40)]
    n_alarms = [monitor.look(each).state for each in worlds].count("alarm")
    assert n_alarms <= 7  # 2 expected; 8 in one of a thousand


def test_where_days_differ_the_limit_is_higher() -> None:
    limits = [AttributionDrift(limit=0.0).look(seen(3, by_day=by_day)).limit or 0.0 for by_day in (0.0, 0.5)]
    assert limits[1] > 2 * limits[0]


def test_days_that_follow_each_other_are_drawn_together() -> None:
    """Of leaning that changes every ten days a drawn week keeps more than any seven days do."""
    level = np.repeat([0.0, 1.0], 10)[np.arange(60) % 20]
    owed = np.column_stack([level, 1 - level])
    days = TrainingDays(np.arange(60), 7)
    mixed = np.random.default_rng(1).permutation(60)  # the same days, none of which is like the one before
    together, alone = (by_chance(rows, days, n_now=7, probability=0.1) for rows in (owed, owed[mixed]))
    assert together > 1.3 * alone


@pytest.mark.slow
def test_a_training_of_one_day_lets_rows_tell_chance() -> None:
    made = seen(5, n_days=1, then=2000)
    assert AttributionDrift().look(made).state == "pass"
    assert AttributionDrift().look(replace(made, past=None)) == AttributionDrift().look(made)


def test_few_days_and_answers_that_never_change_are_inconclusive() -> None:
    assert AttributionDrift().look(seen(1, n_days=3)).reason == "too_few_days"

    def nothing(rows: pd.DataFrame, _: pd.DataFrame) -> dict[str, np.ndarray[Any, Any]]:
        return {str(name): np.zeros(len(rows)) for name in rows.columns}

    assert AttributionDrift().look(replace(seen(1), leaning=nothing)).reason == "no_leaning"

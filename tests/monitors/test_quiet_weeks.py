"""Features whose days differ, and one that moves: a small form of `make bench-monitors`."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from mlsys.monitors.base import Past, Window
from mlsys.monitors.feature_drift import FeatureDrift, leniency
from mlsys.testing.monitors import LAST_DAY, window

TRAINED, N_FEATURES = 56, 8
EMPTY = window(n_rows=14, n_before=50)


def seen(
    means: np.ndarray[Any, Any],
    *,
    rows: int = 150,
    now: int = 150,
    seed: int = 1,
    leans: dict[str, float] | None = None,
) -> Window:
    """Return what is seen of `(n_days, n_features)` means: the first 56 days then, the last seven now."""
    random, n_days = np.random.default_rng(seed), len(means)
    days = np.datetime64(LAST_DAY, "D") - np.timedelta64(n_days - 1, "D") + np.arange(n_days)

    def drawn(inside: slice, n: int) -> tuple[pd.DataFrame, np.ndarray[Any, Any]]:
        values = np.repeat(means[inside], n, axis=0) + random.normal(size=(len(days[inside]) * n, means.shape[1]))
        return pd.DataFrame(values, columns=[f"f{i}" for i in range(means.shape[1])]), days[inside].repeat(n)

    (then, then_day), (rows_now, day) = drawn(slice(TRAINED), rows), drawn(slice(n_days - 7, n_days), now)
    none, past = np.zeros(day.size), np.zeros(then_day.size)
    known = Past(day=then_day, y_score=past, y_true=past, holdout_day=then_day, leans=leans or {})
    return replace(EMPTY, reference=then, rows=rows_now, day=day, y_score=none, y_true=none, past=known)


def means(kind: str, seed: int, n_days: int = TRAINED + 21) -> np.ndarray[Any, Any]:
    """Return means that differ by half a standard deviation, in one of three ways."""
    random = np.random.default_rng(seed)
    own = random.normal(0, 0.5, (n_days, N_FEATURES))
    if kind == "week":
        return own[np.arange(n_days) % 7]
    if kind == "level":
        for day in range(1, n_days):
            own[day] = 0.9 * own[day - 1] + np.sqrt(1 - 0.9**2) * own[day]
    return own


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["week", "day", "level"])
def test_days_that_differ_by_themselves_are_no_alarm(kind: str) -> None:
    monitor = FeatureDrift()
    states = [monitor.look(seen(means(kind, seed), seed=seed)).state for seed in range(25)]
    assert states.count("pass") >= 23


def test_a_shift_of_the_most_important_feature_is_found_in_50_000_rows() -> None:
    flat = np.zeros((TRAINED + 21, N_FEATURES))
    flat[-7:, 3] = 0.3
    leans = {f"f{i}": 0.3 if i == 3 else 0.1 for i in range(N_FEATURES)}
    moved = seen(flat, now=50_000 // 7, leans=leans)
    found = FeatureDrift().look(moved)
    assert (found.state, found.parts[0].name) == ("alarm", "f3")
    assert FeatureDrift(by_importance=False).look(moved).state == "pass"  # the index is 0.09


def test_what_the_champion_hardly_leans_on_has_a_higher_limit() -> None:
    leans = {"a": 0.9, "b": 0.1, "c": 0.0}
    assert leniency(leans, "a") == pytest.approx(1 / 2.7)
    assert [leniency(leans, name) for name in ("b", "c", "d")] == [2.5, 2.5, 1.0]
    assert leniency({}, "a") == leniency({"a": 0.0}, "a") == 1.0


def test_a_share_of_the_columns_may_be_what_alarms() -> None:
    flat = np.zeros((TRAINED + 21, N_FEATURES))
    flat[-7:, :4] = 1.0
    half, more = seen(flat), seen(flat + np.eye(1, N_FEATURES, 5) * (np.arange(TRAINED + 21) >= TRAINED + 14)[:, None])
    monitor = FeatureDrift(share=0.5)
    assert (monitor.look(half).state, monitor.look(half).observed) == ("pass", 0.5)
    found = monitor.look(more)
    assert (found.state, found.observed, found.limit, found.unit) == ("alarm", 5 / 8, 0.5, "share")
    assert "of 8; more than 50% would alarm" in found.sentence


def test_four_days_of_training_are_too_few() -> None:
    made = seen(np.zeros((TRAINED + 21, N_FEATURES)))
    assert made.past is not None
    few = made.past.day < made.past.day.min() + np.timedelta64(4, "D")
    past = replace(made.past, day=made.past.day[few])
    found = FeatureDrift().look(replace(made, reference=made.reference[few], past=past))
    assert (found.state, found.reason) == ("inconclusive", "too_few_days")


def test_of_one_day_rows_are_taken_as_independent_and_that_is_said() -> None:
    made = seen(np.zeros((TRAINED + 21, N_FEATURES)))
    assert made.past is not None
    found = FeatureDrift().look(replace(made, past=replace(made.past, day=np.full_like(made.past.day, LAST_DAY))))
    assert found.state == "pass"
    assert found.sentence.endswith("how much days differ by themselves is not known.")


@pytest.mark.parametrize("what", ["missing", "unseen"])
def test_missing_and_new_values_are_parts_of_their_own(what: str) -> None:
    made = window()
    rows = made.rows.copy()
    rows.loc[::8, "kind"] = None if what == "missing" else "telephone"
    found = FeatureDrift().look(replace(made, rows=rows))
    assert found.state == "alarm"
    assert f"kind: {what}" in {part.name for part in found.parts if part.observed > part.limit}

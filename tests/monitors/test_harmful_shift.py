from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from mlsys.monitors.base import Window, WindowAnswers
from mlsys.monitors.harmful_shift import HarmfulShift
from mlsys.targets.policy import PolicyTarget
from mlsys.targets.regression import RegressionTarget
from mlsys.testing.monitors import LAST_DAY, window


def numbers(error: float, *, wild: float = 0.0) -> Window:
    """Return a window of predicted numbers, off by 1 on average on the holdout and by `error` now."""
    made = window(n_rows=2800, target=RegressionTarget(column="price"))
    random = np.random.default_rng(5)
    held, y_true = random.normal(50, 10, made.holdout_scores.size), random.normal(50, 10, len(made.rows))
    score = y_true + random.laplace(0, error, y_true.size)
    score[:1] += wild
    assert made.holdout is not None
    now = {"y_true": y_true, "y_score": score}
    before = replace(made.holdout, y_true=held, y_score=held + random.laplace(0, 1.0, held.size))
    return replace(made, holdout=before, **now)


def test_a_drift_that_does_no_harm_is_none() -> None:
    moved = window(shift=3.0, n_rows=2800)
    quiet = window(n_rows=2800)
    harmless = replace(moved, y_score=quiet.y_score, y_true=quiet.y_true)
    assert HarmfulShift().look(harmless).state == "pass"


@pytest.mark.parametrize("of", ["loss", "mistakes"])
def test_what_the_answers_lost_alarms(of: Any) -> None:
    found = HarmfulShift(of=of).look(window(skill=1.0, n_rows=2800))
    assert found.state == "alarm"
    assert found.reason == "risen"
    assert found.unit == "evidence"
    assert "since 2026-03-25" in found.sentence


def test_a_rise_within_the_tolerance_is_no_harm() -> None:
    worse = window(skill=1.0, n_rows=2800)
    assert HarmfulShift(tolerance=1.0).look(worse).state == "pass"


def test_errors_of_numbers_are_judged_and_one_wild_row_proves_nothing() -> None:
    assert HarmfulShift().look(numbers(1.5)).state == "alarm"
    assert HarmfulShift().look(numbers(1.0)).state == "pass"
    assert HarmfulShift().look(numbers(1.0, wild=1e9)).state == "pass"


def test_what_is_not_told_row_by_row_is_not_judged() -> None:
    named = {"column": "paid", "positive": "yes", "action": "a", "customer": "c", "step": "s", "logged_by": ("l",)}
    policy = PolicyTarget(task="policy", actions=("x", "y"), **named)
    for monitor, made in (
        (HarmfulShift(of="mistakes"), numbers(2.0)),
        (HarmfulShift(), window(target=policy)),
    ):
        assert monitor.look(made).reason == "task_not_judged"


def test_days_before_the_window_count_for_what_it_was() -> None:
    # The champion was always so bad: what it is now has not risen since it serves.
    made = window(skill=1.0, n_rows=2800)
    days = np.arange(280)
    many = window(skill=1.0, n_rows=28_000, seed=8)
    answered = WindowAnswers(
        np.datetime64(LAST_DAY, "D") - np.tile(days, 100).astype("timedelta64[D]"), many.y_score, many.y_true
    )
    lasting = HarmfulShift().look(replace(made, answered=answered))
    assert lasting.n_rows == 28_000
    assert HarmfulShift(within=timedelta(days=70)).look(replace(made, answered=answered)).n_rows == 7_000
    assert lasting.state == "alarm"
    assert "since 2025-06-2" in lasting.sentence  # from its beginning, against the holdout


def test_few_days_are_inconclusive() -> None:
    made = window()
    assert made.holdout is not None
    one_day = replace(made.holdout, day=np.full(made.holdout.day.size, made.holdout.day.min()))
    newest = replace(made.newest(timedelta(days=1)), holdout=one_day)
    found = HarmfulShift(min_labels=50).look(newest)
    assert (found.state, found.reason) == ("inconclusive", "too_few_days")


@pytest.mark.parametrize("within", ["1d", "365d", "36h"])
def test_within_is_whole_days_of_a_year_at_most(within: str) -> None:
    with pytest.raises(ValidationError, match="from 7d to 364d"):
        HarmfulShift.model_validate({"within": within})

"""Where strategies stand at the end of a range, and what stood in the way of a repair."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

import pytest

from mlsys.backfill.records import Change, DailyValue, StrategyResult
from mlsys.backfill.recovery import in_days, never_trained_on, recoveries_of, repaired
from mlsys.backfill.strategies import NEVER, WEEKLY
from mlsys.records import MetricValue

DAYS = tuple(date(2026, 3, 1) + timedelta(days=n) for n in range(40))
FELL = 8


def fall(*, day: date | None = DAYS[FELL]) -> Change:
    kind = "abrupt" if day else "gradual"
    return Change.model_validate(
        {"kind": kind, "day": day, "before": 0.9, "after": 0.5, "p_value": 0.001, "sentence": "It falls"}
    )


def strategy(name: str, values: Sequence[float | None]) -> StrategyResult:
    found = [MetricValue(name="roc_auc", value=value, n=50) for value in values]
    daily = tuple(DailyValue(day=day, model_day=DAYS[0], value=v) for day, v in zip(DAYS, found, strict=False))
    return StrategyResult(
        name=name, title=name, rule="", promotions=DAYS[:1], overall=found[0], pooled=found[0], daily=daily
    )


def world(newest: float, *, n_after: int, n_newest: int) -> list[StrategyResult]:
    fallen = [0.5] * (n_after - n_newest)
    return [
        strategy(NEVER, [0.9] * FELL + fallen + [0.5] * n_newest),
        strategy(WEEKLY, [0.9] * FELL + fallen + [newest] * n_newest),
    ]


@pytest.mark.parametrize(("n_after", "n_newest"), [(30, 7), (14, 7), (10, 5), (6, 3), (3, 3)])
def test_the_newest_days_count_alone(n_after: int, n_newest: int) -> None:
    never, weekly = recoveries_of(world(0.8, n_after=n_after, n_newest=n_newest), fall())
    assert (never.share, weekly.n_days) == (0, n_newest)
    assert weekly.share == pytest.approx(0.75)
    assert weekly.value == pytest.approx(0.8)


@pytest.mark.parametrize(("newest", "said"), [(0.69, False), (0.71, True)])
def test_half_of_the_fall_is_what_counts(newest: float, said: bool) -> None:
    assert repaired(recoveries_of(world(newest, n_after=14, n_newest=7), fall())) is said


def test_a_metric_where_lower_is_better_is_turned() -> None:
    change = fall().model_copy(update={"before": 0.2, "after": 0.6})
    results = [strategy(NEVER, [0.2] * FELL + [0.6] * 10), strategy(WEEKLY, [0.2] * FELL + [0.3] * 10)]
    assert recoveries_of(results, change)[1].share == pytest.approx(0.75)


def test_a_gradual_fall_looks_at_the_newest_week() -> None:
    assert recoveries_of(world(0.9, n_after=20, n_newest=7), fall(day=None))[1].share == pytest.approx(1)


def test_without_a_fall_or_days_since_it_nothing_is_measured() -> None:
    assert recoveries_of(world(0.9, n_after=14, n_newest=7), None) == ()
    assert recoveries_of(world(0.9, n_after=2, n_newest=2), fall()) == ()
    assert repaired(()) is None


def test_a_strategy_without_models_and_days_without_a_value_are_left_out() -> None:
    results = world(0.9, n_after=14, n_newest=7)
    blank = strategy("gated", [0.9]).model_copy(update={"daily": ()})
    gone = strategy("nightly", [0.9] * FELL + [0.9] * 13 + [None])
    found = recoveries_of([*results, gone, blank], fall())
    assert [recovery.strategy for recovery in found] == [NEVER, WEEKLY, "nightly"]
    assert found[1].n_days == 6


@pytest.mark.parametrize(
    ("last", "said"), [(DAYS[FELL + 13], "on the last 1 day of the range"), (DAYS[FELL + 12], "on no day of the range")]
)
def test_the_first_model_that_knows_the_fall_is_named(last: date, said: str) -> None:
    (sentence,) = never_trained_on({"holdout": 7, "validation": 5}, fall(), last)
    assert said in sentence
    assert f"the model of {DAYS[FELL + 12]}" in sentence


def test_withheld_days_are_added_up() -> None:
    assert in_days({"holdout": 1}) == "1 day (holdout 1)"
    assert in_days({"holdout": 7, "validation": 5, "gaps": 2}) == "14 days (holdout 7 + validation 5 + gaps 2)"
    assert never_trained_on({}, fall(), DAYS[-1]) == ()

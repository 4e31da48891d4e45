"""Who serves on which day under each way to retrain."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from given import records_samples

from mlsys.backfill.days import SimulatedDay, Simulation
from mlsys.backfill.strategies import (
    GATED,
    MONTHLY,
    NEVER,
    NIGHTLY,
    RECALIBRATED,
    WEEKLY,
    Strategy,
    strategies_of,
)

FIRST = date(2026, 3, 1)


def model(n: int) -> SimulatedDay:
    """The model of the n-th day; what is not asked about who serves is left out."""
    plan = records_samples.plan().model_copy(update={"day": FIRST + timedelta(days=n)})
    rest: Any = None
    return SimulatedDay(records_samples.prepared(plan), rest, rest, "")


def simulation(numbers: list[int]) -> Simulation:
    spec: Any = None
    days = tuple(model(n) for n in numbers)
    return Simulation("shop", days[0].day, days[-1].day, spec, "", days, {}, ())


def taken(numbers: list[int], gated: tuple[int, ...] = ()) -> dict[str, list[int]]:
    by_name = {s.name: s for s in strategies_of(simulation(numbers), [model(n) for n in gated])}
    return {name: [(m.day - FIRST).days for m in strategy.taken] for name, strategy in by_name.items()}


def test_each_strategy_takes_its_days() -> None:
    assert taken(list(range(16)), gated=(0, 9)) == {
        NEVER: [0],
        WEEKLY: [0, 7, 14],
        NIGHTLY: list(range(16)),
        GATED: [0, 9],
    }


def test_a_recalibrated_model_is_the_cheapest_retraining_and_only_there_where_it_has_lines() -> None:
    found = strategies_of(simulation([0, 1, 2, 3]), (), [model(2), model(3)])
    assert [strategy.name for strategy in found] == [NEVER, RECALIBRATED, WEEKLY, NIGHTLY, GATED]
    assert [(m.day - FIRST).days for m in found[1].taken] == [0, 2, 3]
    assert RECALIBRATED not in taken([0, 1, 2, 3])


def test_a_missing_day_is_replaced_by_the_newest_before_it() -> None:
    assert taken([0, 1, 2, 3, 5, 8, 9, 15])[WEEKLY] == [0, 5, 9]


def test_no_model_is_taken_twice() -> None:
    assert taken([0, 1, 40])[WEEKLY] == [0, 1]


@pytest.mark.parametrize(("n_days", "there"), [(60, False), (61, True)])
def test_monthly_is_one_of_them_when_it_happens_twice(n_days: int, there: bool) -> None:
    found = taken(list(range(n_days)))
    assert (MONTHLY in found) is there
    assert found.get(MONTHLY, [0, 30, 60]) == [0, 30, 60]


def test_a_model_serves_from_the_day_after_its_own() -> None:
    strategy = Strategy(GATED, (model(2), model(5)))
    serving = [strategy.serving(FIRST + timedelta(days=n)) for n in range(8)]
    assert [None if m is None else (m.day - FIRST).days for m in serving] == [None, None, None, 2, 2, 2, 5, 5]

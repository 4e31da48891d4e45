"""Days that look like those before them, and days that do not, with known truth."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pytest

from mlsys.validation.portraits import Portrait, Trait
from mlsys.validation.usual import odd_traits

FIRST = date(2026, 1, 1)
N_DAYS = 90


def portrait(
    day: int,
    *,
    rows: float = 1.0,
    missing: float = 0.02,
    mean: float = 50.0,
    new: int = 0,
    growth: float = 0.005,
    weekend: float = 0.4,
    seed: int = 0,
) -> Portrait:
    """Return a day of a table that grows, has fewer rows at weekends, and drifts."""
    random = np.random.default_rng([seed, day])
    quiet = weekend if (FIRST + timedelta(days=day)).weekday() >= 5 else 1.0
    n = int(random.poisson(400 * rows * quiet * np.exp(growth * day)))
    kinds = random.multinomial(n - new, [0.6, 0.3, 0.1])
    counts = {"web": int(kinds[0]), "shop": int(kinds[1]), "app": int(kinds[2])} | (
        {"W\u00eb\u0062": new} if new else {}
    )
    traits = (
        Trait("", "number of rows", "size", float(np.log(n + 1)), n),
        Trait("value", "share of missing values", "share", random.binomial(n, missing) / n, n),
        Trait("value", "mean", "place", mean + 0.1 * day + random.normal(0, 10 / np.sqrt(n)), n, 25.0),
    )
    return Portrait(traits, {"channel": counts})


def found(day: int, newest: Portrait, **changes: float) -> list[str]:
    """Return what is odd about the newest day."""
    past = [portrait(i, **changes) for i in range(day)]  # type: ignore[arg-type]
    days = [FIRST + timedelta(days=i) for i in range(day)]
    return [odd.trait.what for odd in odd_traits(past, days, newest, FIRST + timedelta(days=day))]


@pytest.mark.slow
@pytest.mark.parametrize("changes", [{}, {"growth": 0.03, "weekend": 1.0}, {"weekend": 0.1, "growth": 0.0}])
def test_growth_drift_and_weekends_are_usual(changes: dict[str, float]) -> None:
    odd = [found(day, portrait(day, **changes), **changes) for day in range(21, N_DAYS, 3)]  # type: ignore[arg-type]
    assert odd == [[]] * len(odd)


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"rows": 0.1}, "number of rows"),
        ({"rows": 20.0}, "number of rows"),
        ({"missing": 0.4}, "share of missing values"),
        ({"mean": 5000.0}, "mean"),
        ({"mean": 0.5}, "mean"),
        ({"new": 60}, "share of values never seen before"),
    ],
)
@pytest.mark.parametrize("day", [30, 60])
def test_what_is_corrupt_is_named(changes: dict[str, float], what: str, day: int) -> None:
    assert what in found(day, portrait(day, **changes))  # type: ignore[arg-type]


def test_what_is_worst_stands_first_beside_what_was_expected() -> None:
    past, days = [portrait(i) for i in range(30)], [FIRST + timedelta(days=i) for i in range(30)]
    odd = odd_traits(past, days, portrait(30, mean=5000.0, missing=0.5), FIRST + timedelta(days=30))
    assert [each.trait.what for each in odd] == ["mean", "share of missing values"]
    assert odd[0].expected == pytest.approx(53, abs=2)
    assert odd[1].expected == pytest.approx(0.02, abs=0.02)


def test_after_a_day_that_is_taken_for_usual_the_next_may_look_like_it() -> None:
    past = [*(portrait(i) for i in range(30)), portrait(30, mean=90.0)]
    days = [FIRST + timedelta(days=i) for i in range(31)]
    assert odd_traits(past, days, portrait(31, mean=90.0), FIRST + timedelta(days=31)) == []

"""Slices by themselves: which they are, what each divides the budget by, and how they are told."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlsys.monitors.base import WindowAnswers
from mlsys.monitors.holdout import Holdout
from mlsys.monitors.sliced_rows import divisors, in_words, slices_of, worst_first
from mlsys.records.monitoring import WatchedSlice
from mlsys.testing.monitors import window

MADE = window().holdout
assert MADE is not None


def sides(now: list[str | None], then: list[str | None]) -> tuple[WindowAnswers, Holdout]:
    frames = [pd.DataFrame({"channel": pd.Series(values, dtype=object)}) for values in (now, then)]
    none, day = np.zeros(len(now)), np.zeros(len(now), "datetime64[D]")
    assert MADE is not None
    return WindowAnswers(day, none, none, frames[0]), replace(MADE, sliced=frames[1])


def test_values_that_the_holdout_has_often_enough_are_slices() -> None:
    rows, held = sides(["web", "app", None, "fax", "web"], ["app", "web", "web", "post", None, None])
    found, small = slices_of(["channel"], rows, held, least=2)
    assert [each.name for each in found] == ["channel has no value", "channel is web"]
    assert [list(each.now.nonzero()[0]) for each in found] == [[2], [0, 4]]
    assert [list(each.then.nonzero()[0]) for each in found] == [[4, 5], [1, 2]]
    assert small == ("channel is app", "channel is post", "channel is fax")


def test_of_a_column_the_thirty_most_frequent_values_are_slices() -> None:
    values = [f"{i:02d}" for i in range(40) for _ in range(40 - i)]
    found, small = slices_of(["channel", "channel"], *sides(values, values), least=1)
    assert [each.name for each in found] == [f"channel is {i:02d}" for i in range(30)]
    assert len(small) == 10


def test_a_column_that_the_holdout_does_not_have_is_told() -> None:
    rows, held = sides(["web"], ["web"])
    assert slices_of(["region"], rows, held, least=1) == ([], ("every value of region",))


@pytest.mark.slow
@given(st.lists(st.floats(0, 1), min_size=1, max_size=12), st.floats(0.001, 0.5))
def test_the_step_down_is_holms(chances: list[float], budget: float) -> None:
    n, order = len(chances), sorted(range(len(chances)), key=lambda i: chances[i])
    holm: set[int] = set()
    for rank, place in enumerate(order):
        if chances[place] > budget / (n - rank):
            break
        holm.add(place)
    found = divisors(chances, budget)
    assert {i for i in range(n) if chances[i] <= budget / found[i]} == holm
    assert max(found) == n


ALARM = WatchedSlice(name="channel is web", state="alarm", n_rows=210, before=0.9, now=0.8)
QUIET = WatchedSlice(name="channel is app", state="pass", n_rows=700, before=0.9, now=0.9)
FEW = WatchedSlice(name="channel is fax", state="inconclusive", n_rows=9)


def test_what_alarms_stands_first_the_surest_before_the_others() -> None:
    surest = ALARM.model_copy(update={"name": "channel is post"})
    assert worst_first([FEW, QUIET, ALARM, surest], [1.0, 0.5, 1e-5, 1e-9]) == (surest, ALARM, QUIET, FEW)


@pytest.mark.parametrize(
    ("slices", "small", "told"),
    [
        (
            [ALARM, QUIET],
            [],
            " It is worse on 1 of 2 slices: where channel is web (210 rows) it is 0.8, before 0.9.",
        ),
        ([QUIET], [], " Beyond chance it is worse on none of 1 slice."),
        (
            [QUIET, FEW],
            ["channel is a", "channel is b", "channel is c"],
            " Beyond chance it is worse on none of 1 slice. Not judged by themselves, for want of 100 labelled rows: "
            "channel is fax, channel is a, channel is b and 1 more.",
        ),
        (
            [],
            ["channel is a"],
            " Not judged by itself, for want of 100 labelled rows: channel is a.",
        ),
    ],
)
def test_slices_in_words(slices: list[WatchedSlice], small: list[str], told: str) -> None:
    assert in_words(slices, small, "is worse", wanted="100 labelled rows") == told

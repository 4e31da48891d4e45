"""Monitors with slices, where it is known which slice got worse: it is named, and stable ones hardly ever are."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from math import log
from statistics import NormalDist
from typing import Any

import numpy as np
import pandas as pd
import pytest

from mlsys.metrics.scores import Scored
from mlsys.monitors.base import Monitor, Window, WindowAnswers
from mlsys.monitors.harmful_shift import HarmfulShift
from mlsys.monitors.holdout import Holdout
from mlsys.monitors.live_metric import LiveMetric
from mlsys.monitors.running_risk import STARTS
from mlsys.records import Evaluation
from mlsys.testing.monitors import LAST_DAY, MEASURE, WEIGHTED, shuffled, window

EMPTY = window(n_rows=14, n_before=50)
N_SLICES, SKILL = 10, 2.0


def drawn(
    random: np.random.Generator, n_days: int, rows: int, skill: float, n_slices: int = N_SLICES
) -> tuple[np.ndarray[Any, Any], ...]:
    """Return slices, labels, scores and days before the last one; the first slice has classes `skill` apart."""
    n = n_days * rows
    part, y = random.integers(0, n_slices, n), (random.random(n) < 0.4).astype("int8")
    score = 1 / (1 + np.exp(-(np.where(part == 0, skill, SKILL) * (y - 0.4) + random.normal(size=n))))
    return part, y, score, (n_days - 1 - np.arange(n) // rows).astype("timedelta64[D]")


def seen(
    skill: float, *, seed: int = 1, rows: int = 300, served: int = 28, held: int = 14, n_slices: int = N_SLICES
) -> Window:
    """Return what is seen of a champion whose first slice has got worse since it serves, unless `skill` is 2."""
    random = np.random.default_rng(seed)
    then_part, then_y, then_score, before = drawn(random, held, rows, SKILL, n_slices)
    part, y, score, ago = drawn(random, served, rows, skill, n_slices)
    last = np.datetime64(LAST_DAY, "D")
    start = last - np.timedelta64(served, "D")
    judged = MEASURE("roc_auc", Scored(then_y, then_score, 0.5))
    return replace(
        EMPTY,
        evaluation=Evaluation(model_id="c", name="c", role="champion", holdout=(judged,)),
        holdout=Holdout(EMPTY.rows, then_score, then_y, WEIGHTED, start - before, named(then_part)),
        answered=WindowAnswers(last - ago, score, y, named(part)),
    )


def named(part: np.ndarray[Any, Any]) -> pd.DataFrame:
    return pd.DataFrame({"part": pd.Series(part.astype(str), dtype=object)})


@pytest.mark.parametrize(
    ("monitor", "reason"),
    [
        (HarmfulShift(slices=("part",)), "risen_on_a_slice"),
        (LiveMetric(slices=("part",)), "worse_on_a_slice"),
    ],
    ids=["loss", "metric"],
)
def test_a_tenth_of_the_rows_that_got_worse_alarms_by_name_where_all_rows_do_not(monitor: Monitor, reason: str) -> None:
    made = seen(1.0)
    alone = monitor.model_copy(update={"slices": ()})
    assert alone.look(made).state == "pass"
    found = monitor.look(made)
    assert (found.state, found.reason) == ("alarm", reason)
    assert [each.name for each in found.slices if each.state == "alarm"] == ["part is 0"]
    assert found.slices[0].name == "part is 0"
    assert "on 1 of 10 slices: where part is 0" in found.sentence
    assert (found.observed, found.limit) == (found.slices[0].observed, found.slices[0].limit)
    assert len(found.slices) == N_SLICES
    assert found.alarmed_slices == ("part is 0",)


@pytest.mark.parametrize("kind", [HarmfulShift, LiveMetric])
def test_slices_with_few_rows_are_said_and_no_alarm(kind: type[HarmfulShift | LiveMetric]) -> None:
    made = seen(0.0, n_slices=100)  # 42 rows each on the holdout
    found = kind(slices=("part",)).look(made)
    assert (found.state, found.slices) == ("pass", ())
    assert "Not judged by themselves, for want of 100 labelled rows" in found.sentence
    assert "and 97 more." in found.sentence


def test_a_slice_without_new_rows_keeps_its_part_of_the_budget() -> None:
    made = seen(2.0)
    assert made.answered is not None
    assert made.answered.sliced is not None
    some = made.answered.where((made.answered.sliced["part"] != "7").to_numpy())
    whole, less = (HarmfulShift(slices=("part",)).look(replace(made, answered=rows)) for rows in (made.answered, some))
    assert [(each.name, each.state) for each in less.slices[-1:]] == [("part is 7", "inconclusive")]
    limits = {each.limit for each in (*whole.slices, *less.slices) if each.limit is not None}
    assert limits == {log(STARTS * N_SLICES / 0.005)}
    assert whole.limit == log(STARTS / 0.005)


@pytest.mark.parametrize("kind", [HarmfulShift, LiveMetric])
def test_the_order_of_rows_plays_no_part_and_neither_do_older_rows(kind: type[HarmfulShift | LiveMetric]) -> None:
    monitor, made = kind(slices=("kind",), per_slice=50), window(skill=1.0, n_rows=2800)
    found = monitor.look(made)
    assert {each.name for each in found.slices} == {"kind is app", "kind is store", "kind is web", "kind has no value"}
    assert monitor.look(shuffled(made)) == found
    assert monitor.look(made.newest(timedelta(days=7))) == found


@pytest.mark.slow
def test_a_metric_needs_rows_of_each_class() -> None:
    made = seen(2.0)
    assert made.answered is not None
    assert made.answered.sliced is not None
    first = (made.answered.sliced["part"] == "0").to_numpy()
    rare = made.answered.where(~first | (made.answered.y_true == 0) | (np.arange(first.size) % 50 == 0))
    found = {each.name: each for each in LiveMetric(slices=("part",)).look(replace(made, answered=rare)).slices}
    assert [name for name, each in found.items() if each.state == "inconclusive"] == ["part is 0"]
    assert found["part is 0"].limit is None


@pytest.mark.slow
def test_a_slice_that_got_worse_beyond_doubt_counts_as_several_windows() -> None:
    found = LiveMetric(slices=("part",)).look(seen(-1.0))
    assert found.n_windows >= 2
    assert found.reason == "worse_than_holdout"
    assert found.alarmed_slices == ()  # all rows are worse, too


@pytest.mark.slow
def test_stable_years_alarm_as_rarely_as_promised_because_the_budget_is_divided() -> None:
    # Every fourth week of six years, at a chance that shows: undivided, a slice would alarm in many of them.
    monitor, alarms, undivided = HarmfulShift(slices=("part",), significance=0.4, tolerance=0.0), 0, 0
    for seed in range(6):
        made = seen(SKILL, seed=seed, rows=100, served=364)
        assert made.answered is not None
        looks = []
        for day in range(28, 365, 28):
            last = LAST_DAY - timedelta(days=364 - day)
            rows = made.answered.where(made.answered.day <= np.datetime64(last, "D"))
            looks.append(monitor.look(replace(made, last_day=last, answered=rows)))
        alarms += any(look.state == "alarm" for look in looks)
        evidence = [each.observed for look in looks for each in look.slices if each.observed is not None]
        undivided += max(evidence) >= log(STARTS / 0.4)
    assert alarms == 0
    assert undivided >= 2


@pytest.mark.slow
def test_stable_weeks_alarm_as_rarely_as_promised_because_the_budget_is_divided() -> None:
    monitor, alarms, undivided = LiveMetric(slices=("part",), tolerance=0.0, significance=0.1), 0, 0
    reach = NormalDist().inv_cdf(1 - 0.05 / N_SLICES) / NormalDist().inv_cdf(1 - 0.05)
    for seed in range(40):
        look = monitor.look(seen(SKILL, seed=100 + seed, served=7))
        alarms += look.state == "alarm"
        undivided += any(reach * (s.before - s.now) > s.before - s.limit for s in look.slices)  # type: ignore[operator]
    assert alarms <= 8  # 4 are promised at most
    assert undivided >= 9

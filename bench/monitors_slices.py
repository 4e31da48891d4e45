"""Slices of a champion's rows: years in which nothing changed, and one slice of ten in which it got worse.

Of 300 rows a day each of ten slices has a tenth. For `harmful_shift` 15 % are mistakes, and the holdout has seven days;
`live_metric` looks at the ROC AUC of 0.92 each week, against a holdout of 14 days. Days may differ in their share of
mistakes by a weather of two points, one that all slices have in common and one of each slice.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from functools import partial
from math import log
from statistics import median

import numpy as np
import pandas as pd
from cells import Cells

from mlsys.metrics.scores import Scored
from mlsys.monitors.base import WindowAnswers
from mlsys.monitors.harmful_shift import HarmfulShift
from mlsys.monitors.holdout import Holdout
from mlsys.monitors.live_metric import LiveMetric
from mlsys.monitors.running_risk import STARTS, Daily, rise
from mlsys.records import Evaluation
from mlsys.testing.monitors import LAST_DAY, MEASURE, WEIGHTED, window

SLICES, ROWS, LEAST = 10, 300, 50
HELD, YEAR, HALF_A_YEAR = 7, 364, 182  # days
WRONG, POINTS = 0.15, 0.02
SKILL, WEEKS = 2.0, 52
EMPTY = replace(window(n_rows=14, n_before=50), past=None)


def grouped(n_rows: np.ndarray, wrong: np.ndarray) -> Daily:
    """Return days with so many rows and mistakes, days with few rows put together with the next."""
    ends, filled = [], 0
    for place, n in enumerate(n_rows):
        filled += n
        if filled >= LEAST:
            ends.append(place)
            filled = 0
    starts = np.r_[0, np.array(ends[:-1], dtype=int) + 1]
    n, bad = np.add.reduceat(n_rows, starts)[: len(ends)], np.add.reduceat(wrong, starts)[: len(ends)]
    mean = bad / n
    return Daily(np.datetime64("2026-01-05") + np.array(ends, dtype="timedelta64[D]"), n, mean, n * mean * (1 - mean))


def evidence(
    seed: int, *, weather: float = 0.0, risen: float = 0.0, at: int = 0, nights: int = YEAR
) -> tuple[np.ndarray, np.ndarray]:
    """Return the evidence of each night, `(nights,)` of all rows and `(nights, SLICES)`.

    From night `at` on mistakes of the first slice are `risen` more.
    """
    random, n_days = np.random.default_rng(seed), HELD + nights
    share = WRONG + random.normal(0, weather, (n_days, 1)) + random.normal(0, weather, (n_days, SLICES))
    share[HELD + at :, 0] += risen
    n_rows = 1 + random.poisson(ROWS / SLICES, share.shape)
    wrong = random.binomial(n_rows, share.clip(0, 1))
    whole = _nightly(n_rows.sum(axis=1), wrong.sum(axis=1), nights)
    return whole, np.stack([_nightly(n_rows[:, i], wrong[:, i], nights) for i in range(SLICES)], axis=1)


def _nightly(n_rows: np.ndarray, wrong: np.ndarray, nights: int) -> np.ndarray:
    monitor = HarmfulShift()
    then, now = grouped(n_rows[:HELD], wrong[:HELD]), grouped(n_rows[HELD:], wrong[HELD:])
    complete = np.searchsorted((now.day - np.datetime64("2026-01-05")).astype(int), np.arange(nights), side="right")
    found, known = np.full(nights, -np.inf), {0: -np.inf}
    for night, n in enumerate(complete):
        if n not in known:
            risen = rise(then, Daily(*(each[:n] for each in now)), tolerance=monitor.tolerance)
            known[n] = -np.inf if risen is None else risen.log_evidence
        found[night] = known[n]
    return found


def quiet_years(weather: float, n_years: int) -> tuple[float, float]:
    """Return the shares of years with an alarm of all rows, or of any slice."""
    monitor, alarms = HarmfulShift(), np.zeros(2)
    for seed in range(n_years):
        whole, slices = evidence(seed, weather=weather)
        alarms += whole.max() >= _limit(monitor.significance / 2, 1), slices.max() >= _limit(monitor.significance / 2)
    return tuple(alarms / n_years)


def found_after(weather: float, risen: float, at: int, n_worlds: int) -> tuple[float, ...]:
    """Return who tells within 26 weeks: the slice itself, another one, all rows without slices; and median nights."""
    monitor, own, other, alone = HarmfulShift(), [], [], []
    for seed in range(n_worlds):
        whole, slices = evidence(seed, weather=weather, risen=risen, at=at, nights=at + HALF_A_YEAR)
        limit = _limit(monitor.significance / 2)
        own.append(_first(slices[at:, 0] >= limit))
        other.append(_first(slices[:, 1:].max(axis=1) >= limit))
        alone.append(_first(whole[at:] >= _limit(monitor.significance, 1)))
    return (_share(own), _night(own), _share(alone), _night(alone), _share(other))


def _limit(budget: float, n_slices: int = SLICES) -> float:
    return log(STARTS * n_slices / budget)


def _first(alarms: np.ndarray) -> int | None:
    return int(alarms.argmax()) + 1 if alarms.any() else None


def _share(found: Sequence[int | None]) -> float:
    return sum(night is not None for night in found) / len(found)


def _night(found: Sequence[int | None]) -> float:
    nights = [night for night in found if night is not None]
    return median(nights) if nights else float("nan")


def weeks(seed: int, *, skill: float = SKILL, at: int = WEEKS, n_weeks: int = WEEKS) -> Iterator[tuple[str, ...]]:
    """Yield by week what alarms in `live_metric`: `all rows`, or the names of slices.

    From week `at` on the first slice has its classes `skill` standard deviations apart.
    """
    random = np.random.default_rng(seed)

    def drawn(n_days: int, first: int, apart: float) -> tuple[np.ndarray, ...]:
        n = n_days * ROWS
        part, y = random.integers(0, SLICES, n), (random.random(n) < 0.4).astype("int8")
        score = np.where(part == 0, apart, SKILL) * (y - 0.4) + random.normal(size=n)
        day = np.datetime64(LAST_DAY, "D") + (first + np.arange(n) // ROWS).astype("timedelta64[D]")
        return part, y, 1 / (1 + np.exp(-score)), day

    part, y, score, day = drawn(14, -20, SKILL)
    judged = Evaluation(model_id="c", name="c", role="champion", holdout=(MEASURE("roc_auc", Scored(y, score, 0.5)),))
    seen = replace(EMPTY, evaluation=judged, holdout=Holdout(EMPTY.rows, score, y, WEIGHTED, day, _named(part)))
    sides = [drawn(7, 1 + 7 * week, skill if week >= at else SKILL) for week in range(n_weeks)]
    parts, ys, scores, days = (np.concatenate(each) for each in zip(*sides, strict=True))
    rows, monitor = WindowAnswers(days, scores, ys, _named(parts)), LiveMetric(slices=("part",))
    for week in range(n_weeks):
        last = LAST_DAY + timedelta(days=7 * (week + 1))
        inside = (rows.day <= np.datetime64(last, "D")) & (rows.day > np.datetime64(last - timedelta(days=28), "D"))
        found = monitor.look(replace(seen, last_day=last, answered=rows.where(inside)))
        whole = ("all rows",) if found.reason == "worse_than_holdout" else ()
        yield (*whole, *(each.name for each in found.slices if each.state == "alarm"))


def _named(part: np.ndarray) -> pd.DataFrame:
    return pd.DataFrame({"part": pd.Series(part.astype(str), dtype=object)})


def quiet_weeks(n_years: int) -> tuple[float, float]:
    """Return the shares of weeks with an alarm of all rows, or of any slice."""
    found = [names for seed in range(n_years) for names in weeks(seed)]
    whole = sum("all rows" in names for names in found)
    return whole / len(found), sum(bool({*names} - {"all rows"}) for names in found) / len(found)


def found_in_weeks(skill: float, n_worlds: int) -> tuple[float, ...]:
    """Return who tells within eight weeks: the slice itself, all rows, another slice; and median weeks of both."""
    own, whole, other = [], [], []
    for seed in range(n_worlds):
        found = list(weeks(1000 + seed, skill=skill, at=0, n_weeks=8))
        own.append(_first(np.array(["part is 0" in names for names in found])))
        whole.append(_first(np.array(["all rows" in names for names in found])))
        other.append(_first(np.array([bool({*names} - {"all rows", "part is 0"}) for names in found])))
    return (_share(own), _night(own), _share(whole), _night(whole), _share(other))


def slices_page(n_worlds: int, cells: Cells) -> Iterator[str]:
    """Yield the lines on slices, measured on the way."""
    n_years, alpha = 4 * n_worlds, HarmfulShift().significance
    yield from ("", "## Ten slices in which nothing changed", "")
    yield f"`harmful_shift` with `slices`: share of {n_years} years of nights that ever alarm; of {ROWS} rows a day"
    yield f"{WRONG:.0%} are mistakes. Promised: {alpha:.0%} in all. `live_metric` with `slices`: share of"
    yield f"{WEEKS * n_worlds} weeks. Promised: {LiveMetric().significance:.1%} in all."
    yield from ("", "| | all rows | any of ten slices |", "|---|---|---|")
    for name, weather in (("independent rows", 0.0), ("a weather of each day", POINTS)):
        found = cells.of(f"sliced years, {weather}, {n_years}", partial(quiet_years, weather, n_years))
        yield f"| `harmful_shift`, {name} | {' | '.join(f'{share:.1%}' for share in found)} |"
    found = cells.of(f"sliced weeks, {n_worlds}", partial(quiet_weeks, n_worlds))
    yield f"| `live_metric` | {' | '.join(f'{share:.2%}' for share in found)} |"
    yield from ("", "## One slice of ten in which it got worse", "")
    yield f"Share of {n_worlds} champions with an alarm, and the median night (of `live_metric`: week) of the first:"
    yield "within 26 weeks by `harmful_shift`, within eight by `live_metric`. All rows: by the same monitor without"
    yield "`slices`, of `live_metric` beside them. Other slices: those named wrongly."
    yield from ("", "| | the slice | all rows alone | other slices |", "|---|---|---|---|")
    for name, weather in (("", 0.0), (", a weather of each day", POINTS)):
        for risen in (0.1, 0.15, 0.25):
            for at in (28, 182):
                cell = f"sliced rise, {weather}, {risen}, {at}, {n_worlds}"
                told = cells.of(cell, partial(found_after, weather, risen, at, n_worlds))
                yield f"| {WRONG:.0%} to {WRONG + risen:.0%} mistakes from day {at} on{name} | {_told(told, 'night')} |"
    for auc, skill in (("0.84", 1.41), ("0.76", 1.0), ("0.64", 0.5)):
        told = cells.of(f"sliced skill, {skill}, {n_worlds}", partial(found_in_weeks, skill, n_worlds))
        yield f"| ROC AUC 0.92 to {auc} | {_told(told, 'week')} |"


def _told(found: Sequence[float], unit: str) -> str:
    own, alone = (f"{share:.0%}, {unit} {at:g}" if share else "none" for share, at in (found[:2], found[2:4]))
    return f"{own} | {alone} | {found[4]:.0%}"

"""Years of nights in which `harmful_shift` looks at a champion's mistakes, and weeks after these have risen.

Of 300 rows a day 15 % are mistakes; the holdout has seven days. Days differ in their share by a season of the week, by
a weather of each day, or by a level that is correlated with the next day's by 0.9, each of two points: somewhat less
than the luck of a day's rows.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from math import log
from statistics import median

import numpy as np
from cells import Cells

from mlsys.monitors.harmful_shift import HarmfulShift
from mlsys.monitors.running_risk import STARTS, Daily, rise

HELD, YEAR = 7, 364  # days
ROWS, WRONG, POINTS = 300, 0.15, 0.02
RISES, BEGINNINGS = (0.02, 0.03, 0.05, 0.1), (0, 28, 182)


def first_alarm(
    seed: int, kinds: Sequence[str], *, risen: float = 0.0, at: int = 0, nights: int = YEAR, spread: float = 0.0
) -> int | None:
    """Return the first night with an alarm; from day `at` on mistakes are `risen` more. Days have `spread` in size."""
    random, n_days = np.random.default_rng(seed), HELD + nights
    share = WRONG + np.zeros(n_days)
    if "week" in kinds:
        season = random.normal(0, POINTS, 7)
        share += (season - season.mean())[np.arange(n_days) % 7]
    if "day" in kinds:
        share += random.normal(0, POINTS, n_days)
    if "level" in kinds:
        level = random.normal(0, POINTS)
        for day in range(n_days):
            share[day] += level
            level = 0.9 * level + random.normal(0, POINTS * np.sqrt(1 - 0.9**2))
    share[HELD + at :] += risen
    n_rows = 1 + random.poisson(ROWS * np.exp(random.normal(0, spread, n_days)))
    wrong = random.binomial(n_rows, share.clip(0, 1)) / n_rows
    days = np.datetime64("2026-01-05") + (seed % 7 + np.arange(n_days)).astype("timedelta64[D]")
    known = Daily(days, n_rows, wrong, n_rows * wrong * (1 - wrong))
    return _first(known, nights)


def _first(known: Daily, nights: int) -> int | None:
    monitor = HarmfulShift()
    then = Daily(*(each[:HELD] for each in known))
    for night in range(1, nights + 1):
        found = rise(then, Daily(*(each[HELD : HELD + night] for each in known)), tolerance=monitor.tolerance)
        if found is not None and found.log_evidence >= log(STARTS / monitor.significance):
            return night
    return None


def quiet_years(kinds: Sequence[str], spread: float, n_years: int) -> tuple[float]:
    """Return the share of years in which it ever alarms though nothing changed."""
    found = [first_alarm(seed, kinds, spread=spread) for seed in range(n_years)]
    return (sum(night is not None for night in found) / n_years,)


def found_after(kinds: Sequence[str], risen: float, at: int, n_worlds: int) -> tuple[float, float]:
    """Return the share of champions found out within 26 weeks of a rise, and the median night of the first alarm."""
    found = [first_alarm(seed, kinds, risen=risen, at=at, nights=at + YEAR // 2) for seed in range(n_worlds)]
    nights = [night - at for night in found if night is not None and night > at]
    return len(nights) / n_worlds, median(nights) if nights else float("nan")


def loss_page(n_worlds: int, cells: Cells) -> Iterator[str]:
    """Yield the lines on `harmful_shift`, measured on the way."""
    n_years, alpha = 4 * n_worlds, HarmfulShift().significance
    yield from ("", "## Where mistakes did not rise, a year of nights", "")
    yield f"Share of {n_years} years in which `harmful_shift` ever alarms. Of {ROWS} rows a day {WRONG:.0%} are"
    yield f"mistakes, and days differ by two points. Promised: {alpha:.0%} where days are independent."
    yield from ("", "| | days of one size | of sizes that differ twofold |", "|---|---|---|")
    worlds: tuple[tuple[str, tuple[str, ...]], ...] = (
        ("independent rows", ()),
        ("a season of the week", ("week",)),
        ("a weather of each day", ("day",)),
        ("a level that persists: mistakes do rise, for weeks", ("level",)),
    )
    for name, kinds in worlds:
        found = [
            cells.of(f"years, {name}, {spread}, {n_years}", partial(quiet_years, kinds, spread, n_years))
            for spread in (0.0, 0.5)
        ]
        yield f"| {name} | {' | '.join(f'{share:.1%}' for (share,) in found)} |"
    yield from ("", "## Where mistakes rose", "")
    yield f"Share of {n_worlds} champions with an alarm within 26 weeks, and the median night of the first."
    yield from ("", f"| mistakes | {' | '.join(f'from day {at} on' for at in BEGINNINGS)} |", "|---|---|---|---|")
    for name, kinds in (worlds[0], worlds[2]):
        for risen in RISES:
            delays = [
                cells.of(f"risen, {name}, {risen}, {at}, {n_worlds}", partial(found_after, kinds, risen, at, n_worlds))
                for at in BEGINNINGS
            ]
            cell = " | ".join(f"{share:.0%}, night {night:g}" if share else "none" for share, night in delays)
            yield f"| {WRONG:.0%} to {WRONG + risen:.0%}, {name} | {cell} |"

"""What the live test does to champions, good and bad: a simulation with known truth.

    python bench/trust_live.py --years 1000      writes bench/results-trust-live.md

A year has so many promotions. After each one the champion before it scores every request silently for 14 days, labels
come the next day, and the test of mlsys/live looks at all rows since the promotion, every day. Scores are normal in
each class, those of the two models correlate by 0.9 within one.

Good champions are as good as the one before, no better: the hardest case that is no error. Bad ones lose 0.02 of
ROC-AUC. Beside the test stands an oracle: Wald's sequential test, which knows the loss and how unsure a day is, at a
chance of error of 1 %, the whole of a year's; and the days of one look at that chance that finds the loss in 80 of 100
cases.
"""

from __future__ import annotations

import argparse
import math
import sys
import time
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from statistics import NormalDist

import numpy as np

from mlsys.live.comparing import LiveRows, compared, level_of, looks_of, too_few, verdict_of
from mlsys.live.sequential import BUDGET, SPENT, share_of
from mlsys.metrics import METRICS
from mlsys.metrics.scores import Scored

DAYS, CORRELATION, AUC, LOSS = 14, 0.9, 0.85, 0.02
FIRST = date(2026, 1, 1)
RESULTS = Path(__file__).parent / "results-trust-live.md"
_NORMAL = NormalDist()
_METRIC = METRICS.parse("roc_auc")


@dataclass(frozen=True)
class World:
    """How rows come: so many a day, so large a share positive, and how much days differ in what the loss is."""

    name: str
    rows: int
    positive: float
    day_effect: float = 0.0


WORLDS = (
    World("250 rows a day, 30 % positive", 250, 0.3),
    World("500 rows a day, 30 % positive", 500, 0.3),
    World("2,000 rows a day, 5 % positive", 2000, 0.05),
    World("500 rows a day, days differ by 0.007", 500, 0.3, 0.007),
    World("500 rows a day, days differ by 0.01", 500, 0.3, 0.01),
)


@dataclass(frozen=True)
class Watched:
    """What became of one promotion: the day of the demotion, and of the oracle's, from 1 on; None for not within 14."""

    demoted: int | None
    oracle: int | None


def watch(world: World, *, loss: float, place: int, seed: list[int]) -> Watched:
    """Return what the test does in the days after one promotion, the `place`-th of its year."""
    rng = np.random.default_rng(seed)
    variance = day_variance(world)
    llr, demoted, oracle = 0.0, None, None
    y, new, old, days = (np.empty(0) for _ in range(4))
    for number in range(1, DAYS + 1):
        shift = rng.normal(0, world.day_effect) if world.day_effect else 0.0
        fresh = _day(world, loss + shift, rng)
        y, new, old = (np.concatenate(pair) for pair in zip((y, new, old), fresh, strict=True))
        days = np.concatenate([days, np.full(world.rows, number)])
        if demoted is None and _is_worse(y, new, old, days, place):
            demoted = number
        found = auc(fresh[0], fresh[2]) - auc(fresh[0], fresh[1])
        llr += LOSS * found / variance - LOSS**2 / (2 * variance)
        if oracle is None and llr >= math.log(1 / BUDGET):
            oracle = number
        if demoted is not None and (oracle is not None or loss == 0):
            break
    return Watched(demoted, oracle)


def _day(world: World, loss: float, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return labels and the scores of the champion and of the one before it."""
    y = (rng.random(world.rows) < world.positive).astype(np.int8)
    common = math.sqrt(CORRELATION) * rng.standard_normal(world.rows)
    own = math.sqrt(1 - CORRELATION)
    before = apart(AUC) * y + common + own * rng.standard_normal(world.rows)
    champion = apart(AUC - loss) * y + common + own * rng.standard_normal(world.rows)
    return y, champion, before


def _is_worse(y: np.ndarray, new: np.ndarray, old: np.ndarray, days: np.ndarray, place: int) -> bool:
    """Return what `mlsys.live.judging` would say: the model before is better."""
    counts = {"no": int((y == 0).sum()), "yes": int((y == 1).sum())}
    if too_few([counts], [y.size]) is not None:
        return False
    dates = np.array(FIRST, "datetime64[D]") + days.astype(int)
    rows = LiveRows(Scored(y.astype(np.int8), old), Scored(y.astype(np.int8), new), (dates, dates), paired=True)
    sizes = looks_of(dates, FIRST, FIRST + timedelta(days=DAYS))
    level = _level(tuple(np.array(sizes) / sizes[0]), share_of(SPENT, place))
    return verdict_of(compared(_METRIC, rows, level=level)) == "better"


@cache
def _level(sizes: tuple[float, ...], alpha: float) -> float:
    return level_of(sizes, alpha)


@cache
def day_variance(world: World) -> float:
    """Return the variance of a day's difference between the two, by simulation."""
    rng = np.random.default_rng(7)
    found = []
    for _ in range(400):
        y, new, old = _day(world, LOSS + (rng.normal(0, world.day_effect) if world.day_effect else 0.0), rng)
        found.append(auc(y, old) - auc(y, new))
    return float(np.var(found, ddof=1))


def auc(y: np.ndarray, score: np.ndarray) -> float:
    """Return the area under the ROC curve of scores without ties."""
    ranks = np.empty(y.size)
    ranks[np.argsort(score)] = np.arange(1, y.size + 1)
    n = int(y.sum())
    return float((ranks[y == 1].sum() - n * (n + 1) / 2) / (n * (y.size - n)))


def apart(area: float) -> float:
    """Return how far normal scores of two classes lie apart that have this area."""
    return math.sqrt(2) * _NORMAL.inv_cdf(area)


def one_look_days(world: World) -> float:
    """Return the days after which one look at 1 % finds the loss in 80 of 100 cases."""
    z = _NORMAL.inv_cdf(1 - BUDGET) + _NORMAL.inv_cdf(0.8)
    return z**2 * day_variance(world) / LOSS**2


def good_years(world: World, years: int, promotions: int) -> int:
    """Return in how many years a champion as good as the one before it was taken back."""
    return sum(
        any(
            watch(world, loss=0.0, place=place, seed=[1, year, place]).demoted is not None
            for place in range(1, promotions + 1)
        )
        for year in range(years)
    )


def bad_champions(world: World, n: int, place: int) -> list[Watched]:
    """Return what became of champions that lose 0.02, each the `place`-th promotion of its year."""
    return [watch(world, loss=LOSS, place=place, seed=[2, number, place]) for number in range(n)]


def main() -> None:
    """Simulate, print and write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--years", type=int, default=1000)
    parser.add_argument("--promotions", type=int, default=6)
    parser.add_argument("--bad", type=int, default=300)
    asked = parser.parse_args()
    begun = time.process_time()
    lines = [_good_head(asked.promotions)]
    for world in WORLDS:
        n = good_years(world, asked.years, asked.promotions)
        lines.append(f"| {world.name} | {asked.years:,} | {n} | {100 * n / asked.years:.1f} % |")
        print(lines[-1], file=sys.stderr, flush=True)
    lines.append(_BAD_HEAD)
    for world in WORLDS:
        for place in (1, 3):
            lines.append(_bad_line(world, place, bad_champions(world, asked.bad, place)))
            print(lines[-1], file=sys.stderr, flush=True)
    lines.append(f"\n{time.process_time() - begun:,.0f} s of CPU.")
    RESULTS.write_text(_TITLE + "\n".join(lines) + "\n", encoding="utf-8")


_TITLE = """# Champions by live evidence

What the test of `mlsys/live` does in the 14 days after each promotion (`make bench-trust-live`); the worlds, and what
the oracle is, stand on top of bench/trust_live.py.

"""
_BAD_HEAD = """
## Champions that lose 0.02 of ROC-AUC

| World | of its year | found in 14 days | days, mean | median | the oracle's mean | ratio | days of one look |
|---|---|---|---|---|---|---|---|"""


def _good_head(promotions: int) -> str:
    return (
        f"## Champions as good as the one before, {promotions} promotions a year\n\n"
        "| World | years | with one taken back | share |\n|---|---|---|---|"
    )


def _bad_line(world: World, place: int, found: list[Watched]) -> str:
    """Return a row of the table; what was not found counts as 15 days, for the oracle too."""
    mine = np.array([each.demoted or DAYS + 1 for each in found])
    oracle = np.array([each.oracle or DAYS + 1 for each in found])
    return (
        f"| {world.name} | {place} | {100 * (mine <= DAYS).mean():.0f} % | {mine.mean():.1f} | {np.median(mine):.0f} | "
        f"{oracle.mean():.1f} | {mine.mean() / oracle.mean():.2f} | {one_look_days(world):.1f} |"
    )


if __name__ == "__main__":
    main()

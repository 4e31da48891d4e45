"""What a split and a refit are worth over a year of nights, in made-up worlds with a known truth.

    nice -n 10 .venv/bin/python bench/edge.py --worlds 12 --nights 240

Every night a logistic regression is fitted and takes the champion's place where the lower bound of the one-sided 95 %
interval of the paired difference in ROC AUC (DeLong, DeLong and Clarke-Pearson 1988) lies above 0. The truth is known,
so each night's gap is: ROC AUC of a model of all of the newest 30 days, less that of the one that serves, both on rows
of the day to come. Sides come from the product's own splits.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

import numpy as np

from mlsys.splits.base import HOLDOUT, TRAINING, VALIDATION, SplitRows, Splitter
from mlsys.splits.recent_hash_split import RecentHashSplit
from mlsys.splits.time_split import TimeSplit

FIRST, ROWS_A_DAY, N_FEATURES, WARM_UP = date(2026, 1, 1), 175, 8, 31
Z = 1.6448536269514722  # one-sided 95 %
WORLDS = ("stationary", "slow drift", "abrupt change", "skill of the day")


@dataclass(frozen=True)
class Policy:
    """How a night judges, and what it lets serve.

    Attributes:
        refit: rows that the model which serves is fitted on again, after it was judged.
        twin: whether a refitted champion is compared by the model that was judged.
    """

    name: str
    split: Splitter
    refit: Literal["none", "train+validation", "all"] = "none"
    twin: bool = True


def _time(holdout: int, validation: int) -> TimeSplit:
    return TimeSplit(holdout_days=holdout, validation_days=validation, train_window_days=30 - holdout - validation)


def _recent(days: int, holdout: float = 0.5, validation: float = 0.25) -> RecentHashSplit:
    return RecentHashSplit(days=days, holdout=holdout, validation=validation, train_window_days=30)


POLICIES = (
    Policy("time, holdout 7 days, validation 5", _time(7, 5)),
    Policy("time, holdout 3 days, validation 2", _time(3, 2)),
    Policy("recent_hash, 7 days, half judges, a quarter chooses", _recent(7)),
    Policy("recent_hash, 4 days, half judges, a quarter chooses", _recent(4)),
    Policy("recent_hash, 12 days, 0.3 judges, 0.2 chooses", _recent(12, 0.3, 0.2)),
    Policy("time 7 and 5, refit t+v, champion itself compared", _time(7, 5), "train+validation", twin=False),
    Policy("time 7 and 5, refit t+v, its judged twin compared", _time(7, 5), "train+validation"),
    Policy("time 7 and 5, refit all, its judged twin compared", _time(7, 5), "all"),
    Policy("time 3 and 2, refit all, its judged twin compared", _time(3, 2), "all"),
    Policy("recent_hash 7 days, refit all, its judged twin compared", _recent(7), "all"),
)


@dataclass
class World:
    """A year of rows, day by day, and rows of each next day to know the truth by."""

    x: np.ndarray
    y: np.ndarray
    day: np.ndarray
    key: np.ndarray
    truth: Callable[[int], tuple[np.ndarray, np.ndarray]]


def world(kind: str, seed: int, nights: int) -> World:
    """Return a world; its change comes at the middle of the nights."""
    rng = np.random.default_rng([seed, WORLDS.index(kind)])
    n_days = WARM_UP + nights + 1
    start, other = rng.normal(size=(2, N_FEATURES)) * 0.6
    steps = rng.normal(size=(n_days, N_FEATURES)) * 0.02
    skills = rng.normal(size=(n_days, N_FEATURES)) * 0.35
    coefficients = np.tile(start, (n_days, 1))
    if kind == "slow drift":
        coefficients = coefficients + np.cumsum(steps, axis=0)
    if kind == "abrupt change":
        coefficients[WARM_UP + nights // 2 :] = 0.6 * start + 0.8 * other
    expected = coefficients
    if kind == "skill of the day":
        coefficients = coefficients + skills
    day = np.repeat(np.arange(n_days), ROWS_A_DAY)
    x = rng.normal(size=(len(day), N_FEATURES))
    y = rng.random(len(day)) < 1 / (1 + np.exp(0.5 - (x * coefficients[day]).sum(axis=1)))
    fresh, luck = rng.normal(size=(6000, N_FEATURES)), rng.random(6000)

    def truth(night: int) -> tuple[np.ndarray, np.ndarray]:
        return fresh, luck < 1 / (1 + np.exp(0.5 - fresh @ expected[night + 1]))

    return World(x, y, day, rng.integers(0, 2**64, len(day), dtype=np.uint64), truth)


def fitted(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return `(n_features + 1,)` coefficients of a logistic regression, by Newton's method, the intercept last."""
    rows = np.column_stack([x, np.ones(len(x))])
    w = np.zeros(rows.shape[1])
    for _ in range(6):
        p = 1 / (1 + np.exp(-rows @ w))
        hessian = (rows * (p * (1 - p))[:, None]).T @ rows + np.eye(len(w))
        w += np.linalg.solve(hessian, rows.T @ (y - p) - w)
    return w


def placements(w: np.ndarray, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return for each positive and each negative row the share of the other class that it stands right to."""
    scores = x @ w[:-1]
    up, down = np.sort(scores[y]), np.sort(scores[~y])
    return np.searchsorted(down, scores[y]) / len(down), 1 - np.searchsorted(up, scores[~y]) / len(up)


def auc(w: np.ndarray, x: np.ndarray, y: np.ndarray) -> float:
    """Return the ROC AUC."""
    return float(placements(w, x, y)[0].mean())


def lower_bound(new: np.ndarray, old: np.ndarray, x: np.ndarray, y: np.ndarray) -> float:
    """Return the lower bound of the difference in ROC AUC of two models."""
    (a, b), (c, d) = placements(new, x, y), placements(old, x, y)
    variance = (a - c).var(ddof=1) / len(a) + (b - d).var(ddof=1) / len(b)
    return float(a.mean() - c.mean() - Z * np.sqrt(variance))


@dataclass
class Year:
    """What came of a policy in one world."""

    promotions: int = 0
    worse: int = 0
    gap: float = 0.0
    first_after: int | None = None


def year(policy: Policy, made: World, nights: int) -> Year:
    """Live through the nights of a world by a policy."""
    found, champion, rival = Year(), None, None
    gaps = []
    for night in range(WARM_UP, WARM_UP + nights):
        inside = (made.day <= night) & (made.day > night - 31)
        x, y = made.x[inside], made.y[inside]
        side = _sides(policy.split, made, inside, night)
        judged = fitted(x[side == TRAINING], y[side == TRAINING])
        truth = made.truth(night)
        held = side == HOLDOUT
        if champion is None or rival is None or lower_bound(judged, rival, x[held], y[held]) > 0:
            serves = judged if policy.refit == "none" else fitted(*_again(policy, x, y, side))
            if champion is not None:
                found.promotions += 1
                found.worse += auc(serves, *truth) < auc(champion, *truth)
                after = night - (WARM_UP + nights // 2)
                found.first_after = after + 1 if found.first_after is None and after >= 0 else found.first_after
            champion, rival = serves, judged if policy.twin else serves
        gaps.append(auc(fitted(x, y), *truth) - auc(champion, *truth))
    found.gap = float(np.mean(gaps))
    return found


def _again(policy: Policy, x: np.ndarray, y: np.ndarray, side: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    sides = (TRAINING, VALIDATION, HOLDOUT) if policy.refit == "all" else (TRAINING, VALIDATION)
    return x[np.isin(side, sides)], y[np.isin(side, sides)]


def _sides(split: Splitter, made: World, inside: np.ndarray, night: int) -> np.ndarray:
    day = np.datetime64(FIRST, "D") + made.day[inside]
    last = FIRST + timedelta(days=night)
    return split.assign(SplitRows(day, made.key[inside], None, np.ones(len(day), dtype=bool), last)).side


def table(n_worlds: int, nights: int) -> Iterator[str]:
    """Yield the lines of the table as they are found."""
    yield "| World | Policy | promotions | of them worse | gap | first promotion after the change (nights) |"
    yield "|---|---|---|---|---|---|"
    for kind in WORLDS:
        worlds = [world(kind, seed, nights) for seed in range(n_worlds)]
        for policy in POLICIES:
            found = [year(policy, made, nights) for made in worlds]
            firsts = [each.first_after for each in found if each.first_after is not None]
            first = f"{np.median(firsts):.0f}" if kind == "abrupt change" and firsts else ""
            promotions, worse, gap = (
                float(np.mean([getattr(each, name) for each in found])) for name in ("promotions", "worse", "gap")
            )
            yield f"| {kind} | {policy.name} | {promotions:.1f} | {worse:.1f} | {gap:.4f} | {first} |"


def main() -> None:
    """Print the table."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--worlds", type=int, default=12)
    asked.add_argument("--nights", type=int, default=240)
    given = asked.parse_args()
    started = time.perf_counter()
    for line in table(given.worlds, given.nights):
        print(line, flush=True)
    print(f"\n{given.worlds} worlds of {given.nights} nights each, {time.perf_counter() - started:.0f} s on one core.")


if __name__ == "__main__":
    main()

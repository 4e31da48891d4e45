"""How often a night's decision depends on the seed of the fit, and what judging with several seeds changes.

    nice -n 10 .venv/bin/python bench/seeds.py --nights 60

A world that drifts slowly (`edge.py`), boosted trees that draw rows and columns by their seed, sides of `split: time`.
Each night 20 challengers that differ in nothing but the seed are compared with the same champion. With `training.seeds:
n` the outcome is a promotion only where the gate lets n fits pass.
"""

from __future__ import annotations

import argparse
import time
from datetime import date, timedelta

import numpy as np
from edge import FIRST, WARM_UP, Z, world

from mlsys.splits.base import HOLDOUT, TRAINING, SplitRows
from mlsys.splits.time_split import TimeSplit

N_SEEDS, DRAWS = 20, 400


def placed(scores: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return for each positive and each negative row the share of the other class that it stands right to."""
    up, down = np.sort(scores[y]), np.sort(scores[~y])
    return np.searchsorted(down, scores[y]) / len(down), 1 - np.searchsorted(up, scores[~y]) / len(up)


def passes(new: np.ndarray, old: np.ndarray, y: np.ndarray) -> bool:
    """Return whether the lower bound of the difference in ROC AUC lies above 0."""
    (a, b), (c, d) = placed(new, y), placed(old, y)
    error = np.sqrt((a - c).var(ddof=1) / len(a) + (b - d).var(ddof=1) / len(b))
    return bool(a.mean() - c.mean() - Z * error > 0)


def boosted(x: np.ndarray, y: np.ndarray, seed: int) -> object:
    """Return boosted trees that draw rows and columns by the seed."""
    from xgboost import XGBClassifier

    trees = XGBClassifier(
        n_estimators=120, max_depth=4, learning_rate=0.08, subsample=0.8, colsample_bytree=0.8, n_jobs=1
    )
    return trees.set_params(random_state=seed).fit(x, y)


def alike(outcomes: np.ndarray, n: int, rng: np.random.Generator) -> tuple[float, float]:
    """Return the share of nights with one decision, and the mean chance that two runs of a night decide alike.

    `outcomes` are `(n_nights, N_SEEDS)`: whether the gate lets a seed's fit pass. A run draws `n` seeds.
    """
    drawn = rng.permuted(np.tile(np.arange(N_SEEDS), (DRAWS, 1)), axis=1)[:, :n]
    promoted = outcomes[:, drawn].all(axis=2).mean(axis=1)  # by night, over runs
    same = np.maximum(promoted, 1 - promoted)
    return float((same >= 1 - 1 / N_SEEDS).mean()), float((promoted**2 + (1 - promoted) ** 2).mean())


def more_fits(outcomes: np.ndarray, drawn: np.ndarray) -> float:
    """Return the mean number of other fits a night: of a first one that passes, until one does not pass.

    `outcomes` are `(n_nights, N_SEEDS)`, `drawn` are `(DRAWS, n)`: the seeds of each run, its own first.
    """
    passed = outcomes[:, drawn]  # (n_nights, DRAWS, n)
    until = np.cumprod(passed, axis=2)[:, :, :-1]  # the fit after each of these is made
    return float(until.sum(axis=2).mean())


def main() -> None:
    """Print the table."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--nights", type=int, default=60)
    nights = asked.parse_args().nights
    made, split = world("slow drift", 0, nights), TimeSplit(holdout_days=7, validation_days=5, train_window_days=18)
    champion, outcomes, started = None, [], time.perf_counter()
    for night in range(WARM_UP, WARM_UP + nights):
        inside = (made.day <= night) & (made.day > night - 31)
        x, y, day = made.x[inside], made.y[inside], np.datetime64(FIRST, "D") + made.day[inside]
        last: date = FIRST + timedelta(days=night)
        usable = np.ones(len(day), dtype=bool)
        side = split.assign(SplitRows(day, made.key[inside], None, usable, last)).side
        fits = [boosted(x[side == TRAINING], y[side == TRAINING], seed) for seed in range(N_SEEDS)]
        held = side == HOLDOUT
        if champion is None:
            champion = fits[0]
            continue
        old = champion.predict_proba(x[held])[:, 1]  # type: ignore[attr-defined]
        found = [passes(fit.predict_proba(x[held])[:, 1], old, y[held]) for fit in fits]  # type: ignore[attr-defined]
        outcomes.append(found)
        champion = fits[0] if found[0] else champion
    table = np.array(outcomes)
    torn = ((table.mean(axis=1) > 0) & (table.mean(axis=1) < 1)).mean()
    print(f"{len(table)} nights, {N_SEEDS} seeds each, {time.perf_counter() - started:.0f} s on one core.")
    print(f"A seed passes on {table.mean():.1%} of nights; on {torn:.1%} of nights seeds disagree.\n")
    print(
        "| `training.seeds` | promotions a night | nights on which 95 % of runs decide alike | two runs decide alike "
        "| other fits a night |"
    )
    print("|---|---|---|---|---|")
    for n in (1, 2, 3, 5, 10):
        rng = np.random.default_rng(n)
        nights_alike, pairs = alike(table, n, rng)
        drawn = rng.permuted(np.tile(np.arange(N_SEEDS), (DRAWS, 1)), axis=1)[:, :n]
        print(
            f"| {n} | {table[:, drawn].all(axis=2).mean():.3f} | {nights_alike:.1%} | {pairs:.1%} "
            f"| {more_fits(table, drawn):.2f} |"
        )


if __name__ == "__main__":
    main()

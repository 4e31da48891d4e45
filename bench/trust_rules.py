"""Rules that decide each night of a simulated year who serves, each as a function of the year.

A rule returns, for each night, the model that serves after it. A night's evidence is about days that neither model was
fitted on. The `split` models are fitted as `phishing.yaml` divides its days; those of `all` on everything.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from math import exp, log, sqrt
from statistics import NormalDist

import numpy as np
from trust_worlds import HASHED, HOLDOUT, NIGHTS, WINDOW, Model, Year

NORMAL = NormalDist()
BUDGET = 0.05  # of a year in which nothing changes
STANDS = 14  # nights for which a challenger stands
EFFECTS = (0.0025, 0.005, 0.01, 0.02, 0.04)  # gains in ROC AUC that the accumulated evidence is laid on
FRESH = slice(None)

Served = list[Model]
Rule = Callable[[Year], Served]


def nightly(kind: str, level: float, *, serves: str | None = None, margin: float = 0.0) -> Rule:
    """Return the rule of a bound above the margin on one night's holdout; `serves` is fitted on other rows."""
    z = NORMAL.inv_cdf(level)

    def decide(year: Year) -> Served:
        champion, served = _first(year, serves or kind)
        for night in range(1, NIGHTS):
            new = year.model(kind, night)
            if serves:
                year.model(serves, night)
            judged = (kind, champion[1])
            difference, error = year.difference(new, judged, *_holdout(kind, night))
            if difference - z * error > margin:
                champion = (serves or kind, night)
            served.append(champion)
        return served

    return decide


def lord(year: Year) -> Served:
    """LORD++ (Ramdas and others 2017) over the nights: what a night may spend grows with promotions made."""
    champion, served = _first(year, "split")
    j = np.arange(1, NIGHTS + 1)
    shares = 0.07720838 * np.log(np.maximum(j, 2)) / (j * np.exp(np.sqrt(np.log(j))))
    found: list[int] = []
    for night in range(1, NIGHTS):
        alpha = BUDGET / 2 * shares[night - 1]
        alpha += sum((BUDGET / 2 if i == 0 else BUDGET) * shares[night - at - 1] for i, at in enumerate(found))
        new = year.model("split", night)
        difference, error = year.difference(new, champion, *_holdout("split", night))
        if difference / error > NORMAL.inv_cdf(1 - alpha):
            champion = new
            found.append(night)
        served.append(champion)
    return served


def newest(kind: str) -> Rule:
    """Return the rule that asks nothing: each night's model serves."""
    return lambda year: [year.model(kind, night) for night in range(NIGHTS)]


def standing(n_standing: int, *, always_valid: bool = False) -> Rule:
    """Return the rule of challengers that stand for `STANDS` nights and are judged on each new day.

    Each may spend its part of the year's budget, by the boundaries of a group-sequential test (Pocock's spending, Lan
    and DeMets 1983), or by a mixture that is valid at any time (Robbins 1970).
    """
    alpha = BUDGET * STANDS / NIGHTS / n_standing
    every = STANDS // n_standing

    def decide(year: Year) -> Served:
        champion, served = _first(year, "all")
        stand: dict[Model, tuple[float, float]] = {}
        for night in range(1, NIGHTS):
            day = slice(WINDOW + night - 1, WINDOW + night)
            ahead: list[tuple[float, Model]] = []
            for model, (total, variance) in list(stand.items()):
                difference, error = year.difference(model, champion, day)
                weight = 1 / error**2
                stand[model] = total + difference * weight, variance + weight
                z, looks = stand[model][0] / sqrt(stand[model][1]), night - model[1]
                if z > (_mixture(alpha, looks) if always_valid else _group_sequential(alpha, STANDS)[looks - 1]):
                    ahead.append((z, model))
                elif looks == STANDS:
                    del stand[model]
            new = year.model("all", night)
            if ahead:
                champion, stand = max(ahead)[1], {}
            if len(stand) < n_standing and (not stand or night % every == 0):
                stand[new] = (0.0, 0.0)
            served.append(champion)
        return served

    return decide


def accumulated(nights_between: float, *, at_once: float | None = None) -> Rule:
    """Return the rule of evidence that accumulates over nights, whatever night's model it comes from.

    Each night's model, fitted on everything, meets the champion on the next day, which neither has seen. The
    likelihood ratios of `EFFECTS` against no gain, multiplied over the days and summed over where they may begin, are
    an e-detector (Shin, Ramdas and Rinaldo 2023, of Shiryaev-Roberts type): where no night's model is better, it takes
    at least `nights_between` nights on average until the sum passes `nights_between`. The newest model then serves.
    With `at_once`, a bound of that level on one night's holdout suffices, too, judged as `nightly` judges twins.
    """

    def decide(year: Year) -> Served:
        champion, served = _first(year, "all")
        sums, met = np.zeros(len(EFFECTS)), 1
        for night in range(1, NIGHTS):
            before = year.model("all", night - 1)
            if before != champion:
                difference, error = year.difference(before, champion, slice(WINDOW + night - 1, WINDOW + night))
                ratios = [exp(min((e * difference - e * e / 2) / error**2, 500.0)) for e in EFFECTS]
                sums = (1 + sums) * ratios
                met += 1
            new = year.model("all", night)
            if sums.mean() > nights_between or (at_once is not None and _at_once(year, night, champion, at_once)):
                champion, sums = new, np.zeros(len(EFFECTS))
            served.append(champion)
        return served

    return decide


RULES: dict[str, Rule] = {
    "nightly, 95 % (the default)": nightly("split", 0.95),
    "nightly, 99 %": nightly("split", 0.99),
    "nightly, margin .005": nightly("split", 0.95, margin=0.005),
    "LORD++": lord,
    "half of the newest days held out by hash, 95 %": nightly("hash", 0.95),
    "half of the newest days held out by hash, 99 %": nightly("hash", 0.99),
    "nightly, 95 %, a twin fitted on all rows serves": nightly("split", 0.95, serves="all"),
    "nightly, 99 %, a twin fitted on all rows serves": nightly("split", 0.99, serves="all"),
    "one standing challenger, group-sequential": standing(1),
    "three standing challengers, group-sequential": standing(3),
    "one standing challenger, valid at any time": standing(1, always_valid=True),
    "accumulated, once in 20 years": accumulated(20 * 365),
    "accumulated, once a year": accumulated(365),
    "accumulated, once in 60 nights": accumulated(60),
    "accumulated, once in 20 years, or 99.9 % at once": accumulated(20 * 365, at_once=0.999),
    "accumulated, once in 20 years, or 99.99 % at once": accumulated(20 * 365, at_once=0.9999),
    "accumulated, once a year, or 99.9 % at once": accumulated(365, at_once=0.999),
    "accumulated, once in 60 nights, or 99.9 % at once": accumulated(60, at_once=0.999),
    "new >= old": nightly("split", 0.5),
    "every night's model, all rows, no gate": newest("all"),
}


def _first(year: Year, kind: str) -> tuple[Model, Served]:
    champion = year.model(kind, 0)
    return champion, [champion]


def _at_once(year: Year, night: int, champion: Model, level: float) -> bool:
    pair = year.model("split", night), year.model("split", champion[1])
    difference, error = year.difference(*pair, *_holdout("split", night))
    return difference - NORMAL.inv_cdf(level) * error > 0


def _holdout(kind: str, night: int) -> tuple[slice, slice]:
    """Return the days and rows that a night's models are judged on."""
    if kind == "hash":
        return slice(WINDOW + night - HASHED, WINDOW + night), slice(1, None, 2)
    return slice(WINDOW + night - HOLDOUT, WINDOW + night), FRESH


def _mixture(alpha: float, looks: int, *, tuned: int = 7) -> float:
    """Return the one-sided bound of z that a normal mixture passes with probability `alpha` at any time."""
    ratio = looks / tuned
    return sqrt((1 + 1 / ratio) * (log(1 + ratio) + 2 * log(1 / (2 * alpha))))


@lru_cache
def _group_sequential(alpha: float, looks: int) -> tuple[float, ...]:
    """Return the bounds of z at equally spaced looks under Pocock's spending (Armitage and others 1969)."""
    spent = [alpha * log(1 + (exp(1) - 1) * (k + 1) / looks) for k in range(looks)]
    grid = np.linspace(-8, 8, 1601)
    step, bounds = grid[1] - grid[0], [NORMAL.inv_cdf(1 - spent[0])]
    density = np.exp(-grid * grid / 2) / sqrt(2 * np.pi)  # of the sum so far, over the root of the looks
    for k in range(1, looks):
        inside = np.where(grid <= bounds[-1], density, 0.0)
        sums, ratio = grid * sqrt(k), sqrt(k + 1)
        kernel = np.exp(-((grid[:, None] * ratio - sums[None, :]) ** 2) / 2) / sqrt(2 * np.pi) * ratio
        density = kernel @ inside * step
        tail = np.cumsum(density[::-1])[::-1] * step
        place = int(np.argmax(tail <= spent[k] - spent[k - 1]))
        bounds.append(float(grid[place]))
    return tuple(bounds)

"""A test that is looked at every day, and may be stopped on any of them, at a chance of error that is chosen once.

After each day the difference between two models, in its standard errors, is held against one bound. Sums of
independent days move like a Brownian motion that is looked at from time to time (Jennison and Turnbull, Group
Sequential Methods, 2000, 3.1 and 19.2; Pocock, Biometrika 64, 1977, for a bound that is the same at all looks); how
likely it is to cross is found by recursive integration (Armitage, McPherson and Rowe, JRSS A 132, 1969).
"""

from __future__ import annotations

from collections.abc import Sequence
from statistics import NormalDist

import numpy as np

# A champion that is as good as the one before it may be taken back in one year of a hundred. Bounds are wider than
# those of a Brownian motion, since days differ and errors are themselves unsure, so that twice as much can be spent on
# paper: bench/trust_live.py measures what is left of it.
BUDGET, SPENT = 0.01, 0.02
_LOWEST, _PRECISION = -6.0, 1e-3
_NODES = 121  # of the integrals: more change the third decimal of a bound


def crossing(sizes: Sequence[float], bound: float) -> float:
    """Return the chance that two equal models cross a bound at one of the looks.

    Args:
        sizes: `(n_looks,)` how much was known at each look, rising; only their ratios count.
        bound: in standard errors.
    """
    times = np.asarray(sizes, float) / sizes[-1]
    inside: np.ndarray | None = None
    at = np.empty(0)
    stayed = 1.0
    for place, now in enumerate(times):
        step = now - (times[place - 1] if place else 0.0)
        grid = np.linspace(_LOWEST * np.sqrt(now), bound * np.sqrt(now), _NODES)
        width = np.full(_NODES, grid[1] - grid[0])
        width[[0, -1]] /= 2
        if inside is None:
            density = _normal(grid, step)
        elif step <= 0:  # a day that added nothing
            continue
        else:
            density = inside @ _normal(grid[None, :] - at[:, None], step)
        inside, at = density * width, grid
        stayed = float(inside.sum())
    return max(0.0, 1.0 - stayed)


def bound_of(sizes: Sequence[float], alpha: float) -> float:
    """Return the bound, in standard errors, that equal models cross with the chance `alpha` at one of the looks."""
    low = NormalDist().inv_cdf(1 - alpha)
    high = NormalDist().inv_cdf(1 - alpha / len(sizes)) + 0.01
    while high - low > _PRECISION:
        middle = (low + high) / 2
        low, high = (middle, high) if crossing(sizes, middle) > alpha else (low, middle)
    return high


def share_of(budget: float, place: int) -> float:
    """Return the part of a year's budget that its test number `place` has, from 1 on; all of them add up to it."""
    return budget / (place * (place + 1))


def _normal(x: np.ndarray, variance: float) -> np.ndarray:
    density: np.ndarray = np.exp(-(x**2) / (2 * variance)) / np.sqrt(2 * np.pi * variance)
    return density

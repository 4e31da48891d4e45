"""Columns then and now: how far each moved by one of four distances, and whether chance alone would do that.

Chance is the same question for every distance, and has one answer: that of the index of stability, whose null is known
where days differ by themselves (`days.py`). Of many columns some always look moved; the probabilities are judged
together, so that the expected share of false ones among those called moved stays below the wanted one, and an alarm
where nothing moved is as rare (Benjamini and Hochberg, Journal of the Royal Statistical Society B 57, 1995).
"""

from __future__ import annotations

from collections.abc import Sequence
from math import sqrt
from typing import TYPE_CHECKING, Literal, NamedTuple

from mlsys.monitors.days import STEADY, Chance, Wobble, by_day, chance, lags, whole_weeks, wobbles
from mlsys.monitors.stability import binned, psi
from mlsys.monitors.texts import ThenAndNow

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

Distance = Literal["psi", "ks", "chi2", "wasserstein"]


class Move(NamedTuple):
    """How far one column moved: by its distance and by the index of stability, and what the latter does by itself."""

    name: str
    distance: float
    psi: float
    chance: Chance

    @property
    def probability(self) -> float:
        """Of an index at least so large where nothing changed."""
        return self.chance.of(self.psi)

    def by_chance(self, probability: float) -> float:
        """Return what the distance exceeds with this probability where nothing changed.

        Distances other than the index grow with the square root of it where a change is small.
        """
        limit = self.chance.limit(probability)
        return limit if self.distance == self.psi else self.distance * sqrt(limit / self.psi)


class DaysOf(NamedTuple):
    """The days of the rows, then and now: `(n_then,)` and `(n_now,)` datetime64[D]."""

    then: np.ndarray
    now: np.ndarray


def moves(
    columns: Sequence[ThenAndNow],
    days: DaysOf | None,
    *,
    test: Distance,
    n_bins: int,
    learnt: Sequence[Wobble] | None = None,
) -> list[Move]:
    """Return how far columns moved, in their order; without days, rows are taken as independent.

    Args:
        columns: each with its rows' places among those of `days` as its index.
        days: of all rows.
        test: the distance.
        n_bins: of numbers.
        learnt: how much the days of each column differ; by default that of the rows then.
    """
    import numpy as np

    codes = [binned(each.then, each.now, n_bins=n_bins) for each in columns]
    sizes = [1 + max(int(side.max()) for side in each) for each in codes]
    counts = [[np.bincount(side, minlength=n) for side in each] for each, n in zip(codes, sizes, strict=True)]
    wobble, spread = [STEADY] * len(columns), np.zeros(1)
    if days is not None:
        rows = [(then, days.then[each.then.index]) for each, (then, _) in zip(columns, codes, strict=True)]
        wobble = list(learnt or wobbles([by_day(*each) for each in rows], weekly=whole_weeks(days.now)))
        spread = lags(*days)
    found = []
    for each, (then, now), by_itself in zip(columns, counts, wobble, strict=True):
        filled = int(((then + now) > 0).sum())
        null = chance(by_itself, spread, n_then=int(then.sum()), n_now=int(now.sum()), n_bins=filled)
        index = psi(then, now)
        found.append(Move(each.name, index if test == "psi" else distance(each, then, now, test), index, null))
    return found


def learnt_from(columns: Sequence[pd.Series], day: np.ndarray, *, n_bins: int, weekly: bool) -> list[Wobble]:
    """Return how much the days of `(n_rows,)` columns differ by themselves."""
    codes = [binned(each, each, n_bins=n_bins)[0] for each in columns]
    return wobbles([by_day(each, day) for each in codes], weekly=weekly)


def judged(found: Sequence[Move], wanted: float) -> float:
    """Return the probability below which a column counts as moved, so that few of those that do are false."""
    ordered = sorted(move.probability for move in found)
    n = len(ordered)
    n_moved = max((i for i, p in enumerate(ordered, 1) if p <= wanted * i / n), default=1)
    return wanted * n_moved / n


def distance(column: ThenAndNow, then: np.ndarray, now: np.ndarray, test: Distance) -> float:
    """Return one of the distances beside the index; `then` and `now` are `(n_bins,)` counts.

    - `ks`: the largest difference between the shares of rows at or below a value; of categories, in any set of them.
    - `chi2`: Cramer's V, both samples counted as equally large.
    - `wasserstein`: by how much of the standard deviation then the values moved on average; of categories, the share of
      rows that would have to change theirs. Missing numbers are left out.

    All are 0 for the same shares; the first two are at most 1.
    """
    import numpy as np

    p, q = now / now.sum(), then / then.sum()
    if test == "chi2":
        both = np.where(p + q > 0, p + q, 1)
        return float(np.sqrt(((p - q) ** 2 / both).sum() / 2))
    if column.then.dtype.kind != "f":
        return float(np.abs(p - q).sum() / 2)
    return ks_distance(column.then, column.now) if test == "ks" else wasserstein(column.then, column.now)


def ks_distance(reference: pd.Series, current: pd.Series) -> float:
    """Return the statistic D of `(n_reference,)` and `(n_current,)` numbers, neither empty; NaN is larger than all."""
    import numpy as np

    sorted_ = [
        np.sort(np.where(np.isfinite(values), values, np.inf))
        for values in (column.to_numpy(dtype="float64") for column in (reference, current))
    ]
    values = np.concatenate(sorted_)
    shares = [np.searchsorted(column, values, side="right") / column.size for column in sorted_]
    return float(np.max(np.abs(shares[0] - shares[1])))


def wasserstein(reference: pd.Series, current: pd.Series) -> float:
    """Return the first Wasserstein distance of known numbers in standard deviations of the reference; 0 without any.

    A constant has no deviation: where the values left it, their distance counts in its own size, or in 1 for a zero.
    """
    import numpy as np

    then, now = (
        np.sort(values[np.isfinite(values)]) for values in (s.to_numpy("float64") for s in (reference, current))
    )
    if not then.size or not now.size:
        return 0.0
    values = np.sort(np.concatenate([then, now]))
    shares = [np.searchsorted(side, values[:-1], side="right") / side.size for side in (then, now)]
    scale = float(then.std()) or abs(float(then[0])) or 1.0
    return float(np.sum(np.abs(shares[0] - shares[1]) * np.diff(values))) / scale

"""The day from which a model that is never retrained falls.

Of all days with at least three judged days on either side, the one is sought that best divides the model's daily values
into a better time before and a worse one after: the largest t statistic of two means with a common spread. It counts
when chance alone would give one as large in fewer than 1 of 100 ranges (Bonferroni over the days tried).

Whether it has a day is decided by the Bayesian information criterion (Schwarz 1978) of two levels and of a straight
line, where a searched day is a parameter, too. A day is named where the criterion speaks for it by `EVIDENCE` at
least, else the fall is gradual: of straight falls of 2 to 10 daily standard deviations at most 18 of 100 are dated.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Literal

import numpy as np

from mlsys.backfill.records import Change
from mlsys.wording import number

ON_EITHER_SIDE = 3
P_VALUE = 0.01
EVIDENCE = 4.0  # positive evidence is 2 to 6 (Kass and Raftery, JASA 90, 1995)


def fall_of(days: Sequence[date], values: Sequence[float], *, direction: Literal["higher", "lower"]) -> Change | None:
    """Return the fall of a model's daily values, in the order of days, or None when chance explains them.

    Days without a value are left out by the caller. Each day weighs the same, whatever its rows.
    """
    from scipy.stats import t

    n = len(values)
    places = range(ON_EITHER_SIDE, n - ON_EITHER_SIDE + 1)
    if not places:
        return None
    sign = 1.0 if direction == "higher" else -1.0
    better = sign * np.asarray(values, dtype="float64")
    statistics = [_statistic(better[:k], better[k:]) for k in places]
    best = int(np.argmax(statistics))
    k, p_value = places[best], min(1.0, float(t.sf(statistics[best], n - 2)) * len(places))
    if p_value >= P_VALUE:
        return None
    before, after = float(sign * better[:k].mean()), float(sign * better[k:].mean())
    levels = _criterion(_residual(better[:k]) + _residual(better[k:]), n, n_parameters=3)
    x = np.arange(n)
    line = float(((better - np.polyval(np.polyfit(x, better, 1), x)) ** 2).sum())
    abrupt = levels <= _criterion(line, n, n_parameters=2) - EVIDENCE
    how = f"falls on {days[k]}" if abrupt else "falls steadily over the range"
    sentence = f"The model that is never retrained {how}: from {number(before)} to {number(after)} in the mean of days"
    return Change(
        kind="abrupt" if abrupt else "gradual",
        day=days[k] if abrupt else None,
        before=before,
        after=after,
        p_value=p_value,
        sentence=sentence,
    )


def _statistic(before: np.ndarray, after: np.ndarray) -> float:
    """Return the t statistic of a fall; infinite where the days on either side are all alike."""
    fall = float(before.mean() - after.mean())
    n = before.size + after.size
    variance = (_residual(before) + _residual(after)) / (n - 2)
    if variance <= 0:
        return np.inf if fall > 0 else -np.inf
    return float(fall / np.sqrt(variance * (1 / before.size + 1 / after.size)))


def _criterion(residual: float, n: int, *, n_parameters: int) -> float:
    """Return the criterion of a fit of `n` days, less is better; the spread is a parameter of each fit."""
    return n * float(np.log(residual / n)) + n_parameters * float(np.log(n)) if residual > 0 else -np.inf


def _residual(values: np.ndarray) -> float:
    return float(((values - values.mean()) ** 2).sum())

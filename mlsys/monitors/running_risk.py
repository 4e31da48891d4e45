"""Whether a mean has risen since some day, looked at every day, at a chance of error that is chosen once for a year.

The question, and what must be kept, are those of Podkopaev and Ramdas (Tracking the risk of a deployed model and
detecting harmful distribution shifts, ICLR 2022): the risk of what came later against the risk of the source, valid at
all times. Their bounds take rows as independent. Rows of one day have a weather in common, so that here days are what
is counted, and their variance is learnt from them.

For each week's beginning since then, the days from it on are held against all days before it, those of the source
included. The evidence is the ratio of the likelihoods of the t statistic where the mean has risen, by an unknown
multiple of a day's standard deviation, and where it has not: the two-sample Bayes factor of Goenen and others (American
Statistician 59, 2005), of rises alone. It stays below 1 / p on all days together with probability 1 - p, however large
mean and variance are, if means of days are normal (Hendriksen, de Heide and Gruenwald, Bayesian Analysis 16, 2021). A
tolerance is taken off the later days first; a smaller rise gives less evidence. A year has 52 weeks to begin with, so
that each has a 52nd part of the chance of error.

Days with more rows count more, as far as their rows explain how days differ (DerSimonian and Laird, Controlled
Clinical Trials 7, 1986). Days with few rows are put together with the next.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import numpy as np

STARTS = 52  # in a year
FEWEST_DAYS = 5  # then and now together: fewer say too little of how much they differ
_SIZE = 1.0  # variance of the rises that are looked for, in variances of a day
_MONDAY = 4  # days after 1970-01-01 of the first one


class Daily(NamedTuple):
    """Means by day: `(n_days,)` days as datetime64[D], rising, how many rows, their mean, their squares around it."""

    day: np.ndarray
    n_rows: np.ndarray
    mean: np.ndarray
    squares: np.ndarray


class Rise(NamedTuple):
    """The week's beginning since which there is most evidence that the mean has risen, and the means on both sides.

    Attributes:
        log_evidence: natural logarithm; 0 speaks for neither.
        since: the first day of the later ones.
    """

    log_evidence: float
    since: np.datetime64
    before: float
    after: float


def by_day(values: np.ndarray, day: np.ndarray, *, least: int) -> Daily:
    """Return `(n_rows,)` values by day; a day with fewer than `least` rows waits for the next, and stands under it."""
    import numpy as np

    order = np.lexsort((values, day))  # sums then do not depend on the order of rows
    days, n_rows = np.unique(day, return_counts=True)
    ends, filled = [], 0
    for place, n in enumerate(n_rows):
        filled += int(n)
        if filled >= least:
            ends.append(place)
            filled = 0
    stops = np.cumsum(n_rows)[ends]
    starts = np.concatenate([[0], stops[:-1]]).astype(int)
    values = values[order][: int(stops[-1])] if ends else values[:0]
    if not ends:
        return Daily(days[:0], n_rows[:0], values, values)
    n_rows = stops - starts
    mean = np.add.reduceat(values, starts) / n_rows
    return Daily(days[ends], n_rows, mean, np.add.reduceat((values - np.repeat(mean, n_rows)) ** 2, starts))


def rise(then: Daily, now: Daily, *, tolerance: float) -> Rise | None:
    """Return since when the mean of `now` is likeliest to have risen by more than is tolerated; None with too few days.

    Only rises to a mean above that of `then` are looked for.

    Args:
        then: days of the source.
        now: later days.
        tolerance: as a share of the mean of `then`.
    """
    import numpy as np

    n_then, n_now = then.day.size, now.day.size
    if not n_then or not n_now or n_then + n_now < FEWEST_DAYS:
        return None
    week = (now.day.astype("datetime64[D]").astype(np.int64) - _MONDAY) // 7
    starts = n_then + np.flatnonzero(np.diff(week, prepend=week[0] - 1))
    mean = np.concatenate([then.mean, now.mean])
    weight = _weights(then, now)
    before, after = _sides(mean, weight, starts)
    source = float((weight[:n_then] * then.mean).sum() / weight[:n_then].sum())
    evidence = _log_evidence(before, after, mean.size - 2, tolerance * source)
    above = after.mean > source * (1 + tolerance)
    # Less than before is no harm, however much it has risen since it was least.
    evidence = np.where(above, evidence, np.minimum(evidence, 0.0))
    best = int(np.argmax(evidence))
    place = starts[best] - n_then
    return Rise(float(evidence[best]), now.day[place], float(before.mean[best]), float(after.mean[best]))


class _Side(NamedTuple):
    """One side of each beginning: `(n_starts,)` weight, weighted mean, weighted squares around it."""

    weight: np.ndarray
    mean: np.ndarray
    squares: np.ndarray


def _weights(then: Daily, now: Daily) -> np.ndarray:
    """Return what each day counts, by how much of its variance is that of its rows; 1 where it is none of it."""
    import numpy as np

    n_rows = np.concatenate([then.n_rows, now.n_rows]).astype(float)
    freedom = n_rows.sum() - n_rows.size
    of_row = float((then.squares.sum() + now.squares.sum()) / freedom) if freedom > 0 else 0.0
    if of_row <= 0:
        return np.ones(n_rows.size)
    between = known = 0.0
    for side in (then, now):
        total = side.n_rows.sum()
        centre = (side.n_rows * side.mean).sum() / total
        between += float((side.n_rows * (side.mean - centre) ** 2).sum())
        known += float(total - (side.n_rows.astype(float) ** 2).sum() / total)
    of_day = max(0.0, between - (n_rows.size - 2) * of_row) / known if known > 0 else 0.0
    variance = of_day + of_row / n_rows
    found: np.ndarray = variance.mean() / variance
    return found


def _sides(mean: np.ndarray, weight: np.ndarray, starts: np.ndarray) -> tuple[_Side, _Side]:
    """Return what lies before and after each beginning."""
    import numpy as np

    centre = mean - (weight * mean).sum() / weight.sum()  # squares of small numbers lose nothing
    shift = float((weight * mean).sum() / weight.sum())
    sums = [np.concatenate([[0.0], np.cumsum(each)]) for each in (weight, weight * centre, weight * centre**2)]
    found = []
    for parts in ([each[starts] for each in sums], [each[-1] - each[starts] for each in sums]):
        n, first, second = parts
        found.append(_Side(n, shift + first / n, np.maximum(second - first**2 / n, 0.0)))
    return found[0], found[1]


def _log_evidence(before: _Side, after: _Side, freedom: int, tolerance: float) -> np.ndarray:
    """Return the logarithm of the likelihood ratio of the t statistic, of a risen mean over one that has not."""
    import numpy as np
    from scipy.special import stdtr

    variance = 1 / before.weight + 1 / after.weight  # of the difference, in variances of a day
    squares, difference = before.squares + after.squares, after.mean - before.mean - tolerance
    ratio = _SIZE / variance
    unrisen = squares + difference**2 / variance
    risen = squares + difference**2 / variance / (1 + ratio)
    known = risen > 0  # else all means are the same
    risen, unrisen = np.where(known, risen, 1.0), np.where(known, unrisen, 1.0)
    place = difference * np.sqrt(ratio / (1 + ratio) / variance * (freedom + 1) / risen)
    upward = np.log(2 * np.maximum(stdtr(freedom + 1, place), 1e-300))
    found: np.ndarray = upward - np.log1p(ratio) / 2 + (freedom + 1) / 2 * np.log(unrisen / risen)
    return np.where(known, found, 0.0)

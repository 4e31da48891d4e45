"""How far the index of stability moves by itself, where days differ by themselves.

Rows of one day have a weather in common: a campaign, a batch of another supplier, a public holiday. A window of seven
days is then seven observations rather than thousands, and what chance may do has to be learnt from the days that the
champion was trained on. The shares of a column's bins are a vector for each of these days. Its variance, each bin's
divided by its share (so that it adds up to the unit of the index), is split into three parts:

- the luck of rows, (bins - 1) / rows of the day, which is known;
- a *level* that persists, with an autocorrelation that falls by the same factor each day. The factor is chosen among
  `_PERSISTENCE` for all columns together, by least squares on their autocorrelations, less what a mean of the same days
  takes away from these (Kendall, Biometrika 41, 1954). Few days tell one column's level badly, so that it is believed
  to be small only as far as the other columns' are (`_PRIOR_DAYS`; the idea is Smyth's, Statistical Applications in
  Genetics and Molecular Biology 3, 2004);
- what remains, which is each day's own. The season of the week is taken out where the window has whole weeks.

The variance of the difference between two sets of days follows from the days in them. Under no change the index is then
a weighted sum of chi-squares of one degree (Rao and Scott, Annals of Statistics 12, 1984): one weight is that of the
days, which move all bins together, the others are those of rows. It is approximated by one chi-square with the same
mean and variance, over the chi-square of the estimated variance, hence by F (Satterthwaite, Biometrics 2, 1946). With
few days the latter has few degrees of freedom and the limit is high: little is known, and little is claimed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import numpy as np

FEWEST_DAYS = 5  # fewer say nothing of how much days differ
_FEWEST_FOR_SEASONS = 21  # days, for the season of the week and the level
_LONGEST_LAG = 14
_PERSISTENCE = (0.5, 0.7, 0.8, 0.9, 0.95)
_PRIOR_DAYS = 12.0  # that a column's level counts for the other columns' mean
_PRIOR_FREEDOM = 4.0  # that this adds to its degrees of freedom
_CERTAIN = 1e9  # degrees of freedom of what is known
_WEEK = 7


class DailyCounts(NamedTuple):
    """Rows of a column in bins: `days` `(n_days,)` datetime64[D], rising; `counts` `(n_days, n_bins)`, no day empty."""

    days: np.ndarray
    counts: np.ndarray


class Wobble(NamedTuple):
    """How much a column's days differ by themselves, in units of the index.

    Attributes:
        own: variance of what is each day's own; `own_freedom`: its degrees of freedom.
        level: variance of what persists; `persistence`: by which factor it is correlated from day to day.
    """

    own: float = 0.0
    own_freedom: float = _CERTAIN
    level: float = 0.0
    level_freedom: float = _CERTAIN
    persistence: float = 0.0


STEADY = Wobble()  # rows are independent


@dataclass(frozen=True)
class Chance:
    """What the index does where nothing changed: `mean` times an F with these degrees of freedom."""

    mean: float
    shape: float
    freedom: float

    def of(self, index: float) -> float:
        """Return the probability of an index at least so large."""
        from scipy.special import fdtrc

        return float(fdtrc(self.shape, self.freedom, max(index, 0.0) / self.mean)) if self.mean > 0 else 1.0

    def limit(self, probability: float) -> float:
        """Return what is exceeded with this probability."""
        from scipy.special import fdtri

        return float(self.mean * fdtri(self.shape, self.freedom, 1 - probability)) if self.mean > 0 else 0.0


def by_day(codes: np.ndarray, day: np.ndarray) -> DailyCounts:
    """Return the counts of `(n_rows,)` bins by their day."""
    import numpy as np

    n_bins = 1 + int(codes.max())
    days, place = np.unique(day, return_inverse=True)
    counts = np.bincount(place * n_bins + codes, minlength=days.size * n_bins).reshape(days.size, n_bins)
    return DailyCounts(days, counts)


def lags(then_day: np.ndarray, now_day: np.ndarray) -> np.ndarray:
    """Return by how many days' distance a shared variance counts in the difference of two means over rows.

    Of `(n_then,)` and `(n_now,)` days, neither empty: entry h is what a covariance of days h apart is multiplied with.
    """
    import numpy as np

    first = min(then_day.min(), now_day.min())
    places = [(day - first).astype(np.int64) for day in (then_day, now_day)]
    length = 1 + max(int(each.max()) for each in places)
    then, now = (np.bincount(each, minlength=length) / each.size for each in places)
    found = np.correlate(now - then, now - then, "full")[length - 1 :]
    found[1:] *= 2
    return np.asarray(found)


def whole_weeks(day: np.ndarray) -> bool:
    """Whether `(n_rows,)` days are every day of the week alike often, so that its season plays no part."""
    import numpy as np

    weekday = np.unique(day).astype(np.int64) % _WEEK
    times = np.bincount(weekday, minlength=_WEEK)
    return bool(times.min() == times.max() and times.min() > 0)


def wobbles(columns: Sequence[DailyCounts], *, weekly: bool) -> list[Wobble]:
    """Return how much the days of each column differ; `weekly`: not counting the season of the week.

    Columns may have other days than each other, as texts that are missing on some.
    """
    found = [_variances(column, weekly=weekly) for column in columns]
    known = [each for each in found if each.total > 0 and each.correlations.size]
    persistence = _persistence(known) if known else 0.0
    levels = {id(each): _level(each, persistence)[0] for each in known}
    mean = sum(levels.values()) / len(levels) if levels else 0.0
    return [_wobble(each, levels.get(id(each)), mean, persistence) for each in found]


def chance(wobble: Wobble, spread: np.ndarray, *, n_then: int, n_now: int, n_bins: int) -> Chance:
    """Return what the index of `n_bins` filled bins does by itself; `spread` is that of `lags`."""
    import numpy as np

    rows = 1 / n_then + 1 / n_now
    level = wobble.level * float(np.sum(spread * wobble.persistence ** np.arange(spread.size))) if wobble.level else 0.0
    own = wobble.own * float(spread[0])
    days, freedom = level + own, _CERTAIN
    mean, square = days + (n_bins - 1) * rows, (days + rows) ** 2 + (n_bins - 2) * rows**2
    if n_bins < 2:
        return Chance(0.0, 1.0, _CERTAIN)
    if days > 0:
        freedom = min(_CERTAIN, mean**2 / (level**2 / wobble.level_freedom + own**2 / wobble.own_freedom))
    return Chance(mean, mean**2 / square, freedom)


class _Variances(NamedTuple):
    """Variance of a column's days: all of it, the luck of rows in it, and its autocorrelations by days apart."""

    total: float
    rows: float
    correlations: np.ndarray
    n_days: int
    freedom: int


def _variances(column: DailyCounts, *, weekly: bool) -> _Variances:
    import numpy as np

    days, counts = column.days, column.counts[:, column.counts.sum(axis=0) > 0]
    n_days, n_bins = counts.shape
    if n_days < 2 or n_bins < 2:
        return _Variances(0.0, 0.0, np.empty(0), n_days, max(n_days - 1, 1))
    size = counts.sum(axis=1)
    share = counts.sum(axis=0) / size.sum()
    off = (counts / size[:, None] - share) / np.sqrt(share)
    seasonal = weekly and n_days >= _FEWEST_FOR_SEASONS
    if seasonal:
        weekday = days.astype(np.int64) % _WEEK
        for each in np.unique(weekday):
            off[weekday == each] -= off[weekday == each].mean(axis=0)
    freedom = n_days - (_WEEK if seasonal else 1)
    total = float((off**2).sum() / freedom)
    together = _correlations(off, days) / total if n_days >= _FEWEST_FOR_SEASONS and total > 0 else np.empty(0)
    return _Variances(total, float((n_bins - 1) * np.mean(1 / size)), together, n_days, freedom)


def _correlations(off: np.ndarray, days: np.ndarray) -> np.ndarray:
    """Return the mean products of days that are 1, 2, ... days apart."""
    import numpy as np

    place = (days - days[0]).astype(np.int64)
    all_days, there = np.zeros((place[-1] + 1, off.shape[1])), np.zeros(place[-1] + 1)
    all_days[place], there[place] = off, 1
    longest = min(_LONGEST_LAG, days.size // 4)
    pairs = [(all_days[:-h] * all_days[h:]).sum() / max((there[:-h] * there[h:]).sum(), 1) for h in _upto(longest)]
    return np.array(pairs)


def _upto(longest: int) -> range:
    return range(1, longest + 1)


def _persistence(known: Sequence[_Variances]) -> float:
    """Return the factor under which the autocorrelations of all columns are explained best."""
    return min(_PERSISTENCE, key=lambda factor: sum(_level(each, factor)[1] for each in known))


def _level(found: _Variances, factor: float) -> tuple[float, float]:
    """Return the share of a column's variance that persists with a factor, and what that leaves unexplained."""
    import numpy as np

    apart = np.array(_upto(found.correlations.size))
    weight = 1 - apart / found.n_days
    wanted = factor**apart - _of_the_mean(factor, found.n_days)
    share = max(0.0, float((weight * wanted * found.correlations).sum() / (weight * wanted**2).sum()))
    return share, float((weight * (found.correlations - share * wanted) ** 2).sum())


def _of_the_mean(factor: float, n_days: int) -> float:
    """Return the variance of the mean of so many days, of which each has the variance 1."""
    import numpy as np

    apart = np.arange(1, n_days)
    return float(1 + 2 * ((1 - apart / n_days) * factor**apart).sum()) / n_days


def _wobble(found: _Variances, level: float | None, mean: float, persistence: float) -> Wobble:
    if level is None:
        return Wobble(own=max(0.0, found.total - found.rows), own_freedom=found.freedom)
    freedom = max(1.0, found.n_days * (1 - persistence**2) / (1 + persistence**2) - 1)
    of_mean = _of_the_mean(persistence, found.n_days)
    believed = max(level, (level * freedom + mean * _PRIOR_DAYS) / (freedom + _PRIOR_DAYS))
    shows = (1 - of_mean) / (1 - 1 / found.n_days)  # of a level, around the mean of the same days
    beyond_rows = max(0.0, found.total - found.rows)
    persists = min(found.total * believed, beyond_rows / max(shows, 0.1))
    return Wobble(
        own=max(0.0, beyond_rows - persists * shows),
        own_freedom=found.freedom,
        level=persists,
        level_freedom=freedom + _PRIOR_FREEDOM,
        persistence=persistence,
    )

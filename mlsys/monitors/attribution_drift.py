"""Columns on which the champion's answers rest, now and then."""

from __future__ import annotations

from math import sqrt
from typing import TYPE_CHECKING, Literal, NamedTuple

from pydantic import Field

from mlsys.monitors.base import Monitor, Window
from mlsys.monitors.feature_drift import days_of, too_few
from mlsys.records.monitoring import MonitorPart, MonitorResult

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

_MOST_NOW, _MOST_THEN = 1000, 2000  # rows that are asked about
_DRAWS, _SEED = 2000, 0xA77
_SHOWN = 3


class AttributionDrift(Monitor):
    """Alarms when the champion's answers rest on other columns than they did on its training rows.

    By how much an answer changes when one column's value is that of a training row is what it owes to this column. The
    shares of all columns are compared: their distance is the part that went over to others (total variation, 0 to 1).
    What it is by itself is learnt from the training days: windows of as many days are drawn from them.

    Attributes:
        limit: of the distance; less is no alarm, however sure.
        significance: probability of an alarm where nothing changed, as far as the training days tell.
        min_rows: fewer current rows, or training rows, are inconclusive.
    """

    kind: Literal["attribution_drift"] = "attribution_drift"
    limit: float = Field(default=0.1, ge=0, le=1, allow_inf_nan=False)
    significance: float = Field(default=0.01, gt=0, lt=1, allow_inf_nan=False)
    min_rows: int = Field(default=200, ge=1)

    def look(self, window: Window) -> MonitorResult:
        """Return how much of the leaning went over to other columns."""
        import numpy as np

        window, name = window.newest(self.window), self.over("attribution drift")
        n_rows = len(window.rows)
        few = too_few(window, len(window.reference), "was trained on", self.min_rows)
        if few is not None:
            return self.inconclusive(name, *few, n_rows=n_rows)
        if window.leaning is None or not window.reference.shape[1]:
            sentence = "The champion has no model or no column that could be asked about."
            return self.inconclusive(name, "no_features", sentence, n_rows=n_rows)
        then, now, days = _owed(window)
        totals = then.sum(), now.sum()
        if not (np.isfinite(totals).all() and min(totals) > 0):
            sentence = "The champion's answers are no finite numbers, or do not change with any column."
            return self.inconclusive(name, "no_leaning", sentence, n_rows=n_rows)
        before, after = then.sum(axis=0) / totals[0], now.sum(axis=0) / totals[1]
        chance = by_chance(then, days, n_now=len(now), probability=self.significance)
        return self._result(window, name, before, after, max(self.limit, chance))

    def _result(self, window: Window, name: str, before: np.ndarray, after: np.ndarray, limit: float) -> MonitorResult:
        import numpy as np

        distance, n_rows = float(np.abs(after - before).sum() / 2), len(window.rows)
        alarm, columns = distance > limit, list(window.reference.columns)
        order = sorted(range(len(columns)), key=lambda place: (-abs(after[place] - before[place]), columns[place]))
        moved = "; ".join(f"{columns[i]} {before[i]:.0%} then, {after[i]:.0%} now" for i in order[:_SHOWN])
        return MonitorResult(
            monitor=self.kind,
            name=name,
            state="alarm" if alarm else "pass",
            observed=distance,
            limit=limit,
            unit="leaning",
            sentence=f"Of what the champion's answers rest on {distance:.1%} went over to other columns, in {n_rows:,} "
            f"rows it has not seen; the alarm begins at {limit:.1%}. Most moved: {moved}.",
            reason="leans_on_others" if alarm else None,
            n_rows=n_rows,
            parts=tuple(
                MonitorPart(name=columns[i], observed=float(abs(after[i] - before[i])), limit=limit) for i in order
            ),
        )


class TrainingDays(NamedTuple):
    """The day of each training row asked about, by its place among them, and how many days the window has."""

    then: np.ndarray
    n_now: int


def _owed(window: Window) -> tuple[np.ndarray, np.ndarray, TrainingDays | None]:
    """Return what answers owe to each column, `(n_then, n_columns)` and `(n_now, n_columns)`, and the days.

    Of the training rows no more are taken for a day than the window has: so a day drawn from them is as uncertain.
    """
    import numpy as np

    days = days_of(window)
    second = _places(window.rows, window.day)[:_MOST_NOW]
    most = _MOST_THEN
    if days is not None:
        n_then, n_now = (np.unique(side).size for side in days)
        most = min(most, -(-second.size * n_then // n_now))
    first = _places(window.reference, None if days is None else days.then)[:most]
    then, now = (
        rows.iloc[places].reset_index(drop=True) for rows, places in ((window.reference, first), (window.rows, second))
    )
    random = np.random.default_rng(_SEED)
    owed = [_asked(window, rows, then.iloc[random.integers(len(then), size=len(rows))]) for rows in (then, now)]
    if days is None:
        return owed[0], owed[1], None
    return owed[0], owed[1], TrainingDays(np.unique(days.then[first], return_inverse=True)[1], int(n_now))


def _asked(window: Window, rows: pd.DataFrame, others: pd.DataFrame) -> np.ndarray:
    import numpy as np

    assert window.leaning is not None
    found = window.leaning(rows, others.reset_index(drop=True))
    return np.column_stack([found[str(name)] for name in rows.columns])


def _places(rows: pd.DataFrame, day: np.ndarray | None) -> np.ndarray:
    """Return the places of rows in an order that is as good as any, and not that in which they came."""
    import numpy as np
    import pandas as pd

    content = pd.util.hash_pandas_object(rows, index=False).to_numpy()
    return np.lexsort([content] if day is None else [day, content])


def by_chance(owed: np.ndarray, days: TrainingDays | None, *, n_now: int, probability: float) -> float:
    """Return the distance that windows drawn from the training rows exceed with a probability.

    The distance is that from all training days drawn again. A window is any days; and where the training has two
    windows of days, days that follow each other too, so that what persists from day to day is in it: the larger
    distance counts. Drawn days differ less than fresh ones: what is drawn from few is stretched. Without days, rows are
    drawn.

    Args:
        owed: `(n_then, n_columns)`.
        days: of these rows.
        n_now: rows of the window.
        probability: of being exceeded where nothing changed.
    """
    import numpy as np

    random, n_then = np.random.default_rng(_SEED), len(owed)
    place = np.arange(n_then) if days is None else days.then
    n_days, length = int(place.max()) + 1, n_now if days is None else days.n_now
    sums = np.column_stack([np.bincount(place, weights=column, minlength=n_days) for column in owed.T])
    alike = np.full(n_days, 1 / n_days)
    again = random.multinomial(n_days, alike, size=_DRAWS) @ sums
    drawn = [(random.multinomial(length, alike, size=_DRAWS) @ sums, n_days / max(n_days - 1, 1))]
    if days is not None and n_days >= 2 * length:
        starts = random.integers(n_days, size=(_DRAWS, 1))
        together = sums[(starts + np.arange(length)) % n_days].sum(axis=1)
        drawn.append((together, n_days / (n_days - length)))
    return max(float(np.quantile(_apart(window, again), 1 - probability)) * sqrt(stretch) for window, stretch in drawn)


def _apart(sums: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Return `(n_draws,)` distances between the shares of `(n_draws, n_columns)` sums."""
    import numpy as np

    first, second = (side / np.maximum(side.sum(axis=1, keepdims=True), 1e-300) for side in (sums, others))
    distances: np.ndarray = np.abs(first - second).sum(axis=1) / 2
    return distances

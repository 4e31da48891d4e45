"""Numbers whose distribution moved away from the training rows', by the test of Kolmogorov and Smirnov."""

from __future__ import annotations

from math import sqrt
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from mlsys.monitors.base import Monitor, Window
from mlsys.records.monitoring import MonitorPart, MonitorResult
from mlsys.wording import counted, number

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd


class KsDrift(Monitor):
    """Alarms when a number's distributions lie further apart than `limit`, and than chance alone would put them.

    The distance is the statistic D of the two-sample test: the largest difference between the shares of rows at or
    below a value, then and now, from 0 to 1. It needs no bins, and sees best what moves the middle of a distribution.
    The test alone calls any difference significant where there are enough rows, and none where there are few: hence
    `limit`, which many rows don't make smaller, and `min_rows`. Chance is reckoned for continuous numbers; where values
    repeat, as in columns of -1, 0 and 1, it exceeds its bound more rarely still (Conover, Practical Nonparametric
    Statistics, 1999, section 6.3). Missing values count as larger than all others, so that a share of them that grows
    is seen. Categories have no order and are left to `feature_drift`.

    Attributes:
        limit: of D; 0.1 means that a tenth of the rows lies on the other side of some value.
        significance: probability of an alarm where nothing changed, of all columns together (Bonferroni).
        min_rows: fewer current rows, or training rows, are inconclusive.
        ignore: features that move by nature, such as a running number.
    """

    kind: Literal["ks_drift"] = "ks_drift"
    limit: float = Field(default=0.1, ge=0, lt=1, allow_inf_nan=False)
    significance: float = Field(default=0.01, gt=0, lt=1, allow_inf_nan=False)
    min_rows: int = Field(default=200, ge=1)
    ignore: tuple[str, ...] = ()

    def look(self, window: Window) -> MonitorResult:
        """Return the numbers by how far they moved, each against its limit."""
        window, name = window.newest(self.window), self.over("Kolmogorov-Smirnov drift")
        then, now = window.reference, window.rows
        columns = [
            str(column) for column in then.columns if column not in self.ignore and then[column].dtype.kind == "f"
        ]
        if not columns:
            sentence = "The champion has no feature that is a number to look at."
            return self.inconclusive(name, "no_features", sentence, n_rows=len(now))
        if min(len(now), len(then)) < self.min_rows:
            sentence = (
                f"The champion has not seen {len(now):,} rows and was trained on {len(then):,}: "
                f"{self.min_rows:,} of each are needed."
            )
            return self.inconclusive(name, "too_few_rows", sentence, n_rows=len(now))
        limit = max(self.limit, by_chance(len(then), len(now), self.significance / len(columns)))
        found = [MonitorPart(name=each, observed=ks_distance(then[each], now[each]), limit=limit) for each in columns]
        parts = sorted(found, key=lambda part: (-part.observed, part.name))
        moved = [part for part in parts if part.observed > limit]
        return MonitorResult(
            monitor=self.kind,
            name=name,
            state="alarm" if moved else "pass",
            observed=parts[0].observed,
            limit=limit,
            unit="ks",
            sentence=_sentence(parts, moved, len(now)),
            reason="drifted" if moved else None,
            n_rows=len(now),
            parts=tuple(parts),
        )


def ks_distance(reference: pd.Series, current: pd.Series) -> float:
    """Return the statistic D of `(n_reference,)` and `(n_current,)` numbers, neither empty; NaN is larger than all."""
    import numpy as np

    then, now = (np.sort(_placed(column.to_numpy(dtype="float64"))) for column in (reference, current))
    values = np.concatenate([then, now])
    shares = [np.searchsorted(column, values, side="right") / column.size for column in (then, now)]
    return float(np.max(np.abs(shares[0] - shares[1])))


def by_chance(n_reference: int, n_current: int, probability: float) -> float:
    """Return what D exceeds with at most this probability when nothing changed, by Kolmogorov's limit distribution."""
    from scipy.special import kolmogi

    return min(1.0, float(kolmogi(probability)) * sqrt(1 / n_reference + 1 / n_current))


def _placed(values: np.ndarray) -> np.ndarray:
    import numpy as np

    return np.where(np.isfinite(values), values, np.inf)


def _sentence(parts: list[MonitorPart], moved: list[MonitorPart], n_rows: int) -> str:
    rows = f"in {n_rows:,} rows the champion has not seen"
    if not moved:
        worst = parts[0]
        return (
            f"None of {counted(len(parts), 'number')} moved beyond the limit {rows}; most did {worst.name}, with a "
            f"distance of {number(worst.observed, worst.limit)} of {number(worst.limit, worst.observed)}."
        )
    named = ", ".join(f"{part.name} ({part.observed:.2f})" for part in moved[:5])
    more = f" and {len(moved) - 5} more" if len(moved) > 5 else ""
    return f"{counted(len(moved), 'number')} moved away from the training rows {rows}: {named}{more}."

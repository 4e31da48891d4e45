"""The labels that arrived against those the champion was trained on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import Field

from mlsys.monitors.base import Monitor, Window
from mlsys.monitors.feature_drift import FALSE_ALARMS, days_of
from mlsys.monitors.moves import DaysOf, moves
from mlsys.monitors.texts import ThenAndNow
from mlsys.records.monitoring import MonitorResult
from mlsys.targets.base import Target
from mlsys.wording import number

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd


class TargetDrift(Monitor):
    """Alarms when the labels' population stability index exceeds `limit`, and what chance alone would give.

    Of classes their shares are looked at, of a number its distribution. A champion may be as good as ever while the
    share of its positive class doubles: its threshold, and the costs behind it, are then no longer right.

    Attributes:
        limit: of the index; by custom less than 0.1 is no change, and more than 0.25 a major one.
        bins: of a number, each with about the same share of the training rows.
        min_labels: fewer labelled rows, now or of the training, are inconclusive.
    """

    kind: Literal["target_drift"] = "target_drift"
    limit: float = Field(default=0.1, gt=0, allow_inf_nan=False)
    bins: int = Field(default=10, ge=2, le=100)
    min_labels: int = Field(default=200, ge=1)

    def look(self, window: Window) -> MonitorResult:
        """Return how far the labels moved."""
        window, name = window.newest(self.window), self.over("target drift")
        n_now = int(window.labelled.sum())
        then_known = None if window.past is None else window.target.labelled(window.past.y_true)
        n_then = 0 if then_known is None else int(then_known.sum())
        if window.past is None or then_known is None or min(n_now, n_then) < self.min_labels:
            sentence = (
                f"{n_now:,} rows that the champion has not seen have a label, and {n_then:,} of its training: "
                f"{self.min_labels:,} of each are needed."
            )
            return self.inconclusive(name, "too_few_labels", sentence, n_rows=n_now)
        then, now = window.past.y_true[then_known], window.y_true[window.labelled]
        days = None if days_of(window) is None else DaysOf(window.past.day[then_known], window.day[window.labelled])
        labels = ThenAndNow("labels", *(_column(window.target, side) for side in (then, now)))
        (found,) = moves([labels], days, test="psi", n_bins=self.bins)
        limit = max(self.limit, found.by_chance(FALSE_ALARMS))
        moved = found.psi > limit
        return MonitorResult(
            monitor=self.kind,
            name=name,
            state="alarm" if moved else "pass",
            observed=found.psi,
            limit=limit,
            unit="psi",
            sentence=f"The labels of {n_now:,} rows that the champion has not seen "
            f"{'moved' if moved else 'did not move'} away from those of its training: the index is "
            f"{number(found.psi, limit)}, the limit {number(limit, found.psi)}.",
            reason="drifted" if moved else None,
            n_rows=n_now,
        )


def _column(target: Target, y: np.ndarray) -> pd.Series:
    """Return `(n_rows,)` known labels as the names of their classes, or as numbers where there are none."""
    import numpy as np
    import pandas as pd

    if not target.class_counts(y):
        return pd.Series(y, dtype="float64")
    values, place = np.unique(y, return_inverse=True)
    counts = (target.class_counts(values[i : i + 1]) for i in range(values.size))
    names = [next(name for name, n in each.items() if n) for each in counts]
    return pd.Series(np.array(names, dtype=object)[place])

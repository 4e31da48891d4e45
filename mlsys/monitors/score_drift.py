"""The champion's scores against those it gave on its holdout."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import Field

from mlsys.monitors.base import Monitor, Window
from mlsys.monitors.stability import shift
from mlsys.records.monitoring import MonitorPart, MonitorResult
from mlsys.wording import number

if TYPE_CHECKING:
    import numpy as np

FALSE_ALARMS = 0.01  # in a window where nothing changed


class ScoreDrift(Monitor):
    """Alarms when the scores' population stability index exceeds `limit`, and what chance alone would give.

    It needs no labels: it sees at once what a change does to the model's answers, though not whether they are right.
    Of several classes the probability of each is looked at, and the one that moved most is told of.

    Attributes:
        limit: of the index; by custom less than 0.1 is no change, and more than 0.25 a major one.
        bins: each with about the same share of the holdout.
        min_rows: fewer current rows, or holdout rows, are inconclusive.
    """

    kind: Literal["score_drift"] = "score_drift"
    limit: float = Field(default=0.1, gt=0, allow_inf_nan=False)
    bins: int = Field(default=10, ge=2, le=100)
    min_rows: int = Field(default=200, ge=1)

    def look(self, window: Window) -> MonitorResult:
        """Return how far the scores moved."""
        import numpy as np
        import pandas as pd

        window, name = window.newest(self.window), self.over("score drift")
        now, then = window.y_score, window.holdout_scores
        if min(len(now), len(then)) < self.min_rows:
            sentence = (
                f"The champion has not seen {len(now):,} rows and its holdout has {len(then):,}: "
                f"{self.min_rows:,} of each are needed."
            )
            return self.inconclusive(name, "too_few_rows", sentence, n_rows=len(now))
        n_bad = int((~np.isfinite(now)).sum() + (~np.isfinite(then)).sum())
        if n_bad:
            sentence = f"{n_bad:,} scores are no finite numbers."
            return self.inconclusive(name, "scores_not_finite", sentence, n_rows=len(now))
        columns = list(zip(np.atleast_2d(then.T), np.atleast_2d(now.T), strict=True))
        rate = FALSE_ALARMS / len(columns)
        shifts = [shift(pd.Series(b), pd.Series(a), n_bins=self.bins, false_alarms=rate) for b, a in columns]
        limits = [max(self.limit, each.by_chance) for each in shifts]
        worst = max(range(len(columns)), key=lambda place: shifts[place].psi - limits[place])
        (then, now), found, limit = columns[worst], shifts[worst], limits[worst]
        moved = found.psi > limit
        what = f"scores of '{window.target.names[worst]}'" if window.target.names else "scores"
        return MonitorResult(
            monitor=self.kind,
            name=name,
            state="alarm" if moved else "pass",
            observed=found.psi,
            limit=limit,
            unit="psi",
            sentence=f"On {now.size:,} rows the champion has not seen, its {what} "
            f"{'moved' if moved else 'did not move'} away from those on its holdout (mean {number(_mean(then))}, now "
            f"{number(_mean(now))}): the index is {number(found.psi, limit)}, the limit {number(limit, found.psi)}.",
            reason="drifted" if moved else None,
            n_rows=now.size,
            parts=tuple(
                MonitorPart(name=name, observed=each.psi, limit=bound)
                for name, each, bound in zip(window.target.names, shifts, limits, strict=bool(window.target.names))
            ),
        )


def _mean(values: np.ndarray) -> float:
    from math import fsum

    return fsum(values) / values.size  # exact, so that the order of rows plays no part

"""The champion's scores against those it gave on its holdout."""

from __future__ import annotations

from math import fsum
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from mlsys.monitors.base import Monitor, Window
from mlsys.monitors.days import whole_weeks
from mlsys.monitors.feature_drift import FALSE_ALARMS, days_of, too_few
from mlsys.monitors.moves import DaysOf, Move, judged, learnt_from, moves
from mlsys.monitors.texts import ThenAndNow
from mlsys.records.monitoring import MonitorPart, MonitorResult
from mlsys.wording import number

if TYPE_CHECKING:
    import pandas as pd


class ScoreDrift(Monitor):
    """Alarms when the scores' population stability index exceeds `limit`, and what chance alone would give.

    It needs no labels: it sees at once what a change does to the model's answers, though not whether they are right.
    Of several classes the probability of each is looked at, and the one that moved most is told of; of a policy the
    shares of the actions that it chooses. Chance is learnt
    from how much the answers on the champion's training days differ from day to day.

    Attributes:
        limit: of the index; by custom less than 0.1 is no change, and more than 0.25 a major one.
        bins: each with about the same share of the holdout.
        min_rows: fewer current rows, or holdout rows, are inconclusive.
        rows: `source` for the rows of its new days; `served` for those that the champion has answered live.
    """

    kind: Literal["score_drift"] = "score_drift"
    limit: float = Field(default=0.1, gt=0, allow_inf_nan=False)
    bins: int = Field(default=10, ge=2, le=100)
    min_rows: int = Field(default=200, ge=1)
    rows: Literal["source", "served"] = Field(default="source", exclude_if=lambda rows: rows == "source")

    @property
    def of_served(self) -> bool:
        """Whether it looks at the rows that were answered live."""
        return self.rows == "served"

    def look(self, window: Window) -> MonitorResult:
        """Return how far the scores moved."""
        import numpy as np

        window, name = window.newest(self.window), self.over("score drift")
        now, then = window.y_score, window.holdout_scores
        few = too_few(window, len(then), "its holdout has", self.min_rows)
        if few is not None:
            return self.inconclusive(name, *few, n_rows=len(now))
        n_bad = int((~np.isfinite(now)).sum() + (~np.isfinite(then)).sum())
        if n_bad:
            sentence = f"{n_bad:,} scores are no finite numbers."
            return self.inconclusive(name, "scores_not_finite", sentence, n_rows=len(now))
        found = self._moves(window)
        allowed = judged(found, FALSE_ALARMS)
        limits = [max(self.limit, move.by_chance(allowed)) for move in found]
        worst = max(range(len(found)), key=lambda place: found[place].psi - limits[place])
        sides = [window.target.columns(side)[worst] for side in (then, now)]
        index, limit = found[worst].psi, limits[worst]
        what = f"scores of '{window.target.names[worst]}'" if window.target.names else "scores"
        return MonitorResult(
            monitor=self.kind,
            name=name,
            state="alarm" if index > limit else "pass",
            observed=index,
            limit=limit,
            unit="psi",
            sentence=f"On {now.size:,} rows the champion has not seen, its {what} "
            f"{'moved' if index > limit else 'did not move'} away from those on its holdout "
            f"({_told(*sides)}): the index is {number(index, limit)}, the limit {number(limit, index)}.",
            reason="drifted" if index > limit else None,
            n_rows=now.size,
            parts=tuple(
                MonitorPart(name=name, observed=move.psi, limit=bound, chance=float(f"{move.probability:.3g}"))
                for name, move, bound in zip(window.target.names, found, limits, strict=bool(window.target.names))
            ),
        )

    def _moves(self, window: Window) -> list[Move]:
        names = window.target.names or ("scores",)
        sides = (window.target.columns(side) for side in (window.holdout_scores, window.y_score))
        columns = [ThenAndNow(name, *pair) for name, *pair in zip(names, *sides, strict=True)]
        if window.past is None or days_of(window) is None:
            return moves(columns, None, test="psi", n_bins=self.bins)
        days = DaysOf(window.past.holdout_day, window.day)
        learnt = learnt_from(
            window.target.columns(window.past.y_score),
            window.past.day,
            n_bins=self.bins,
            weekly=whole_weeks(days.then) and whole_weeks(days.now),
        )
        return moves(columns, days, test="psi", n_bins=self.bins, learnt=learnt)


def _told(then: pd.Series, now: pd.Series) -> str:
    """Return two columns in words: their means, or the choice whose share moved most."""
    if then.dtype.kind == "f":
        means = [fsum(side) / side.size for side in (then, now)]  # exact, so that the order of rows plays no part
        return f"mean {number(means[0])}, now {number(means[1])}"
    shares = [side.value_counts(normalize=True) for side in (then, now)]
    most = max(sorted({*then, *now}), key=lambda name: abs(shares[1].get(name, 0) - shares[0].get(name, 0)))
    return f"most moved '{most}': {shares[0].get(most, 0):.1%} then, {shares[1].get(most, 0):.1%} now"

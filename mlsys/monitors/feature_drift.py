"""Features whose values moved away from those the champion was trained on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from math import sqrt
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from mlsys.monitors.base import Monitor, Window
from mlsys.monitors.days import FEWEST_DAYS
from mlsys.monitors.moves import DaysOf, Distance, Move, judged, moves
from mlsys.monitors.texts import ThenAndNow, base_name, compared, gaps
from mlsys.records.monitoring import MonitorPart, MonitorResult
from mlsys.wording import counted, number

if TYPE_CHECKING:
    import numpy as np

FALSE_ALARMS = 0.01  # of all features together, in a window where nothing changed
_MOST_LENIENT, _STRICTEST = 2.5, 0.1  # times `limit`: 0.25, by custom a major change, and a hardly visible one
_SHOWN = 5


class FeatureDrift(Monitor):
    """Alarms when features lie further from the training rows than their limit, and than chance alone would put them.

    A feature on which the champion leans more than on the average one has a lower limit, and one that hardly matters a
    higher one, at most 2.5 times as high. Chance is learnt from how much the champion's training days differ by
    themselves. Missing values, and categories that the training rows lack, are looked at by themselves, too. A text
    that the champion takes apart is looked at by its length and by the share of its trigrams that are new.

    Attributes:
        test: what the distance is: `psi`, the population stability index; `ks`, of Kolmogorov and Smirnov; `chi2`, as
            Cramer's V; or `wasserstein`, in standard deviations. Of categories `ks` and `wasserstein` are both the
            share of rows that would have to change theirs.
        limit: of the distance of a feature that matters as much as the average one; of the index by custom less than
            0.1 is no change, and more than 0.25 a major one.
        significance: expected share of false ones among the features called moved, and of alarms where nothing did.
        share: alarm only if more than this share of the features moved; without it one is enough.
        by_importance: `false` holds all features to one limit.
        bins: of a number, each with about the same share of the training rows.
        min_rows: fewer current rows, or training rows, are inconclusive.
        ignore: features that move by nature, such as a running number.
        rows: `source` for the rows of its new days; `served` for those that the champion has answered live.
    """

    kind: Literal["feature_drift"] = "feature_drift"
    test: Distance = Field(default="psi", exclude_if=lambda test: test == "psi")
    limit: float = Field(default=0.1, ge=0, allow_inf_nan=False)
    significance: float = Field(
        default=FALSE_ALARMS, gt=0, lt=1, allow_inf_nan=False, exclude_if=lambda rate: rate == FALSE_ALARMS
    )
    share: float | None = Field(default=None, ge=0, lt=1, allow_inf_nan=False, exclude_if=lambda share: share is None)
    by_importance: bool = Field(default=True, exclude_if=bool)
    bins: int = Field(default=10, ge=2, le=100)
    min_rows: int = Field(default=200, ge=1)
    ignore: tuple[str, ...] = ()
    rows: Literal["source", "served"] = Field(default="source", exclude_if=lambda rows: rows == "source")

    @property
    def of_served(self) -> bool:
        """Whether it looks at the rows that were answered live."""
        return self.rows == "served"

    def look(self, window: Window) -> MonitorResult:
        """Return the features by how far they moved, each against its own limit."""
        window, name = window.newest(self.window), self.over("feature drift")
        n_rows = len(window.rows)
        few = too_few(window, len(window.reference), "was trained on", self.min_rows)
        if few is not None:
            return self.inconclusive(name, *few, n_rows=n_rows)
        columns = list(self._looked_at(window))
        if not columns:
            sentence = "The champion has no feature to look at."
            return self.inconclusive(name, "no_features", sentence, n_rows=n_rows)
        days = days_of(window)
        found = moves(columns, days, test=self.test, n_bins=self.bins)
        allowed = judged(found, self.significance)
        parts = sorted((self._part(move, allowed, window) for move in found), key=_rank)
        names = {base_name(each.name, window.reference.columns) for each in columns}
        drifted = {base_name(part.name, window.reference.columns) for part in parts if part.observed > part.limit}
        alarm = bool(drifted) if self.share is None else len(drifted) > self.share * len(names)
        by_share = self.share is not None
        return MonitorResult(
            monitor=self.kind,
            name=name,
            state="alarm" if alarm else "pass",
            observed=len(drifted) / len(names) if by_share else parts[0].observed,
            limit=self.share if by_share else parts[0].limit,
            unit="share" if by_share else self.test,
            sentence=self._sentence(parts, len(names), len(drifted), n_rows, steady=days is None),
            reason="drifted" if alarm else None,
            n_rows=n_rows,
            parts=tuple(parts),
        )

    def _looked_at(self, window: Window) -> Iterator[ThenAndNow]:
        ignored = [name for name in self.ignore if name in window.reference.columns]
        then = window.reference.drop(columns=ignored)
        for each in (*compared(then, window.rows, window.texts), *gaps(then, window.rows, window.texts)):
            if len(each.then) and len(each.now):  # nothing new where there is no text
                yield each

    def _part(self, move: Move, allowed: float, window: Window) -> MonitorPart:
        weight = 1.0
        if self.by_importance and window.past is not None:
            weight = leniency(window.past.leans, base_name(move.name, window.reference.columns))
        limit = self.limit * (weight if self.test == "psi" else sqrt(weight))
        return MonitorPart(
            name=move.name,
            observed=move.distance,
            limit=max(limit, move.by_chance(allowed)) if move.psi > 0 else limit,
            chance=float(f"{move.probability:.3g}"),
        )

    def _sentence(
        self, parts: Sequence[MonitorPart], n_features: int, n_drifted: int, n_rows: int, *, steady: bool
    ) -> str:
        rows = f"in {n_rows:,} rows the champion has not seen"
        what = "an index" if self.test == "psi" else "a distance"
        more = " The training rows are of one day: how much days differ by themselves is not known." if steady else ""
        drifted = [part for part in parts if part.observed > part.limit]
        if not drifted:
            worst = parts[0]
            return (
                f"None of {counted(n_features, 'feature')} moved beyond its limit {rows}; most did {worst.name}, with "
                f"{what} of {number(worst.observed, worst.limit)} of {number(worst.limit, worst.observed)}.{more}"
            )
        named = ", ".join(f"{part.name} ({part.observed:.2f})" for part in drifted[:_SHOWN])
        others = f" and {len(drifted) - _SHOWN} more" if len(drifted) > _SHOWN else ""
        moved = "1 feature moved" if n_drifted == 1 else f"{n_drifted} features moved"
        of_all = f", of {n_features}; more than {self.share:.0%} would alarm" if self.share is not None else ""
        return f"{moved} away from the training rows {rows}: {named}{others}{of_all}.{more}"


def leniency(leans: Mapping[str, float], name: str) -> float:
    """Return what a feature's limit is multiplied with: less than 1 where the champion leans on it more than on others.

    1 where it is not known how much it leans on which.
    """
    if name not in leans or not any(leans.values()):
        return 1.0
    mean = sum(leans.values()) / len(leans)
    return min(_MOST_LENIENT, max(_STRICTEST, mean / leans[name])) if leans[name] > 0 else _MOST_LENIENT


def days_of(window: Window) -> DaysOf | None:
    """Return the days of the rows then and now; None where those of the training are not known, or are one."""
    if window.past is None or _n_days(window.past.day) == 1:
        return None
    return DaysOf(window.past.day, window.day)


def too_few(window: Window, n_then: int, had: str, min_rows: int) -> tuple[str, str] | None:
    """Return a reason and a sentence where rows, or days of training, are too few to judge by."""
    n_now = len(window.rows)
    if min(n_now, n_then) < min_rows:
        return (
            "too_few_rows",
            f"The champion has not seen {n_now:,} rows and {had} {n_then:,}: {min_rows:,} of each are needed.",
        )
    n_days = FEWEST_DAYS if window.past is None else _n_days(window.past.day)
    if 1 < n_days < FEWEST_DAYS:
        return (
            "too_few_days",
            f"The champion was trained on {n_days} days: how much days differ by themselves takes {FEWEST_DAYS}.",
        )
    return None


def _n_days(day: np.ndarray) -> int:
    import numpy as np

    return int(np.unique(day).size)


def _rank(part: MonitorPart) -> tuple[float, str]:
    return -part.observed / max(part.limit, 1e-12), part.name

"""How good the champion is on rows it has not seen, as soon as their labels are known."""

from __future__ import annotations

from math import hypot
from typing import TYPE_CHECKING, Literal, NamedTuple

from pydantic import Field

from mlsys.monitors.base import Monitor, Window
from mlsys.records import MetricValue
from mlsys.records.monitoring import MonitorResult
from mlsys.wording import counted, number

if TYPE_CHECKING:
    import numpy as np


class LiveMetric(Monitor):
    """Alarms when the champion is worse than it was by more than `tolerance`, beyond chance.

    What it was is its value on the first days after its promotion, where that is known, and the window lies after
    them; before that its value on the holdout, which helped to choose it and so is too good on average.

    The difference of two independent values has a bound made of their 95 % intervals: the distance from each value to
    the bound of its interval, squared and added (Newcombe, Statistics in Medicine 17, 1998; Zou and Donner, Statistics
    in Medicine 27, 2008). So the luck of the holdout counts too, and where nothing changed about 2.5 % of windows
    alarm with a tolerance of 0.

    Attributes:
        per_class: fewer labelled rows of a class are inconclusive, where there are classes that the champion knows.
        metric: default the spec's primary metric.
        tolerance: in the metric's unit; being so much worse is no alarm.
        min_labels: fewer labelled rows are inconclusive, and so are fewer than `per_class` of a class.
    """

    kind: Literal["live_metric"] = "live_metric"
    metric: str | None = None
    tolerance: float = Field(default=0.02, ge=0, allow_inf_nan=False)
    min_labels: int = Field(default=200, ge=1)
    per_class: int = Field(default=30, ge=1)

    def look(self, window: Window) -> MonitorResult:
        """Return the metric on the labelled rows against its value on the holdout."""
        import numpy as np

        window, metric = window.newest(self.window), self.metric or window.primary
        name, known = self.over(f"live {metric}"), window.labelled
        y_true, y_score = window.y_true[known], window.y_score[known]
        n_rows = y_true.size
        few = self._too_few(window, y_true)
        if few is not None:
            return self.inconclusive(name, "too_few_labels", few, n_rows=n_rows)
        n_bad = int((~np.isfinite(y_score)).sum())
        if n_bad:
            sentence = f"{n_bad:,} scores are no finite numbers."
            return self.inconclusive(name, "scores_not_finite", sentence, n_rows=n_rows)
        then, where = self._then(window, metric)
        if then is None:
            sentence = f"The champion's {metric} on its holdout, or the interval of it, is not known."
            return self.inconclusive(name, "no_holdout_value", sentence, n_rows=n_rows)
        found = window.measure(metric, window.target.predictions.of(y_true, y_score, threshold=window.threshold))
        now = _bounded(found)
        if now is None:
            sentence = f"The champion's {metric} on {n_rows:,} labelled rows is not known: {found.reason}."
            return self.inconclusive(name, "undefined_metric", sentence, n_rows=n_rows)
        limit = self._limit(now, then, higher=window.directions[metric] == "higher")
        worse = now.value < limit if window.directions[metric] == "higher" else now.value > limit
        return MonitorResult(
            monitor=self.kind,
            name=name,
            state="alarm" if worse else "pass",
            observed=now.value,
            limit=limit,
            sentence=f"The champion's {metric} is {number(now.value, limit)} on {n_rows:,} labelled rows it has not "
            f"seen (95 % interval {number(now.lower)} to {number(now.upper)}); on {where} it was "
            f"{number(then.value)}. With {number(self.tolerance)} tolerated, and what chance may take, the alarm "
            f"begins at {number(limit, now.value)}.{_strangers(window, y_true)}",
            reason="worse_than_holdout" if worse else None,
            n_rows=n_rows,
        )

    def _then(self, window: Window, metric: str) -> tuple[Bounded | None, str]:
        """Return what the metric was, and on which rows: fresh ones, if they are none of the window's."""
        gain = window.confirmed
        if gain is not None and gain.n_rows >= self.min_labels and gain.last_day <= window.last_day - self.window:
            fresh = _bounded(gain.value(metric))
            if fresh is not None:
                return fresh, f"the first days after its promotion ({gain.first_day} to {gain.last_day})"
        return _bounded(window.evaluation.on_holdout(metric) if window.evaluation else None), "its holdout"

    def _limit(self, now: Bounded, then: Bounded, *, higher: bool) -> float:
        if higher:
            return then.value - self.tolerance - hypot(now.upper - now.value, then.value - then.lower)
        return then.value + self.tolerance + hypot(now.value - now.lower, then.upper - then.value)

    def _too_few(self, window: Window, y_true: np.ndarray) -> str | None:
        n_rows, classes = y_true.size, window.target.class_counts(y_true)
        classes = {name: n for name, n in classes.items() if name not in window.unknown}
        if n_rows >= self.min_labels and min(classes.values(), default=self.per_class) >= self.per_class:
            return None
        found = "".join(f", {n:,} {name}" for name, n in classes.items())
        floor = f", {self.per_class:,} of each class" if classes else ""
        return (
            f"Of {window.y_true.size:,} rows that the champion has not seen {n_rows:,} have a label{found}: "
            f"{self.min_labels:,} are needed{floor}."
        )


class Bounded(NamedTuple):
    """A value with its 95 % interval."""

    value: float
    lower: float
    upper: float


def _strangers(window: Window, y_true: np.ndarray) -> str:
    """Return a sentence on the labels of classes that the champion does not know, or nothing."""
    counts = window.target.class_counts(y_true)
    found = [f"'{name}' ({counted(counts[name], 'row')})" for name in window.unknown if counts.get(name)]
    more = f" and {len(found) - 5} more" if len(found) > 5 else ""
    return (
        f" It does not know {', '.join(found[:5])}{more}, of which each row counts as probability 0." if found else ""
    )


def _bounded(found: MetricValue | None) -> Bounded | None:
    if found is None or found.value is None or found.lower is None or found.upper is None:
        return None
    return Bounded(found.value, found.lower, found.upper)

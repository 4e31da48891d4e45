"""How good the champion is on rows it has not seen, as soon as their labels are known."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta
from statistics import NormalDist
from typing import TYPE_CHECKING, Literal, NamedTuple

from pydantic import Field

from mlsys.monitors.base import Monitor, Window, WindowAnswers
from mlsys.monitors.bounded_metric import Bounded, bounded, loss_between
from mlsys.monitors.sliced_metric import SliceRules, by_slice
from mlsys.monitors.sliced_rows import in_words
from mlsys.records.monitoring import MonitorResult
from mlsys.wording import counted, number

if TYPE_CHECKING:
    import numpy as np

_SPANS = (1, 2, 4)  # windows that are looked at together, the newest first


class LiveMetric(Monitor):
    """Alarms when the champion is worse than it was by more than `tolerance`, and by more than chance would give.

    What it was is its value on the first days after its promotion, where that is known, and the window lies after
    them; before that its value on the holdout, which helped to choose it and so is too good on average.

    The newest window is looked at by itself, and together with the one and the three before it, as far as the champion
    served: a small loss takes many labels to show, and a sudden one must not be diluted. An alarm that rests on several
    windows counts as so many, and one that chance would give in `significance` squared as two.

    The difference of two independent values has a bound made of their intervals: the distance from each value to the
    bound of its interval, squared and added (Newcombe, Statistics in Medicine 17, 1998; Zou and Donner, Statistics in
    Medicine 27, 2008). So the luck of the holdout counts too.

    With `slices` half of the chance is for all rows, and half for all slices together, each held against the same slice
    of the holdout.

    Attributes:
        per_class: fewer labelled rows of a class are inconclusive, where there are classes that the champion knows.
        metric: default the spec's primary metric.
        tolerance: in the metric's unit; being so much worse is no alarm.
        significance: probability of an alarm where nothing changed and nothing is tolerated, of all looks together.
        min_labels: fewer labelled rows are inconclusive, and so are fewer than `per_class` of a class.
        slices: columns, each of whose values is a slice that is judged by itself, too; models need not see them.
        per_slice: a slice with fewer labelled rows, now or on the holdout, is not judged; nor is one with fewer than
            `per_class` of a class.
    """

    kind: Literal["live_metric"] = "live_metric"
    metric: str | None = None
    tolerance: float = Field(default=0.02, ge=0, allow_inf_nan=False)
    significance: float = Field(
        default=0.005, gt=0, lt=0.5, allow_inf_nan=False, exclude_if=lambda probability: probability == 0.005
    )
    min_labels: int = Field(default=200, ge=1)
    per_class: int = Field(default=30, ge=1)
    slices: tuple[str, ...] = Field(default=(), exclude_if=lambda columns: not columns)
    per_slice: int = Field(default=100, ge=1, exclude_if=lambda n: n == 100)

    @property
    def reach(self) -> timedelta:
        """How far back labels count."""
        return self.window * _SPANS[-1]

    @property
    def reads(self) -> tuple[str, ...]:
        """The columns of its slices."""
        return self.slices

    def look(self, window: Window) -> MonitorResult:
        """Return the metric on the labelled rows against its value on the holdout."""
        import numpy as np

        metric = self.metric or window.primary
        name, spans = self.over(f"live {metric}"), list(self._spans(window))
        judged = [span for span in spans if self._too_few(window, span.rows.y_true) is None]
        if not judged:
            n_rows = spans[0].rows.y_true.size
            few = str(self._too_few(window, spans[0].rows.y_true))
            return self.inconclusive(name, "too_few_labels", few, n_rows=n_rows)
        n_bad = int((~np.isfinite(judged[-1].rows.y_score)).sum())
        if n_bad:
            sentence = f"{n_bad:,} scores are no finite numbers."
            return self.inconclusive(name, "scores_not_finite", sentence, n_rows=judged[0].rows.y_true.size)
        budget = self.significance / 2 if self.slices else self.significance
        seen = [self._seen(window, metric, span, budget / len(judged)) for span in judged]
        unknown = next((each for each in seen if isinstance(each, MonitorResult)), None)
        if unknown is not None:
            return unknown
        found = [each for each in seen if isinstance(each, _Seen)]
        worst = max(found, key=lambda each: each.n_windows if each.worse else 0)
        whole = self._result(window, name, worst)
        return self._with_slices(whole, window, metric, judged) if self.slices else whole

    def _spans(self, window: Window) -> Iterator[_Span]:
        """Yield the labelled rows of the newest window, and of so many together as have more of them."""
        rows, n_before = window.newest(self.window).answers, -1
        for n_windows in _SPANS:
            inside = rows.newest(self.window * n_windows, window.last_day)
            known = inside.where(window.target.labelled(inside.y_true))
            if known.y_true.size > n_before:
                yield _Span(min(n_windows, self._filled(known, window)), known)
            n_before = known.y_true.size

    def _filled(self, rows: WindowAnswers, window: Window) -> int:
        """Return how many windows rows fill from the newest day back, at least one."""
        import numpy as np

        if not rows.day.size:
            return 1
        n_days = int((np.datetime64(window.last_day, "D") - rows.day.min()).astype(int)) + 1
        return max(1, n_days // self.window.days)

    def _seen(self, window: Window, metric: str, span: _Span, probability: float) -> _Seen | MonitorResult:
        """Return what the metric is on the rows of a span against what it was, or why it can't be said."""
        rows, name, n_rows = span.rows, self.over(f"live {metric}"), span.rows.y_true.size
        then, where = self._then(window, metric, rows)
        if then is None:
            sentence = f"The champion's {metric} on its holdout, or the interval of it, is not known."
            return self.inconclusive(name, "no_holdout_value", sentence, n_rows=n_rows)
        predictions = window.target.predictions.of(rows.y_true, rows.y_score, threshold=window.threshold)
        found = window.measure(metric, predictions)
        now = bounded(found)
        if now is None:
            sentence = f"The champion's {metric} on {n_rows:,} labelled rows is not known: {found.reason}."
            return self.inconclusive(name, "undefined_metric", sentence, n_rows=n_rows)
        higher = window.directions[metric] == "higher"
        lost, error = loss_between(then, now, higher=higher)
        by_chance, by_hardly_any = (error * _reach(p) for p in (probability, probability**2))
        allowed = max(self.tolerance, by_chance)
        return _Seen(
            now=now,
            then=then,
            where=where,
            limit=then.value - allowed if higher else then.value + allowed,
            worse=lost > allowed,
            n_windows=max(span.n_windows, 2 if lost > max(self.tolerance, by_hardly_any) else 1),
            rows=rows,
        )

    def _result(self, window: Window, name: str, seen: _Seen) -> MonitorResult:
        n_rows, now, limit = seen.rows.y_true.size, seen.now, seen.limit
        return MonitorResult(
            monitor=self.kind,
            name=name,
            state="alarm" if seen.worse else "pass",
            observed=now.value,
            limit=limit,
            sentence=f"The champion's {self.metric or window.primary} is {number(now.value, limit)} on {n_rows:,} "
            f"labelled rows it has not seen (95 % interval {number(now.lower)} to {number(now.upper)}); on "
            f"{seen.where} it was {number(seen.then.value)}. By what is tolerated ({number(self.tolerance)}) and what "
            f"chance may take, the alarm begins at {number(limit, now.value)}.{_strangers(window, seen.rows.y_true)}",
            reason="worse_than_holdout" if seen.worse else None,
            n_rows=n_rows,
            n_windows=seen.n_windows if seen.worse else 1,
        )

    def _with_slices(self, whole: MonitorResult, window: Window, metric: str, spans: Sequence[_Span]) -> MonitorResult:
        """Return the finding on all rows with what is found of each slice; one that is worse is an alarm, too."""
        rules = SliceRules(
            metric, self.tolerance, self.significance / 2, per_slice=self.per_slice, per_class=self.per_class
        )
        judged, small, n_windows = by_slice(window, self.slices, [(span.n_windows, span.rows) for span in spans], rules)
        each = f", {self.per_class:,} of each class," if window.target.class_counts(spans[0].rows.y_true) else ""
        wanted = f"{self.per_slice:,} labelled rows{each} now and on the holdout"
        sentence = whole.sentence + in_words(judged, small, "is worse", wanted=wanted)
        changes: dict[str, object] = {"sentence": sentence, "slices": judged}
        if judged and judged[0].state == "alarm":
            changes["n_windows"] = max(whole.n_windows, n_windows)
            if whole.state == "pass":
                changes |= {name: getattr(judged[0], name) for name in ("state", "observed", "limit")}
                changes["reason"] = "worse_on_a_slice"
        return whole.model_copy(update=changes)

    def _then(self, window: Window, metric: str, rows: WindowAnswers) -> tuple[Bounded | None, str]:
        """Return what the metric was, and on which rows: fresh ones, if they are none of those looked at."""
        gain = window.confirmed
        if gain is not None and gain.n_rows >= self.min_labels and gain.last_day < rows.day.min().astype(object):
            fresh = bounded(gain.value(metric))
            if fresh is not None:
                return fresh, f"the first days after its promotion ({gain.first_day} to {gain.last_day})"
        return bounded(window.evaluation.on_holdout(metric) if window.evaluation else None), "its holdout"

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


class _Span(NamedTuple):
    """The labelled rows of so many of the newest windows."""

    n_windows: int
    rows: WindowAnswers


class _Seen(NamedTuple):
    """What the metric is on some rows, what it was and where, and for how many windows it speaks."""

    now: Bounded
    then: Bounded
    where: str
    limit: float
    worse: bool
    n_windows: int
    rows: WindowAnswers


def _reach(probability: float) -> float:
    return NormalDist().inv_cdf(1 - probability)


def _strangers(window: Window, y_true: np.ndarray) -> str:
    """Return a sentence on the labels of classes that the champion does not know, or nothing."""
    counts = window.target.class_counts(y_true)
    found = [f"'{name}' ({counted(counts[name], 'row')})" for name in window.unknown if counts.get(name)]
    more = f" and {len(found) - 5} more" if len(found) > 5 else ""
    return (
        f" It does not know {', '.join(found[:5])}{more}, of which each row counts as probability 0." if found else ""
    )

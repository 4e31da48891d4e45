"""How good the champion is on rows whose labels are not known yet."""

from __future__ import annotations

from math import hypot
from typing import TYPE_CHECKING, Literal, NamedTuple

from pydantic import Field

from mlsys.monitors.base import Monitor, Window
from mlsys.monitors.density_ratio import DensityRatio, density_ratio, encoded
from mlsys.monitors.holdout import Holdout
from mlsys.monitors.likely_labels import METHODS, MOST_CLASSES, N_ERRORS, Known, Unknown, drawn
from mlsys.monitors.logit_fit import log_odds
from mlsys.records import MetricValue
from mlsys.records.monitoring import MonitorResult
from mlsys.wording import number

if TYPE_CHECKING:
    import numpy as np

_REPLICATES = 100
_Z = 1.959964  # a 95 % interval of a normal distribution
_TRUSTED = 0.5  # of what the estimate moved away from the holdout, so much may be more or less
_MOST_ROWS = 10_000
_MOST_CELLS = 50_000  # rows times labels


class EstimatedMetric(Monitor):
    """Alarms when the champion is likely to be worse than on its holdout by more than `tolerance`, before labels come.

    It knows what a change of the inputs does to the metric where labels still depend on the inputs as they did on the
    holdout. What labels alone would show, it can't see. Where inputs have left what the holdout shows, or the interval
    is wider than `closeness`, it says that it can't know.

    Attributes:
        metric: default the spec's primary metric.
        tolerance: in the metric's unit; being so much worse is no alarm.
        closeness: the estimate is known when its 95 % interval reaches no farther to either side: 0.02, and where
            numbers are predicted a tenth of the holdout's value, by default.
        min_rows: fewer current rows, or labelled rows on the holdout, are inconclusive.
        min_effective: so are fewer rows of the holdout that resemble the current ones, as good as in full.
        max_beyond: so is a larger share of current rows of whose like the holdout has hardly any.
        per_class: so are fewer labelled rows of a class on the holdout.
    """

    kind: Literal["estimated_metric"] = "estimated_metric"
    metric: str | None = None
    tolerance: float = Field(default=0.02, ge=0, allow_inf_nan=False)
    closeness: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    min_rows: int = Field(default=200, ge=1)
    min_effective: int = Field(default=200, ge=1)
    max_beyond: float = Field(default=0.05, ge=0, le=1)
    per_class: int = Field(default=30, ge=1)

    @property
    def estimates(self) -> bool:
        """It estimates."""
        return True

    def look(self, window: Window) -> MonitorResult:
        """Return the metric to be expected on the current rows against its value on the holdout."""
        window, metric = window.newest(self.window), self.metric or window.primary
        name, n_rows = self.over(f"estimated {metric}"), len(window.rows)
        obstacle = self._obstacle(window)
        if obstacle is not None:
            return self.inconclusive(name, *obstacle, n_rows=n_rows)
        assert window.holdout is not None  # else there is an obstacle
        scene = _Scene.of(window, window.holdout)
        obstacle = self._unlike(scene.ratio)
        if obstacle is not None:
            return self.inconclusive(name, *obstacle, n_rows=n_rows)
        found = scene.estimate(window, metric)
        if found is None:
            sentence = f"The champion's {metric} is not defined on labels like those of its holdout."
            return self.inconclusive(name, "undefined_metric", sentence, n_rows=n_rows)
        return self._verdict(found, window, metric, name)

    def _obstacle(self, window: Window) -> tuple[str, str] | None:
        """Return why nothing can be estimated, as a code and a sentence; None: it can."""
        import numpy as np

        held, n_rows = window.holdout, len(window.rows)
        if window.target.predictions not in METHODS or len(window.target.names) > MOST_CLASSES:
            return "task_not_estimated", f"The labels of a {window.target.task} target are not estimated."
        if held is None or min(n_rows, len(held.y_true)) < self.min_rows:
            n_held = 0 if held is None else len(held.y_true)
            return "too_few_rows", (
                f"The champion has not seen {n_rows:,} rows, and its holdout has {n_held:,} with a label: "
                f"{self.min_rows:,} of each are needed."
            )
        counts = window.target.class_counts(held.y_true)
        if counts and (len(counts) < 2 or min(counts.values()) < self.per_class):
            told = ", ".join(f"{n:,} {each}" for each, n in counts.items())
            return "too_few_labels", f"Its holdout has {told}: {self.per_class:,} of each class are needed."
        if not (np.isfinite(window.y_score).all() and np.isfinite(held.y_score).all()):
            return "scores_not_finite", "Some scores are no finite numbers."
        return None

    def _unlike(self, ratio: DensityRatio) -> tuple[str, str] | None:
        if ratio.beyond > self.max_beyond:
            return "beyond_the_holdout", (
                f"Of {ratio.beyond:.1%} of the rows the champion's holdout has hardly any like, "
                f"{self.max_beyond:.1%} may be: how good it is on them can't be known before their labels come."
            )
        if ratio.effective < self.min_effective:
            return "too_few_alike", (
                f"Of the champion's holdout {ratio.effective:,.0f} rows, as good as in full, resemble the current "
                f"ones, {self.min_effective:,} are needed: how good it is can't be known before their labels come."
            )
        return None

    def _verdict(self, found: Estimate, window: Window, metric: str, name: str) -> MonitorResult:
        higher = window.directions[metric] == "higher"
        numbers = not window.target.names and not window.target.two_classes
        closeness = self.closeness or (abs(found.then) / 10 if numbers else 0.02)
        worse = (found.then - found.value) if higher else (found.value - found.then)
        limit = found.then - self.tolerance - found.unsure if higher else found.then + self.tolerance + found.unsure
        alarm, known = worse - found.unsure > self.tolerance, found.upper - found.value <= closeness
        sentence = (
            f"The champion's {metric} is likely to be {number(found.value, found.then)} ({number(found.lower)} to "
            f"{number(found.upper)}) on {len(window.rows):,} rows it has not seen, whose labels count as not known; on "
            f"its holdout it was {number(found.then, found.value)}, and the difference is known to "
            f"{number(found.unsure)}."
        )
        if not (alarm or known):
            sentence += f" It can't be known to {number(closeness)} before the labels come."
        return MonitorResult(
            monitor=self.kind,
            name=name,
            state="alarm" if alarm else "pass" if known else "inconclusive",
            observed=found.value if alarm or known else None,
            limit=limit if alarm or known else None,
            sentence=sentence,
            reason="likely_worse" if alarm else None if known else "not_known_closely",
            n_rows=len(window.rows),
            estimate=MetricValue(
                name=metric, value=found.value, lower=found.lower, upper=found.upper, n=len(window.rows)
            ),
        )


class Estimate(NamedTuple):
    """A metric as it is likely to be, and as it was on the holdout.

    Attributes:
        unsure: how far the distance from `then` may lie to either side: by chance, in 95 % of windows, and because it
            moved at all.
        lower, upper: where the real value is to be expected: that, and the luck of the holdout, which `unsure` leaves
            out, for `then` has it too.
    """

    value: float
    then: float
    unsure: float
    lower: float
    upper: float


class _Scene(NamedTuple):
    """Rows then and now in an order of their own, and how they differ."""

    known: Known
    asked: Unknown
    ratio: DensityRatio

    @classmethod
    def of(cls, window: Window, held: Holdout) -> _Scene:
        import numpy as np

        n_labels = len(window.target.names) or (2 if window.target.two_classes else N_ERRORS)
        most = min(_MOST_ROWS, _MOST_CELLS // n_labels)
        then, now, categories = encoded(held.rows, window.rows, window.texts)
        told, told_now = (
            log_odds(each) if each.ndim == 1 and window.target.two_classes else each
            for each in (held.y_score, window.y_score)
        )
        then, now = np.column_stack([then, told]), np.column_stack([now, told_now])
        categories = np.concatenate([categories, np.zeros(then.shape[1] - categories.size, dtype=bool)])
        first, second = _places(then, held.y_true), _places(now, most=most)
        then, now = then[first], now[second]
        ratio = density_ratio(then, now, categories=categories)
        known = Known(then, held.y_true[first], held.y_score[first], ratio.weights, drawn(first.size, _REPLICATES))
        return cls(known, Unknown(now, window.y_score[second], drawn(second.size, _REPLICATES)), ratio)

    def estimate(self, window: Window, metric: str) -> Estimate | None:
        """Return the metric, now and then under the same draws of the holdout; None where it is not defined."""
        import numpy as np

        assert window.holdout is not None
        weighted = window.holdout.weighted
        likely = METHODS[window.target.predictions](self.known, self.asked)
        of = window.target.predictions.of
        rows = of(likely.labels, self.asked.y_score[likely.rows], threshold=window.threshold)
        now = weighted(metric, rows, likely.weights)
        held = of(self.known.y_true, self.known.y_score, threshold=window.threshold)
        then = weighted(metric, held, self.known.drawn)
        moved = now - then
        if not np.isfinite(moved[0]) or np.isfinite(moved).mean() < 0.9:
            return None
        value, doubt = float(now[0]), _TRUSTED * float(moved[0])
        unsure, around = (hypot(_Z * float(np.nanstd(drawn_again[1:])), doubt) for drawn_again in (moved, now))
        return Estimate(value, float(then[0]), unsure, value - around, value + around)


def _places(table: np.ndarray, *more: np.ndarray, most: int = _MOST_ROWS) -> np.ndarray:
    """Return places of rows in an order of their own, whichever they came in; at most `most` of them, evenly spaced."""
    import numpy as np

    order: np.ndarray = np.lexsort((*more, *table.T))
    if order.size <= most:
        return order
    kept: np.ndarray = order[np.linspace(0, order.size - 1, most).round().astype(int)]
    return kept

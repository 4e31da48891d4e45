"""Whether the champion's own errors have truly risen; a drift that does no harm is none."""

from __future__ import annotations

from datetime import timedelta
from math import log
from typing import TYPE_CHECKING, Literal

from pydantic import Field, field_validator

from mlsys.durations import Duration
from mlsys.metrics.classified import Classified
from mlsys.metrics.predicted import Predicted
from mlsys.metrics.scores import Scored
from mlsys.monitors.base import Monitor, Window, WindowAnswers
from mlsys.monitors.running_risk import STARTS, Daily, Rise, by_day, rise
from mlsys.records.monitoring import MonitorResult
from mlsys.wording import counted, number

if TYPE_CHECKING:
    import numpy as np

_YEAR = timedelta(days=7 * STARTS)
_LEAST = 50  # labelled rows of a day; fewer wait for the next
_CAPPED = 0.99  # share of the holdout's errors of numbers below which one counts in full: one row proves nothing
_CLASSES, _NUMBERS = (Scored, Classified), (Predicted,)


class HarmfulShift(Monitor):
    """Alarms when the champion's loss since some week is truly higher than before it, by more than `tolerance`.

    Before it are its holdout and all days that it has served until then. It may be asked every night: where nothing
    changed, it ever alarms in a year with the chance `significance`. Days are what is counted, so that days that
    differ by themselves are no alarm; a drift of inputs, scores or labels that does no harm is none either.

    Attributes:
        of: `loss`, of classes the squared distance of the probabilities from the truth (Brier), of numbers the
            absolute error; or `mistakes`, the share of rows whose class is said wrongly.
        tolerance: as a share of the loss on the holdout; a rise by so much is no harm.
        significance: probability that it ever alarms in a year in which nothing changed.
        within: how far back days are looked at, in whole days, from 7 to 364.
        min_labels: fewer labelled rows, now or on the holdout, are inconclusive.
    """

    kind: Literal["harmful_shift"] = "harmful_shift"
    of: Literal["loss", "mistakes"] = "loss"
    tolerance: float = Field(default=0.05, ge=0, allow_inf_nan=False)
    significance: float = Field(default=0.01, gt=0, lt=0.5, allow_inf_nan=False)
    within: Duration = _YEAR
    min_labels: int = Field(default=200, ge=1)

    @field_validator("within")
    @classmethod
    def _at_most_a_year(cls, value: timedelta) -> timedelta:
        if not timedelta(days=7) <= value <= _YEAR or value % timedelta(days=1):
            raise ValueError("`within` is whole days, from 7d to 364d: the chance of error is that of a year")
        return value

    @property
    def reach(self) -> timedelta:
        """How far back labels count."""
        return max(self.within, self.window)

    def look(self, window: Window) -> MonitorResult:
        """Return whether the loss has risen since any week that the champion has served."""
        newest = window.newest(self.window)
        rows = window.answered or WindowAnswers(newest.day, newest.y_score, newest.y_true)
        rows = rows.newest(self.reach, window.last_day)
        known = rows.where(window.target.labelled(rows.y_true))
        name, n_rows = f"harmful shift by {self.of}", known.y_true.size
        obstacle = self._obstacle(window, known)
        if obstacle is not None:
            return self.inconclusive(name, *obstacle, n_rows=n_rows)
        then, now = self._daily(window, known)
        found = rise(then, now, tolerance=self.tolerance)
        if found is None:
            sentence = (
                f"The holdout has {counted(then.day.size, 'day')} with {_LEAST} labelled rows, and the champion has "
                f"served {now.day.size:,}: that is too little to know how much days differ."
            )
            return self.inconclusive(name, "too_few_days", sentence, n_rows=n_rows)
        return self._result(name, found, n_rows)

    def _obstacle(self, window: Window, known: WindowAnswers) -> tuple[str, str] | None:
        """Return why nothing can be judged, as a code and a sentence; None: it can."""
        import numpy as np

        made, held = window.target.predictions, window.holdout
        if made not in (_CLASSES if self.of == "mistakes" else (*_CLASSES, *_NUMBERS)):
            return "task_not_judged", f"The {self.of} of a {window.target.task} target is not told row by row."
        n_held = 0 if held is None else held.y_true.size
        if held is None or min(known.y_true.size, n_held) < self.min_labels:
            return (
                "too_few_labels",
                f"{known.y_true.size:,} rows that the champion has not seen have a label, and {n_held:,} of its "
                f"holdout: {self.min_labels:,} of each are needed.",
            )
        n_bad = int((~np.isfinite(known.y_score)).sum() + (~np.isfinite(held.y_score)).sum())
        return ("scores_not_finite", f"{n_bad:,} scores are no finite numbers.") if n_bad else None

    def _daily(self, window: Window, known: WindowAnswers) -> tuple[Daily, Daily]:
        """Return the losses by day, on the holdout and since."""
        import numpy as np

        held = window.holdout
        assert held is not None  # else there is an obstacle
        then = self._losses(window, held.y_true, held.y_score)
        now = self._losses(window, known.y_true, known.y_score)
        if window.target.predictions in _NUMBERS:
            most = np.quantile(then, _CAPPED)
            then, now = np.minimum(then, most), np.minimum(now, most)
        return by_day(then, held.day, least=_LEAST), by_day(now, known.day, least=_LEAST)

    def _losses(self, window: Window, y_true: np.ndarray, y_score: np.ndarray) -> np.ndarray:
        rows = window.target.predictions.of(y_true, y_score, threshold=window.threshold)
        return (rows.said != rows.y_true).astype("float64") if self.of == "mistakes" else rows.loss

    def _result(self, name: str, found: Rise, n_rows: int) -> MonitorResult:
        limit = log(STARTS / self.significance)
        alarm = found.log_evidence >= limit
        rose = "has truly risen" if alarm else "has not been shown to rise"
        return MonitorResult(
            monitor=self.kind,
            name=name,
            state="alarm" if alarm else "pass",
            observed=found.log_evidence,
            limit=limit,
            unit="evidence",
            sentence=f"On {n_rows:,} labelled rows that the champion has not seen, its {self.of} {rose}: since "
            f"{found.since} it is {number(found.after, found.before)}, on its holdout and the days before that it was "
            f"{number(found.before, found.after)}. The evidence for a rise by more than {self.tolerance:.0%} is "
            f"{number(found.log_evidence, limit)}, the alarm begins at {number(limit, found.log_evidence)} (logarithms "
            "of likelihood ratios).",
            reason="risen" if alarm else None,
            n_rows=n_rows,
        )

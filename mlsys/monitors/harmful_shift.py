"""Whether the champion's own errors have truly risen; a drift that does no harm is none."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from math import exp, log
from typing import TYPE_CHECKING, Literal, NamedTuple

from pydantic import Field, field_validator

from mlsys.durations import Duration
from mlsys.metrics.classified import Classified
from mlsys.metrics.predicted import Predicted
from mlsys.metrics.scores import Scored
from mlsys.monitors.base import Monitor, Window, WindowAnswers
from mlsys.monitors.running_risk import STARTS, Daily, Rise, by_day, rise
from mlsys.monitors.sliced_rows import SliceMasks, divisors, in_words, slices_of, worst_first
from mlsys.records.monitoring import MonitorResult, WatchedSlice
from mlsys.wording import counted, number

if TYPE_CHECKING:
    import numpy as np

    from mlsys.monitors.holdout import Holdout

_YEAR = timedelta(days=7 * STARTS)
_LEAST = 50  # labelled rows of a day; fewer wait for the next
_CAPPED = 0.99  # share of the holdout's errors of numbers below which one counts in full: one row proves nothing
_CLASSES, _NUMBERS = (Scored, Classified), (Predicted,)


class HarmfulShift(Monitor):
    """Alarms when the champion's loss since some week is truly higher than before it, by more than `tolerance`.

    Before it are its holdout and all days that it has served until then. It may be asked every night: where nothing
    changed, it ever alarms in a year with the chance `significance`. Days are what is counted, so that days that
    differ by themselves are no alarm; a drift of inputs, scores or labels that does no harm is none either.

    With `slices` half of that chance is for all rows, and half for all slices together: one that is no alarm yet on the
    whole may be one where it hits.

    Attributes:
        of: `loss`, of classes the squared distance of the probabilities from the truth (Brier), of numbers the
            absolute error; or `mistakes`, the share of rows whose class is said wrongly.
        tolerance: as a share of the loss on the holdout; a rise by so much is no harm.
        significance: probability that it ever alarms in a year in which nothing changed, slices and all.
        within: how far back days are looked at, in whole days, from 7 to 364.
        min_labels: fewer labelled rows, now or on the holdout, are inconclusive.
        slices: columns, each of whose values is a slice that is judged by itself, too; models need not see them.
        per_slice: a slice with fewer labelled rows, now or on the holdout, is not judged.
    """

    kind: Literal["harmful_shift"] = "harmful_shift"
    of: Literal["loss", "mistakes"] = "loss"
    tolerance: float = Field(default=0.05, ge=0, allow_inf_nan=False)
    significance: float = Field(default=0.01, gt=0, lt=0.5, allow_inf_nan=False)
    within: Duration = _YEAR
    min_labels: int = Field(default=200, ge=1)
    slices: tuple[str, ...] = Field(default=(), exclude_if=lambda columns: not columns)
    per_slice: int = Field(default=100, ge=1, exclude_if=lambda n: n == 100)

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

    @property
    def reads(self) -> tuple[str, ...]:
        """The columns of its slices."""
        return self.slices

    def look(self, window: Window) -> MonitorResult:
        """Return whether the loss has risen since any week that the champion has served."""
        rows = window.newest(self.window).answers.newest(self.reach, window.last_day)
        known = rows.where(window.target.labelled(rows.y_true))
        name, n_rows = f"harmful shift by {self.of}", known.y_true.size
        obstacle = self._obstacle(window, known)
        if obstacle is not None:
            return self.inconclusive(name, *obstacle, n_rows=n_rows)
        assert window.holdout is not None  # else there is an obstacle
        losses = self._losses(window, window.holdout, known)
        found = losses.rise(self.tolerance)
        if found is None:
            n_then, n_now = losses.n_days
            sentence = (
                f"The holdout has {counted(n_then, 'day')} with {_LEAST} labelled rows, and the champion has "
                f"served {n_now:,}: that is too little to know how much days differ."
            )
            return self.inconclusive(name, "too_few_days", sentence, n_rows=n_rows)
        return self._with_slices(self._result(name, found, n_rows), window.holdout, known, losses)

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

    def _losses(self, window: Window, held: Holdout, known: WindowAnswers) -> _Losses:
        """Return the loss of each row, on the holdout and since."""
        import numpy as np

        then = self._of_rows(window, held.y_true, held.y_score)
        now = self._of_rows(window, known.y_true, known.y_score)
        if window.target.predictions in _NUMBERS:
            most = np.quantile(then, _CAPPED)
            then, now = np.minimum(then, most), np.minimum(now, most)
        return _Losses(then, held.day, now, known.day)

    def _of_rows(self, window: Window, y_true: np.ndarray, y_score: np.ndarray) -> np.ndarray:
        rows = window.target.predictions.of(y_true, y_score, threshold=window.threshold)
        return (rows.said != rows.y_true).astype("float64") if self.of == "mistakes" else rows.loss

    @property
    def _budget(self) -> float:
        """The chance of error that all rows have, and all slices together: half each where there are slices."""
        return self.significance / 2 if self.slices else self.significance

    def _result(self, name: str, found: Rise, n_rows: int) -> MonitorResult:
        limit = log(STARTS / self._budget)
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

    def _with_slices(self, whole: MonitorResult, held: Holdout, known: WindowAnswers, losses: _Losses) -> MonitorResult:
        """Return the finding on all rows with what is found of each slice; one that has risen is an alarm, too."""
        if not self.slices:
            return whole
        slices, small = slices_of(self.slices, known, held, least=self.per_slice)
        judged = self._judged([(each, self._risen(losses, each)) for each in slices])
        wanted = f"{self.per_slice:,} labelled rows now and on the holdout, or of days with {_LEAST}"
        sentence = whole.sentence + in_words(judged, small, "has risen", wanted=wanted)
        changes: dict[str, object] = {"sentence": sentence, "slices": judged}
        if whole.state == "pass" and judged and judged[0].state == "alarm":
            changes |= {name: getattr(judged[0], name) for name in ("state", "observed", "limit")}
            changes["reason"] = "risen_on_a_slice"
        return whole.model_copy(update=changes)

    def _risen(self, losses: _Losses, each: SliceMasks) -> Rise | None:
        """Return the evidence on a slice, or None where it has too few rows or days yet."""
        return losses.where(each).rise(self.tolerance) if each.now.sum() >= self.per_slice else None

    def _judged(self, found: Sequence[tuple[SliceMasks, Rise | None]]) -> tuple[WatchedSlice, ...]:
        """Return each slice, held to its part of the budget; those that say nothing yet keep theirs."""
        chances = [1.0 if risen is None else STARTS * exp(-max(risen.log_evidence, 0.0)) for _, risen in found]
        judged = []
        for (each, risen), divisor in zip(found, divisors(chances, self._budget), strict=True):
            known = WatchedSlice(name=each.name, state="inconclusive", n_rows=int(each.now.sum()))
            if risen is not None:
                limit = log(STARTS * divisor / self._budget)
                seen = {"before": risen.before, "now": risen.after, "observed": risen.log_evidence, "limit": limit}
                known = known.model_copy(update={"state": "alarm" if risen.log_evidence >= limit else "pass", **seen})
            judged.append(known)
        return worst_first(judged, chances)


class _Losses(NamedTuple):
    """The loss of each row and its day, on the holdout and since."""

    then: np.ndarray
    day_then: np.ndarray
    now: np.ndarray
    day_now: np.ndarray

    def where(self, each: SliceMasks) -> _Losses:
        """Return those of a slice."""
        return _Losses(self.then[each.then], self.day_then[each.then], self.now[each.now], self.day_now[each.now])

    def rise(self, tolerance: float) -> Rise | None:
        """Return since when they are likeliest to have risen by more than is tolerated; None with too few days."""
        then, now = self._by_day()
        return rise(then, now, tolerance=tolerance)

    @property
    def n_days(self) -> tuple[int, int]:
        """How many days have rows enough, on the holdout and since."""
        then, now = self._by_day()
        return then.day.size, now.day.size

    def _by_day(self) -> tuple[Daily, Daily]:
        return by_day(self.then, self.day_then, least=_LEAST), by_day(self.now, self.day_now, least=_LEAST)

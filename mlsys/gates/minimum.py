"""An absolute limit on one metric of the challenger."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal, Self

from pydantic import Field, model_validator

from mlsys.gates.base import Evidence, Gate
from mlsys.records import GateResult, MetricValue
from mlsys.wording import number

_BOUND_LEVEL = 0.975  # one-sided, of the worse end of a 95 % interval


class Minimum(Gate):
    """A floor (`at_least`) for a metric where higher is better, a ceiling (`at_most`) where lower is.

    Attributes:
        metric: which metric of the holdout.
        at_least: the floor.
        at_most: the ceiling.
        on: `value` judges the metric on the holdout; `bound` the worse end of its 95 % interval, which is stricter the
            fewer rows there are.
    """

    kind: Literal["minimum"] = "minimum"
    metric: str
    at_least: float | None = Field(default=None, allow_inf_nan=False)
    at_most: float | None = Field(default=None, allow_inf_nan=False)
    on: Literal["value", "bound"] = "value"

    @model_validator(mode="after")
    def _one_limit(self) -> Self:
        if (self.at_least is None) == (self.at_most is None):
            raise ValueError("Give exactly one of `at_least` (higher is better) and `at_most` (lower is better)")
        return self

    def judge(self, evidence: Evidence) -> GateResult:
        """Return whether the challenger keeps the limit on the holdout."""
        if evidence.challenger is None:
            return self.without_challenger(self.required)
        found = evidence.challenger.on_holdout(self.metric)
        if found is None or found.value is None:
            why = "was not computed" if found is None else f"is undefined: {found.reason or 'no reason given'}"
            return self.inconclusive(self.required, "undefined_metric", f"The challenger's {self.metric} {why}.")
        if evidence.directions.get(self.metric) != ("lower" if self.at_least is None else "higher"):
            right = "at_most" if self.at_least is not None else "at_least"
            sentence = f"The limit stands on the wrong side of {self.metric}; write `{right}`."
            return GateResult(gate=self.kind, name=self.required, state="error", sentence=sentence, reason="wrong_side")
        observed = self._observed(found)
        if observed is None:
            why = found.reason or "no reason given"
            return self.inconclusive(
                self.required, "undefined_metric", f"The challenger's {self.metric} has no interval: {why}."
            )
        return self._judged(observed, found)

    def champion_misses(self, evidence: Evidence) -> bool:
        """Whether the champion, on the same holdout rows, fails this limit too."""
        champion = evidence.champion
        return champion is not None and self.judge(replace(evidence, challenger=champion)).state == "fail"

    def is_missed_by(self, found: MetricValue) -> bool:
        """Return whether a value on the holdout lies on the wrong side of the limit; an undefined one does not."""
        observed = self._observed(found)
        return observed is not None and self._distance(observed) < 0

    @property
    def required(self) -> str:
        """The limit in words: `roc_auc at least 0.8`."""
        words = "at most" if self.at_least is None else "at least"
        return f"{self.metric} {words} {number(self._limit)}"

    @property
    def _limit(self) -> float:
        return float(self.at_most if self.at_least is None else self.at_least)  # type: ignore[arg-type]

    def _distance(self, observed: float) -> float:
        return observed - self._limit if self.at_least is not None else self._limit - observed

    def _observed(self, found: MetricValue) -> float | None:
        if self.on == "value":
            return found.value
        return found.upper if self.at_least is None else found.lower

    def _judged(self, observed: float, found: MetricValue) -> GateResult:
        floor = self.at_least is not None
        distance = self._distance(observed)
        what = self.metric if self.on == "value" else f"{self.metric}, at the worse end of its 95 % interval,"
        sentence = (
            f"The challenger's {what} is {number(observed, self._limit)} on {found.n:,} holdout rows; "
            f"{'at least' if floor else 'at most'} {number(self._limit, observed)} is required."
        )
        return GateResult(
            gate=self.kind,
            name=self.required,
            state="pass" if distance >= 0 else "fail",
            observed=observed,
            observed_as=self.metric if self.on == "value" else "worse end of its interval",
            estimate=None if self.on == "value" else found.value,
            estimate_as="" if self.on == "value" else self.metric,
            level=None if self.on == "value" else _BOUND_LEVEL,
            needs=">=" if floor else "<=",
            limit=self._limit,
            distance=distance,
            sentence=sentence,
            reason=None if distance >= 0 else "below_minimum" if floor else "above_maximum",
        )

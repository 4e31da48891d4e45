"""The challenger must beat the champion on the same holdout rows, beyond chance."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from mlsys.gates.base import Evidence, Gate
from mlsys.records import Comparison, GateResult
from mlsys.wording import counted, number, signed


class BetterThanChampion(Gate):
    """Superior, or at least not worse, by the one-sided bound of the paired difference.

    Attributes:
        require: better, or only no worse, beyond chance.
        metric: what is compared; default the spec's primary metric.
        margin: in the metric's unit. `superior` passes when the bound lies above `margin`, `not_worse` when it lies
            above `-margin`.
    """

    kind: Literal["better_than_champion"] = "better_than_champion"
    metric: str | None = None
    margin: float = Field(default=0.0, ge=0, allow_inf_nan=False)
    require: Literal["superior", "not_worse"] = "superior"

    def judge(self, evidence: Evidence) -> GateResult:
        """Return whether the bound of the difference lies beyond the margin."""
        metric = self.metric or evidence.evaluations.primary
        name = f"{'better' if self.require == 'superior' else 'not worse'} than the champion by {metric}"
        if evidence.challenger is None:
            return self.without_challenger(name)
        without = self._without_comparison(evidence, name)
        if without is not None:
            return without
        comparison = evidence.comparisons.get(metric)
        if comparison is None or comparison.difference is None or comparison.lower is None or comparison.upper is None:
            why = "was not computed" if comparison is None else comparison.reason or "is undefined"
            sentence = f"The difference in {metric} to the champion is not known: {why}."
            return self.inconclusive(name, "undefined_metric", sentence)
        found = self._judged(name, comparison, comparison.difference, (comparison.lower, comparison.upper))
        dependence = evidence.evaluations.dependence
        if dependence is None or dependence.unit == "row" or found.reason == "identical":
            return found
        return found.model_copy(update={"sentence": f"{found.sentence} {dependence.sentence}"})

    @property
    def limit(self) -> float:
        """What the lower bound of the difference must lie above."""
        return self.margin if self.require == "superior" else -self.margin

    def _without_comparison(self, evidence: Evidence, name: str) -> GateResult | None:
        state, reason = evidence.evaluations.champion_state, evidence.evaluations.champion_reason or "no reason given"
        if state == "none":
            sentence = "There is no champion yet: the absolute gates decide."
            return GateResult(gate=self.kind, name=name, state="pass", sentence=sentence)
        if state == "not_comparable":
            sentence = f"The champion can't be compared on this snapshot: {reason}."
            return self.inconclusive(name, "champion_not_comparable", sentence)
        if state == "not_asked":
            sentence = "A run about the past is not compared with today's champion."
            return self.inconclusive(name, "not_asked", sentence)
        if state == "error":
            sentence = f"The champion should be scored and can't be: {reason}."
            return GateResult(gate=self.kind, name=name, state="error", sentence=sentence, reason="champion_error")
        return None

    def _judged(self, name: str, comparison: Comparison, difference: float, bounds: tuple[float, float]) -> GateResult:
        lower, upper = bounds
        reason = self._reason(difference, lower, upper)
        return GateResult(
            gate=self.kind,
            name=name,
            state="pass" if reason is None else "fail",
            observed=lower,
            observed_as="its lower bound",
            estimate=difference,
            estimate_as="difference",
            level=comparison.level,
            needs=">",
            unit="difference",
            limit=self.limit,
            distance=lower - self.limit,
            sentence=self._sentence(comparison, difference, lower, reason),
            reason=reason,
        )

    def _reason(self, difference: float, lower: float, upper: float) -> str | None:
        if difference == lower == upper == 0:
            return "identical"
        if lower > self.limit:
            return None
        if upper <= self.limit or difference <= self.limit:
            return "not_better" if self.require == "superior" else "worse"
        return "not_significantly_better" if self.require == "superior" else "not_shown_not_worse"

    def _sentence(self, comparison: Comparison, difference: float, lower: float, reason: str | None) -> str:
        metric, rows = comparison.metric, f"{comparison.n:,} holdout rows"
        if reason == "identical":
            return f"Challenger and champion do exactly alike by {metric} on {rows}: nothing speaks for a change."
        side = "better than" if difference > 0 else "worse than" if difference < 0 else "level with"
        confidence = f"{100 * comparison.level:g} % confidence"
        return (
            f"By {metric} the challenger is {side} the champion on {rows}: difference {signed(difference)}, its lower "
            f"bound {signed(lower, self.limit)} with {confidence}, needed > {number(self.limit, lower)}."
            f"{self._fragility(comparison, passes=reason is None)}"
        )

    def _fragility(self, comparison: Comparison, *, passes: bool) -> str:
        flip = next((flip for flip in comparison.flips if flip.limit == self.limit), None)
        if flip is None or not flip.fragile or flip.n_rows is None:
            return ""
        share = f"{counted(flip.n_rows, 'row')} ({number(round(100 * flip.n_rows / comparison.n, 2))} %)"
        return f" The verdict is fragile: without {share} it would {'not pass' if passes else 'pass'}."

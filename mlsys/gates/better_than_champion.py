"""The challenger must beat the champion on the same holdout rows, beyond chance."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from mlsys.gates.against import without_champion
from mlsys.gates.anchor import against_anchor, anchor_sentence
from mlsys.gates.base import Evidence, Gate
from mlsys.records import AnchorFinding, Comparison, GateResult
from mlsys.wording import counted, number, signed


class BetterThanChampion(Gate):
    """Superior, or at least not worse, by the one-sided bound of the paired difference.

    Attributes:
        require: better, or only no worse, beyond chance.
        metric: what is compared; default the spec's primary metric.
        margin: in the metric's unit. `superior` passes when the bound lies above `margin`, `not_worse` when it lies
            above `-margin`, against the champion and against the best past champion (evaluation/anchor.py).
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
        without = without_champion(self, evidence, name)
        if without is not None:
            return without
        comparison = evidence.comparisons.get(metric)
        if comparison is None or comparison.difference is None or comparison.lower is None or comparison.upper is None:
            why = "was not computed" if comparison is None else comparison.reason or "is undefined"
            sentence = f"The difference in {metric} to the champion is not known: {why}."
            return self.inconclusive(name, "undefined_metric", sentence)
        anchor = evidence.anchor if self.require == "not_worse" else None
        limit = 0.0 if anchor is not None and anchor.state == "unusable" else self.limit
        found = self._judged(name, comparison, comparison.difference, (comparison.lower, comparison.upper), limit)
        if anchor is not None:
            held = against_anchor(anchor, evidence.comparisons, metric, limit=self.limit)
            found = _anchored(found, held, anchor.reason)
        if found.reason == "identical":
            return found
        dependence = evidence.evaluations.dependence
        context = (
            self._fragility(comparison, limit, passes=found.state == "pass"),
            dependence.sentence if dependence is not None and dependence.unit != "row" else "",
            decided_before(evidence.decided_before, comparison.level),
        )
        said = {"context": " ".join(filter(None, context)), "decided_before": evidence.decided_before}
        return found.model_copy(update=said)

    @property
    def limit(self) -> float:
        """What the lower bound of the difference must lie above."""
        return self.margin if self.require == "superior" else -self.margin

    def _judged(
        self, name: str, comparison: Comparison, difference: float, bounds: tuple[float, float], limit: float
    ) -> GateResult:
        lower, upper = bounds
        reason = self._reason(difference, lower, upper, limit)
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
            limit=limit,
            distance=lower - limit,
            sentence=self._sentence(comparison, difference, (lower, limit), reason),
            reason=reason,
        )

    def _reason(self, difference: float, lower: float, upper: float, limit: float) -> str | None:
        if difference == lower == upper == 0:
            return "identical"
        if lower > limit:
            return None
        if upper <= limit or difference <= limit:
            return "not_better" if self.require == "superior" else "worse"
        return "not_significantly_better" if self.require == "superior" else "not_shown_not_worse"

    def _sentence(
        self, comparison: Comparison, difference: float, bound: tuple[float, float], reason: str | None
    ) -> str:
        lower, limit = bound
        metric, rows = comparison.metric, f"{comparison.n:,} holdout rows"
        if reason == "identical":
            return f"Challenger and champion do exactly alike by {metric} on {rows}: nothing speaks for a change."
        side = "better than" if difference > 0 else "worse than" if difference < 0 else "level with"
        confidence = f"{100 * comparison.level:g} % confidence"
        return (
            f"By {metric} the challenger is {side} the champion on {rows}: difference {signed(difference)}, its lower "
            f"bound {signed(lower, limit)} with {confidence}, needed > {number(limit, lower)}."
        )

    def _fragility(self, comparison: Comparison, limit: float, *, passes: bool) -> str:
        flip = next((flip for flip in comparison.flips if flip.limit == limit), None)
        if flip is None or not flip.fragile or flip.n_rows is None:
            return ""
        share = f"{counted(flip.n_rows, 'row')} ({number(round(100 * flip.n_rows / comparison.n, 2))} %)"
        return f"The verdict is fragile: without {share} it would {'not pass' if passes else 'pass'}."


def _anchored(found: GateResult, held: AnchorFinding, reason: str | None) -> GateResult:
    """Return a finding about the champion with what the anchor says; only both together pass."""
    said = {"anchor": held, "sentence": found.sentence + anchor_sentence(held, reason)}
    if found.state != "pass" or held.state == "unusable":
        return found.model_copy(update=said)
    if held.bound is None or held.limit is None:
        return found.model_copy(update=said | {"state": "inconclusive", "reason": "undefined_metric"})
    if held.bound > held.limit:
        return found.model_copy(update=said)
    seen = {"observed": held.bound, "estimate": held.difference, "level": held.level, "limit": held.limit}
    said |= seen | {"observed_as": "its lower bound to the best past champion", "distance": held.bound - held.limit}
    return found.model_copy(update=said | {"state": "fail", "reason": "not_as_good_as_anchor"})


def decided_before(n: int | None, level: float) -> str:
    """Return how often some of the same holdout days have decided before, and what that adds up to; or nothing.

    Tests that see the same rows are positively dependent, so that the chance of one false promotion among them is at
    most that of independent ones (Sidak, JASA 62, 1967).
    """
    if not n:
        return ""
    at_most = 100 * (1 - level ** (n + 1))
    return (
        f"Some of these rows have decided {counted(n, 'time')} before: with this one, the chance that a model which "
        f"is no better passed some time adds up to {at_most:.0f} % at most."
    )

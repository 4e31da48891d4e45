"""Enough logged decisions that agree with the policy's: without them nothing tells what it is worth."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from mlsys.gates.base import Evidence, Gate
from mlsys.records import GateResult
from mlsys.wording import number


class Overlap(Gate):
    """As many effective rows, and such a share of actions that somebody took in their situation; else inconclusive.

    Attributes:
        effective_rows: fewest rows of equal weight that tell as much as those in which policy and history agree.
        logged_share: least share of the policy's actions that were ever logged in the same situation.
    """

    kind: Literal["overlap"] = "overlap"
    needs: ClassVar = ("effective_rows", "logged_share")
    effective_rows: int = Field(default=100, ge=1)
    logged_share: float = Field(default=0.95, gt=0, le=1)

    def judge(self, evidence: Evidence) -> GateResult:
        """Return whether both are reached; the one farthest below its limit is the one shown."""
        name = f"at least {self.effective_rows:,} effective rows, {100 * self.logged_share:g} % of actions logged"
        if evidence.challenger is None:
            return self.without_challenger(name)
        found = {metric: evidence.challenger.on_holdout(metric) for metric in self.needs}
        limits = {"effective_rows": float(self.effective_rows), "logged_share": self.logged_share}
        values = {metric: each.value for metric, each in found.items() if each is not None and each.value is not None}
        for metric in limits:
            if metric not in values:
                each = found[metric]
                why = "was not computed" if each is None else f"is undefined: {each.reason or 'no reason given'}"
                return self.inconclusive(name, "undefined_metric", f"The challenger's {metric} {why}.")
        metric = min(limits, key=lambda each: values[each] / limits[each])
        enough = values[metric] >= limits[metric]
        return GateResult(
            gate=self.kind,
            name=name,
            state="pass" if enough else "inconclusive",
            observed=values[metric],
            observed_as=metric.replace("_", " "),
            needs=">=",
            limit=limits[metric],
            distance=values[metric] - limits[metric],
            sentence=self._sentence(values, enough=enough),
            reason=None if enough else "too_little_overlap",
        )

    def _sentence(self, values: dict[str, float], *, enough: bool) -> str:
        rows, share = number(round(values["effective_rows"])), f"{100 * values['logged_share']:.3g} %"
        verdict = "enough" if enough else "too little"
        return (
            f"The holdout tells of the policy as much as {rows} rows of equal weight would, and {share} of its actions "
            f"were logged in the same situation: {verdict}, {self.effective_rows:,} and "
            f"{100 * self.logged_share:g} % are required."
        )

"""Enough holdout rows to judge at all, counting those that resemble each other as the fewer that they are worth."""

from __future__ import annotations

from math import ceil
from typing import Literal

from pydantic import Field

from mlsys.gates.base import Evidence, Gate
from mlsys.records import EvaluationSet, GateResult

_NAMED = 8  # classes up to which the sentence has a count of each


class MinRows(Gate):
    """At least `rows` holdout rows, and `per_class` of each class; fewer are inconclusive, never a pass or a fail.

    Attributes:
        rows: fewest rows of the holdout; where they depend on each other, as many independent ones must tell as much.
        per_class: fewest of them in each class that has some, where there are classes.
    """

    kind: Literal["min_rows"] = "min_rows"
    rows: int = Field(default=200, ge=1)
    per_class: int = Field(default=30, ge=1)

    def judge(self, evidence: Evidence) -> GateResult:
        """Return whether the holdout is large enough; the count farthest below its limit is the one shown."""
        found = evidence.evaluations
        effective = found.dependence.effective_at_most if found.dependence else found.n_holdout
        counts = [("rows", found.n_holdout, self.rows)]
        counts += [("effective rows", effective, self.rows)] if effective < found.n_holdout else []
        counts += [(f"rows of class '{name}'", n, self.per_class) for name, n in sorted(found.holdout_classes.items())]
        what, observed, limit = min(counts, key=lambda count: count[1] / count[2])
        if len(found.holdout_classes) == 1:
            what, observed, limit = "classes", 1, 2
        named = sorted(found.holdout_classes.items())
        classes = ", ".join(f"{n:,} '{name}'" for name, n in named)
        if len(named) > _NAMED:
            classes = f"{len(named)} classes, the fewest {min(n for _, n in named):,}"
        shown, each = (f" ({classes})", f", {self.per_class:,} per class") if classes else ("", "")
        enough = observed >= limit
        figure = f"{'at most ' if what == 'effective rows' else ''}{observed:,} {what}"
        verdict = "are enough" if enough else f"are too few: {figure}, {limit:,} are required"
        return GateResult(
            gate=self.kind,
            name=f"at least {self.rows:,} holdout rows{each}",
            state="pass" if enough else "inconclusive",
            observed=observed,
            observed_as=what,
            needs=">=",
            limit=limit,
            distance=observed - limit,
            sentence=f"{found.n_holdout:,} holdout rows{shown} {verdict}.{self._needed(found, what)}",
            context=found.dependence.sentence if found.dependence and what == "effective rows" else "",
            reason=None if enough else "too_few_rows",
        )

    def _needed(self, found: EvaluationSet, what: str) -> str:
        """Return what would be enough, where rows depend on each other."""
        known = found.dependence
        if known is None or what != "effective rows":
            return ""
        times = self.rows / known.effective_at_most
        units = {"group": "groups", "day": "days", "block": "blocks of days"}.get(known.unit, "rows")
        return f" About {ceil(times * known.n_units):,} {units} as these would be enough." if times > 1 else ""

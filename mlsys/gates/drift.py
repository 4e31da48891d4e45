"""The newest rows must still look like those that the challenger was trained on."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, ClassVar, Literal

from pydantic import Field, field_validator

from mlsys.durations import Duration, duration_text
from mlsys.gates.measuring import GateMaterial, Measuring, lacking
from mlsys.records import GateResult


class Drift(Measuring):
    """No feature of the newest holdout rows moved away from the training rows, beyond a limit and beyond chance.

    It is the population stability index of the monitor `feature_drift`, of the same bins; by custom less than 0.1 is no
    change and more than 0.25 a major one.

    Attributes:
        limit: of the index.
        window: how many of the newest days, as far as they lie on the holdout.
        ignore: features that move by nature, such as a running number.
        min_rows: fewer rows on either side are inconclusive.
    """

    kind: Literal["drift"] = "drift"
    decisive: ClassVar = ("window", "ignore")
    limit: float = Field(default=0.25, gt=0, allow_inf_nan=False)
    window: Duration = timedelta(days=7)
    ignore: tuple[str, ...] = ()
    min_rows: int = Field(default=200, ge=1)

    @field_validator("window")
    @classmethod
    def _whole_days(cls, value: timedelta) -> timedelta:
        if value < timedelta(days=1) or value % timedelta(days=1):
            raise ValueError("A window is one or more whole days, for example 7d")
        return value

    @property
    def rule(self) -> str:
        """The limit in words."""
        return f"no feature of the newest {duration_text(self.window)} drifted by more than {self.limit:g}"

    @property
    def reads(self) -> tuple[str, ...]:
        """The features that it leaves out, so that a misspelt one is found."""
        return self.ignore

    def measure(self, material: GateMaterial) -> Mapping[str, Any]:
        """Return the features that moved most, each with its index and what that stays below by chance."""
        moved, now, then = material.moved(self.window.days, self.ignore)
        if not moved:
            return lacking("no_features", "There is no feature to look at.")
        moved.sort(key=lambda each: (each.by_chance - each.psi, each.name))
        return {
            "now": now,
            "then": then,
            "n": len(moved),
            "moved": [[each.name, each.psi, each.by_chance] for each in moved],
        }

    def verdict(self, found: Mapping[str, Any]) -> GateResult:
        """Return whether all features stay; the one farthest beyond its limit, or nearest to it, is the one shown."""
        now, then = found["now"], found["then"]
        if min(now, then) < self.min_rows:
            sentence = f"{now:,} newest rows and {then:,} training rows: {self.min_rows:,} of each are needed."
            return self.inconclusive(self.rule, "too_few_rows", sentence)
        parts = [(psi, max(self.limit, chance), name) for name, psi, chance in found["moved"]]
        parts.sort(key=lambda part: (-part[0] / part[1], part[2]))
        psi, limit, worst = parts[0]
        drifted = [f"{name} ({each:.2f})" for each, most, name in parts if each > most]
        named = ", ".join(drifted[:5]) + (f" and {len(drifted) - 5} more" if len(drifted) > 5 else "")
        rows = f"between {then:,} training rows and {now:,} of the newest {duration_text(self.window)}"
        sentence = (
            f"{len(drifted)} of {found['n']} features moved {rows}: {named}."
            if drifted
            else f"None of {found['n']} features moved beyond its limit {rows}; most did {worst}, with an index of "
            f"{psi:.3g} of {limit:.3g}."
        )
        return GateResult(
            gate=self.kind,
            name=self.rule,
            state="fail" if drifted else "pass",
            observed=psi,
            observed_as=f"index of {worst}",
            needs="<=",
            limit=limit,
            distance=limit - psi,
            sentence=sentence,
            reason="drifted" if drifted else None,
        )

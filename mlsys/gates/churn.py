"""How much a new model changes what people and systems see, however good it is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from pydantic import Field

from mlsys.gates.measuring import GateMaterial, Measuring
from mlsys.records import GateResult


class Churn(Measuring):
    """At most such a share of the holdout rows gets another answer than from the champion.

    Of numbers it is the mean absolute change, in standard deviations of the champion's answers.

    Attributes:
        limit: largest share of changed answers, or largest mean change.
    """

    kind: Literal["churn"] = "churn"
    tasks: ClassVar = ("binary", "multiclass", "regression")
    against_champion: ClassVar = True
    limit: float = Field(default=0.1, gt=0, allow_inf_nan=False)

    @property
    def rule(self) -> str:
        """The limit in words."""
        return f"answers changed by at most {self.limit:g}"

    def measure(self, material: GateMaterial) -> Mapping[str, Any]:
        """Return the share of rows with another answer, or how far numbers moved in the mean."""
        import numpy as np

        champion = material.holdout.champion
        if champion is None:
            return {"error": "the champion has no answers"}
        change = champion.changed(material.holdout.challenger)
        # JSON knows no infinity.
        found = {"n": int(champion.said.size), "change": min(change, float(np.finfo("float64").max))}
        return {**found, "spread": float(champion.said.std())} if material.task == "regression" else found

    def verdict(self, found: Mapping[str, Any]) -> GateResult:
        """Return whether it stays within the limit."""
        change, numbers = float(found["change"]), "spread" in found
        within = change <= self.limit
        said = f"{100 * change:.3g} % of {found['n']:,} holdout rows get another answer than from the champion"
        most = f"{100 * self.limit:g} % may"
        if numbers:
            said = (
                f"Answers about {found['n']:,} holdout rows change by {change:.3g} standard deviations of the "
                f"champion's in the mean"
            )
            most = f"{self.limit:g} may be"
        return GateResult(
            gate=self.kind,
            name=self.rule,
            state="pass" if within else "fail",
            observed=change,
            observed_as="mean change in standard deviations" if numbers else "changed answers",
            needs="<=",
            limit=self.limit,
            distance=self.limit - change,
            unit="" if numbers else "share",
            sentence=f"{said}; {most}.",
            reason=None if within else "too_much_churn",
        )

"""A budget for the model file: what has to be shipped, stored for every version, and held in memory."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field

from mlsys.gates.measuring import GateMaterial, Measuring
from mlsys.records import GateResult


class Size(Measuring):
    """The model file has at most so many megabytes (1 MB = 1,000,000 bytes).

    Attributes:
        megabytes: the budget.
    """

    kind: Literal["size"] = "size"
    megabytes: float = Field(default=100.0, gt=0, allow_inf_nan=False)

    @property
    def rule(self) -> str:
        """The limit in words."""
        return f"model file of at most {self.megabytes:g} MB"

    def measure(self, material: GateMaterial) -> Mapping[str, Any]:
        """Return the size of the file."""
        return {"bytes": material.n_bytes}

    def verdict(self, found: Mapping[str, Any]) -> GateResult:
        """Return whether the file keeps the budget."""
        size = found["bytes"] / 1e6
        within = size <= self.megabytes
        return GateResult(
            gate=self.kind,
            name=self.rule,
            state="pass" if within else "fail",
            observed=size,
            observed_as="megabytes",
            needs="<=",
            limit=self.megabytes,
            distance=self.megabytes - size,
            sentence=f"The challenger's model file has {size:,.3g} MB; {self.megabytes:g} MB may be.",
            reason=None if within else "too_large",
        )

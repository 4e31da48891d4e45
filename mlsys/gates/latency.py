"""A budget for the time that an answer takes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal, Self

from pydantic import Field, model_validator

from mlsys.gates.measuring import GateMaterial, Measuring, not_servable
from mlsys.records import GateResult

_BUSY = 1.3  # the clock runs so much ahead of what is its own
_DISTURBED = 1.5  # so much slower others may have made it, by what they left in the caches


class Latency(Measuring):
    """Answers come within budgets, measured in the fresh process that loaded the challenger as a champion is loaded.

    Each budget is held against the median of several rounds. Time in which the process could have run and others had
    the processor does not count: it is no property of the model. What they leave in the caches does slow it down; so
    a budget that is missed by less than half on a busy machine is inconclusive (`machine_busy`), and the next run
    measures again.

    Attributes:
        p50_ms: median of calls with a single row, in milliseconds.
        p99_ms: the 99th percentile of calls with a single row.
        batch_ms: median of calls with 1,000 rows.
    """

    kind: Literal["latency"] = "latency"
    times: ClassVar = True
    p50_ms: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    p99_ms: float | None = Field(default=100.0, gt=0, allow_inf_nan=False)
    batch_ms: float | None = Field(default=None, gt=0, allow_inf_nan=False)

    @model_validator(mode="after")
    def _one_budget(self) -> Self:
        if not self._budgets:
            raise ValueError("Give at least one of `p50_ms`, `p99_ms` and `batch_ms`")
        return self

    @property
    def _budgets(self) -> dict[str, float]:
        found = {"p50": self.p50_ms, "p99": self.p99_ms, "batch": self.batch_ms}
        return {name: budget for name, budget in found.items() if budget is not None}

    @property
    def rule(self) -> str:
        """The budgets in words."""
        words = {"p50": "half of single rows", "p99": "99 % of single rows", "batch": "1,000 rows"}
        said = " and ".join(f"{words[name]} within {budget:g} ms" for name, budget in self._budgets.items())
        return f"answers {said}"

    def measure(self, material: GateMaterial) -> Mapping[str, Any]:
        """Return medians of rounds, on the clock and of its own."""
        found = material.served()
        return {name: found[name] for name in _KEPT if name in found}

    def verdict(self, found: Mapping[str, Any]) -> GateResult:
        """Return whether all budgets are kept; the one that is missed most, or nearest to it, is the one shown."""
        if "refused" in found:
            return not_servable(self, found["refused"])
        clock, own = found["clock_ms"], found["own_ms"]
        name = max(self._budgets, key=lambda each: own[each] / self._budgets[each])
        budget, took = self._budgets[name], own[name]
        what = {"p50": "half of", "p99": "99 % of"}.get(name)
        said = f"{what} {found['n_calls']:,} single rows are answered" if what else "1,000 rows are answered"
        state: Literal["pass", "fail", "inconclusive"] = "pass" if took <= budget else "fail"
        reason, more = (None if took <= budget else "too_slow"), ""
        if clock[name] > _BUSY * took:
            more = f", not counting {clock[name] - took:.3g} ms in which others had the processor"
            if budget < took <= _DISTURBED * budget:
                state, reason = "inconclusive", "machine_busy"
                more += ": too close to tell, and the next run measures again"
        return GateResult(
            gate=self.kind,
            name=self.rule,
            state=state,
            observed=took,
            observed_as="milliseconds",
            needs="<=",
            limit=budget,
            distance=budget - took,
            sentence=f"{said[0].upper()}{said[1:]} within {took:.3g} ms; {budget:g} ms may be{more}.",
            reason=reason,
        )


_KEPT = ("refused", "lacking", "reason", "n_calls", "clock_ms", "own_ms")

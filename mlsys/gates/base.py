"""The contract of a gate: one rule of promotion, judged on evidence, with a finding for people."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from mlsys.components import Component
from mlsys.records import (
    AnchorComparison,
    CheckReport,
    Comparison,
    Evaluation,
    EvaluationSet,
    GateResult,
    Plan,
    Snapshot,
)
from mlsys.records.live import LiveEvidence


@dataclass(frozen=True)
class Evidence:
    """All that a gate may look at.

    Attributes:
        challenger: the best candidate, or None when there is none.
        champion: the champion's evaluation on the same holdout rows, or None (`evaluations.champion_state` says why).
        comparisons: challenger against champion, by metric; empty without a champion.
        directions: `higher` or `lower` is better, by metric.
        measured: what gates measured themselves while rows and models were at hand, by `Measuring.asks`; stored with
            the evaluation, so that a decision can be judged again.
        anchor: the challenger against the best past champion, or None where no gate asks or nobody serves.
        live: what the labels of live requests say of the challenger; None where it was not tried.
        decided_before: how many decisions before this one compared models on some of the same holdout rows; None
            where nobody counts.
    """

    plan: Plan
    snapshot: Snapshot
    checks: CheckReport
    evaluations: EvaluationSet
    challenger: Evaluation | None
    champion: Evaluation | None
    comparisons: Mapping[str, Comparison]
    directions: Mapping[str, str]
    measured: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    anchor: AnchorComparison | None = None
    decided_before: int | None = None
    live: LiveEvidence | None = None


class Gate(Component, ABC):
    """One rule of promotion. It passes, fails, or is inconclusive; only all passes promote.

    Attributes:
        needs: metrics that it looks at, whatever the spec says; a learning task without them has no use for it.
        tasks: learning tasks in which it means something; empty for all.
    """

    needs: ClassVar[tuple[str, ...]] = ()
    tasks: ClassVar[tuple[str, ...]] = ()

    @abstractmethod
    def judge(self, evidence: Evidence) -> GateResult:
        """Return what the gate saw; a missing or undefined metric is never a pass."""

    @property
    def reads(self) -> tuple[str, ...]:
        """Columns of the schema that it looks at, whether models see them or not."""
        return ()

    def champion_misses(self, evidence: Evidence) -> bool:  # noqa: ARG002 - most gates set no limit to a model
        """Whether the model that serves, in the challenger's place, would miss this limit too; False if unknown."""
        return False

    def inconclusive(self, name: str, reason: str, sentence: str) -> GateResult:
        """Return a finding without a verdict: what it takes to judge is missing."""
        return GateResult(gate=self.kind, name=name, state="inconclusive", sentence=sentence, reason=reason)

    def without_challenger(self, name: str) -> GateResult:
        """Return the finding of a run whose candidates all failed or could not be scored."""
        return self.inconclusive(name, "no_challenger", "There is no challenger: no candidate could be chosen.")

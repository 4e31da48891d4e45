"""Gates that need more than metrics: rows, answers, a model file. They measure once, in the step `evaluate`.

What they measured is stored with the evaluation; the step `decide` judges by it alone. So a decision is judged again
from its records, whatever the machine is busy with then, and a spec without such gates pays nothing.
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from mlsys.gates.against import without_champion
from mlsys.gates.base import Evidence, Gate
from mlsys.metrics.predictions import Predictions
from mlsys.records import GateResult
from mlsys.schema import ColumnSpec

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd


@dataclass(frozen=True)
class JudgedRows:
    """Rows of one side with the answers of both models.

    Attributes:
        rows: `(n_rows, n_columns)` raw columns: the spec's features and what gates read; numbers as float64 with NaN,
            others as objects, str or None.
        challenger, champion: truth and answers of these rows; no champion where there is none to compare with.
        group: `(n_rows,)` whole numbers, rows of one group resemble each other; None where rows are independent.
    """

    rows: pd.DataFrame
    challenger: Predictions
    champion: Predictions | None
    group: np.ndarray | None = None


@dataclass(frozen=True)
class Moved:
    """How far a feature moved: its population stability index, and what that stays below by chance."""

    name: str
    psi: float
    by_chance: float


@dataclass(frozen=True)
class GateMaterial:
    """All that a gate may measure on. What costs something is a function, done when it is asked for.

    Attributes:
        task: the learning task.
        columns: the spec's features, with their declared types.
        seed: that of the run.
        holdout: the rows that judge.
        validation: the rows that candidates were chosen on; the champion may have been fitted on them.
        moved: features of the holdout's newest days, as many as asked for, against the training rows, less those to
            ignore; with how many rows there are now and then.
        served: how the challenger does once it is loaded as a champion is, in a fresh process (`evaluation/served.py`).
        n_bytes: size of the challenger's model file.
    """

    task: str
    columns: Mapping[str, ColumnSpec]
    seed: int
    holdout: JudgedRows
    validation: Callable[[], JudgedRows]
    moved: Callable[[int, Sequence[str]], tuple[list[Moved], int, int]]
    served: Callable[[], Mapping[str, Any]]
    n_bytes: int


class Measuring(Gate, ABC):
    """A gate that measures on rows or on the model itself.

    Attributes:
        against_champion: whether it compares; then it passes without a champion.
        decisive: fields that change what is measured; all others are limits, which only judge it.
        times: whether it wants to know how long answers take, of what is `served`.
    """

    against_champion: ClassVar[bool] = False
    decisive: ClassVar[tuple[str, ...]] = ()
    times: ClassVar[bool] = False

    @property
    @abstractmethod
    def rule(self) -> str:
        """What it wants, in a few words: the name of its finding."""

    @abstractmethod
    def measure(self, material: GateMaterial) -> Mapping[str, Any]:
        """Return what is judged, JSON-pure and small; `lacking(...)` where it can't be told."""

    @abstractmethod
    def verdict(self, found: Mapping[str, Any]) -> GateResult:
        """Return the finding on what was measured."""

    @property
    def asks(self) -> str:
        """What it measures, as a key: gates that measure the same share it."""
        chosen = self.model_dump(mode="json", include=set(self.decisive))
        return self.kind + (f" {json.dumps(chosen, sort_keys=True)}" if chosen else "")

    def judge(self, evidence: Evidence) -> GateResult:
        """Return the verdict on what was measured; nothing measured is inconclusive, a broken measurement an error."""
        if evidence.challenger is None:
            return self.without_challenger(self.rule)
        without = without_champion(self, evidence, self.rule) if self.against_champion else None
        if without is not None:
            return without
        found = evidence.measured.get(self.asks)
        if found is None:
            return self.inconclusive(
                self.rule, "not_measured", "What this gate judges by was not measured in this run."
            )
        if "error" in found:
            sentence = f"What this gate judges by could not be measured: {found['error']}."
            return GateResult(
                gate=self.kind, name=self.rule, state="error", sentence=sentence, reason="measuring_failed"
            )
        if "lacking" in found:
            return self.inconclusive(self.rule, found["reason"], found["lacking"])
        return self.verdict(found)


def lacking(reason: str, sentence: str) -> dict[str, str]:
    """Return in place of a measurement why it can't be told: a stable code, and a sentence."""
    return {"lacking": sentence, "reason": reason}


def not_servable(gate: Measuring, why: str) -> GateResult:
    """Return the finding on a challenger that a fresh process can't use."""
    sentence = f"In a fresh process the challenger can't be used: {why}."
    return GateResult(gate=gate.kind, name=gate.rule, state="fail", sentence=sentence, reason="not_servable")

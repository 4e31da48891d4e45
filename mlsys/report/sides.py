"""Challenger and champion side by side: every metric of both on the same holdout rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from mlsys.records import Decision, Evaluation, MetricValue


@dataclass(frozen=True)
class Side:
    """One metric of challenger and champion; None where a model has none, and `champion` where there is no champion."""

    metric: str
    challenger: MetricValue | None
    champion: MetricValue | None


def side_by_side(decision: Decision, details: dict[str, Any]) -> tuple[Side, ...]:
    """Return every metric on the holdout, from the stored details of an evaluation; empty without a challenger."""
    known = {model["model_id"]: model for model in details["evaluations"]}
    challenger, champion = (_holdout(known.get(name or "")) for name in (decision.challenger, decision.champion))
    by_name = {value.name: value for value in champion}
    return tuple(Side(value.name, value, by_name.get(value.name)) for value in challenger)


def _holdout(model: dict[str, Any] | None) -> Sequence[MetricValue]:
    return () if model is None else Evaluation.load(model).holdout

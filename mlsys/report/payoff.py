"""The report card's part on a rare class: the gain of a list's top, what calls cost, and calibration in two numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from mlsys.report import curves
from mlsys.report.models import ConfusionTable, ModelColumn


@dataclass(frozen=True)
class Payoff:
    """Drawings, and the numbers that their captions say.

    Attributes:
        gain: share of the positive rows found in the first rows of a list; None without `metrics.k`.
        n_first: rows of the list, `share` of all.
        cost: cost of a row by the share of rows that are called; None without costs.
        alone: cost of a row when nobody or everybody is called, whichever is less.
        thresholds: (model, its threshold).
    """

    gain: Markup | None
    n_first: int
    share: float
    cost: Markup | None
    alone: float
    false_positive: float
    false_negative: float
    thresholds: tuple[tuple[ModelColumn, float], ...]


def payoff(
    details: Mapping[str, Any], models: Sequence[ModelColumn], matrices: Sequence[ConfusionTable]
) -> Payoff | None:
    """Return what the details of an evaluation hold of it, or None where the spec asks for neither list nor costs."""
    top, costs = details.get("list"), details.get("costs")
    if top is None and costs is None:
        return None
    known = costs or {"alone": 0.0, "false_positive": 0.0, "false_negative": 0.0, "thresholds": {}}
    judged = [model for model in models if model.role in ("challenger", "champion")]
    return Payoff(
        gain=_gain(top, models) if top else None,
        n_first=top["rows"] if top else 0,
        share=top["share"] if top else 0.0,
        cost=_cost(costs, judged, {item.column.model_id: item for item in matrices}) if costs else None,
        alone=known["alone"],
        false_positive=known["false_positive"],
        false_negative=known["false_negative"],
        thresholds=tuple((m, known["thresholds"][m.model_id]) for m in judged if m.model_id in known["thresholds"]),
    )


def _gain(top: Mapping[str, Any], models: Sequence[ModelColumn]) -> Markup | None:
    drawn = [
        curves.Curve(model.label, model.style, top["gains"][model.model_id])
        for model in reversed(models)
        if top["gains"].get(model.model_id)
    ]
    return curves.gain(drawn, top["share"]) if drawn else None


def _cost(
    costs: Mapping[str, Any], judged: Sequence[ModelColumn], matrices: Mapping[str, ConfusionTable]
) -> Markup | None:
    alone, drawn = costs["alone"], []
    for model in reversed(judged):
        points = costs["curves"].get(model.model_id)
        if not points or not alone:
            continue
        # Up to what no model at all would cost; the far end, everybody called, is many times as dear.
        shown = [(called, cost / alone) for called, cost in points if cost <= alone]
        drawn.append(curves.Curve(model.label, model.style, shown, _operating(matrices.get(model.model_id), costs)))
    return curves.cost(drawn) if drawn else None


def _operating(matrix: ConfusionTable | None, costs: Mapping[str, Any]) -> tuple[float, float] | None:
    if matrix is None:
        return None
    n_rows = matrix.tp + matrix.fp + matrix.fn + matrix.tn
    cost = (costs["false_positive"] * matrix.fp + costs["false_negative"] * matrix.fn) / n_rows / costs["alone"]
    return ((matrix.tp + matrix.fp) / n_rows, cost) if cost <= 1 else None

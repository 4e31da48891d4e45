"""What the report card shows of predicted numbers: predictions against truth, how errors spread, where they grow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from mlsys.report.axes import HEIGHT, TOP, Axis, frame, plot
from mlsys.report.models import ModelColumn


@dataclass(frozen=True)
class Tenth:
    """Rows of about one size: the range of their truth, and the errors of each model, in the order of the models.

    Attributes:
        errors: `(mean error, mean absolute error)` of each model.
    """

    low: float
    high: float
    n: int
    errors: tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class Errors:
    """Drawings and figures of challenger and champion.

    Attributes:
        against_truth, spread: the two drawings.
        tenths: of the holdout by rising truth.
    """

    models: tuple[ModelColumn, ...]
    against_truth: Markup
    spread: Markup
    tenths: tuple[Tenth, ...]


def errors(details: Mapping[str, Any], models: Sequence[ModelColumn]) -> Errors | None:
    """Return what the details of an evaluation know of predicted numbers, or None where they know of none."""
    known = details.get("points")
    judged = tuple(m for m in models if m.role in ("challenger", "champion") and m.model_id in (known or {}))
    if not known or not judged:
        return None
    tenths = [details["tenths"][m.model_id] for m in judged]
    return Errors(
        models=judged,
        against_truth=_against_truth(judged, known),
        spread=_spread(judged, details["errors"]),
        tenths=tuple(
            Tenth(low, high, n, tuple((of[i][2], of[i][3]) for of in tenths))
            for i, (low, high, _, _, n) in enumerate(tenths[0])
        ),
    )


def _against_truth(models: Sequence[ModelColumn], points: Mapping[str, Any]) -> Markup:
    values = [value for model in models for point in points[model.model_id] for value in point]
    axis = Axis.around(values)
    dots = Markup().join(
        Markup('<g class="cloud {0}">{1}</g>').format(
            model.style,
            Markup().join(
                Markup('<circle cx="{0}" cy="{1}" r="2.4"/>').format(axis.x(true), axis.y(said))
                for true, said in points[model.model_id]
            ),
        )
        for model in reversed(models)
    )
    right = Markup('<path class="line chance" d="M{0} {1}L{2} {3}"/>').format(
        axis.x(axis.low), axis.y(axis.low), axis.x(axis.high), axis.y(axis.high)
    )
    said = f"Predicted against true numbers of holdout rows, for: {', '.join(m.label for m in models)}."
    grid = frame(axis, axis, ("True", "Predicted"))
    return plot("against-truth", "Predictions against the truth", said, grid + right + dots)


def _spread(models: Sequence[ModelColumn], bins: Mapping[str, Any]) -> Markup:
    shown = {m.style: bins[m.model_id] for m in models}
    across = Axis.around([edge for of in shown.values() for low, high, _ in of for edge in (low, high)] + [0.0])
    up = Axis(0.0, max([n for of in shown.values() for _, _, n in of] or [1]) * 1.05)
    lines = Markup().join(
        Markup('<path class="line {0}" d="{1}"/>').format(style, _outline(of, across, up))
        for style, of in reversed(shown.items())
    )
    zero = Markup('<path class="line chance" d="M{0} {1}V{2}"/>').format(across.x(0.0), TOP, TOP + HEIGHT)
    said = f"How many holdout rows have which error, for: {', '.join(m.label for m in models)}."
    return plot("spread", "Errors", said, frame(across, up, ("Prediction less truth", "Rows")) + zero + lines)


def _outline(bins: Sequence[Sequence[float]], across: Axis, up: Axis) -> str:
    if not bins:
        return ""
    steps = "".join(f"V{up.y(n)}H{across.x(high)}" for _, high, n in bins)
    return f"M{across.x(bins[0][0])} {up.y(0.0)}{steps}V{up.y(0.0)}"

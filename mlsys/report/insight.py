"""What the report card shows of the challenger's inside: what it relies on, its calibration, parts of the holdout."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from mlsys.metrics import METRICS
from mlsys.report import curves, svg
from mlsys.report.models import ModelColumn

_SHOWN = 12


@dataclass(frozen=True)
class Reliance:
    """What the primary metric loses when a column is shuffled, as a bar."""

    column: str
    loss: float
    drawing: Markup


@dataclass(frozen=True)
class Segment:
    """Rows with one value of a column: `values` by model, in the order of `Insight.models`; None is undefined."""

    value: str
    n: int
    positive: float
    values: tuple[float | None, ...]


@dataclass(frozen=True)
class Insight:
    """What the records of an evaluation say of the challenger's inside.

    Attributes:
        title: of the primary metric.
        n_rows: rows of the holdout on which columns were shuffled; `n_columns` of them, the first ones in `relies_on`.
        calibration: the drawing, or None; `bins` are (model, mean score, share of positive rows, rows).
        segments: (column, its segments).
        righted: (what, Brier score, calibration error) before and after calibration; empty of a model without it.
    """

    title: str
    n_rows: int
    n_columns: int
    relies_on: tuple[Reliance, ...]
    models: tuple[ModelColumn, ...]
    calibration: Markup | None
    bins: tuple[tuple[str, float, float, int], ...]
    segments: tuple[tuple[str, tuple[Segment, ...]], ...]
    righted: tuple[tuple[str, float, float], ...] = ()


def insight(details: Mapping[str, Any], models: Sequence[ModelColumn], primary: str) -> Insight | None:
    """Return what the details of an evaluation know of it, or None where they say nothing, as in earlier versions."""
    known = details.get("insight")
    if not known:
        return None
    judged = tuple(m for m in models if m.role in ("challenger", "champion") and m.model_id in known["calibration"])
    shuffled = known["importance"] or {"n_rows": 0, "columns": []}
    drawn = [curves.Curve(m.label, m.style, [b[:2] for b in known["calibration"][m.model_id]]) for m in judged[::-1]]
    return Insight(
        title=METRICS.find(primary).title,
        n_rows=shuffled["n_rows"],
        n_columns=len(shuffled["columns"]),
        relies_on=_relies_on(shuffled["columns"]),
        models=judged,
        calibration=_calibration(details, drawn),
        bins=tuple((m.label, *bin_) for m in judged for bin_ in known["calibration"][m.model_id]),
        segments=tuple((found["column"], _segments(found["rows"], judged)) for found in known["segments"]),
        righted=tuple((f"{when} calibration", v["brier"], v["ece"]) for when, v in known.get("calibrated", {}).items()),
    )


def _calibration(details: Mapping[str, Any], drawn: Sequence[curves.Curve]) -> Markup | None:
    """Return the drawing of scores against what came, or None where answers are no probabilities."""
    came = {"curves": "Share of positive rows", "said_of": "Share right"}
    found = next((came[name] for name in came if name in details), None)
    return curves.calibration(drawn, found) if drawn and found else None


def _relies_on(columns: Sequence[tuple[str, float]]) -> tuple[Reliance, ...]:
    scale = svg.forest_scale([loss for _, loss in columns])
    return tuple(Reliance(name, loss, svg.bar(loss, scale, f"{name} shuffled")) for name, loss in columns[:_SHOWN])


def _segments(rows: Sequence[Mapping[str, Any]], models: Sequence[ModelColumn]) -> tuple[Segment, ...]:
    return tuple(
        Segment(row["value"], row["n"], row["positive"], tuple(row["values"].get(m.model_id) for m in models))
        for row in rows
    )

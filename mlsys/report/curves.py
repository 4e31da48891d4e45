"""ROC and precision-recall curves of a report card, as one inline SVG each.

Models differ by colour (a palette for colour-blind eyes, in the style sheet) and by dash pattern.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from mlsys.report.formats import metric

Points = Sequence[Sequence[float]]

_LEFT, _TOP, _SIDE = 46.0, 10.0, 320.0
_TICKS = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)


@dataclass(frozen=True)
class Curve:
    """One model's line.

    Attributes:
        style: class of the style sheet: colour, width and dash pattern.
        points: (x, y) pairs within 0..1.
        operating: the point at the threshold, drawn as a dot, or None.
    """

    name: str
    style: str
    points: Points
    operating: tuple[float, float] | None = None


def roc(curves: Sequence[Curve]) -> Markup:
    """Draw ROC curves with the diagonal of a coin; the last curve lies on top."""
    lines = Markup().join(_line(curve.style, _straight(curve.points)) for curve in curves)
    chance = _line("chance", f"M{_x(0)} {_y(0)}L{_x(1)} {_y(1)}")
    title, axes = "ROC curves", ("False positive rate", "True positive rate (recall)")
    return _plot("roc", title, axes, chance + lines, curves)


def precision_recall(curves: Sequence[Curve], prevalence: float | None) -> Markup:
    """Draw precision-recall curves as steps, because precision is not linear between two thresholds."""
    lines = Markup().join(_line(curve.style, _steps(curve.points)) for curve in curves)
    chance = _line("chance", f"M{_x(0)} {_y(prevalence)}H{_x(1)}") if prevalence is not None else Markup()
    title, axes = "Precision-recall curves", ("Recall", "Precision")
    return _plot("pr", title, axes, chance + lines, curves)


def calibration(curves: Sequence[Curve], came: str) -> Markup:
    """Draw what came of rows, a share, against the mean score of rows with like scores; the diagonal is right."""
    lines = Markup().join(_line(curve.style, _straight(curve.points)) for curve in curves)
    dots = Markup().join(
        Markup('<circle class="{0}" cx="{1}" cy="{2}" r="3"/>').format(curve.style, _x(x), _y(y))
        for curve in curves
        for x, y in curve.points
    )
    right = _line("chance", f"M{_x(0)} {_y(0)}L{_x(1)} {_y(1)}")
    return _plot("calibration", "Calibration", ("Mean score", came), right + lines + dots, curves)


def gain(curves: Sequence[Curve], share: float) -> Markup:
    """Draw the share of positive rows found in the first rows of a list, and an upright line at the list's end."""
    lines = Markup().join(_line(curve.style, _straight(curve.points)) for curve in curves)
    chance = _line("chance", f"M{_x(0)} {_y(0)}L{_x(1)} {_y(1)}") + _line("chance", f"M{_x(share)} {_y(0)}V{_y(1)}")
    axes = ("Share of the rows, highest scores first", "Share of the positive rows found")
    return _plot("gain", "Gain", axes, chance + lines, curves)


def cost(curves: Sequence[Curve]) -> Markup:
    """Draw the cost of decisions by the share of rows that are called, as a share of what no model would cost."""
    lines = Markup().join(_line(curve.style, _straight(curve.points)) for curve in curves)
    axes = ("Share of the rows called positive", "Cost, as a share of none or all")
    return _plot("cost", "Cost of decisions", axes, lines, curves)


def _plot(key: str, title: str, axes: tuple[str, str], drawing: Markup, curves: Sequence[Curve]) -> Markup:
    names = ", ".join(curve.name for curve in curves) or "no model"
    said = f"{axes[1]} against {axes[0].lower()} on the holdout rows for: {names}."
    dots = Markup().join(
        Markup('<circle class="{0}" cx="{1}" cy="{2}" r="4.5"><title>{3}</title></circle>').format(
            curve.style, _x(curve.operating[0]), _y(curve.operating[1]), _reading(curve, axes)
        )
        for curve in curves
        if curve.operating is not None
    )
    return Markup(
        '<svg class="plot" viewBox="0 0 380 380" role="img" aria-labelledby="{0}-title {0}-desc">'
        '<title id="{0}-title">{1}</title><desc id="{0}-desc">{2}</desc>{3}{4}{5}</svg>'
    ).format(key, title, said, _frame(axes), drawing, dots)


def _reading(curve: Curve, axes: tuple[str, str]) -> str:
    x, y = curve.operating or (0.0, 0.0)
    return f"{curve.name} at the threshold: {axes[0].lower()} {metric(x)}, {axes[1].lower()} {metric(y)}"


def _frame(axes: tuple[str, str]) -> Markup:
    grid = "".join(f"M{_x(t)} {_TOP}V{_TOP + _SIDE}M{_LEFT} {_y(t)}h{_SIDE}" for t in _TICKS)
    labels = Markup().join(
        Markup(
            '<text x="{0}" y="{1}" text-anchor="middle">{2}</text>'
            '<text x="{3}" y="{4}" dy="4" text-anchor="end">{2}</text>'
        ).format(_x(tick), _TOP + _SIDE + 16, f"{tick:g}", _LEFT - 7, _y(tick))
        for tick in _TICKS
    )
    return Markup(
        '<path class="grid" d="{0}"/><g class="ticks">{1}</g>'
        '<text class="axis" x="{2}" y="374" text-anchor="middle">{3}</text>'
        '<text class="axis" transform="translate(13 {4}) rotate(-90)" text-anchor="middle">{5}</text>'
    ).format(grid, labels, _LEFT + _SIDE / 2, axes[0], _TOP + _SIDE / 2, axes[1])


def _line(style: str, path: str) -> Markup:
    return Markup('<path class="line {0}" d="{1}"/>').format(style, path)


def _straight(points: Points) -> str:
    return "".join(f"{'L' if i else 'M'}{_x(x)} {_y(y)}" for i, (x, y) in enumerate(points))


def _steps(points: Points) -> str:
    # The precision of a point holds back to the recall before it; the customary point at recall 0 has no extent.
    ordered = sorted((point for point in points if point[0] > 0), key=lambda point: (point[0], -point[1]))
    start = f"M{_x(0)} {_y(ordered[0][1])}" if ordered else ""
    return start + "".join(f"V{_y(precision)}H{_x(recall)}" for recall, precision in ordered)


def _x(value: float) -> str:
    return f"{_LEFT + value * _SIDE:.1f}".removesuffix(".0")


def _y(value: float) -> str:
    return f"{_TOP + (1 - value) * _SIDE:.1f}".removesuffix(".0")

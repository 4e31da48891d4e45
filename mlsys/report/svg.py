"""The report card's small drawings: inline SVG without scripts, colours taken from the page's style sheet.

Strips (`bullet`, `interval`) stretch to their cell; their strokes do not. Every drawing has a title and a description
for those who can't see it, and tells nothing by colour alone.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from mlsys.records import MetricValue
from mlsys.report.formats import figure, signed

WIDTH = 400.0
_PAD = 4.0


@dataclass(frozen=True)
class Scale:
    """A straight map from `low..high` to `0..WIDTH` less a small margin; what lies outside stands at the border."""

    low: float
    high: float

    def __call__(self, value: float) -> float:
        """Return the x coordinate of a value."""
        part = (min(max(value, self.low), self.high) - self.low) / ((self.high - self.low) or 1.0)
        return round(_PAD + part * (WIDTH - 2 * _PAD), 1)


def nice_step(step: float) -> float:
    """Return the distance of an axis' ticks: the smallest of 1, 2 and 5 times a power of ten not below `step`.

    >>> nice_step(0.034), nice_step(1.2)
    (0.05, 2.0)
    """
    power = math.floor(math.log10(step))
    # With a hair's breadth for what comes from a subtraction: 0.1 that is 0.10000000000000003 is still 0.1.
    return next(round(m * 10.0**power, 12) for m in (1, 2, 5, 10) if m * 10.0**power >= step * (1 - 1e-9))


def decimals_of(step: float) -> int:
    """Return how many decimals the ticks of an axis need."""
    return max(0, -math.floor(math.log10(step)))


def tick(value: float, step: float) -> str:
    """Return the text of an axis' tick, short also where numbers are large.

    >>> tick(0.5, 0.1), tick(45000.0, 5000.0), tick(1_500_000.0, 500_000.0)
    ('0.5', '45k', '1.5M')
    """
    for size, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= (10 * size if letter == "k" else size):
            return f"{figure(value / size)}{letter}"
    return f"{value:,.{decimals_of(step)}f}"


def bullet(
    observed: float | None, limit: float | None, distance: float | None, *, subject: str, what: str = "observed"
) -> Markup:
    """Draw a gate: the limit as a line, the allowed side tinted, the observed value as a dot."""
    if limit is None or observed is None:
        said = f"{subject}: nothing was observed" if limit is not None else f"{subject}: has no numeric limit"
        return _strip(said, Markup('<path class="empty" d="M4 14H396"/>'))
    scale = _scale_of_gate(observed, limit)
    rightward = (distance or 0.0) * (observed - limit) >= 0
    inside = (distance or 0.0) >= 0
    at, edge = scale(observed), scale(limit)
    end = WIDTH - _PAD if rightward else _PAD
    drawing = Markup(
        '<path class="track" d="M4 14H396"/><path class="allowed" d="M{edge} 14H{end}"/>'
        '<path class="gap {side}" d="M{edge} 14H{at}"/><path class="limit" d="M{edge} 3V25"/>'
        '<path class="dot {side}" d="M{at} 14h0"/>'
    ).format(edge=edge, end=end, at=at, side="in" if inside else "out")
    side = "inside" if inside else "outside"
    return _strip(f"{subject}: {what} {figure(observed)}, limit {figure(limit)}, {side} the limit", drawing)


def interval(value: float | None, lower: float | None, upper: float | None, scale: Scale, subject: str) -> Markup:
    """Draw one row of a forest plot: the interval as a bar with caps, its middle as a dot, zero as a line."""
    zero = Markup('<path class="zero" d="M{0} 0V28"/>').format(scale(0.0))
    if value is None:
        return _strip(f"{subject}: undefined", zero)
    low, high = value if lower is None else lower, value if upper is None else upper
    side = "in" if low > 0 else "out" if high < 0 else "open"
    drawing = Markup(
        '<path class="bar {side}" d="M{low} 14H{high}M{low} 9V19M{high} 9V19"/>'
        '<path class="dot {side}" d="M{at} 14h0"/>'
    ).format(side=side, low=scale(low), high=scale(high), at=scale(value))
    said = f"{subject}: {signed(value)}, interval {signed(lower)} to {signed(upper)}; zero is the vertical line"
    return _strip(said, zero + drawing)


def beside(found: MetricValue, mark: float, *, scale: Scale, subject: str) -> Markup:
    """Draw a metric with its interval, and as a line what it is held against; nothing of one that is undefined."""
    if found.value is None:
        return Markup()
    low = found.value if found.lower is None else found.lower
    high = found.value if found.upper is None else found.upper
    drawing = Markup(
        '<path class="zero" d="M{mark} 0V28"/><path class="bar open" d="M{low} 14H{high}M{low} 9V19M{high} 9V19"/>'
        '<path class="dot open" d="M{at} 14h0"/>'
    ).format(mark=scale(mark), low=scale(low), high=scale(high), at=scale(found.value))
    said = f"{subject}: {figure(found.value)}, interval {figure(low)} to {figure(high)}; the line is {figure(mark)}"
    return _strip(said, drawing)


def bar(value: float, scale: Scale, subject: str) -> Markup:
    """Draw a loss as a bar from zero; one to the left of zero is a gain."""
    drawing = Markup('<path class="zero" d="M{0} 0V28"/><path class="loss" d="M{0} 14H{1}"/>').format(
        scale(0.0), scale(value)
    )
    return _strip(f"{subject}: loses {signed(value)}; zero is the vertical line", drawing)


def length(value: float, scale: Scale, subject: str) -> Markup:
    """Draw a size as a bar from the left border."""
    drawing = Markup('<path class="loss" d="M{0} 14H{1}"/>').format(scale(0.0), scale(value))
    return _strip(f"{subject}: {figure(value)}", drawing)


def dots(values: Sequence[float], styles: Sequence[str], middle: float, scale: Scale, subject: str) -> Markup:
    """Draw numbers as dots on a scale, each in its style, with the first one's middle of all rows as a line."""
    drawing = Markup('<path class="zero" d="M{0} 0V28"/>').format(scale(middle))
    for value, style in zip(values, styles, strict=True):
        drawing += Markup('<path class="dot of {0}" d="M{1} 14h0"/>').format(style, scale(value))
    said = ", ".join(figure(value) for value in values)
    return _strip(f"{subject}: {said}; of all rows {figure(middle)}, the vertical line", drawing)


def forest_scale(bounds: list[float]) -> Scale:
    """Return a scale that holds zero and all bounds, with some room on the side where nothing lies."""
    low, high = min([0.0, *bounds]), max([0.0, *bounds])
    reach = max(high, -low) or 0.01
    return Scale(min(low * 1.08, -0.3 * reach), max(high * 1.08, 0.3 * reach))


def shares(parts: list[tuple[str, str, int]]) -> Markup:
    """Draw counts as one stacked bar; a part is (class of the style sheet, name, count)."""
    total = sum(count for *_, count in parts) or 1
    drawing, x = Markup(), 0.0
    for style, _, count in parts:
        width = count / total * WIDTH
        drawing += Markup('<rect class="{0}" x="{1:.1f}" y="4" width="{2:.1f}" height="20"/>').format(style, x, width)
        x += width
    return _strip("; ".join(f"{name}: {count:,} rows" for _, name, count in parts), drawing)


def _scale_of_gate(observed: float, limit: float) -> Scale:
    values = (observed, limit)
    if min(values) >= 0 and max(values) <= 1 and max(values) > 0.2:
        return Scale(0.0, 1.0)
    if min(values) >= 0 and limit > 0:
        return Scale(0.0, max(values) * 1.25)
    reach = abs(observed - limit) * 1.6 or abs(limit) or 1.0
    return Scale(limit - reach, limit + reach)


def _strip(description: str, drawing: Markup) -> Markup:
    return Markup(
        '<svg class="strip" viewBox="0 0 400 28" preserveAspectRatio="none" role="img"><title>{0}</title>{1}</svg>'
    ).format(description, drawing)

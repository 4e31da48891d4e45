"""Frames of drawings whose axes hold any numbers: a grid, round ticks, the names of the axes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from mlsys.report import svg

LEFT, TOP, WIDTH, HEIGHT = 66.0, 10.0, 300.0, 320.0
_MOST_TICKS = 5


@dataclass(frozen=True)
class Axis:
    """A straight map of `low..high` to the frame of a drawing."""

    low: float
    high: float

    @classmethod
    def around(cls, values: Sequence[float]) -> Axis:
        """Return an axis that holds all values, with some room."""
        low, high = min(values), max(values)
        room = (high - low) * 0.04 or abs(high) * 0.1 or 1.0
        return cls(low - room, high + room)

    @property
    def step(self) -> float:
        """The distance of its ticks."""
        return svg.nice_step((self.high - self.low) / _MOST_TICKS)

    @property
    def ticks(self) -> list[float]:
        """The values that are written at it."""
        step = self.step
        first = int(self.low // step) + 1
        return [round(i * step, 12) for i in range(first, int(self.high // step) + 1)]

    def x(self, value: float) -> str:
        """Return where a value stands from left to right."""
        return _short(LEFT + self._part(value) * WIDTH)

    def y(self, value: float) -> str:
        """Return where a value stands from top to bottom; the largest is on top."""
        return _short(TOP + (1 - self._part(value)) * HEIGHT)

    def _part(self, value: float) -> float:
        return (min(max(value, self.low), self.high) - self.low) / (self.high - self.low)


def frame(across: Axis, up: Axis, names: tuple[str, str]) -> Markup:
    """Draw the grid of a plot, its ticks, and the names of its axes."""
    grid = "".join(f"M{across.x(t)} {TOP}v{HEIGHT}" for t in across.ticks)
    grid += "".join(f"M{LEFT} {up.y(t)}h{WIDTH}" for t in up.ticks)
    labels = Markup().join(
        Markup('<text x="{0}" y="{1}" text-anchor="middle">{2}</text>').format(
            across.x(tick), TOP + HEIGHT + 16, svg.tick(tick, across.step)
        )
        for tick in across.ticks
    )
    labels += Markup().join(
        Markup('<text x="{0}" y="{1}" dy="4" text-anchor="end">{2}</text>').format(
            LEFT - 7, up.y(tick), svg.tick(tick, up.step)
        )
        for tick in up.ticks
    )
    return Markup(
        '<path class="grid" d="{0}"/><g class="ticks">{1}</g>'
        '<text class="axis" x="{2}" y="374" text-anchor="middle">{3}</text>'
        '<text class="axis" transform="translate(13 {4}) rotate(-90)" text-anchor="middle">{5}</text>'
    ).format(grid, labels, LEFT + WIDTH / 2, names[0], TOP + HEIGHT / 2, names[1])


def plot(key: str, title: str, said: str, drawing: Markup) -> Markup:
    """Return a plot with its title and a description for those who can't see it; `key` is unique on its page."""
    return Markup(
        '<svg class="plot" viewBox="0 0 380 380" role="img" aria-labelledby="{0}-title {0}-desc">'
        '<title id="{0}-title">{1}</title><desc id="{0}-desc">{2}</desc>{3}</svg>'
    ).format(key, title, said, drawing)


def _short(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")

"""What the report card shows of predicted numbers: predictions against truth, how errors spread, where they grow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from mlsys.report import svg
from mlsys.report.models import ModelColumn

_LEFT, _TOP, _WIDTH, _HEIGHT = 66.0, 10.0, 300.0, 320.0
_MOST_TICKS = 5


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
    axis = _Axis.around(values)
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
    frame = _frame(axis, axis, ("True", "Predicted"))
    return _plot("against-truth", "Predictions against the truth", said, frame + right + dots)


def _spread(models: Sequence[ModelColumn], bins: Mapping[str, Any]) -> Markup:
    shown = {m.style: bins[m.model_id] for m in models}
    across = _Axis.around([edge for of in shown.values() for low, high, _ in of for edge in (low, high)] + [0.0])
    up = _Axis(0.0, max([n for of in shown.values() for _, _, n in of] or [1]) * 1.05)
    lines = Markup().join(
        Markup('<path class="line {0}" d="{1}"/>').format(style, _outline(of, across, up))
        for style, of in reversed(shown.items())
    )
    zero = Markup('<path class="line chance" d="M{0} {1}V{2}"/>').format(across.x(0.0), _TOP, _TOP + _HEIGHT)
    said = f"How many holdout rows have which error, for: {', '.join(m.label for m in models)}."
    return _plot("spread", "Errors", said, _frame(across, up, ("Prediction less truth", "Rows")) + zero + lines)


def _outline(bins: Sequence[Sequence[float]], across: _Axis, up: _Axis) -> str:
    if not bins:
        return ""
    steps = "".join(f"V{up.y(n)}H{across.x(high)}" for _, high, n in bins)
    return f"M{across.x(bins[0][0])} {up.y(0.0)}{steps}V{up.y(0.0)}"


@dataclass(frozen=True)
class _Axis:
    """A straight map of `low..high` to the frame of a drawing."""

    low: float
    high: float

    @classmethod
    def around(cls, values: Sequence[float]) -> _Axis:
        low, high = min(values), max(values)
        room = (high - low) * 0.04 or abs(high) * 0.1 or 1.0
        return cls(low - room, high + room)

    @property
    def step(self) -> float:
        return svg.nice_step((self.high - self.low) / _MOST_TICKS)

    @property
    def ticks(self) -> list[float]:
        step = self.step
        first = int(self.low // step) + 1
        return [round(i * step, 12) for i in range(first, int(self.high // step) + 1)]

    def x(self, value: float) -> str:
        return _short(_LEFT + self._part(value) * _WIDTH)

    def y(self, value: float) -> str:
        return _short(_TOP + (1 - self._part(value)) * _HEIGHT)

    def _part(self, value: float) -> float:
        return (min(max(value, self.low), self.high) - self.low) / (self.high - self.low)


def _frame(across: _Axis, up: _Axis, names: tuple[str, str]) -> Markup:
    grid = "".join(f"M{across.x(t)} {_TOP}v{_HEIGHT}" for t in across.ticks)
    grid += "".join(f"M{_LEFT} {up.y(t)}h{_WIDTH}" for t in up.ticks)
    labels = Markup().join(
        Markup('<text x="{0}" y="{1}" text-anchor="middle">{2}</text>').format(
            across.x(tick), _TOP + _HEIGHT + 16, svg.tick(tick, across.step)
        )
        for tick in across.ticks
    )
    labels += Markup().join(
        Markup('<text x="{0}" y="{1}" dy="4" text-anchor="end">{2}</text>').format(
            _LEFT - 7, up.y(tick), svg.tick(tick, up.step)
        )
        for tick in up.ticks
    )
    return Markup(
        '<path class="grid" d="{0}"/><g class="ticks">{1}</g>'
        '<text class="axis" x="{2}" y="374" text-anchor="middle">{3}</text>'
        '<text class="axis" transform="translate(13 {4}) rotate(-90)" text-anchor="middle">{5}</text>'
    ).format(grid, labels, _LEFT + _WIDTH / 2, names[0], _TOP + _HEIGHT / 2, names[1])


def _plot(key: str, title: str, said: str, drawing: Markup) -> Markup:
    return Markup(
        '<svg class="plot" viewBox="0 0 380 380" role="img" aria-labelledby="{0}-title {0}-desc">'
        '<title id="{0}-title">{1}</title><desc id="{0}-desc">{2}</desc>{3}</svg>'
    ).format(key, title, said, drawing)


def _short(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")

"""Drawings of partial dependence: a curve over numbers above the rows that there are, a dot for each category."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from markupsafe import Markup

from mlsys.report import svg
from mlsys.report.formats import figure

_LEFT, _TOP, _WIDTH, _HEIGHT, _ROOM = 58.0, 10.0, 272.0, 140.0, 34.0  # the rows stand in the room below
_MISSING = 355.0  # where the dot of missing values stands
_LINES = 6
_MOST_TICKS = 4


@dataclass(frozen=True)
class Series:
    """What is drawn of one output: its class, and the style of its line; of one output alone the name is empty."""

    place: int
    name: str
    style: str


@dataclass(frozen=True)
class Category:
    """A value of a column, how many rows have it, and what is said of it: one number for each series."""

    value: str
    n: int
    answers: tuple[float, ...]
    drawing: Markup


@dataclass(frozen=True)
class ColumnCurve:
    """One column: a drawing over numbers with its `points`, or its `categories`, with `n_more` that are not asked."""

    column: str
    drawing: Markup | None
    points: tuple[tuple[str, tuple[float, ...]], ...]
    categories: tuple[Category, ...]
    n_more: int


@dataclass(frozen=True)
class Dependence:
    """The curves of the columns that matter most, all on one scale; `n_rows` were asked."""

    n_rows: int
    series: tuple[Series, ...]
    curves: tuple[ColumnCurve, ...]


def drawn(known: Mapping[str, Any]) -> Dependence:
    """Return the drawings; of many classes those whose answers change most."""
    columns = known["columns"]
    series = _series(columns, known["classes"])
    there = [answers[s.place] for column in columns for answers in column["answers"] for s in series]
    low, high = min(there), max(there)
    room = (high - low) * 0.06 or abs(high) * 0.1 or 1.0
    scale = (low - room, high + room)
    return Dependence(
        known["n_rows"], series, tuple(_curve(column, series, known["mean"], scale) for column in columns)
    )


def _series(columns: Sequence[Mapping[str, Any]], classes: Sequence[str]) -> tuple[Series, ...]:
    if not classes:
        return (Series(0, "", "m-challenger"),)

    def reach(place: int) -> float:
        spans = [[float(answers[place]) for answers in column["answers"]] for column in columns]
        return max(max(span) - min(span) for span in spans)

    chosen = sorted(sorted(range(len(classes)), key=lambda place: (-reach(place), place))[:_LINES])
    return tuple(Series(place, classes[place], f"m-{i}") for i, place in enumerate(chosen, 1))


def _curve(
    column: Mapping[str, Any], series: Sequence[Series], mean: Sequence[float], scale: tuple[float, float]
) -> ColumnCurve:
    said = [tuple(answers[s.place] for s in series) for answers in column["answers"]]
    values = ["missing" if value is None else _text(value) for value in column["values"]]
    if column["numbers"]:
        points = tuple(zip(values, said, strict=True))
        return ColumnCurve(column["column"], _over_numbers(column, series, said, scale), points, (), 0)
    counts = [*column["counts"], *([column["n_missing"]] if column["n_missing"] else [])]
    strip = svg.Scale(*scale)
    categories = tuple(
        Category(value, n, of, svg.dots(of, [s.style for s in series], mean[series[0].place], strip, value))
        for value, n, of in zip(values, counts, said, strict=True)
    )
    return ColumnCurve(column["column"], None, (), categories, column["n_more"])


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else figure(value)


def _over_numbers(
    column: Mapping[str, Any], series: Sequence[Series], said: Sequence[Sequence[float]], scale: tuple[float, float]
) -> Markup:
    known = [(float(value), of) for value, of in zip(column["values"], said, strict=True) if value is not None]
    low, high = known[0][0], known[-1][0]

    def x(value: float) -> str:
        return _short(_LEFT + (value - low) / ((high - low) or 1.0) * _WIDTH)

    def y(value: float) -> str:
        return _short(_TOP + (scale[1] - value) / (scale[1] - scale[0]) * _HEIGHT)

    lines = Markup()
    for i, one in enumerate(series):
        steps = "L".join(f"{x(value)} {y(of[i])}" for value, of in known)
        lines += Markup('<path class="line {0}" d="M{1}"/>').format(one.style, steps)
        if column["values"][-1] is None:
            at = Markup('<circle cx="{0}" cy="{1}" r="4"/>').format(_MISSING, y(said[-1][i]))
            lines += Markup('<g class="cloud {0}">{1}</g>').format(one.style, at)
    name = column["column"]
    told = "; ".join(f"{figure(value)}: {', '.join(figure(v) for v in of)}" for value, of in known)
    frame = _frame((low, high, x), (*scale, y), missing=column["values"][-1] is None)
    return Markup(
        '<svg class="plot dependence" viewBox="0 0 380 222" role="img"><title>Answers by {0}</title><desc>{1}</desc>'
        "{2}{3}{4}</svg>"
    ).format(name, told, frame, _rows(column["density"]), lines)


def _frame(across: tuple[float, float, Any], up: tuple[float, float, Any], *, missing: bool) -> Markup:
    drawing, bottom = Markup(), _TOP + _HEIGHT + _ROOM
    low, high, y = up
    step = svg.nice_step((high - low) / _MOST_TICKS)
    grid = "".join(f"M{_LEFT} {y(tick)}h{_WIDTH}" for tick in _ticks(low, high, step))
    for tick in _ticks(low, high, step):
        drawing += Markup('<text x="{0}" y="{1}" dy="4" text-anchor="end">{2}</text>').format(
            _LEFT - 7, y(tick), svg.tick(tick, step)
        )
    low, high, x = across
    step = svg.nice_step((high - low or 1.0) / _MOST_TICKS)
    for tick in _ticks(low, high, step):
        drawing += Markup('<text x="{0}" y="{1}" text-anchor="middle">{2}</text>').format(
            x(tick), bottom + 16, svg.tick(tick, step)
        )
    if missing:
        drawing += Markup('<text x="{0}" y="{1}" text-anchor="middle">missing</text>').format(_MISSING, bottom + 16)
    return Markup('<path class="grid" d="{0}M{1} {2}h{3}"/><g class="ticks">{4}</g>').format(
        grid, _LEFT, bottom, _WIDTH, drawing
    )


def _ticks(low: float, high: float, step: float) -> list[float]:
    first = -int(-low // step)
    return [round(i * step, 12) for i in range(first, int(high // step) + 1)]


def _rows(density: Sequence[int]) -> Markup:
    """Draw how many rows lie where, as steps at the bottom."""
    most, bottom = max(density) or 1, _TOP + _HEIGHT + _ROOM
    edges = [_LEFT + _WIDTH * i / len(density) for i in range(len(density) + 1)]
    steps = "".join(
        f"V{_short(bottom - n / most * (_ROOM - 8))}H{_short(end)}"
        for n, (_, end) in zip(density, pairwise(edges), strict=True)
    )
    return Markup('<path class="density" d="M{0} {1}{2}V{1}Z"/>').format(_LEFT, bottom, steps)


def _short(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")

"""The chart of a walk-forward report: the primary metric by day, one line for each way to retrain, as inline SVG."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from markupsafe import Markup

from mlsys.backfill.records import Change, SimulatedModel, StrategyResult
from mlsys.backfill.strategies import GATED, NEVER, RECALIBRATED
from mlsys.report.formats import metric
from mlsys.report.svg import nice_step, tick

WIDTH, HEIGHT = 880.0, 340.0
_LEFT, _RIGHT, _TOP, _BOTTOM = 46.0, 24.0, 26.0, 44.0
_DATES = 8
_LEVELS = 5
_MANY_DAYS = 90  # with more, lines drawn through single days hide each other
_AROUND = timedelta(days=3)  # a week: whatever weekdays do by themselves is levelled
_LONGEST_STEP = timedelta(days=7)  # a longer pause between two points breaks the line


@dataclass(frozen=True)
class _Axes:
    first: date
    last: date
    low: float
    high: float
    step: float

    def x(self, day: date) -> str:
        span = (self.last - self.first).days or 1
        return _text(_LEFT + (day - self.first).days / span * (WIDTH - _LEFT - _RIGHT))

    def y(self, value: float) -> str:
        part = (value - self.low) / (self.high - self.low)
        return _text(HEIGHT - _BOTTOM - part * (HEIGHT - _TOP - _BOTTOM))


def is_levelled(strategies: Sequence[StrategyResult]) -> bool:
    """Whether lines are drawn through means of seven days, as there are too many days for each to be told apart."""
    return len({day for strategy in strategies for day, _ in _daily(strategy)}) > _MANY_DAYS


def drawn(strategies: Sequence[StrategyResult]) -> list[StrategyResult]:
    """Return the strategies that have a line of their own: a recalibrated model that ranks alike lies on the first one.

    By a metric of the ranking it does so on every day.
    """
    values = {strategy.name: dict(_daily(strategy)) for strategy in strategies}
    hidden = RECALIBRATED in values and NEVER in values and _alike(values[RECALIBRATED], values[NEVER])
    return [s for s in strategies if s.daily and not (hidden and s.name == RECALIBRATED)]


def _alike(one: Mapping[date, float], other: Mapping[date, float]) -> bool:
    return one.keys() == other.keys() and all(math.isclose(one[day], other[day], abs_tol=1e-4) for day in one)


def chart(
    strategies: Sequence[StrategyResult],
    change: Change | None,
    title: str,
    *,
    subject: str = GATED,
    kept_out: Sequence[SimulatedModel] = (),
) -> Markup | None:
    """Draw the strategies' daily values; None when no day has a value.

    The two that the text speaks of lie on top, drawn stronger: never retraining and `subject`. Triangles mark the days
    of `kept_out`, on which the gates kept a better model out for a limit that the one in service misses too.
    """
    levelled = is_levelled(strategies)
    strategies = drawn(strategies)
    points = {s.name: _levelled(s) if levelled else _daily(s) for s in strategies}
    days = [day for line in points.values() for day, _ in line]
    if not days:
        return None
    axes = _axes(days, [value for line in points.values() for _, value in line])
    said_of = (NEVER, subject)
    others = Markup().join(_line(s.name, points[s.name], axes) for s in strategies if s.name not in said_of)
    strong = Markup().join(_line(name, points[name], axes) for name in dict.fromkeys(said_of) if name in points)
    lines = others + Markup('<g class="said">{0}</g>').format(strong)
    dots = Markup().join(_dots(s, dict(points[s.name]), axes) for s in strategies)
    titles = [s.title for s in strategies if points[s.name]]
    mean = "Mean of seven days of the " if levelled else ""
    said = f"{mean}{title} of the model that serves, {axes.first} to {axes.last}, for: {', '.join(titles)}."
    fell = f" {change.sentence}." if change else ""
    return Markup(
        '<svg class="plot days" viewBox="0 0 {0:g} {1:g}" role="img" aria-labelledby="days-title days-desc">'
        '<title id="days-title">{2} by day</title><desc id="days-desc">{3}{4}</desc>{5}{6}{7}{8}{9}</svg>'
    ).format(
        WIDTH, HEIGHT, title, said, fell, _frame(axes, title), _mark(change, axes), lines, dots, _kept(kept_out, axes)
    )


def _daily(strategy: StrategyResult) -> list[tuple[date, float]]:
    return [(daily.day, daily.value.value) for daily in strategy.daily if daily.value.value is not None]


def _levelled(strategy: StrategyResult) -> list[tuple[date, float]]:
    """Return for each day with a value the mean of the days around it, each with the weight of its rows."""
    known = [daily for daily in strategy.daily if daily.value.value is not None]
    found = []
    for place, daily in enumerate(known):
        beside = known[max(0, place - _AROUND.days) : place + _AROUND.days + 1]
        near = [(other.value.value or 0.0, other.value.n) for other in beside if abs(other.day - daily.day) <= _AROUND]
        weight = math.fsum(n for _, n in near)
        found.append((daily.day, math.fsum(value * n for value, n in near) / weight))
    return found


def _axes(days: Sequence[date], values: Sequence[float]) -> _Axes:
    low, high = min(values), max(values)
    step = nice_step((high - low or 0.01) / _LEVELS)
    return _Axes(min(days), max(days), math.floor(low / step) * step, math.ceil(high / step + 1e-9) * step, step)


def _frame(axes: _Axes, title: str) -> Markup:
    n_levels = round((axes.high - axes.low) / axes.step)
    levels = [axes.low + i * axes.step for i in range(n_levels + 1)]
    grid = "".join(f"M{_text(_LEFT)} {axes.y(level)}H{_text(WIDTH - _RIGHT)}" for level in levels)
    values = Markup().join(
        Markup('<text x="{0}" y="{1}" dy="4" text-anchor="end">{2}</text>').format(
            _text(_LEFT - 7), axes.y(level), tick(level, axes.step)
        )
        for level in levels
    )
    every = max(1, math.ceil(((axes.last - axes.first).days + 1) / _DATES))
    dates = [axes.first + timedelta(days=n) for n in range(0, (axes.last - axes.first).days + 1, every)]
    names = Markup().join(
        Markup('<text x="{0}" y="{1:g}" text-anchor="middle">{2}</text>').format(
            axes.x(day), HEIGHT - _BOTTOM + 18, f"{day:%m-%d}"
        )
        for day in dates
    )
    return Markup(
        '<path class="grid" d="{0}"/><g class="ticks">{1}{2}</g>'
        '<text class="axis" x="{3}" y="{4:g}">{5}</text>'
        '<text class="axis" x="{6:g}" y="{7:g}" text-anchor="middle">{8}</text>'
    ).format(
        grid,
        values,
        names,
        _text(_LEFT),
        12,
        title,
        _LEFT + (WIDTH - _LEFT - _RIGHT) / 2,
        HEIGHT - 6,
        f"day, {axes.first:%Y}" if axes.first.year == axes.last.year else f"day, {axes.first:%Y} to {axes.last:%Y}",
    )


def _mark(change: Change | None, axes: _Axes) -> Markup:
    if change is None or change.day is None:
        return Markup()
    x = axes.x(change.day)
    right = (change.day - axes.first).days * 2 > (axes.last - axes.first).days
    return Markup(
        '<path class="change" d="M{0} {1}V{2}"/><text class="change" x="{0}" y="12" dx="{3}" text-anchor="{4}">'
        "{5}: change</text>"
    ).format(x, _text(_TOP - 8), _text(HEIGHT - _BOTTOM), -5 if right else 5, "end" if right else "start", change.day)


def _line(name: str, points: Sequence[tuple[date, float]], axes: _Axes) -> Markup:
    path, before = "", None
    for day, value in points:
        joined = before is not None and day - before <= _LONGEST_STEP
        path += f"{'L' if joined else 'M'}{axes.x(day)} {axes.y(value)}"
        before = day
    return Markup('<path class="line w-{0}" d="{1}"/>').format(name, path) if path else Markup()


def _kept(models: Sequence[SimulatedModel], axes: _Axes) -> Markup:
    base = HEIGHT - _BOTTOM
    return Markup().join(
        Markup('<path class="kept" d="M{0} {1}l-5 9h10z"><title>{2}</title></path>').format(
            axes.x(model.day),
            _text(base - 9),
            f"{model.day}: a better model was rejected for {', '.join(model.verdict.kept_out_by)}, which the one in "
            "service misses too",
        )
        for model in models
        if axes.first <= model.day <= axes.last
    )


def _dots(strategy: StrategyResult, heights: Mapping[date, float], axes: _Axes) -> Markup:
    """Draw a dot on the line where a new model begins to serve; where that is every day, the line says it."""
    found, before = [], None
    for daily in strategy.daily:
        if daily.model_day != before and daily.value.value is not None:
            found.append((daily, daily.value.value))
        before = daily.model_day
    if len(found) == len(strategy.daily) > 1:
        return Markup()
    what = "line" if strategy.name == RECALIBRATED else "model"
    return Markup().join(
        Markup('<circle class="w-{0}" cx="{1}" cy="{2}" r="4"><title>{3}</title></circle>').format(
            strategy.name,
            axes.x(daily.day),
            axes.y(heights[daily.day]),
            f"{strategy.title}: from {daily.day} the {what} of {daily.model_day} serves, {metric(value)} on that day",
        )
        for daily, value in found
    )


def _text(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")

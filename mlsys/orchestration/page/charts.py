"""The drawings of the Models page: inline SVG without scripts, colours from the page's style sheet.

A sparkline has a fixed size. Chart and timeline take the width they get: positions are percentages, so that text and
strokes keep their size on a phone. Each drawing says in words what it shows, and nothing is told by colour alone.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import pairwise

from markupsafe import Markup

from mlsys.orchestration.page.overview import Judged, Term
from mlsys.records import MetricValue
from mlsys.report.formats import metric
from mlsys.report.svg import decimals_of, nice_step
from mlsys.wording import counted

_SPARK = (96.0, 32.0)
_TICKS = 5
_SIDE_BY_SIDE = 0.8  # of the width of a day, for its decisions
_LABEL_GAP = 17.0  # per cent between two version labels


@dataclass(frozen=True)
class _Axis:
    """Maps `low..high` to `0..100` per cent."""

    low: float
    high: float

    def __call__(self, value: float) -> float:
        if self.high <= self.low:
            return 50.0
        return round(100 * (value - self.low) / (self.high - self.low), 2)


def sparkline(judged: Sequence[Judged], title: str) -> Markup:
    """Draw the challengers' metric by day of data, promotions as dots."""
    points = [(each, each.metric.value) for each in judged if each.metric is not None and each.metric.value is not None]
    if not points:
        return Markup()
    places = _places([each for each, _ in points])
    upward = _Axis(min(value for _, value in points), max(value for _, value in points))
    width, height = _SPARK
    placed = [
        (each, round(4 + place * (width - 8) / 100, 1), _y(upward(value), height))
        for (each, value), place in zip(points, places, strict=True)
    ]
    line = Markup('<path class="line" d="M{}"/>').format(Markup("L").join(f"{x} {y}" for _, x, y in placed))
    promoted = [(x, y) for each, x, y in placed if each.version]
    dots = (Markup('<circle class="promoted" cx="{}" cy="{}" r="3.5"/>').format(x, y) for x, y in promoted)
    said = (
        f"{title} of the last {counted(len(points), 'challenger')}, {points[0][0].day} to {points[-1][0].day}: "
        f"from {metric(points[0][1])} to {metric(points[-1][1])}; {len(promoted)} promoted"
    )
    return Markup(
        '<svg class="spark" width="{}" height="{}" viewBox="0 0 {} {}" role="img"><title>{}</title>{}{}</svg>'
    ).format(int(width), int(height), int(width), int(height), said, line, Markup().join(dots))


def chart(judged: Sequence[Judged], title: str) -> Markup:
    """Draw the primary metric by day of data: challengers with their intervals, the champion, promotions as flags."""
    shown = [each for each in judged if each.metric is not None and each.metric.value is not None]
    if not shown:
        return Markup()
    places = _places(shown)
    upward = _range(value for each in shown for value in (each.metric, each.champion_metric) if value is not None)
    parts = [_grid(upward), _champion_line(shown, places, upward), _flags(shown, places)]
    parts += [_point(each, place, upward) for each, place in zip(shown, places, strict=True)]
    runs = counted(len(shown), "run")
    said = f"{title} on the holdout rows of {runs}, by day of data; the table of decisions has the numbers"
    return Markup('<svg class="chart" role="img"><title>{}</title>{}</svg>').format(said, Markup().join(parts))


def timeline(terms: Sequence[Term], now: datetime) -> Markup:
    """Draw who served when, from the first champion until now."""
    if not terms:
        return Markup()
    axis = _Axis(terms[0].since.timestamp(), now.timestamp())
    bars = []
    for place, term in enumerate(terms):
        begin, end = axis(term.since.timestamp()), axis((term.until or now).timestamp())
        version, wide = term.change.version, end - begin > _LABEL_GAP
        label = Markup('<text x="{}%" y="21">{}</text>').format(round((begin + end) / 2, 2), version) if wide else ""
        until = f"to {term.until:%Y-%m-%d %H:%M} UTC" if term.until else "until now"
        bars.append(
            Markup(
                '<g class="term{}{}"><title>{}</title><rect x="{}%" y="2" width="{}%" height="28" rx="3"/>{}</g>'
            ).format(
                " odd" if place % 2 else "",
                " now" if term.until is None else "",
                f"{version} from {term.since:%Y-%m-%d %H:%M} UTC {until}",
                begin,
                max(round(end - begin, 2), 0.4),
                label,
            )
        )
    said = f"Who served since {terms[0].since:%Y-%m-%d}; the table of terms says the same"
    return Markup('<svg class="timeline" height="32" role="img"><title>{}</title>{}</svg>').format(
        said, Markup().join(bars)
    )


def _places(judged: Sequence[Judged]) -> list[float]:
    """Return where each decision stands by its day of data, 0 to 100; those of one day stand side by side."""
    of_day, seen = Counter(each.day for each in judged), Counter[date]()
    at = []
    for each in judged:
        at.append(each.day.toordinal() + _SIDE_BY_SIDE * seen[each.day] / of_day[each.day])
        seen[each.day] += 1
    axis = _Axis(min(at), max(at))
    return [axis(place) for place in at]


def _range(values: Iterable[MetricValue]) -> _Axis:
    known = [n for each in values for n in (each.value, each.lower, each.upper) if n is not None]
    low, high = min(known), max(known)
    room = (high - low) * 0.06 or abs(high) * 0.05 or 0.05
    return _Axis(low - room, high + room)


def _y(percent: float, height: float) -> float:
    return round(height - 4 - percent * (height - 8) / 100, 1)


def _down(percent: float) -> float:
    return round(100 - percent, 2)


def _grid(upward: _Axis) -> Markup:
    step = nice_step((upward.high - upward.low) / _TICKS)
    decimals = decimals_of(step)
    first = math.ceil(upward.low / step)
    lines = []
    for number in range(first, math.floor(upward.high / step) + 1):
        y = _down(upward(number * step))
        lines.append(
            Markup(
                '<line class="grid" x1="0" x2="100%" y1="{0}%" y2="{0}%"/><text class="tick" x="-8" y="{0}%">{1}</text>'
            ).format(y, f"{number * step:.{decimals}f}")
        )
    return Markup().join(lines)


def _champion_line(judged: Sequence[Judged], places: Sequence[float], upward: _Axis) -> Markup:
    known = [
        (place, _down(upward(value)))
        for each, place in zip(judged, places, strict=True)
        if (value := each.champion_metric.value if each.champion_metric else None) is not None
    ]
    return Markup().join(
        Markup('<line class="champion" x1="{}%" y1="{}%" x2="{}%" y2="{}%"/>').format(*before, *after)
        for before, after in pairwise(known)
    )


def _flags(judged: Sequence[Judged], places: Sequence[float]) -> Markup:
    flags, last = [], -100.0
    for each, x in zip(judged, places, strict=True):
        if each.version is None:
            continue
        label = Markup()
        if x - last >= _LABEL_GAP:
            anchor = "start" if x < 5 else "end" if x > 95 else "middle"
            label = Markup('<text x="{}%" y="-6" text-anchor="{}">{}</text>').format(x, anchor, each.version)
            last = x
        flags.append(Markup('<g class="flag"><line x1="{0}%" x2="{0}%" y1="0" y2="100%"/>{1}</g>').format(x, label))
    return Markup().join(flags)


def _point(each: Judged, x: float, upward: _Axis) -> Markup:
    value = each.metric
    assert value is not None
    assert value.value is not None
    interval = Markup()
    if value.lower is not None and value.upper is not None:
        interval = Markup('<line x1="{0}%" x2="{0}%" y1="{1}%" y2="{2}%"/>').format(
            x, _down(upward(value.lower)), _down(upward(value.upper))
        )
    return Markup('<g class="point {}"><title>{}</title>{}<circle cx="{}%" cy="{}%" r="{}"/></g>').format(
        "promoted" if each.version else "stayed",
        _said(each, value, each.day),
        interval,
        x,
        _down(upward(value.value)),
        5 if each.version else 3.5,
    )


def _said(each: Judged, value: MetricValue, day: date) -> str:
    bounds = "" if value.lower is None else f" [{metric(value.lower)}, {metric(value.upper)}]"
    became = f"promoted as {each.version}" if each.version else each.decision.outcome
    return f"{day}: {metric(value.value)}{bounds}, {became}"

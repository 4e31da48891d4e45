"""A metric on each slice of the champion's newest labelled rows, against the same slice of its holdout."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import TYPE_CHECKING, NamedTuple

from mlsys.monitors.base import Window, WindowAnswers
from mlsys.monitors.bounded_metric import Bounded, bounded, loss_between
from mlsys.monitors.holdout import Holdout
from mlsys.monitors.sliced_rows import SliceMasks, divisors, slices_of, worst_first
from mlsys.records.monitoring import WatchedSlice

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True)
class SliceRules:
    """How slices are judged.

    Attributes:
        tolerance: in the metric's unit; being so much worse is no alarm.
        budget: probability of an alarm on any slice where nothing changed.
        per_slice: fewer labelled rows of a slice, now or on the holdout, say too little; so do fewer than `per_class`
            of a class that the champion knows.
    """

    metric: str
    tolerance: float
    budget: float
    per_slice: int
    per_class: int


class _Look(NamedTuple):
    """A slice on the newest windows in which it is worst; `chance` that it would lose so much by itself."""

    n_windows: int
    n_rows: int
    then: Bounded
    now: Bounded
    lost: float
    error: float
    chance: float


def by_slice(
    window: Window, columns: Sequence[str], spans: Sequence[tuple[int, WindowAnswers]], rules: SliceRules
) -> tuple[tuple[WatchedSlice, ...], tuple[str, ...], int]:
    """Return the slices, the worst first, the names of values that are none, and how many windows alarms rest on.

    Args:
        window: what it was and how it is measured.
        columns: whose values are slices.
        spans: the labelled rows of so many of the newest windows, each with all rows of those before it.
        rules: how they are judged.
    """
    held = window.holdout
    if held is None:
        return (), (), 1
    slices, small = slices_of(columns, spans[-1][1], held, least=rules.per_slice)
    looks = [_look(window, held, each, spans, rules) for each in slices]
    chances = [1.0 if look is None else look.chance for look in looks]
    judged, rests_on = [], 1
    for each, look, divisor in zip(slices, looks, divisors(chances, rules.budget), strict=True):
        if look is None:
            n_rows = int(_inside(each, spans, 0).sum())
            judged.append(WatchedSlice(name=each.name, state="inconclusive", n_rows=n_rows))
            continue
        part = rules.budget / divisor
        worse = look.chance <= part and look.lost > rules.tolerance
        allowed = max(rules.tolerance, look.error * _reach(part / len(spans)))
        higher = window.directions[rules.metric] == "higher"
        judged.append(
            WatchedSlice(
                name=each.name,
                state="alarm" if worse else "pass",
                n_rows=look.n_rows,
                before=look.then.value,
                now=look.now.value,
                observed=look.now.value,
                limit=look.then.value - allowed if higher else look.then.value + allowed,
            )
        )
        if worse:
            rests_on = max(rests_on, look.n_windows, 2 if look.chance <= part**2 else 1)
    return worst_first(judged, chances), small, rests_on


def _look(
    window: Window, held: Holdout, each: SliceMasks, spans: Sequence[tuple[int, WindowAnswers]], rules: SliceRules
) -> _Look | None:
    """Return the look at a slice that is surest of a loss, or None where none of the windows says enough."""
    then = _measured(window, held.y_true[each.then], held.y_score[each.then], rules)
    if then is None:
        return None
    found, (_, widest) = [], spans[-1]
    for place, (n_windows, _) in enumerate(spans):
        inside = _inside(each, spans, place)
        now = _measured(window, widest.y_true[inside], widest.y_score[inside], rules)
        if now is None:
            continue
        lost, error = loss_between(then, now, higher=window.directions[rules.metric] == "higher")
        if error > 0:  # else no interval says what chance may do
            chance = min(1.0, len(spans) * NormalDist().cdf(-lost / error))
            found.append(_Look(n_windows, int(inside.sum()), then, now, lost, error, chance))
    return min(found, key=lambda look: look.chance) if found else None


def _inside(each: SliceMasks, spans: Sequence[tuple[int, WindowAnswers]], place: int) -> np.ndarray:
    """Return which rows of the longest span are of a slice and of one of the spans, which has the newest of them."""
    rows, widest = spans[place][1], spans[-1][1]
    return each.now if rows is widest else each.now & (widest.day >= rows.day.min())


def _measured(window: Window, y_true: np.ndarray, y_score: np.ndarray, rules: SliceRules) -> Bounded | None:
    """Return the metric with its interval on the rows of a slice, or None where there are too few."""
    counts = window.target.class_counts(y_true)
    known = [n for name, n in counts.items() if name not in window.unknown]
    if y_true.size < rules.per_slice or min(known, default=rules.per_class) < rules.per_class:
        return None
    predictions = window.target.predictions.of(y_true, y_score, threshold=window.threshold)
    return bounded(window.measure(rules.metric, predictions))


def _reach(probability: float) -> float:
    return NormalDist().inv_cdf(1 - probability)

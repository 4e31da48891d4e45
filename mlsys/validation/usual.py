"""Whether a day looks like those before it: no rule says how, the past does.

Each trait of a day's portrait is foretold from the days before in four ways: by the median of four weeks, of one week,
of the same weekday, and by the day before. A trait is odd when it lies far from all four, each measured three ways:
beyond chance and what days differ by themselves, beyond the largest error that foretelling made in four weeks, and so
much that it matters. So growth, weekdays, seasons and days that differ by nature block nothing (as Redyuk, Kaoudi,
Markl and Schelter, Automating Data Quality Validation for Dynamic Data Ingestion, EDBT 2021, a day is judged by stored
summaries of past ones; the four ways and three measures are ours).

Days that were odd themselves don't belong to the past, else a second corrupt day would look usual.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np

from mlsys.validation.portraits import MOST_VALUES, Portrait, Trait

REACH = 28  # days that foretell; and days before the judged one that were foretold likewise
MOST_PAST = 182
_FEW = 5  # days that nothing is foretold from; errors that tell nothing
_DAY_BEFORE = 3  # place of the one way that takes a single day
_WORSE = 2.0  # times the largest error of the best way
_MOSTLY = 0.8  # of the past days must have a trait
_MOST_NAMED = 15  # values of a column, the most frequent ones
_FAR = {"share": 4.5, "place": 4.5, "size": 4.0}  # standard deviations
_FARTHER = 1.5  # times the largest error in four weeks
_BY_CHANCE = {"share": 1.0, "place": 1.0, "size": 0.5}  # over the root of n; how many come may be no chance at all
_MATTERS = {"share": 0.12, "place": 0.3, "size": 0.45}  # of all; of a spread; a natural logarithm
_MATTERS_UNSEEN = 0.03
_UNSEEN = "share of values never seen before"


@dataclass(frozen=True)
class OddTrait:
    """A trait that is far from what the past foretells; `expected` is the nearest foretold value."""

    trait: Trait
    expected: float
    far: float


def odd_traits(past: Sequence[Portrait], past_days: Sequence[date], portrait: Portrait, day: date) -> list[OddTrait]:
    """Return what is odd about a day, the worst first; `past` is the newest `MOST_PAST` usual days before it."""
    frequent = _frequent(past)
    tables = [{(t.column, t.what): t for t in (*p.traits, *_of_values(p, frequent))} for p in (*past, portrait)]
    names = [name for name in tables[-1] if sum(name in table for table in tables[:-1]) >= _MOSTLY * len(past)]
    now = [tables[-1][name] for name in names]
    value, noise, spread = _numbers(tables, names)
    expected = _foretold(value, np.array([each.weekday() for each in (*past_days, day)]))
    error = np.abs(value - expected)
    before, today = error[:, :-1], error[:, -1]  # (4, days, traits), (4, traits)
    enough = (np.isfinite(before).sum(axis=1) >= _FEW) & np.isfinite(today)
    before = np.where(np.isfinite(before), before, 0.0)
    usual = 1.4826 * np.median(before, axis=1)
    chance = np.hypot(noise[-1], np.nanmedian(noise[:-1], axis=0))
    far = today / np.hypot(usual, chance)
    # A way that foretells badly, as the day before does after a weekend, has no say.
    most = before.max(axis=1)
    enough &= most <= _WORSE * np.where(enough, most, np.inf).min(axis=0) + chance
    past_values = np.where(np.isfinite(value[:-1]), value[:-1], np.inf)
    moved = np.array([_moved(trait, past_values[:, i], value[-1, i]).min() for i, trait in enumerate(now)])
    odd = (
        (far > [_FAR[trait.scale] for trait in now])
        & (today > _FARTHER * most)
        & (moved > [_matters(trait) for trait in now])
    )
    found = []
    for i in np.flatnonzero((odd | ~enough).all(axis=0) & enough.any(axis=0)):
        nearest = int(np.argmin(np.where(enough[:, i], far[:, i], np.inf)))
        shown = _shown(now[i], float(expected[nearest, -1, i]), float(spread[i]))
        found.append(OddTrait(now[i], shown, float(far[nearest, i])))
    return sorted(found, key=lambda each: (-each.far, each.trait.column, each.trait.what))


def _frequent(past: Sequence[Portrait]) -> dict[str, list[str]]:
    """Return all values of each column that had few on every day so far, the most frequent first."""
    found: dict[str, list[str]] = {}
    for name in past[-1].counts:
        total: Counter[str] = Counter()
        for each in past:
            total.update(each.counts.get(name, {}))
        if total and len(total) <= 2 * MOST_VALUES:
            found[name] = sorted(total, key=lambda value: (-total[value], value))
    return found


def _of_values(portrait: Portrait, frequent: Mapping[str, Sequence[str]]) -> Iterator[Trait]:
    for name, values in frequent.items():
        counts = portrait.counts.get(name)
        if counts is None:
            continue
        n = sum(counts.values())
        for value in values[:_MOST_NAMED]:
            yield Trait(name, f"share of '{value[:40]}'", "share", counts.get(value, 0) / n, n)
        unseen = n - sum(counts.get(value, 0) for value in values)
        yield Trait(name, _UNSEEN, "share", unseen / n, n)


def _numbers(
    tables: Sequence[Mapping[tuple[str, str], Trait]], names: Sequence[tuple[str, str]]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return `(n_days, n_traits)` values on scales where chance is alike, chance, and `(n_traits,)` units."""
    shape = (len(tables), len(names))
    value, noise, spread = np.full(shape, np.nan), np.full(shape, np.nan), np.full(shape, np.nan)
    for i, table in enumerate(tables):
        for j, name in enumerate(names):
            trait = table.get(name)
            if trait is not None:
                value[i, j], spread[i, j], noise[i, j] = (
                    trait.value,
                    trait.spread,
                    _BY_CHANCE[trait.scale] / np.sqrt(max(trait.n, 1)),
                )
    unit = np.nanmax(spread[:-1], axis=0)
    shares = np.array([tables[-1][name].scale == "share" for name in names])
    value = np.where(shares, 2 * np.arcsin(np.sqrt(np.clip(value, 0, 1))), value / unit)
    return value, noise, unit


def _foretold(value: np.ndarray, weekday: np.ndarray) -> np.ndarray:
    """Return `(4, n_days, n_traits)` what the days before each of the newest days foretell, NaN where they are few."""
    n_days = len(value)
    found = np.full((4, *value.shape), np.nan)
    for day in range(max(_FEW, n_days - REACH - 1), n_days):
        before = value[max(0, day - REACH) : day]
        alike = before[weekday[max(0, day - REACH) : day] == weekday[day]]
        for way, days in enumerate((before, before[-7:], alike, before[-1:])):
            if len(days) >= 2 or way == _DAY_BEFORE:
                found[way, day] = np.median(days, axis=0)
    return found


def _moved(trait: Trait, expected: np.ndarray, value: float) -> np.ndarray:
    if trait.scale != "share":
        return np.abs(expected - value)
    known = np.where(np.isfinite(expected), expected, np.pi)
    moved: np.ndarray = np.abs(np.sin(known / 2) ** 2 - np.sin(value / 2) ** 2)
    return np.where(np.isfinite(expected), moved, np.inf)


def _matters(trait: Trait) -> float:
    return _MATTERS_UNSEEN if trait.what == _UNSEEN else _MATTERS[trait.scale]


def _shown(trait: Trait, expected: float, unit: float) -> float:
    if trait.scale == "share":
        return float(np.sin(expected / 2) ** 2)
    return float(np.exp(expected) - 1) if trait.scale == "size" else expected * unit

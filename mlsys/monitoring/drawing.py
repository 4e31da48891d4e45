"""A column then and now, side by side: the bins of both, and the drawing of them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from markupsafe import Markup

from mlsys.report.formats import figure, share

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

_BINS = 16  # of numbers
_NAMES = 7  # categories that are named, the most frequent then; the rest is one
_WIDTH, _HEIGHT = 300.0, 96.0
_LONGEST = 24  # characters of a name
_WHOLE = 1000  # smaller numbers are shown with three digits


@dataclass(frozen=True)
class Bins:
    """Shares of rows in each bin, then and now, and the bins' names; `numeric` ones follow each other."""

    names: tuple[str, ...]
    then: tuple[float, ...]
    now: tuple[float, ...]
    numeric: bool


def bins_of(then: pd.Series, now: pd.Series) -> Bins:
    """Return the shares of the known values of `(n_then,)` and `(n_now,)` rows."""
    import numpy as np

    if then.dtype.kind == "f":
        return _of_numbers(*(column.to_numpy()[np.isfinite(column.to_numpy())] for column in (then, now)))
    return _of_categories(then, now)


def _of_numbers(then: np.ndarray, now: np.ndarray) -> Bins:
    """Return bins of one width that hold all but the outermost hundredths, which fall into the outer bins."""
    import numpy as np

    values = np.concatenate([then, now])
    low, high = np.quantile(values, [0.01, 0.99]) if values.size else (0.0, 1.0)
    if bool((values == np.round(values)).all()) and high - low < _BINS:
        edges = np.arange(low - 0.5, high + 1.0)  # whole numbers, each by itself
        names = [_rounded(low + place) for place in range(edges.size - 1)]
    else:
        edges = np.linspace(low, high, _BINS + 1) if low < high else np.array([low - 0.5, low + 0.5])
        names = [f"{_rounded(a)} to {_rounded(b)}" for a, b in pairwise(edges)]
    counts = [np.histogram(np.clip(part, edges[0], edges[-1]), edges)[0] for part in (then, now)]
    return Bins(tuple(names), _shares(counts[0]), _shares(counts[1]), numeric=True)


def _of_categories(then: pd.Series, now: pd.Series) -> Bins:
    frequent = then.value_counts() if then.notna().any() else now.value_counts()
    kept = [name for _, name in sorted((-int(n), str(name)) for name, n in frequent.items())[:_NAMES]]
    counts = []
    for column in (then, now):
        found = column.value_counts()
        named = [int(found.get(name, 0)) for name in kept]
        counts.append([*named, int(found.sum()) - sum(named)])
    if not counts[0][-1] and not counts[1][-1] and kept:
        return Bins(tuple(map(_short, kept)), _shares(counts[0][:-1]), _shares(counts[1][:-1]), numeric=False)
    return Bins((*map(_short, kept), "others"), _shares(counts[0]), _shares(counts[1]), numeric=False)


def _rounded(value: float) -> str:
    return figure(float(f"{value:.3g}")) if abs(value) < _WHOLE else figure(round(value))


def _shares(counts: Iterable[int]) -> tuple[float, ...]:
    counts = [int(count) for count in counts]
    total = sum(counts) or 1
    return tuple(count / total for count in counts)


def _short(name: str) -> str:
    text = name or "(empty)"
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


def draw(bins: Bins, subject: str) -> Markup:
    """Draw the bins as pairs of bars, then beside now: upright for numbers, lying and named for categories."""
    told = "; ".join(
        f"{name}: {share(a)} then, {share(b)} now" for name, a, b in zip(bins.names, bins.then, bins.now, strict=True)
    )
    top = max((*bins.then, *bins.now, 1e-9))
    body, height = (_upright(bins, top), _HEIGHT + 16) if bins.numeric else (_lying(bins, top), 19.0 * len(bins.names))
    return Markup(
        '<svg class="twins" viewBox="0 0 {0:g} {1:g}" role="img"><title>{2}</title><desc>{3}</desc>{4}</svg>'
    ).format(_WIDTH, height, subject, told, body)


def _upright(bins: Bins, top: float) -> Markup:
    step = _WIDTH / len(bins.names)
    drawn = Markup('<path class="axis" d="M0 {0:g}H{1:g}"/>').format(_HEIGHT, _WIDTH)
    for place, pair in enumerate(zip(bins.then, bins.now, strict=True)):
        for side, (style, value) in enumerate(zip(("then", "now"), pair, strict=True)):
            x, tall = place * step + 0.1 * step + side * 0.4 * step, value / top * (_HEIGHT - 4)
            drawn += _bar(style, x, _HEIGHT - tall, 0.4 * step, tall)
    first, last = bins.names[0].split(" to ")[0], bins.names[-1].split(" to ")[-1]
    return drawn + Markup('<text x="0" y="{0:g}">{1}</text><text class="end" x="{2:g}" y="{0:g}">{3}</text>').format(
        _HEIGHT + 13, first, _WIDTH, last
    )


def _lying(bins: Bins, top: float) -> Markup:
    drawn, left = Markup(), 118.0
    for place, (name, *pair) in enumerate(zip(bins.names, bins.then, bins.now, strict=True)):
        y = 19.0 * place
        drawn += Markup('<text class="end" x="{0:g}" y="{1:g}">{2}</text>').format(left - 6, y + 12, name)
        for side, (style, value) in enumerate(zip(("then", "now"), pair, strict=True)):
            drawn += _bar(style, left, y + 2 + 7 * side, value / top * (_WIDTH - left - 2), 7)
    return drawn


def _bar(style: str, x: float, y: float, width: float, height: float) -> Markup:
    return Markup('<rect class="{0}" x="{1:.1f}" y="{2:.1f}" width="{3:.1f}" height="{4:.1f}"/>').format(
        style, x, y, max(width, 0.0), max(height, 0.0)
    )

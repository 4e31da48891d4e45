"""Which rows of the holdout count together: rows of a customer or of a day that resemble each other are less news.

What is measured is the metric itself: the influence of each row on it, or on the difference between two models, and
how much of that rows of a group have in common. What makes rows hard for both models alike cancels out in a
difference, so that a comparison may rest on single rows where the metric of one model rests on days.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import ceil

import numpy as np

from mlsys.evaluation.ties import Ties
from mlsys.metrics.units import ROWS, Units
from mlsys.records import RowDependence
from mlsys.spec.blocks import AskedUnit
from mlsys.wording import number

# Of independent rows, one in twenty holdouts looks dependent by chance: then a few days count, which costs power.
LEVEL = 0.05
MATERIAL = 1.05  # design effect up to which what rows have in common makes no difference worth a change of units
COPIES = 0.5  # correlation of residuals from which on rows of equal content are one row, written several times
FEWEST_DAYS, DAYS_IN_A_ROW = 5, 20  # so many tell how days differ, and how each resembles the one before


@dataclass(frozen=True)
class Tie:
    """One way in which rows may count together, measured.

    Attributes:
        column: that names the group, or None for days and for copies.
        correlation: intra-class correlation; shown: it is beyond chance.
        effect: the variance by units over that by rows.
        must: the spec wants it, whatever is measured.
    """

    column: str | None
    units: Units
    correlation: float
    shown: bool
    effect: float
    must: bool = False

    @property
    def one(self) -> str:
        """What a unit is, in words."""
        return self.column or {"day": "day", "block": "block of days"}.get(self.units.kind, "row with its copies")


def tied(influence: np.ndarray, residual: np.ndarray, ties: Ties) -> tuple[Units, RowDependence | None]:
    """Return which rows count together, and why; None where nothing could tie them together.

    Args:
        influence: `(n_rows,)` values of what is judged.
        residual: `(n_rows,)` what came less what was expected, by which copies of a row are told from rows alike.
        ties: what rows may have in common.
    """
    found = _ties(influence, residual, ties)
    if not found:
        return ROWS, None
    able = [tie for tie in found if tie.must or (ties.asked == "auto" and tie.shown and tie.effect > MATERIAL)]
    chosen = max(able, key=lambda tie: tie.effect, default=None)
    if chosen is None:
        return ROWS, _record(None, found, influence, ties)
    if chosen.units.kind == "day" and ties.days is not None:
        chosen = replace(chosen, units=_in_blocks(chosen.units, influence, ties.days))
    others = [tie.units for tie in able if tie.units is not chosen.units]
    chosen = replace(chosen, units=_widened(chosen.units, others, influence))
    chosen = replace(chosen, effect=_effect(chosen.units, influence))
    return chosen.units, _record(chosen, found, influence, ties)


def _ties(influence: np.ndarray, residual: np.ndarray, ties: Ties) -> list[Tie]:
    """Return what could tie rows together, measured: columns first, in their order."""
    found = []
    for i, (column, places) in enumerate(ties.groups.items()):
        must = (column == ties.kept and ties.asked == "auto") or (ties.asked == "group" and i == 0)
        found.append(_measured(column, Units("group", places), influence, must=must))
    if ties.contents is not None and not found:
        copies = Units("group", ties.contents)
        if copies.n < residual.size and _correlation(residual, copies)[0] >= COPIES:
            found.append(_measured(None, copies, influence))
    if ties.days is not None:
        days = Units("day", ties.days.astype("datetime64[D]").astype(np.int64))
        if days.n >= FEWEST_DAYS or ties.asked == "day":
            found.append(_measured(None, days, influence, must=ties.asked == "day"))
    return [tie for tie in found if tie.must or (tie.units.n > 1 and _most(tie.units) > MATERIAL)]


def _most(units: Units) -> float:
    """Return the design effect if all rows of a unit were alike: the mean size of the units, one for each row."""
    return float((np.bincount(units.places) ** 2).sum() / units.places.size) if units.places is not None else 1.0


def _measured(column: str | None, units: Units, influence: np.ndarray, *, must: bool = False) -> Tie:
    correlation, chance = _correlation(influence, units)
    return Tie(column, units, correlation, chance <= LEVEL, _effect(units, influence), must)


def _correlation(values: np.ndarray, units: Units) -> tuple[float, float]:
    """Return the intra-class correlation of `(n_rows,)` values, and how often chance alone gives as large a one.

    By one-way analysis of variance (Donner, International Statistical Review 54, 1986).
    """
    from scipy.special import fdtrc

    n_rows, n_units, places = values.size, units.n, units.places
    if places is None or not 1 < n_units < n_rows:
        return 0.0, 1.0
    sizes = np.bincount(places)
    means = units.sums(values) / sizes
    between = float((sizes * (means - values.mean()) ** 2).sum()) / (n_units - 1)
    within = float(((values - means[places]) ** 2).sum()) / (n_rows - n_units)
    typical = (n_rows - float((sizes**2).sum()) / n_rows) / (n_units - 1)
    if within <= 1e-12 * between or between == 0:
        return (1.0, 0.0) if between > 0 else (0.0, 1.0)
    chance = float(fdtrc(n_units - 1, n_rows - n_units, between / within))
    return (between - within) / (between + (typical - 1) * within), chance


def _effect(units: Units, influence: np.ndarray) -> float:
    """Return the design effect: the variance of an estimate by units over that by rows (Kish 1965, 8.2)."""
    by_rows = ROWS.spread(influence).error
    return (units.spread(influence).error / by_rows) ** 2 if by_rows else 1.0


def _in_blocks(units: Units, influence: np.ndarray, days: np.ndarray) -> Units:
    """Return blocks of days in a row where a day resembles the one before it; else the days as they are.

    The length is Carlstein's for a series with this correlation from day to day (Annals of Statistics 14, 1986); from
    so many days on that the correlation can be measured, and at least eight blocks stay.
    """
    sums = units.sums(influence)
    n = sums.size
    if n < DAYS_IN_A_ROW or not np.ptp(sums):
        return units
    centred = sums - sums.mean()
    follows = float((centred[1:] * centred[:-1]).sum() / (centred**2).sum())
    if follows * n**0.5 <= 1.28:  # one in ten series of independent days has more
        return units
    length = min(ceil((2 * follows / (1 - min(follows, 0.9) ** 2)) ** (2 / 3) * n ** (1 / 3)), n // 8)
    number_of_day = days.astype("datetime64[D]").astype(np.int64)
    places = np.unique(number_of_day, return_inverse=True)[1]
    return Units("block", places // length) if length > 1 else units


def _widened(units: Units, others: Sequence[Units], influence: np.ndarray) -> Units:
    """Return the units with wider errors where rows of different units have something else in common.

    The variances of both are added, and that of rows, which is in both, is taken off (Cameron, Gelbach and Miller,
    Journal of Business and Economic Statistics 29, 2011).
    """
    own, by_rows = units.spread(influence).error ** 2, ROWS.spread(influence).error ** 2
    across = [other for other in others if not _within(other, units)]
    beside = max([other.spread(influence).error ** 2 - by_rows for other in across], default=0.0)
    return replace(units, widened=(1 + beside / own) ** 0.5) if beside > 0 and own else units


def _within(inner: Units, outer: Units) -> bool:
    """Return whether all rows of each inner unit are of one outer unit."""
    assert inner.places is not None
    assert outer.places is not None
    return np.unique(inner.places * np.int64(outer.n) + outer.places).size == inner.n


def _record(chosen: Tie | None, found: Sequence[Tie], influence: np.ndarray, ties: Ties) -> RowDependence:
    n_rows = influence.size
    units = chosen.units if chosen else ROWS
    effect = chosen.effect if chosen else 1.0
    effective, at_most = (_rows_worth(n_rows, e) for e in (effect, _least_effect(effect, units.count(n_rows), n_rows)))
    return RowDependence(
        unit=units.kind,
        column=chosen.column if chosen else None,
        n_rows=n_rows,
        n_units=units.count(n_rows),
        correlation=chosen.correlation if chosen else None,
        design_effect=effect,
        effective_rows=effective,
        effective_at_most=at_most,
        sentence=_chosen(chosen, n_rows, effective, ties.asked) if chosen else _none_chosen(found, ties.asked),
        warning=ties.warning,
    )


def _rows_worth(n_rows: int, effect: float) -> int:
    return max(1, min(n_rows, int(n_rows / effect + 1e-9))) if effect > 0 else n_rows


def _least_effect(effect: float, n_units: int, n_rows: int) -> float:
    """Return the lower 95 % bound of a design effect, a ratio of two variances: of few units it is hardly known."""
    from scipy.special import fdtri

    return effect / float(fdtri(n_units - 1, n_rows - n_units, 1 - LEVEL)) if 1 < n_units < n_rows else effect


def _chosen(tie: Tie, n_rows: int, effective: int, asked: AskedUnit) -> str:
    kind = {"day": "Whole days count", "block": "Blocks of days in a row count"}.get(tie.units.kind)
    kind = kind or (f"Whole groups of {tie.column} count" if tie.column else "Each row counts once with its copies")
    correlation = number(tie.correlation)
    why = "the spec asks for it" if asked != "auto" else f"rows of one {'' if tie.shown else 'may '}resemble each other"
    why += f" (intra-class correlation {correlation})"
    tells = f"{n_rows:,} rows tell as much as {effective:,} independent ones"
    return f"{kind}, {tie.units.n:,} of them: {why}, so that {tells}."


def _none_chosen(found: Sequence[Tie], asked: AskedUnit) -> str:
    seen = " and ".join(f"of one {tie.one} ({tie.units.n:,} of them, {number(tie.correlation)})" for tie in found)
    if asked == "row":
        return f"Rows count one by one, as the spec asks; intra-class correlations of rows {seen}."
    return (
        f"Rows count one by one: by their intra-class correlation, rows {seen} resemble each other no more than by "
        "chance, or too little to matter."
    )

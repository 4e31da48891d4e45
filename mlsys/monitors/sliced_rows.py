"""Slices: the rows that share a value of a column, each judged by itself, and all of them under one budget of errors.

The champion's holdout alone says which values are slices, so that a champion is judged by the same ones while it
serves: a budget that is divided by their number stays divided so. Of what is found beyond it Holm's step-down says
which slices they are (Scandinavian Journal of Statistics 6, 1979), as the gate `slices` does.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from mlsys.monitors.window import WindowAnswers
from mlsys.records.monitoring import WatchedSlice
from mlsys.wording import counted, number

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from mlsys.monitors.holdout import Holdout

_MOST_VALUES = 30  # of a column
_TOLD = 3  # in a sentence
_WORST_FIRST = ("alarm", "pass", "inconclusive")


class SliceMasks(NamedTuple):
    """The rows that share a value: `(n_rows,)` bool of those now, `(n_held,)` bool of those on the holdout."""

    name: str
    now: np.ndarray
    then: np.ndarray


def slices_of(
    columns: Sequence[str], rows: WindowAnswers, held: Holdout, *, least: int
) -> tuple[list[SliceMasks], tuple[str, ...]]:
    """Return the slices by the values of columns, and the names of values of which the holdout has fewer than `least`.

    The most frequent come first, at most 30 of a column; a missing value is one, too.
    """
    found: list[SliceMasks] = []
    small: list[str] = []
    for column in dict.fromkeys(columns):
        now, then = _column(rows.sliced, column), _column(held.rows if held.sliced is None else held.sliced, column)
        if now is None or then is None:  # the holdout may be older than the column
            small.append(f"every value of {column}")
            continue
        for place, (name, n_held) in enumerate(_values(now, then)):
            if n_held >= least and place < _MOST_VALUES:
                found.append(SliceMasks(name, (now == name).to_numpy(dtype=bool), (then == name).to_numpy(dtype=bool)))
            else:
                small.append(name)
    return found, tuple(small)


def divisors(chances: Sequence[float], budget: float) -> list[int]:
    """Return by what each of several tests has to divide the budget of errors that they share.

    The surest divides it by all of them, and each one found leaves one less to the others. Those whose chance lies
    within their part of the budget are found; where nothing is to be found, anything is with probability `budget`.

    >>> divisors([0.5, 0.001, 0.02], 0.05)
    [1, 3, 2]
    """
    found, left = [0] * len(chances), len(chances)
    for place in sorted(range(len(chances)), key=chances.__getitem__):
        found[place] = left
        if left > 1 and chances[place] <= budget / left:
            left -= 1
    return found


def worst_first(slices: Sequence[WatchedSlice], chances: Sequence[float]) -> tuple[WatchedSlice, ...]:
    """Return alarms first, then those that pass, then those that say too little; of a state the surest first."""
    order = sorted(zip(slices, chances, strict=True), key=lambda each: (_WORST_FIRST.index(each[0].state), each[1]))
    return tuple(each for each, _ in order)


def in_words(slices: Sequence[WatchedSlice], small: Sequence[str], worse: str, *, wanted: str) -> str:
    """Return a sentence or two on slices, the worst first, with a space before them.

    Args:
        slices: at least those that were judged.
        small: names of values that are no slices.
        worse: what they are in an alarm, such as `is worse`.
        wanted: what it takes to be judged.
    """
    judged = [each for each in slices if each.state != "inconclusive"]
    alarms = [each for each in judged if each.state == "alarm"]
    few = [*(each.name for each in slices if each.state == "inconclusive"), *small]
    told = ""
    if alarms:
        where = "; ".join(_told(each) for each in alarms[:_TOLD]) + _more(alarms)
        told = f" It {worse} on {len(alarms)} of {counted(len(judged), 'slice')}: {where}."
    elif judged:
        told = f" Beyond chance it {worse} on none of {counted(len(judged), 'slice')}."
    if few:
        told += (
            f" Not judged by {'itself' if len(few) == 1 else 'themselves'}, for want of {wanted}: "
            f"{', '.join(few[:_TOLD])}{_more(few)}."
        )
    return told


def _told(each: WatchedSlice) -> str:
    assert each.now is not None  # an alarm is one of something that was measured
    assert each.before is not None
    return (
        f"where {each.name} ({counted(each.n_rows, 'row')}) it is {number(each.now, each.before)}, before "
        f"{number(each.before, each.now)}"
    )


def _more(found: Sequence[object]) -> str:
    return f" and {len(found) - _TOLD} more" if len(found) > _TOLD else ""


def _column(table: pd.DataFrame | None, column: str) -> pd.Series | None:
    """Return what each row's slice would be called; None where the column is not at hand."""
    if table is None or column not in table.columns:
        return None
    named = {value: f"{column} is {value}" for value in table[column].dropna().unique()}
    found: pd.Series = table[column].map(named).where(table[column].notna(), f"{column} has no value")
    return found.astype("category")  # quick to compare


def _values(now: pd.Series, then: pd.Series) -> Iterator[tuple[str, int]]:
    """Yield the names of all values and how many rows of the holdout have each, the most frequent first."""
    counts = then.value_counts(sort=False).to_dict()
    names = {*counts, *now.cat.categories}
    yield from sorted(((name, counts.get(name, 0)) for name in names), key=lambda each: (-each[1], each[0]))

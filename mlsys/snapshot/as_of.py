"""The join as of a time: of another table's rows, those with the same key that were known before a row's time.

Rows are sorted by key and time once; what may count for a row is then a span of neighbours, found by two binary
searches, and of these the ones that were known too late are left out. Each value depends on the rows of its own span
alone: no row that is later, or of another key, can change so much as its last digit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mlsys.schema import ARRIVAL, EVENT_TIME, arrow_type
from mlsys.spec.joins import AsOfJoin, JoinedColumn

_MICROS_PER_DAY = 86_400_000_000
_MONDAY = 3  # days from the Monday before 1970-01-01 to that day
_PAIRS = 1 << 21  # of a row and a row of the table that are looked at together: some 100 MB


def as_of(join: AsOfJoin, rows: pa.Table, table: pa.Table) -> dict[str, pa.Array]:
    """Return the columns that a join adds to rows, each `(n_rows,)` in their order.

    Args:
        join: names key, windows and columns.
        rows: with the key and `_event_time`.
        table: rows of the other table in any order: the key, the columns taken of, `_event_time`, and `_label_arrival`
            where the join has `known`. Without key, or not known at any time, they count for nobody. Of rows of the
            same instant, the one counts as the last that was known last, and of those the one that stands last.
    """
    at = _instants(join, rows[EVENT_TIME])
    keyed = np.asarray(pc.is_valid(rows[join.key]).to_numpy())
    known, wanted = _sorted(join, table, rows[join.key])
    found: dict[str, pa.Array] = {}
    for window in {join.window_of(column) for column in join.joined.values()}:
        of_window = {name: column for name, column in join.joined.items() if join.window_of(column) == window}
        parts = [_taken(join, of_window, span) for span in _spans(known, wanted, at, window)]
        for name in of_window:
            values = pa.concat_arrays([part[name] for part in parts])
            found[name] = pc.if_else(pa.array(keyed), values, pa.scalar(None, values.type))
    return {name: found[name] for name in join.joined}


@dataclass(frozen=True)
class _Known:
    """Rows of the table by key, then by time, then by when they were known.

    Attributes:
        event, ready: `(n,)` int64 microseconds: the row's time, and from when on it was known.
        place: `(n,)` int64, rising: key and rank of the time in one number.
        times: the different times, rising; a rank is a place among them.
    """

    table: pa.Table
    event: np.ndarray
    ready: np.ndarray
    place: np.ndarray
    times: np.ndarray


@dataclass(frozen=True)
class _Span:
    """Some rows, each with the rows of the table that count for it.

    Attributes:
        at: `(n,)` int64 microseconds.
        row: `(n_pairs,)` positions in `at`, rising; `found` those in the table.
    """

    known: _Known
    at: np.ndarray
    row: np.ndarray
    found: np.ndarray


def _instants(join: AsOfJoin, times: pa.ChunkedArray) -> np.ndarray:
    at = _micros(times)
    if join.as_of == "row":
        return at
    day = np.floor_divide(at, _MICROS_PER_DAY)
    begins: np.ndarray = day if join.as_of == "day" else (day + _MONDAY) // 7 * 7 - _MONDAY
    return begins * _MICROS_PER_DAY


def _sorted(join: AsOfJoin, table: pa.Table, keys: pa.ChunkedArray) -> tuple[_Known, np.ndarray]:
    """Return the rows of the table that have one of the keys, and each key as the number that it has there, or -1."""
    numbers = pc.unique(keys.combine_chunks()).drop_null()
    code = _codes(table[join.key], numbers)
    usable = code >= 0
    if join.known is not None:
        usable &= np.asarray(pc.is_valid(table[ARRIVAL]).to_numpy())
    event = _micros(table[EVENT_TIME]) + (_MICROS_PER_DAY - 1 if join.source.knows_days_alone else 0)
    ready = np.maximum(event, _micros(table[ARRIVAL])) if join.known is not None else event
    kept = np.flatnonzero(usable)
    # By time, which ranks the times; then by key, which leaves each key's rows in that order.
    order = np.argsort(event[kept], kind="stable") if ready is event else np.lexsort((ready[kept], event[kept]))
    kept = kept[order]
    new = np.diff(event[kept], prepend=np.iinfo(np.int64).min) != 0
    times, rank = event[kept][new], np.cumsum(new) - 1
    place = code[kept] * (len(times) + 1) + rank
    order = np.argsort(place, kind="stable")
    kept = kept[order]
    taken_of = list({column.of for column in join.joined.values() if column.of is not None})
    known = _Known(table.select(taken_of).take(pa.array(kept)), event[kept], ready[kept], place[order], times)
    return known, _codes(keys, numbers)


def _codes(keys: pa.ChunkedArray, numbers: pa.Array) -> np.ndarray:
    found: np.ndarray = pc.fill_null(pc.index_in(keys, value_set=numbers), -1).to_numpy().astype(np.int64)
    return found


def _spans(known: _Known, wanted: np.ndarray, at: np.ndarray, window: timedelta) -> Iterator[_Span]:
    """Yield the rows in their order, so many at once that their pairs fit into memory."""
    first, end = (_bound(known, wanted, instant) for instant in (at - window // timedelta(microseconds=1), at))
    n_pairs = np.where(wanted >= 0, end - first, 0)
    total = np.cumsum(n_pairs)
    start = 0
    while start < len(at) or start == 0:
        before = total[start - 1] if start else 0
        stop = max(start + 1, int(np.searchsorted(total, before + _PAIRS, side="right")))
        some = slice(start, stop)
        row = np.repeat(np.arange(len(at[some])), n_pairs[some])
        inside = np.arange(len(row)) - np.repeat(total[some] - n_pairs[some] - before, n_pairs[some])
        found = np.repeat(first[some], n_pairs[some]) + inside
        in_time = known.ready[found] < at[some][row]
        yield _Span(known, at[some], row[in_time], found[in_time])
        start = stop


def _bound(known: _Known, wanted: np.ndarray, instant: np.ndarray) -> np.ndarray:
    """Return for each row the first place of its key at or after an instant."""
    rank = np.searchsorted(known.times, instant, side="left")
    found: np.ndarray = np.searchsorted(known.place, wanted * (len(known.times) + 1) + rank, side="left")
    return found


def _taken(join: AsOfJoin, columns: dict[str, JoinedColumn], span: _Span) -> dict[str, pa.Array]:
    found = {}
    for name, column in columns.items():
        values, group = None, span
        if column.of is not None:
            values = span.known.table[column.of].combine_chunks()
            if values.null_count:
                there = np.asarray(pc.is_valid(values).to_numpy(zero_copy_only=False))[span.found]
                group = _Span(span.known, span.at, span.row[there], span.found[there])
        found[name] = _TAKES[column.take](group, values).cast(arrow_type(join.type_of(column)))
    return found


def _count(group: _Span, values: Any) -> pa.Array:  # noqa: ARG001 - of whatever values
    return pa.array(np.bincount(group.row, minlength=len(group.at)))


def _folded(fold: np.ufunc) -> Callable[[_Span, Any], pa.Array]:
    def folded(group: _Span, values: Any) -> pa.Array:
        exact = values.cast(pa.float64() if pa.types.is_floating(values.type) else pa.int64())
        numbers = pc.fill_null(exact, 0).to_numpy()[group.found]
        starts = np.flatnonzero(np.diff(group.row, prepend=-1))
        sums = fold.reduceat(numbers, starts) if len(starts) else numbers
        return _spread(group, pa.array(sums))

    return folded


def _mean(group: _Span, values: Any) -> pa.Array:
    total = _folded(np.add)(group, values.cast(pa.float64()))
    n_rows = _count(group, values)
    return pc.divide(total, pc.if_else(pc.equal(n_rows, 0), None, n_rows.cast(pa.float64())))


def _last(group: _Span, values: Any) -> pa.Array:
    return _spread(group, values.take(pa.array(group.found[_ends(group)])))


def _age(group: _Span, values: Any) -> pa.Array:  # noqa: ARG001 - of whatever values
    ends = _ends(group)
    micros = group.at[group.row[ends]] - group.known.event[group.found[ends]]
    return _spread(group, pa.array(micros / _MICROS_PER_DAY))


def _ends(group: _Span) -> np.ndarray:
    """Return the pair of each row that is its last."""
    return np.flatnonzero(np.diff(group.row, append=len(group.at)))


def _spread(group: _Span, values: pa.Array) -> pa.Array:
    """Return one value for each row from those of the rows that have pairs, missing for the others."""
    has = np.zeros(len(group.at), bool)
    has[group.row] = True
    return values.take(pa.array(np.cumsum(has) - 1, mask=~has))


def _micros(times: pa.ChunkedArray) -> np.ndarray:
    return np.asarray(pc.fill_null(times.cast(pa.int64()), 0).to_numpy())


_TAKES: dict[str, Callable[[_Span, Any], pa.Array]] = {
    "count": _count,
    "sum": _folded(np.add),
    "mean": _mean,
    "min": _folded(np.minimum),
    "max": _folded(np.maximum),
    "last": _last,
    "age": _age,
}

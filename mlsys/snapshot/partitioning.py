"""From rows to partitions: one day each, in canonical order, with a fingerprint that depends on content alone."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mlsys.schema import ARRIVAL, EVENT_TIME, KEY
from mlsys.snapshot.fingerprint import TableHashes, content_fingerprint, count_duplicates
from mlsys.spec import Spec
from mlsys.store import canonical_json

_FORMAT = 1  # of row hashes and stored columns; another number makes all partitions anew
_MICROS_PER_DAY = 86_400_000_000


@dataclass(frozen=True)
class Layout:
    """What the columns of partitions depend on. A change of it reads the whole source anew.

    Attributes:
        columns: all stored ones, less `_key`.
        key: columns that name a row: the spec's key, or else its content less target, label arrival and split column.
        target: the label column; null where the label isn't known.
        label_columns: what a mask hides: target and arrival.
        parts: what the fingerprint is that of, as JSON; the store keeps it under the fingerprint.
    """

    fingerprint: str
    columns: tuple[str, ...]
    key: tuple[str, ...]
    target: str
    label_columns: tuple[str, ...]
    parts: Mapping[str, Any]

    @property
    def delayed(self) -> bool:
        """Whether labels arrive at a time of their own."""
        return ARRIVAL in self.label_columns


def layout_of(spec: Spec) -> Layout:
    """Return the layout of a spec's partitions."""
    arrival, split = spec.label.arrival, getattr(spec.split, "column", None)
    hidden = [spec.target.column]
    if arrival is not None:
        hidden += [name for name in (arrival,) if name in spec.columns] + [ARRIVAL]
    key = spec.key or tuple(sorted(set(spec.columns) - {*hidden, split}))
    parts = {
        "format": _FORMAT,
        "source": spec.source.model_dump(mode="json"),
        "schema": {name: column.model_dump(mode="json") for name, column in spec.columns.items()},
        "key": list(key),
        "target": spec.target.column,
        "arrival": arrival,
    }
    columns = [*spec.columns, *([EVENT_TIME] if spec.source.timed else []), *([ARRIVAL] if arrival is not None else [])]
    return Layout(
        fingerprint=hashlib.sha256(canonical_json(parts)).hexdigest(),
        columns=tuple(columns),
        key=tuple(key),
        target=spec.target.column,
        label_columns=tuple(hidden),
        parts=parts,
    )


@dataclass(frozen=True)
class DayRows:
    """The rows of a day as they will be stored, with their fingerprint."""

    day: date
    table: pa.Table
    fingerprint: str
    n_labelled: int
    newest_event: datetime | None
    newest_arrival: datetime | None
    n_duplicate_keys: int


def by_day(table: pa.Table, layout: Layout, day: date | None) -> Iterator[DayRows]:
    """Yield the rows of each day in canonical order; `day` is given for sources without time.

    The order inside a day is that of the row hashes without the label columns, so that it stays the same when only
    labels arrive.
    """
    if table.num_rows == 0:
        return
    table = _without_unknown_labels(table, layout)
    content = list(layout.columns)
    hashes = TableHashes(table)
    full = hashes.rows(content)
    bare = hashes.rows([name for name in content if name not in layout.label_columns])
    table = table.append_column(KEY, pa.array(hashes.rows(layout.key)))
    days = np.full(table.num_rows, _number(day)) if day is not None else _days(table)
    order = np.lexsort((full, bare, days))
    table, days, full = table.take(pa.array(order)), days[order], full[order]
    starts = np.flatnonzero(np.diff(days, prepend=days[0] - 1))
    for start, end in zip(starts, [*starts[1:], len(days)], strict=True):
        rows = table.slice(int(start), int(end - start))
        fingerprint = content_fingerprint(rows.select(content).schema, full[start:end])
        yield _described(rows, layout, day=_date(int(days[start])), fingerprint=fingerprint)


def masked(table: pa.Table, cutoff: datetime, label_columns: Sequence[str]) -> pa.Table:
    """Return the table as it was known before `cutoff`: later labels and their arrival times are null."""
    late = pc.fill_null(pc.greater_equal(table[ARRIVAL], pa.scalar(cutoff, table.schema.field(ARRIVAL).type)), False)
    for name in label_columns:
        position = table.schema.get_field_index(name)
        if position >= 0:
            values = pc.if_else(late, pa.scalar(None, table.schema.field(name).type), table[name])
            table = table.set_column(position, table.schema.field(name), values)
    return table


def _described(rows: pa.Table, layout: Layout, *, day: date, fingerprint: str) -> DayRows:
    return DayRows(
        day=day,
        table=rows,
        fingerprint=fingerprint,
        n_labelled=rows.num_rows - rows[layout.target].null_count,
        newest_event=pc.max(rows[EVENT_TIME]).as_py() if EVENT_TIME in rows.column_names else None,
        newest_arrival=pc.max(rows[ARRIVAL]).as_py() if layout.delayed else None,
        n_duplicate_keys=count_duplicates(rows[KEY].to_numpy()),
    )


def _without_unknown_labels(table: pa.Table, layout: Layout) -> pa.Table:
    """A label without arrival time is not known yet; an arrival time without label says nothing."""
    if not layout.delayed:
        return table
    position = table.schema.get_field_index(layout.target)
    target = table.schema.field(layout.target)
    values = pc.if_else(pc.is_valid(table[ARRIVAL]), table[layout.target], pa.scalar(None, target.type))
    return table.set_column(position, target, values)


def _days(table: pa.Table) -> np.ndarray:
    micros = np.asarray(table[EVENT_TIME].cast(pa.int64()).to_numpy())
    return np.asarray(np.floor_divide(micros, _MICROS_PER_DAY))


def _number(day: date) -> int:
    return day.toordinal() - date(1970, 1, 1).toordinal()


def _date(number: int) -> date:
    return date.fromordinal(number + date(1970, 1, 1).toordinal())

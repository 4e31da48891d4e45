"""Raw rows to rows of the declared schema: bad rows are set aside with place and reason, wrong columns refused."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING
from unicodedata import normalize

from mlsys.errors import DataError, near_match, nearest
from mlsys.schema import ARRIVAL, EVENT_TIME, ColumnSpec, Schema
from mlsys.sources.base import ReadRequest
from mlsys.sources.reading.number_marks import what_to_do
from mlsys.sources.reading.time_range import micros, range_of
from mlsys.sources.reading.values import logical_values

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

_AROUND = re.compile(r"^[\s\ufeff]+|[\s\ufeff]+$")
_ENOUGH = 100  # values after which more than half unreadable ones are the column's fault, not the rows'
HEADER_AGAIN = "the header stands here again, as where files were joined end to end"
_MEANING = {
    "integer": "a whole number",
    "number": "a number",
    "boolean": "a known spelling of true or false",
    "timestamp": "a timestamp (ISO 8601 unless the column's `format` says otherwise)",
    "text": "text",
    "category": "text",
}


Faults = Mapping[str, Mapping[int, str]]  # column -> row of the batch -> why its value can't be read


@dataclass(frozen=True)
class BadRow:
    """A row that could not be read: its index in the batch, why, and its UTC day where its event time tells it."""

    row: int
    reason: str
    day: date | None


class Conformer:
    """Turns the batches of one reading into the declared types.

    Args:
        request: schema, arrival column and time window of the reading.
        event_time: column with the event time, or None.
        timezone: zone of local times in columns that declare none.
        origin: file or table, for messages.
    """

    def __init__(self, request: ReadRequest, *, event_time: str | None, timezone: str | None, origin: str) -> None:
        self.request = request
        self.event_time = event_time
        self.origin = origin
        self.columns = columns_to_read(request, event_time, timezone)
        self._ranges = {
            name: range_of(column, request.now) for name, column in self.columns.items() if column.type == "timestamp"
        }
        self._seen: Counter[str] = Counter()
        self._bad: Counter[str] = Counter()
        self._beyond: Counter[str] = Counter()
        self._faulty: Counter[str] = Counter()
        self._examples: dict[str, object] = {}
        self._faults: dict[str, str] = {}

    def conform(self, raw: pa.RecordBatch, faults: Faults | None = None) -> tuple[pa.Table, list[BadRow]]:
        """Return the readable rows inside the window, and the others of the window with their reasons.

        Args:
            raw: the columns to read, null where a value is missing or a fault stands.
            faults: what the reader of `raw` found that no type could hold.

        Raises:
            DataError: most values of a column don't fit its type or its time range; local times without a zone.
        """
        import numpy as np
        import pyarrow as pa

        faults = faults or {}
        values, bad = self._read(raw, faults)
        inside, unplaced = self._window(values, bad, raw.num_rows)
        rejected = np.zeros(raw.num_rows, bool) if unplaced is None else unplaced.copy()
        for mask in bad.values():
            rejected |= mask
        if inside is not None:
            rejected &= inside | unplaced if unplaced is not None else inside
        table = pa.table(self._stored(values))
        keep = ~rejected if inside is None else inside & ~rejected
        if not keep.all():
            table = table.filter(pa.array(keep))
        reasons = {
            int(row): next(
                (self._reason(int(row), name, raw, values, faults) for name, mask in bad.items() if mask[row]),
                f"column '{self.event_time}' has no event time",
            )
            for row in np.flatnonzero(rejected)
        }
        return table, [BadRow(row, reason, self._day_of(values, row)) for row, reason in reasons.items()]

    def _read(self, raw: pa.RecordBatch, faults: Faults) -> tuple[dict[str, pa.Array], dict[str, np.ndarray]]:
        """Return the columns in their types, and of those that have bad values which rows hold them."""
        import numpy as np

        values: dict[str, pa.Array] = {}
        bad: dict[str, np.ndarray] = {}
        for name, column in self.columns.items():
            source = raw.column(name)
            values[name], unreadable = logical_values(source, column, f"{self.origin}: column '{name}'")
            self._seen[name] += len(source) - source.null_count
            beyond = self._ranges[name].outside(values[name]) if name in self._ranges else None
            masks = [
                np.asarray(mask.to_numpy(zero_copy_only=False)) for mask in (unreadable, beyond) if mask is not None
            ]
            mask = np.logical_or.reduce(masks) if masks else np.zeros(raw.num_rows, bool)
            if mask.any():
                self._count_bad(name, source, mask, n_beyond=0 if beyond is None else int(masks[-1].sum()))
            if faults.get(name):
                mask = mask.copy()
                mask[list(faults[name])] = True
                self._count_faults(name, faults[name])
            if mask.any():
                bad[name] = mask
        return values, bad

    def newest(self, raw: pa.RecordBatch, faults: Faults | None = None) -> datetime | None:
        """Return the newest possible event time up to the present of the request, or None.

        Raises:
            DataError: as `conform`.
        """
        import pyarrow.compute as pc

        times = self.conform(raw, faults)[0][EVENT_TIME]
        newest: datetime | None = pc.max(times.filter(pc.less_equal(times, self.request.now))).as_py()
        return newest

    def nothing(self) -> pa.Table:
        """Return a table without rows, as `conform` gives them."""
        import pyarrow as pa

        empty = pa.RecordBatch.from_arrays([pa.nulls(0)] * len(self.columns), names=list(self.columns))
        return self.conform(empty)[0]

    def finish(self) -> None:
        """Judge the columns over the whole reading.

        Raises:
            DataError: most values of a column didn't fit its type or its time range.
        """
        for name in self._bad:
            self._judge(name)

    def _count_bad(self, name: str, source: pa.Array, mask: np.ndarray, *, n_beyond: int) -> None:
        self._bad[name] += int(mask.sum())
        self._beyond[name] += n_beyond
        self._examples.setdefault(name, _value_of(source[int(mask.argmax())]))
        if self._seen[name] >= _ENOUGH:
            self._judge(name)

    def _count_faults(self, name: str, found: Mapping[int, str]) -> None:
        self._seen[name] += len(found)
        self._bad[name] += len(found)
        self._faulty[name] += len(found)
        self._faults.setdefault(name, next(iter(found.values())))
        if self._seen[name] >= _ENOUGH:
            self._judge(name)

    def _judge(self, name: str) -> None:
        if self._bad[name] * 2 <= self._seen[name]:
            return
        if self._faulty[name] * 2 > self._bad[name]:
            raise DataError(
                f"Most values of column '{name}' can't be read: {self._faults[name]}",
                where=self.origin,
                remedy=f"Correct the data, or take `schema.{name}` out of the spec",
            )
        if self._beyond[name] * 2 > self._bad[name]:
            raise DataError(
                f"Most times of column '{name}' lie outside {self._ranges[name].text}",
                where=self.origin,
                got=self._examples[name],
                remedy=f"Set `earliest` or `latest` of `schema.{name}` if they are meant, or correct the data",
            )
        hint = what_to_do(self._examples[name], self.columns[name])
        raise DataError(
            f"Wrong type: most values of column '{name}' are not {_MEANING[self.columns[name].type]}",
            where=self.origin,
            got=self._examples[name],
            remedy=f"Correct `schema.{name}` in the spec, or the data" + (f"; {hint}" if hint else ""),
        )

    def _window(
        self, values: dict[str, pa.Array], bad: dict[str, np.ndarray], n_rows: int
    ) -> tuple[np.ndarray | None, np.ndarray | None]:
        """Return `(inside, unplaced)`: rows inside the time window, and rows of which no event time tells the day."""
        import numpy as np
        import pyarrow as pa

        if self.event_time is None:
            return None, None
        event = values[self.event_time]
        times = np.asarray(event.cast(pa.int64()).fill_null(0).to_numpy())
        unplaced = np.asarray(event.is_null().to_numpy(zero_copy_only=False)) | bad.get(self.event_time, False)
        inside = np.ones(n_rows, bool)
        if self.request.since is not None:
            inside &= times >= micros(self.request.since)
        if self.request.until is not None:
            inside &= times < micros(self.request.until)
        return inside & ~unplaced, unplaced

    def _stored(self, values: dict[str, pa.Array]) -> dict[str, pa.Array]:
        stored = {name: values[name] for name in self.request.schema}
        if self.event_time is not None:
            stored[EVENT_TIME] = values[self.event_time]
        if self.request.arrival is not None:
            stored[ARRIVAL] = values[self.request.arrival]
        return stored

    def _day_of(self, values: Mapping[str, pa.Array], row: int) -> date | None:
        event = values[self.event_time][row].as_py() if self.event_time is not None else None
        if event is None or not self._ranges[self.event_time or ""].holds(event):
            return None
        day: date = event.date()
        return day

    def _reason(self, row: int, name: str, raw: pa.RecordBatch, values: Mapping[str, pa.Array], faults: Faults) -> str:
        fault = faults.get(name, {}).get(row)
        if fault is not None:
            return f"column '{name}': {fault}"
        written, instant = _value_of(raw.column(name)[row]), values[name][row].as_py()
        times = self._ranges.get(name)
        if times is not None and instant is not None:
            limit = "earliest" if instant < times.first else "latest"
            return f"column '{name}': {written!r} lies outside {times.text} (`{limit}` of the column moves that)"
        hint = what_to_do(written, self.columns[name])
        return f"column '{name}': {written!r} is not {_MEANING[self.columns[name].type]}" + (
            f": {hint}" if hint else ""
        )


def columns_to_read(request: ReadRequest, event_time: str | None, timezone: str | None) -> Schema:
    """Return the schema's columns, then event-time and arrival columns that it doesn't name, zones filled in.

    Raises:
        DataError: the event-time or arrival column is declared with another type than timestamp.
    """
    columns = dict(request.schema)
    for name in (event_time, request.arrival):
        if name is None:
            continue
        column = columns.setdefault(name, ColumnSpec(type="timestamp"))
        if column.type != "timestamp":
            raise DataError(
                f"Column '{name}' holds times but is declared as {column.type}",
                where=f"schema.{name}",
                remedy="Declare it as timestamp",
            )
    return {name: _zoned(column, timezone) for name, column in columns.items()}


def _zoned(column: ColumnSpec, timezone: str | None) -> ColumnSpec:
    if column.type != "timestamp" or column.timezone is not None or timezone is None:
        return column
    return column.model_copy(update={"timezone": timezone})


def require_columns(wanted: Schema, present: list[str], origin: str, remedy: str) -> None:
    """Refuse a table or file that lacks a column or has it twice.

    Raises:
        DataError: names the first missing column and the nearest present one.
    """
    for name in wanted:
        if name not in present:
            rule, meant = f"There is no column '{name}'. {near_match(name, present)}", nearest(name, present)
            raise DataError(rule, where=origin, remedy=remedy, misspelt=(name, meant))
        if present.count(name) > 1:
            raise DataError(f"Column '{name}' stands there twice", where=origin, remedy="Give each column its own name")


def less_blanks(present: Sequence[str], wanted: Collection[str]) -> list[str]:
    """Return the names of a file's columns without blanks and byte order marks around them.

    A name that is wanted with its blanks keeps them, and so does one that would be another's without them. One that
    looks like a wanted name (an accent of its own or composed with its letter) is that name.
    """
    looks = {normalize("NFC", name): name for name in wanted}
    bare = [_AROUND.sub("", name) for name in present]
    bare = [name if name in wanted else looks.get(normalize("NFC", name), name) for name in bare]
    return [name if name in wanted or short in present else short for name, short in zip(present, bare, strict=True)]


def _value_of(scalar: pa.Scalar) -> object:
    """Return a value for a message: text or number as Python has it, a time in ISO 8601."""
    try:
        value = scalar.as_py()
    except (ValueError, OverflowError):  # of no year that Python's calendar has
        return str(scalar.value)
    return value.isoformat(sep=" ") if isinstance(value, datetime) else str(value) if isinstance(value, date) else value

"""Which times a column may hold: sentinels (9999-12-31, the year 1) are bad values, not days of data."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING

from mlsys.schema import ColumnSpec

if TYPE_CHECKING:
    import pyarrow as pa

EARLIEST = date(1900, 1, 1)
_AHEAD = timedelta(days=1)  # clocks and zones differ: what a source stamps may lie a little in our future
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class TimeRange:
    """Times from `first` to `last`, UTC, both included."""

    first: datetime
    last: datetime

    def holds(self, instant: datetime) -> bool:
        """Return whether an instant lies inside."""
        return self.first <= instant <= self.last

    def outside(self, instants: pa.Array) -> pa.Array:
        """Return which of the instants `(n,)` lie outside; a missing one does not."""
        import pyarrow.compute as pc

        first, last = (_scalar(instants.type, instant) for instant in (self.first, self.last))
        beyond = pc.or_(pc.less(instants, first), pc.greater(instants, last))
        return pc.fill_null(beyond, False)

    @property
    def text(self) -> str:
        """`1900-01-01 to 2026-03-09`."""
        return f"{self.first.date()} to {self.last.date()}"


def range_of(column: ColumnSpec, now: datetime) -> TimeRange:
    """Return the times that a timestamp column may hold in a reading at `now`."""
    first = datetime.combine(column.earliest or EARLIEST, time(), UTC)
    last = now + _AHEAD if column.latest is None else datetime.combine(column.latest, time.max, UTC)
    return TimeRange(first, last)


def micros(instant: datetime) -> int:
    """Return the microseconds from 1970 to an instant."""
    return (instant - _EPOCH) // timedelta(microseconds=1)


def seconds(instant: datetime) -> int:
    """Return the whole seconds from 1970 to an instant."""
    return (instant - _EPOCH) // timedelta(seconds=1)


def earlier(instant: datetime, by: timedelta) -> datetime:
    """Return an instant less a duration, but no earlier than the calendar begins."""
    begin = datetime.min.replace(tzinfo=UTC)
    return begin if instant - begin < by else instant - by


def later(instant: datetime, by: timedelta) -> datetime:
    """Return an instant and a duration, but no later than the calendar ends."""
    end = datetime.max.replace(tzinfo=UTC)
    return end if end - instant < by else instant + by


def _scalar(type_: pa.DataType, instant: datetime) -> pa.Scalar:
    import pyarrow as pa

    return pa.scalar(micros(instant), pa.int64()).cast(type_)

"""Reads from a source what a snapshot needs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime

import pyarrow as pa

from mlsys import clock
from mlsys.errors import DataError
from mlsys.ledger.rows import Partition
from mlsys.snapshot.partitioning import DayRows, Layout, by_day
from mlsys.sources.base import ReadRequest, Rejected
from mlsys.spec import Spec
from mlsys.store import Store


@dataclass(frozen=True)
class Reading:
    """What one reading of the source gave: days in order, and the rows it could not read."""

    days: list[DayRows]
    rejected: list[Rejected]
    read_at: datetime

    @property
    def n_rows(self) -> dict[date, int]:
        """Readable rows of each day."""
        return {rows.day: rows.table.num_rows for rows in self.days}

    def changed(self, stored: Mapping[date, Partition], *, timed: bool) -> list[DayRows]:
        """Return the days that are not stored as they are now; without time, a reading that is not the newest one."""
        if timed:
            return [r for r in self.days if r.day not in stored or stored[r.day].fingerprint != r.fingerprint]
        newest = stored[max(stored)].fingerprint if stored else None
        return [rows for rows in self.days if rows.fingerprint != newest]


def request_of(
    spec: Spec, store: Store | None, since: datetime | None = None, until: datetime | None = None
) -> ReadRequest:
    """Return what a spec wants of its source; what the source remembers lies beside the store."""
    memory = None if store is None else store.cache
    return ReadRequest(spec.columns, spec.label.arrival, since, until, memory)


def read_source(
    spec: Spec, cutoff: datetime, stored: Mapping[date, Partition], layout: Layout, store: Store
) -> Reading:
    """Return what the source knows before `cutoff`: everything, or the lookback window where partitions are stored.

    Raises:
        DataError, TransientError: as the source; or a source without time is asked for a day other than today.
    """
    last_day, today = clock.last_day_before(cutoff), clock.now().date()
    if not spec.source.timed and last_day != today:
        raise DataError(
            f"A source without time can't be read as of {last_day}: it shows what it holds today, {today}",
            where=f"{spec.pipeline}: source",
            remedy="Give the source an `event_time` (or `day_pattern`), or run it without a day",
        )
    since = start_of_window(spec, cutoff, stored) if spec.source.timed else None
    until = cutoff if spec.source.timed else None
    return read(spec, request_of(spec, store, since, until), last_day, layout)


def read(spec: Spec, request: ReadRequest, last_day: date, layout: Layout) -> Reading:
    """Return what the source gives; rows of a source without time are those of `last_day`.

    Raises:
        DataError, TransientError: as the source.
    """
    tables: list[pa.Table] = []
    rejected: list[Rejected] = []
    for drop in spec.source.read(request):
        if drop.table.num_rows:
            tables.append(drop.table)
        rejected += drop.rejected
    day = None if spec.source.timed else last_day
    days = list(by_day(pa.concat_tables(tables), layout, day)) if tables else []
    return Reading(days, rejected, request.now)


def start_of_window(spec: Spec, cutoff: datetime, stored: Iterable[date]) -> datetime | None:
    """Return the first instant to read: the lookback window, or the day after the newest stored one if earlier.

    None is everything: nothing before the cutoff is stored.
    """
    before = [day for day in stored if clock.cutoff_of(day) <= cutoff]
    if not before:
        return None
    window = cutoff - spec.ingest.lookback
    midnight = window.replace(hour=0, minute=0, second=0, microsecond=0)  # partitions are whole days
    return min(midnight, clock.cutoff_of(max(before)))

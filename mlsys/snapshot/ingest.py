"""Reads from a source what a snapshot needs, and refuses what can't be trusted."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

import pyarrow as pa

from mlsys import clock
from mlsys.errors import DataError
from mlsys.ledger.rows import Partition
from mlsys.snapshot.partitioning import DayRows, Layout, by_day
from mlsys.snapshot.tolerance import DayCount, worst_share
from mlsys.sources.base import ReadRequest, Rejected
from mlsys.spec import Spec

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Reading:
    """What one reading of the source gave: days in order, and the rows it could not read, by day."""

    days: list[DayRows]
    rejected: dict[date, list[Rejected]]
    read_at: datetime

    def rejection_text(self) -> str:
        """Return how many rows could not be read, and where the first three stand."""
        rows = [row for day in sorted(self.rejected) for row in self.rejected[day]]
        first = "; ".join(f"{row.where}: {row.reason}" for row in rows[:3])
        return f"{len(rows)} rows can't be read. First: {first}"


def read_source(spec: Spec, cutoff: datetime, stored: Mapping[date, Partition], layout: Layout) -> Reading:
    """Return what the source knows before `cutoff`: everything, or the lookback window where partitions are stored.

    Raises:
        DataError, TransientError: as the source; or a source without time is asked for a day other than today.
    """
    read_at = clock.now()
    last_day = clock.last_day_before(cutoff)
    if not spec.source.timed and last_day != read_at.date():
        raise DataError(
            f"A source without time can't be read as of {last_day}: it shows what it holds today, {read_at.date()}",
            where=f"{spec.pipeline}: source",
            remedy="Give the source an `event_time` (or `day_pattern`), or run it without a day",
        )
    since = start_of_window(spec, cutoff, stored) if spec.source.timed else None
    request = ReadRequest(spec.columns, spec.label.arrival, since, cutoff if spec.source.timed else None)
    tables: list[pa.Table] = []
    rejected: dict[date, list[Rejected]] = defaultdict(list)
    for drop in spec.source.read(request):
        if drop.table.num_rows:
            tables.append(drop.table)
        for row in drop.rejected:
            # A row whose day can't be read counts for the day that the snapshot is about.
            rejected[row.day or last_day].append(row)
    day = None if spec.source.timed else last_day
    days = list(by_day(pa.concat_tables(tables), layout, day)) if tables else []
    return Reading(days, rejected, read_at)


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


def require_tolerable(reading: Reading, new: Sequence[DayRows], stored: Mapping[date, Partition], spec: Spec) -> None:
    """Refuse the reading when too large a share of what is new could not be read."""
    n_rows = {rows.day: rows.table.num_rows for rows in new}
    empty = set(reading.rejected) - {rows.day for rows in reading.days} - set(stored)
    days = sorted({*n_rows, *empty})
    bad = [row for day in days for row in reading.rejected.get(day, [])]
    if not bad:
        return
    counts = [DayCount(n_rows.get(day, 0), n_unreadable=len(reading.rejected.get(day, []))) for day in days]
    share = worst_share(counts, newest=f"new rows of {days[-1]}", together="new rows")
    log.warning("rejected_rows pipeline=%s rows=%d share=%.4f", spec.pipeline, len(bad), share.value)
    if share.value > spec.checks.tolerated_share:
        first = "; ".join(f"{row.where}: {row.reason}" for row in bad[:3])
        raise DataError(
            f"{share.text} can't be read; {spec.checks.tolerated_share:.2%} are tolerated. First: {first}",
            where=f"{spec.pipeline}: source",
            remedy="Correct the data or `schema`, or raise `checks.tolerated_share`",
        )

"""Rows that could not be read: each counts once, for one day, also where no readable row stands beside it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date

from mlsys.errors import DataError
from mlsys.events import get_logger
from mlsys.ledger.rows import Partition
from mlsys.snapshot.tolerance import DayCount, worst_share
from mlsys.sources.base import Rejected
from mlsys.spec import Spec
from mlsys.store import Store
from mlsys.wording import counted

log = get_logger(__name__)

Unreadable = Mapping[date, Sequence[Rejected]]


def count_once(
    rejected: Sequence[Rejected], *, new: Iterable[date], asked: date, before: Iterable[Partition], store: Store
) -> Unreadable:
    """Return the rows that could not be read by the day that they count for.

    Args:
        rejected: rows of one reading.
        new: days that the reading makes partitions of.
        asked: the day that the reading is about. A row counts for it whose own day is not known, or has nothing new.
        before: stored partitions. A row that one of them has counted stays with it, and counts again only if the
            partition is made anew.
        store: holds what they counted.
    """
    days, found = set(new), defaultdict[date, list[Rejected]](list)
    known = _counted(before, store) if rejected else {}
    for row in rejected:
        counted = known.get(row.where)
        if not counted:
            found[row.day if row.day is not None and row.day in days else asked].append(row)
        elif (day := counted.pop()) in days:
            found[day].append(row)
    return found


def require_tolerable(unreadable: Unreadable, n_rows: Mapping[date, int], new: Iterable[date], spec: Spec) -> None:
    """Refuse a reading of which too large a share of what is new could not be read.

    Args:
        unreadable: by the day that they count for.
        n_rows: readable rows of each day of the reading.
        new: days that the reading makes partitions of.
        spec: names the share that is tolerated.

    Raises:
        DataError: it says how many rows, and where the first three stand.
    """
    days = sorted({*new, *unreadable})
    if not any(unreadable.values()):
        return
    counts = [DayCount(n_rows.get(day, 0), n_unreadable=len(unreadable.get(day, ()))) for day in days]
    share = worst_share(counts, newest=f"new rows of {days[-1]}", together="new rows")
    bad = [row for day in days for row in unreadable.get(day, ())]
    log.warning("rejected_rows", pipeline=spec.pipeline, rows=len(bad), share=round(share.value, 4))
    if share.value > spec.checks.tolerated_share:
        raise DataError(
            f"{share.text} can't be read; {spec.checks.tolerated_share:.2%} are tolerated. First: {first_of(bad)}",
            where=f"{spec.pipeline}: source",
            remedy="Correct the data or `schema`, or raise `tolerated_share`",
        )


def require_some(unreadable: Unreadable, day: date, spec: Spec) -> None:
    """Refuse a day without a readable row, unless it has no row at all.

    Raises:
        DataError: rows of the day could not be read, however large a share is tolerated.
    """
    bad = unreadable.get(day, ())
    if bad:
        raise DataError(
            f"None of the {counted(len(bad), 'row')} of {day} can be read. First: {first_of(bad)}",
            where=f"{spec.pipeline}: source",
            remedy="Correct the data or `schema`",
        )


def first_of(rejected: Sequence[Rejected]) -> str:
    """Return where the first three rows stand, and why they could not be read."""
    return "; ".join(f"{row.where}: {row.reason}" for row in rejected[:3])


def _counted(before: Iterable[Partition], store: Store) -> dict[str, list[date]]:
    """Return for each place the days that have counted a row there. Reasons differ with the day they are given on."""
    found: dict[str, list[date]] = defaultdict(list)
    for partition in before:
        if partition.rejects is not None:
            for row in store.read_json(partition.rejects):
                found[row["where"]].append(partition.day)
    return found

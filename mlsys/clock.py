"""The one clock: only this file reads the time, and only this file decides which day a run is about.

A *day* is a UTC date of data. Day D means the *cutoff* D+1T00:00Z, exclusive.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Literal

from mlsys.errors import UsageError

DaySource = Literal["parameter", "partition", "newest"]
_FIRST, _LAST = date(101, 1, 1), date(9998, 12, 31)  # a lookback may be a hundred years
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")


@dataclass(frozen=True)
class ResolvedDay:
    """The day of a run, and which of the possible givers named it."""

    day: date
    source: DaySource

    @property
    def cutoff(self) -> datetime:
        """First instant that the run does not see."""
        return cutoff_of(self.day)


def now() -> datetime:
    """Return the present instant, UTC, with time zone."""
    return datetime.now(UTC)


def since_boot() -> tuple[str, timedelta]:
    """Return which start of the machine this is, and how long ago it was, sleep included; nobody can set that back.

    The name is empty, and the time counts from any instant, where the system does not tell them.
    """
    boot = Path("/proc/sys/kernel/random/boot_id")
    name = boot.read_text(encoding="ascii").strip() if boot.exists() else ""
    seconds = time.clock_gettime(time.CLOCK_BOOTTIME) if hasattr(time, "CLOCK_BOOTTIME") else time.monotonic()
    return name, timedelta(seconds=seconds)


def cutoff_of(day: date) -> datetime:
    """Return the exclusive end of a UTC day."""
    return datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(days=1)


def last_day_before(cutoff: datetime) -> date:
    """Return the last UTC day that lies wholly before `cutoff`; inverse of `cutoff_of`."""
    return (cutoff - timedelta(days=1)).date()


def parse_day(text: str | date, *, where: str = "day") -> date:
    """Return the date of a `YYYY-MM-DD` key.

    Raises:
        UsageError: for any other spelling (`2026-1-2`, a time, a date that does not exist), and for a day at either end
            of the calendar, which has no cutoff or no lookback.
    """
    if isinstance(text, date) and not isinstance(text, datetime):
        return _with_neighbours(text, where)
    remedy = "Write it as YYYY-MM-DD, for example 2026-03-09"
    if not isinstance(text, str) or not _DAY.fullmatch(text):
        raise UsageError("A day is a UTC date", where=where, got=text, remedy=remedy)
    try:
        return _with_neighbours(date.fromisoformat(text), where)
    except ValueError as error:
        raise UsageError(f"No such day: {error}", where=where, got=text, remedy=remedy) from None


def _with_neighbours(day: date, where: str) -> date:
    if _FIRST <= day <= _LAST:
        return day
    rule = f"Days of data lie between {_FIRST} and {_LAST}"
    raise UsageError(rule, where=where, got=str(day), remedy="Give a day that the source has rows of")


def parse_instant(text: str, *, where: str) -> datetime:
    """Return the instant of an ISO 8601 text, in UTC unless it has an offset.

    Raises:
        UsageError: it is none, or lies outside the calendar in UTC.
    """
    try:
        found = datetime.fromisoformat(text)
        return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)
    except ValueError:
        raise UsageError("A time is written in ISO 8601", where=where, got=text, remedy="2026-03-09T14:00") from None
    except OverflowError:
        raise UsageError("In UTC the time lies outside the calendar", where=where, got=text) from None


def resolve_day(
    *,
    parameter: str | date | None = None,
    partition_key: str | None = None,
    logical_date: datetime | None = None,
    run_type: str = "manual",
    newest_complete: Callable[[], date],
) -> ResolvedDay:
    """Return the day of a run: parameter > partition key > newest complete day of the source.

    `newest_complete` is asked only when neither of the others is given.

    Raises:
        UsageError: parameter and partition key differ; a bare logical date; a `day` parameter in a backfill.
    """
    if parameter is not None and run_type == "backfill":
        raise UsageError(
            "A backfill sets the day of each of its runs; a `day` parameter would give all of them the same data",
            where="day",
            got=str(parameter),
            remedy="Remove `day` from the backfill's configuration",
        )
    asked = None if parameter is None else parse_day(parameter)
    keyed = None if partition_key is None else parse_day(partition_key, where="partition key")
    if asked is not None and keyed is not None and asked != keyed:
        raise UsageError(
            f"The parameter `day` is {asked} but the partition key is {keyed}",
            where="day",
            remedy="Give one of them, or the same day in both",
        )
    if asked is not None:
        return ResolvedDay(asked, "parameter")
    if keyed is not None:
        return ResolvedDay(keyed, "partition")
    if logical_date is not None:
        raise UsageError(
            "A logical date does not name a day of data",
            where="logical_date",
            got=logical_date.isoformat(),
            remedy="Trigger with the parameter `day` or with a partition key, both YYYY-MM-DD",
        )
    return ResolvedDay(newest_complete(), "newest")


def newest_complete_day(newest_event: datetime, settle: timedelta, *, at: datetime | None = None) -> date:
    """Return the newest day that has data and whose end plus `settle` has passed.

    Args:
        newest_event: newest event time in the source, with time zone.
        settle: how long after the end of a day its rows may still arrive.
        at: the present; for tests.
    """
    finished = last_day_before((at or now()).astimezone(UTC).replace(tzinfo=UTC) - settle)
    return min(newest_event.astimezone(UTC).date(), finished)

"""Conditions that leave the rows of a time window to a database, and with them the rows whose day can't be told.

A condition keeps at least the wanted rows: zones and spellings are left to the exact cut after parsing. Rows without a
time, with one that can't be read or that its column may not hold may belong to any day of a window: they are read with
it, so that they are rejected and counted.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from numbers import Number

from mlsys.sources.base import ReadRequest
from mlsys.sources.reading.counted_times import number_at
from mlsys.sources.reading.databases import Database, Parameter
from mlsys.sources.reading.time_range import TimeRange, earlier, later, seconds

OURS = "mlsys_"  # how the parameters begin that bind a window into a query
_MARGIN = timedelta(days=1)  # more than any zone's offset
_ISO_GLOB = "'[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]*'"
_ISO_LIKE = "'____-__-__%'"

Condition = tuple[str, dict[str, Parameter]]  # SQL, empty for no condition, and what is bound in it


@dataclass(frozen=True)
class TimeColumn:
    """The time column of what is read.

    Attributes:
        database: to read from.
        relation: its quoted table, or a query in brackets.
        name: of the column, quoted.
        example: one of its values; None where it has none. A column of SQLite may hold several kinds.
        counted: what its numbers count, as its `format` says; None where that is seconds, or it has no such format.
    """

    database: Database
    relation: str
    name: str
    example: object
    counted: str | None = None

    @property
    def number(self) -> str | None:
        """The number that counts the time, in SQL; None where texts are to be read as numbers first."""
        if self.database.mixes_types:
            return f"CAST({self.name} AS REAL)"  # 0 of a text that is none
        return self.name if isinstance(self.example, Number) else None


def window(of: TimeColumn, request: ReadRequest, times: TimeRange) -> Condition:
    """Return the condition of a reading of `since` to `until`, in a column that may hold `times`."""
    column, example = of.name, of.example
    since, until = request.since, request.until
    if (since is None and until is None) or (example is None and not of.database.mixes_types):
        return "", {}  # no row has a time: nothing is there to leave out
    low, high = since and earlier(since, _MARGIN), until and later(until, 2 * _MARGIN)
    first, last = later(times.first, _MARGIN), earlier(times.last, 2 * _MARGIN)
    if of.counted:
        return _of_counted(of, of.counted, (low, high), (first, last))
    if of.database.mixes_types:
        return _of_mixed(column, of.relation, (low, high), (first, last))
    bounds: dict[str, Parameter] = {"mlsys_first": _like(example, first), "mlsys_last": _like(example, last)}
    bounds |= _bound("", low and _like(example, low), high and _like(example, high))
    odd = [f"{column} IS NULL", f"{column} < :mlsys_first", f"{column} > :mlsys_last"]
    odd += [f"{column} NOT LIKE {_ISO_LIKE}"] if isinstance(example, str) else []
    return " OR ".join([_between(column, low and ":mlsys_from", high and ":mlsys_to"), *odd]), bounds


def newest(of: TimeColumn, now: datetime, times: TimeRange) -> list[Condition]:
    """Return a condition per kind of value; together they keep every possible time up to `now`, and few later ones."""
    low, high = earlier(times.first, _MARGIN), later(min(now, times.last), 2 * _MARGIN)
    between = _between(of.name, ":mlsys_from", ":mlsys_to")
    if of.counted:
        numbered = _between(of.number or of.name, ":mlsys_from", ":mlsys_to")
        return [(numbered, _bound("", number_at(low, of.counted), number_at(high, of.counted)))]
    if of.database.mixes_types:
        texts, numbers = (_day(low), _day(high)), (seconds(low), seconds(high))
        return [(between, _bound("", *texts)), (between, _bound("", *numbers))]
    if of.example is None:
        return []
    return [(between, _bound("", _like(of.example, low), _like(of.example, high)))]


def _of_counted(
    of: TimeColumn, format_: str, wanted: tuple[datetime | None, datetime | None], possible: tuple[datetime, datetime]
) -> Condition:
    if of.number is None:
        return "", {}
    low, high, first, last = (instant and number_at(instant, format_) for instant in (*wanted, *possible))
    bounds = {"mlsys_first": first, "mlsys_last": last, **_bound("", low, high)}
    odd = [f"{of.name} IS NULL", f"{of.number} < :mlsys_first", f"{of.number} > :mlsys_last"]
    if of.database.mixes_types:
        # Texts that are none, or begin with a number and go on with something else.
        odd.append(f"(TYPEOF({of.name}) = 'text' AND ({of.number} = 0 OR {of.name} GLOB '*[^0-9.]*'))")
        odd.append(f"TYPEOF({of.name}) = 'blob'")
    between = _between(of.number, low is not None and ":mlsys_from", high is not None and ":mlsys_to")
    return " OR ".join([between, *odd]), bounds


def _of_mixed(
    column: str, relation: str, wanted: tuple[datetime | None, datetime | None], possible: tuple[datetime, datetime]
) -> Condition:
    # Numbers sort before texts, texts before bytes, and ISO texts sort by their dates.
    (low, high), (first, last) = wanted, possible
    bounds: dict[str, Parameter] = {
        "mlsys_first": seconds(first),
        "mlsys_first_day": _day(first),
        "mlsys_last": seconds(last),
        "mlsys_last_day": _day(last),
    }
    bounds |= _bound("", low and seconds(low), high and seconds(high))
    bounds |= _bound("_day", low and _day(low), high and _day(high))
    odd = [
        f"{column} < :mlsys_first",
        _between(column, ":mlsys_last", "''"),
        _between(column, "''", ":mlsys_first_day"),
        f"{column} > :mlsys_last_day",
        f"({column} >= '' AND {column} NOT GLOB {_ISO_GLOB})",
    ]
    parts = [
        _between(column, low and ":mlsys_from", ":mlsys_to" if high else "''"),
        _between(column, ":mlsys_from_day" if low else "''", high and ":mlsys_to_day"),
        f"{column} IS NULL",
        # In a query of its own: an index is enough for it, and serves the other parts as it would without it.
        f"{column} IN (SELECT {column} FROM {relation} WHERE {' OR '.join(odd)})",  # noqa: S608
    ]
    return " OR ".join(parts), bounds


def _between(column: str, low: object, high: object) -> str:
    parts = [f"{column} >= {low}"] if low else []
    parts += [f"{column} < {high}"] if high else []
    return f"({' AND '.join(parts)})"


def _bound(suffix: str, low: Parameter, high: Parameter) -> dict[str, Parameter]:
    named = {f"mlsys_from{suffix}": low, f"mlsys_to{suffix}": high}
    return {name: value for name, value in named.items() if value is not None}


def _like(example: object, instant: datetime) -> Parameter:
    """Return `instant` as the kind of value that the column holds."""
    if isinstance(example, str):
        return _day(instant)
    if isinstance(example, Number):  # Decimal is one
        return seconds(instant)
    if isinstance(example, datetime):
        return instant if example.tzinfo is not None else instant.replace(tzinfo=None)
    return instant.date()


def _day(instant: datetime) -> str:
    return instant.date().isoformat()

"""Filters that leave the documents of a time window to MongoDB, and with them those whose day can't be told.

MongoDB compares within one kind of value alone, so dates, texts and numbers have a part each. A filter keeps at least
the wanted documents: zones and spellings are left to the exact cut after parsing. Documents without a time, with one
that can't be read or that its column may not hold may belong to any day: they are read with the window, so that they
are rejected and counted.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from mlsys.schema import COUNTED_TIMES
from mlsys.sources.base import ReadRequest
from mlsys.sources.reading.counted_times import number_at
from mlsys.sources.reading.time_range import TimeRange, earlier, later, seconds

Filter = dict[str, Any]
_MARGIN = timedelta(days=1)  # more than any zone's offset
_ISO = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}"
# What is neither date, text nor number. Named one by one, since a server finds them in an index; what a value is not,
# it would look for in all documents.
_NO_TIMES = ["minKey", "object", "array", "binData", "objectId", "bool", "regex", "symbol", "javascript", "timestamp"]
_NO_TIMES += ["maxKey"]


def window(path: str, request: ReadRequest, times: TimeRange, *, format_: str | None) -> Filter:
    """Return the filter of a reading of `since` to `until`, in a field that may hold `times`.

    Texts sort by time where they are ISO 8601, numbers where they count it; what `format_` reads otherwise is all read.
    """
    since, until = request.since, request.until
    if since is None and until is None:
        return {}
    low, high = since and earlier(since, _MARGIN), until and later(until, 2 * _MARGIN)
    first, last = later(times.first, _MARGIN), earlier(times.last, 2 * _MARGIN)
    number = _counter(format_)
    parts: list[Filter] = [
        {path: _between(since, until)},
        {path: {"$lt": first}},
        {path: {"$gt": last}},
        {path: None},  # missing, too
        {path: {"$type": _NO_TIMES}},
        {path: math.nan},
    ]
    if number is None:
        parts.append({path: {"$type": "number"}})
    else:
        parts.append({path: _between(low and number(low), high and number(high))})
        parts += [{path: {"$lt": number(first)}}, {path: {"$gt": number(last)}}]
    if format_ is not None:
        return {"$or": [*parts, {path: {"$type": "string"}}]}
    parts += [
        {path: _between(_day(low), _day(high))},
        {path: {"$lt": _day(first)}},
        {path: {"$gt": _day(last)}},
        {path: {"$type": "string", "$not": {"$regex": _ISO}}},
    ]
    return {"$or": parts}


def newest(path: str, now: datetime, times: TimeRange, *, format_: str | None) -> list[tuple[Filter, bool]]:
    """Return a filter per kind of value, and whether its values sort by time.

    Together they keep every possible time up to `now`, and few later ones.
    """
    low, high = earlier(times.first, _MARGIN), later(min(now, times.last), 2 * _MARGIN)
    number = _counter(format_)
    texts = {path: _between(_day(low), _day(high))} if format_ is None else {path: {"$type": "string"}}
    numbers = {path: {"$type": "number"} if number is None else _between(number(low), number(high))}
    return [
        ({path: {"$gte": low, "$lte": now}}, True),
        (numbers, number is not None),
        (texts, format_ is None),
        ({path: {"$type": "timestamp"}}, True),
    ]


def _counter(format_: str | None) -> Callable[[datetime], float] | None:
    """Return what tells the number of an instant; None where `format_` reads the digits of a number as a text's."""
    if format_ is None:
        return seconds
    return partial(number_at, format_=format_) if format_ in COUNTED_TIMES else None


def _between(low: object, high: object) -> Filter:
    bounds = {"$gte": low, "$lt": high}
    return {name: bound for name, bound in bounds.items() if bound is not None}


def _day(instant: datetime | None) -> str | None:
    return None if instant is None else instant.date().isoformat()

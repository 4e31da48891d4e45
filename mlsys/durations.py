"""Durations as people write them in a spec: a whole number and a unit, such as `36h` or `3d`."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated

from pydantic import BeforeValidator, PlainSerializer, WithJsonSchema

from mlsys.wording import counted

_LONGEST = timedelta(days=36_500)
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def parse_duration(value: object) -> timedelta:
    """Return the duration of a text such as `36h`.

    Raises:
        ValueError: any other spelling.
    """
    if isinstance(value, timedelta):
        return value
    match = re.fullmatch(r"(\d+)([smhd])", value) if isinstance(value, str) else None
    if match is None:
        raise ValueError("A duration is a whole number with a unit s, m, h or d, for example 36h")
    count, unit = match[1].lstrip("0") or "0", _UNITS[match[2]]
    # A longer one leads out of the calendar when it is taken from a date.
    if len(count) > 12 or int(count) * unit > _LONGEST.total_seconds():
        raise ValueError(f"A duration is at most {_LONGEST.days} days")
    return timedelta(seconds=int(count) * unit)


def duration_text(value: timedelta) -> str:
    """Return a duration of whole seconds in the largest unit that fits; inverse of `parse_duration`."""
    seconds = int(value.total_seconds())
    unit = next(unit for unit in "dhms" if seconds % _UNITS[unit] == 0)
    return f"{seconds // _UNITS[unit]}{unit}"


def in_words(value: timedelta) -> str:
    """Return a duration for people, in at most two units and rounded down: `2 days 3 hours`."""
    left, parts = int(abs(value).total_seconds()), []
    for unit, word in (("d", "day"), ("h", "hour"), ("m", "minute"), ("s", "second")):
        count, left = divmod(left, _UNITS[unit])
        if count:
            parts.append(counted(count, word))
        elif parts:
            break  # `2 days 5 seconds` would pretend to an exactness nobody asked for
    return " ".join(parts[:2]) or "0 seconds"


Duration = Annotated[
    timedelta,
    BeforeValidator(parse_duration),
    PlainSerializer(duration_text),
    WithJsonSchema({"type": "string", "pattern": r"^\d+[smhd]$", "examples": ["36h", "3d"]}),
]

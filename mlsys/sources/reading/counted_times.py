"""Times that are counted: numbers of seconds since 1970, as programs write them, or of Excel's days.

pyarrow is imported inside the functions, because specs are parsed without it.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING

from mlsys.sources.reading.time_range import micros

if TYPE_CHECKING:
    import pyarrow as pa

# Microseconds of one, and where the counting begins, in microseconds since 1970. Excel's day 0 is 1899-12-30: its
# calendar has a 29 February 1900, so that its days are right from March 1900 on.
_COUNTED = {
    "unix_seconds": (1_000_000, 0),
    "unix_milliseconds": (1_000, 0),
    "unix_microseconds": (1, 0),
    "excel_days": (86_400_000_000, -2_209_161_600_000_000),
}
# Numbers of the years 1990 to 2100.
_OUR_TIMES = {
    "unix_seconds": (631_152_000, 4_102_444_800),
    "unix_milliseconds": (631_152_000_000, 4_102_444_800_000),
    "unix_microseconds": (631_152_000_000_000, 4_102_444_800_000_000),
    "excel_days": (32_874, 73_051),
}
PLAIN_NUMBER = re.compile(r"[0-9]+(\.[0-9]+)?")
_EXCEL_BEGINS = 61  # 1900-03-01
_EXCEL_STEP = 1_000  # microseconds: a day's fraction has no finer ones
_FIRST, _END = -62_135_596_800_000_000, 253_402_300_800_000_000  # the years 1 to 9999, which Python's calendar has


def times_of(numbers: pa.Array, format_: str) -> pa.Array:
    """Return the times that numbers `(n_rows,)` count: instants in UTC, or local ones of Excel's days.

    Null stays null, and what lies beyond the years 1 to 9999 (of Excel's days: before March 1900) becomes null. Whole
    numbers are read exactly; a fraction is rounded to a microsecond, of Excel's days to a millisecond.

    Raises:
        KeyError: `format_` counts nothing.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    unit, origin = _COUNTED[format_]
    excel = format_ == "excel_days"
    kept = _between(numbers, (_EXCEL_BEGINS if excel else -(-_FIRST // unit)), (_END - origin) // unit)
    if pa.types.is_integer(numbers.type):
        micros = pc.multiply(kept.cast(pa.int64()), unit)
    else:
        step = _EXCEL_STEP if excel else 1
        micros = pc.multiply(pc.round(pc.multiply(kept.cast(pa.float64()), unit / step)).cast(pa.int64()), step)
    return pc.add(micros, origin).cast(pa.timestamp("us", None if excel else "UTC"))


def _between(numbers: pa.Array, low: int, end: int) -> pa.Array:
    """Return the numbers with null for those below `low`, for `end` and those above, and for NaN."""
    import pyarrow as pa
    import pyarrow.compute as pc

    kind, first, last = numbers.type, float(low), math.nextafter(end, 0)
    if pa.types.is_integer(kind):
        # In the column's own type: whole numbers beyond 2**53 are no floats.
        signed, bits = pa.types.is_signed_integer(kind), kind.bit_width
        first, last = max(low, -(2 ** (bits - 1)) if signed else 0), min(end - 1, 2 ** (bits - signed) - 1)
    inside = pc.and_(pc.greater_equal(numbers, pa.scalar(first, kind)), pc.less_equal(numbers, pa.scalar(last, kind)))
    return pc.if_else(inside, numbers, pa.scalar(None, kind))


def number_at(instant: datetime, format_: str) -> float:
    """Return the number by which an instant is counted, of Excel's days as if local times were UTC."""
    unit, origin = _COUNTED[format_]
    count = (micros(instant) - origin) / unit
    return count if format_ == "excel_days" else math.floor(count)


def counting(low: float, high: float) -> Iterator[str]:
    """Yield the formats by which numbers from `low` to `high` are times of the years 1990 to 2100."""
    for format_, (first, end) in _OUR_TIMES.items():
        if first < low and high < end:
            yield format_


def what_it_counts(value: object) -> str:
    """Return the format to declare for a value that is no time as its column is declared, or nothing."""
    if isinstance(value, bool) or not PLAIN_NUMBER.fullmatch(text := str(value).strip()):
        return ""
    format_ = next(counting(float(text), float(text)), "")
    return f"numbers that count times have a `format: {format_}`" if format_ else ""

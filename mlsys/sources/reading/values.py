"""Raw values to logical types, a column at a time.

`logical_values` never raises for a value: it marks the ones that can't be read, and the row is rejected. pyarrow is
imported inside the functions, because specs are parsed without it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from mlsys.errors import DataError
from mlsys.schema import COUNTED_TIMES, ColumnSpec, arrow_type, spelt
from mlsys.sources.reading.counted_times import times_of
from mlsys.sources.reading.number_marks import unmarked

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

_INTEGER = r"^[+-]?[0-9]{1,18}$"
_LONG_INTEGER = r"^[+-]?[0-9]{19}$"
_LARGEST = "9223372036854775807"
_NUMBER = r"^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?$"
_NOT_FINITE = r"(?i)^[+-]?(inf|infinity|nan(\([0-9a-z_]*\))?)$"  # what Arrow reads as one
_DATE = r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
_TIME = r"[0-9]{2}(:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,9})?)?)?"
_OFFSET = r"(Z|[+-][0-9]{2}(:?[0-9]{2})?)"
_LOCAL = rf"^{_DATE}([T ]{_TIME})?$"
_INSTANT = rf"^{_DATE}[T ]{_TIME}{_OFFSET}$"
# A comma before the parts of a second, UTC in letters, a blank before the offset.
_KIN_OF_ISO = (
    (r"^([0-9-]{10}[T ][0-9:]{8}),([0-9]{1,9})", r"\1.\2"),
    (r"^([0-9-]{10}[T ][0-9:.]{2,18}) ?(?:UTC|GMT)$", r"\1Z"),
    (r"^([0-9-]{10}[T ][0-9:.]{2,18}) ([+-][0-9:]{3,6})$", r"\1\2"),
)
_END_OF_DAY = re.compile(r"(?<![0-9])24([:.h]?)00(\1?00([.,]0+)?)?(?![0-9:.,])")
_LAST_YEAR = 9999
_FIRST_SECOND, _LAST_SECOND = -62_135_596_800, 253_402_300_799  # of the years 1 and 9999, which Python's calendar has
_PER_SECOND = {"s": 1, "ms": 1_000, "us": 1_000_000, "ns": 1_000_000_000}
_TWO_DAYS = 2 * 86_400_000_000  # microseconds
# Every blank that Unicode knows is one of these or begins with such a byte.
_BLANKS = tuple(bytes([first]) for first in b" \t\n\r\v\f\x1c\x1d\x1e\x1f\xc2\xe1\xe2\xe3")
_EXACT = float(2**53)  # from here on a float may stand for its neighbour

Values = tuple[Any, Any]  # (pa.Array of the logical type, pa.BooleanArray of unreadable values or None)


def logical_values(raw: pa.Array, column: ColumnSpec, where: str) -> Values:
    """Return `(values, bad)`: the column in its logical type, and which raw values could not be read.

    Missing values stay null; NaN and infinity become null in `number` columns. `bad` is None when there is none.

    Raises:
        DataError: local timestamps without a declared time zone.
    """
    import pyarrow as pa

    types = pa.types
    if types.is_dictionary(raw.type):
        raw = raw.cast(raw.type.value_type)
    if types.is_null(raw.type):
        return pa.nulls(len(raw), arrow_type(column.type)), None
    if types.is_string(raw.type) or types.is_large_string(raw.type):
        return _from_text(raw, column, where)
    if column.type == "timestamp":
        return _in_calendar(raw, *_typed_timestamps(raw, column, where))
    return {
        "integer": _typed_integers,
        "number": _typed_numbers,
        "boolean": _typed_booleans,
        "text": _typed_texts,
        "category": _typed_texts,
    }[column.type](raw)


def _from_text(raw: pa.Array, column: ColumnSpec, where: str) -> Values:
    import pyarrow as pa

    raw = raw.cast(pa.string())
    if column.type in ("integer", "number") and column.null_values is None and not column.marked:
        # Clean columns take one pass: a spelling of "missing" would not parse, except NaN, which is missing anyway.
        try:
            values = _finite(raw.cast(arrow_type(column.type)))
        except pa.ArrowInvalid:
            values = None
        # Arrow reads "0x1f" as a whole number; a column of such codes is not what `integer` means.
        if values is not None and not (column.type == "integer" and _mentions(raw, b"x", b"X")):
            return values, None
    text = unmarked(_cleaned(raw, column), column) if column.marked else _cleaned(raw, column)
    if column.type == "timestamp":
        return _in_calendar(text, *_text_timestamps(text, column, where))
    if column.type == "boolean":
        return _text_booleans(text, column)
    return {"integer": _text_integers, "number": _text_numbers}.get(column.type, _text_as_is)(text)


def _cleaned(text: pa.Array, column: ColumnSpec) -> pa.Array:
    import pyarrow as pa
    import pyarrow.compute as pc

    if column.stripped and _mentions(text, *_BLANKS):
        text = pc.utf8_trim_whitespace(text)
    if not column.nulls:
        return text
    if len(column.nulls) == 1:
        missing = pc.equal(text, pa.scalar(column.nulls[0], pa.string()))
    else:
        missing = pc.is_in(text, value_set=pa.array(column.nulls, pa.string()), skip_nulls=True)
    return pc.if_else(missing, pa.scalar(None, pa.string()), text) if pc.any(missing).as_py() else text


def _mentions(text: pa.Array, *parts: bytes) -> bool:
    """Return whether one of `parts` may occur somewhere in the column: ten times faster than asking each value."""
    buffer = text.buffers()[2]
    data = buffer.to_pybytes() if buffer is not None else b""
    return any(part in data for part in parts)


def _text_as_is(text: pa.Array) -> Values:
    return text, None


def _text_integers(text: pa.Array) -> Values:
    import pyarrow as pa
    import pyarrow.compute as pc

    text = pc.replace_substring_regex(text, r"^([+-]?[0-9]+)\.0*$", r"\1")  # exactly, however long the number is
    unsigned = pc.utf8_ltrim(text, characters="+-")
    long = pc.and_(pc.match_substring_regex(text, _LONG_INTEGER), pc.less_equal(unsigned, _LARGEST))
    whole = pc.or_(pc.match_substring_regex(text, _INTEGER), long)
    nothing = pa.scalar(None, pa.string())
    values = pc.utf8_ltrim(pc.if_else(whole, text, nothing), characters="+").cast(pa.int64())
    # "3.0" is how a tool that knows no missing integers writes 3.
    decimals, _ = _text_numbers(pc.if_else(whole, nothing, text))
    rest, _ = _typed_integers(decimals)
    return _with_bad(text, pc.coalesce(values, rest))


def _text_numbers(text: pa.Array) -> Values:
    import pyarrow as pa
    import pyarrow.compute as pc

    readable = pc.match_substring_regex(text, _NUMBER)
    values = pc.if_else(readable, text, pa.scalar(None, pa.string())).cast(pa.float64())
    infinite = pc.match_substring_regex(text, _NOT_FINITE)
    bad = pc.fill_null(pc.invert(pc.or_(readable, infinite)), False)
    return _finite(values), _if_any(bad)


def _text_booleans(text: pa.Array, column: ColumnSpec) -> Values:
    import pyarrow as pa
    import pyarrow.compute as pc

    true = pc.is_in(text, value_set=pa.array(column.true_values, pa.string()))
    false = pc.is_in(text, value_set=pa.array(column.false_values, pa.string()))
    return _with_bad(text, pc.if_else(pc.or_(true, false), true, pa.scalar(None, pa.bool_())))


def _text_timestamps(text: pa.Array, column: ColumnSpec, where: str) -> Values:
    import pyarrow as pa
    import pyarrow.compute as pc

    if column.format is not None:
        values = formatted(text, column.format, instant=column.instant)
        return _with_bad(text, _as_instants(values, column, where))
    for type_ in (pa.timestamp("us"), arrow_type("timestamp")):
        try:
            return _as_instants(text.cast(type_), column, where), None
        except pa.ArrowInvalid:
            continue
    # Some values are no ISO 8601, or both local times and instants occur: each kind is read by itself.
    for kin, iso in _KIN_OF_ISO:
        text = pc.replace_substring_regex(text, kin, iso)
    nothing = pa.scalar(None, pa.string())
    local = pc.if_else(pc.match_substring_regex(text, _LOCAL), text, nothing)
    instants = pc.if_else(pc.match_substring_regex(text, _INSTANT), text, nothing)
    values = _as_instants(formatted(local, "ISO8601", instant=False), column, where)
    return _with_bad(text, pc.coalesce(values, formatted(instants, "ISO8601", instant=True)))


def formatted(text: pa.Array, format_: str, *, instant: bool) -> pa.Array:
    """Return the times that a format reads, in UTC for an instant; null where it can't."""
    import pandas as pd
    import pyarrow as pa

    if format_ in COUNTED_TIMES:
        whole, bad = _text_integers(text)
        return times_of(_text_numbers(text)[0] if bad is not None else whole, format_)

    texts = pd.Series(text.to_pandas(), dtype=object)
    values = pd.to_datetime(texts, format=format_, errors="coerce", utc=instant)
    if _mentions(text, b"24"):
        values = _with_ends_of_days(values, texts, format_, instant=instant)
    type_ = pa.timestamp("us", "UTC" if instant else None)
    if values.isna().all():
        return pa.nulls(len(text), type_)
    naive = values.dt.tz_convert(None) if instant else values
    return pa.array(naive.to_numpy(), from_pandas=True).cast(pa.timestamp("us"), safe=False).cast(type_)


def _with_ends_of_days(values: pd.Series, texts: pd.Series, format_: str, *, instant: bool) -> pd.Series:
    """Return the values, 24:00 being the first instant of the next day."""
    import pandas as pd

    unread = texts[values.isna() & texts.notna()]
    midnights = unread.map(lambda text: _END_OF_DAY.sub(lambda found: f"00{found[0][2:]}", text, count=1))
    begun = pd.to_datetime(midnights[midnights != unread], format=format_, errors="coerce", utc=instant)
    ended = begun.dt.as_unit("us") + pd.Timedelta(days=1)
    found: pd.Series = values.dt.as_unit("us").fillna(ended[ended.dt.year <= _LAST_YEAR])
    return found


def _as_instants(values: pa.Array, column: ColumnSpec, where: str) -> pa.Array:
    """Return timestamps in UTC; local ones by the declared zone.

    A local time that occurs twice (the clock was set back) is the earlier instant; one that never was (the clock was
    set forward) is the first instant after the gap.
    """
    import numpy as np
    import pyarrow as pa

    if values.type.tz is not None or values.null_count == len(values):
        return values.cast(arrow_type("timestamp"), safe=False)
    if column.timezone is None:
        first = next(value for value in values.to_pylist() if value is not None)
        raise DataError(
            "Local times need a time zone",
            where=where,
            got=first.isoformat(sep=" "),
            remedy="Declare `timezone`, for example `timezone: UTC` or `timezone: Europe/Berlin`",
        )
    if column.timezone.upper() == "UTC":
        return values.cast(arrow_type("timestamp"), safe=False)
    # Not `pyarrow.compute.assume_timezone`: it reads the system's own zone files, and ends summer time in 2037.
    # At either end of the calendar an offset leads out of it; two days away no zone has another one.
    local = np.asarray(values.cast(pa.timestamp("us"), safe=False).cast(pa.int64()).fill_null(0).to_numpy())
    inwards = np.select(
        [local < _FIRST_SECOND * 1_000_000 + _TWO_DAYS, local > _LAST_SECOND * 1_000_000 - _TWO_DAYS],
        [_TWO_DAYS, -_TWO_DAYS],
        default=0,
    )
    missing = np.asarray(values.is_null().to_numpy(zero_copy_only=False))
    moved = pa.array(local + inwards, pa.int64(), mask=missing).cast(pa.timestamp("us"))
    series = moved.to_pandas().dt.tz_localize(
        column.timezone, ambiguous=np.ones(len(values), dtype=bool), nonexistent="shift_forward"
    )
    utc = series.dt.tz_convert("UTC").dt.tz_convert(None).to_numpy()
    instants = pa.array(utc, from_pandas=True).cast(pa.timestamp("us"), safe=False)
    if inwards.any():
        back = np.asarray(instants.cast(pa.int64()).fill_null(0).to_numpy()) - inwards
        instants = pa.array(back, pa.int64(), mask=missing).cast(pa.timestamp("us"))
    return instants.cast(arrow_type("timestamp"))


def _typed_timestamps(raw: pa.Array, column: ColumnSpec, where: str) -> Values:
    import pyarrow as pa

    types = pa.types
    if types.is_date(raw.type):
        return _as_instants(_imaginable(raw).cast(pa.timestamp("us")), column, where), None
    if types.is_timestamp(raw.type):
        raw = _imaginable(raw)
        return _as_instants(raw.cast(pa.timestamp("us", raw.type.tz), safe=False), column, where), None
    if types.is_decimal(raw.type):
        raw = raw.cast(pa.float64())
    if types.is_integer(raw.type) or types.is_floating(raw.type):  # by default seconds since 1970
        counted = column.format if column.format in COUNTED_TIMES else "unix_seconds"
        return _with_bad(raw, _as_instants(times_of(raw, counted), column, where))
    return _unreadable(raw, arrow_type("timestamp"))


def _imaginable(raw: pa.Array) -> pa.Array:
    """Return days or timestamps without those that Python's calendar has not: microseconds could not hold them."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if pa.types.is_date32(raw.type):
        counted, first, last = raw.cast(pa.int32()), _FIRST_SECOND // 86_400, _LAST_SECOND // 86_400
    else:
        per_second = _PER_SECOND["ms" if pa.types.is_date64(raw.type) else raw.type.unit]
        counted, first, last = raw.cast(pa.int64()), _FIRST_SECOND * per_second, (_LAST_SECOND + 1) * per_second - 1
    limits = pa.scalar(max(first, -(2**63)), pa.int64()), pa.scalar(min(last, 2**63 - 1), pa.int64())
    inside = pc.and_(pc.greater_equal(counted, limits[0]), pc.less_equal(counted, limits[1]))
    if pc.all(inside).as_py() is not False:
        return raw
    return pc.if_else(inside, raw, pa.scalar(None, raw.type))


def _in_calendar(raw: pa.Array, values: pa.Array, bad: pa.Array | None) -> Values:
    """Return instants less those before the year 1 or after 9999, which count as unreadable."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if bad is None and values.null_count == raw.null_count:
        ends = pc.min_max(values.cast(pa.int64()))
        first, last = ends["min"].as_py(), ends["max"].as_py()
        if first is None or (first >= _FIRST_SECOND * 1_000_000 and last < (_LAST_SECOND + 1) * 1_000_000):
            return values, None
    kept = _imaginable(values)
    return _with_bad(raw, kept)


def _typed_integers(raw: pa.Array) -> Values:
    import pyarrow as pa
    import pyarrow.compute as pc

    if pa.types.is_integer(raw.type) or pa.types.is_boolean(raw.type) or pa.types.is_decimal(raw.type):
        try:
            return raw.cast(pa.int64()), None
        except pa.ArrowInvalid:  # one has decimals or is too long: the others stay exact
            fitting = (each is not None and int(each) == each and -(2**63) <= each < 2**63 for each in raw.to_pylist())
            kept = pc.if_else(pa.array(fitting, pa.bool_()), raw, pa.scalar(None, raw.type))
            return _with_bad(raw, kept.cast(pa.int64()))
    if not pa.types.is_floating(raw.type):
        return _unreadable(raw, pa.int64())
    numbers = _finite(raw.cast(pa.float64()))
    whole = pc.and_(pc.equal(pc.floor(numbers), numbers), pc.less(pc.abs(numbers), _EXACT))
    values = pc.if_else(whole, numbers, pa.scalar(None, pa.float64())).cast(pa.int64())
    return _with_bad(numbers, values)


def _typed_numbers(raw: pa.Array) -> Values:
    import pyarrow as pa

    types = pa.types
    if not (
        types.is_integer(raw.type)
        or types.is_floating(raw.type)
        or types.is_decimal(raw.type)
        or types.is_boolean(raw.type)
    ):
        return _unreadable(raw, pa.float64())
    return _finite(raw.cast(pa.float64(), safe=False)), None


def _typed_booleans(raw: pa.Array) -> Values:
    import pyarrow as pa
    import pyarrow.compute as pc

    if pa.types.is_boolean(raw.type):
        return raw, None
    if not (pa.types.is_integer(raw.type) or pa.types.is_floating(raw.type)):
        return _unreadable(raw, pa.bool_())
    one = pc.equal(raw, pa.scalar(1, raw.type))
    either = pc.or_(one, pc.equal(raw, pa.scalar(0, raw.type)))
    return _with_bad(raw, pc.if_else(either, one, pa.scalar(None, pa.bool_())))


def _typed_texts(raw: pa.Array) -> Values:
    import pyarrow as pa

    types = pa.types
    known = (types.is_integer, types.is_floating, types.is_decimal, types.is_boolean, types.is_temporal)
    if types.is_duration(raw.type) or not any(is_one(raw.type) for is_one in known):
        return _unreadable(raw, pa.string())
    return spelt(raw), None


def _finite(values: pa.Array) -> pa.Array:
    import pyarrow as pa
    import pyarrow.compute as pc

    if not pa.types.is_floating(values.type):
        return values
    finite = pc.is_finite(values)
    if pc.all(finite).as_py() is not False:  # None: there is no value at all
        return values
    return pc.if_else(finite, values, pa.scalar(None, values.type))


def _unreadable(raw: pa.Array, type_: pa.DataType) -> Values:
    import pyarrow as pa
    import pyarrow.compute as pc

    return pa.nulls(len(raw), type_), _if_any(pc.is_valid(raw))


def _with_bad(raw: pa.Array, values: pa.Array) -> Values:
    import pyarrow.compute as pc

    return values, _if_any(pc.and_(pc.is_valid(raw), pc.is_null(values)))


def _if_any(bad: pa.Array) -> pa.Array | None:
    import pyarrow.compute as pc

    return bad if pc.any(bad).as_py() else None

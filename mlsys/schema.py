"""Logical types: what a column means, one table to Arrow, and the reserved columns of a partition.

Types are declared in the spec and enforced when data comes in; every later step (Great Expectations, feature
pipelines, MLflow signatures) derives its own names from them. pyarrow is imported inside the functions, so a
spec can be read without it.
"""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self, get_args
from zoneinfo import ZoneInfo

from pydantic import (
    BeforeValidator,
    GetJsonSchemaHandler,
    StringConstraints,
    WithJsonSchema,
    field_validator,
    model_serializer,
    model_validator,
)
from pydantic_core import CoreSchema

from mlsys.components import Frozen

if TYPE_CHECKING:
    import pyarrow as pa

LogicalType = Literal["integer", "number", "text", "boolean", "timestamp", "category"]

# Columns that stand beside the user's, in partitions, frames and prediction files.
EVENT_TIME = "_event_time"  # timestamp[us, UTC] of a row, in partitions of a timed source
ARRIVAL = "_label_arrival"  # timestamp[us, UTC] when the row's label became known; null = not yet
KEY = "_key"  # uint64 hash of a row's key, the same in every snapshot
DAY = "_day"  # date32, the UTC day of a row's partition; not stored, added when read
SCORE = "y_score"  # float64, what a champion says of the row; of several classes a struct of their probabilities
SAID = "y_class"  # string, of several classes the one with the highest probability
CHAMPION = "_champion"  # candidate id of the champion whose score it is
CUTOFF = "_cutoff"  # timestamp[us, UTC], the end of the data that champion has seen
OWN_COLUMNS = frozenset({EVENT_TIME, ARRIVAL, KEY, DAY, CHAMPION, CUTOFF})

LARGEST = 3.4028234663852886e38  # of float32, in which models hold their numbers: what is beyond counts as missing
# What numbers of a column of times count, in the place of a `strptime` format.
COUNTED_TIMES = ("unix_seconds", "unix_milliseconds", "unix_microseconds", "excel_days")
_NUMBER_NULLS = ("", "NA", "N/A", "NaN", "nan", "null", "NULL", "None")


DecimalMark = Literal[".", ","]
ThousandsMark = Literal[",", ".", " ", "'"]
NumberUnit = Annotated[str, StringConstraints(pattern=r"^[^\s0-9+\-.,']([^0-9]{0,8}[^\s0-9+\-.,'])?\.?$")]


def require_two_marks(decimal: str | None, thousands: str | None) -> None:
    """Refuse marks that can't be told apart.

    Raises:
        ValueError: `thousands` is the decimal mark, which is a point where none is declared.
    """
    if thousands is not None and thousands == (decimal or "."):
        other = "," if thousands == "." else "."
        raise ValueError(
            f"'{thousands}' can't be both `decimal` and `thousands`; declare `decimal: \"{other}\"` beside it"
        )


def checked_zone(name: str | None) -> str | None:
    """Return the name of a time zone, or None for None.

    Raises:
        ValueError: the IANA database has no such zone.
    """
    if name is None:
        return None
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise ValueError(f"No time zone '{name}'. Write an IANA name, for example UTC or Europe/Berlin") from None
    return name


def _iso_day(value: object) -> object:
    if isinstance(value, str):
        try:
            return date.fromisoformat(value)
        except ValueError:
            pass
    elif isinstance(value, date) and not isinstance(value, datetime):
        return value
    raise ValueError("A day is written YYYY-MM-DD, from 0001-01-01 to 9999-12-31")


IsoDay = Annotated[date, BeforeValidator(_iso_day), WithJsonSchema({"type": "string", "format": "date"})]


class ColumnSpec(Frozen):
    """One column of the schema; in YAML a bare type name, or a mapping with these keys.

    Attributes:
        type: what the values are; every later step derives its own types from it.
        null_values: spellings that mean missing in text files and text columns. Default: empty alone for `text` and
            `category` (so that `None` and `NA` survive as categories), the usual spellings for the other types.
        strip: remove blanks around the value; default True for `category`, False for `text`.
        format: `strptime` format of a timestamp that is not ISO 8601; a date's order is never guessed. Of numbers what
            they count: `unix_seconds`, `unix_milliseconds` or `unix_microseconds` (UTC), or `excel_days` (local times).
        timezone: IANA zone of local timestamps (`UTC` is one), default the source's; without both, a timestamp
            needs an offset. A local time that occurs twice is the earlier instant, one that never was is the first
            instant after the gap.
        earliest, latest: first and last UTC day of a timestamp; what lies beyond is a bad value of its row. Default:
            from 1900 on, and no later than a day after the reading.
        true_values, false_values: spellings of booleans in text.
        decimal, thousands: marks of numbers in text, `1.234,5` or `1,234`; default those of a files source, or a point
            and none. Thousands are groups of three digits; a blank and an apostrophe stand for their typographic kin.
        unit: what stands before or after each number in text, such as `%`, `$` or `km`; a text without it is a bad
            value of its row, for it may be counted in something else. The number stays as it is written: 12 of `12 %`.
    """

    type: LogicalType
    null_values: tuple[str, ...] | None = None
    strip: bool | None = None
    format: str | None = None
    timezone: str | None = None
    true_values: tuple[str, ...] = ("true", "True", "TRUE", "1", "1.0", "yes", "t")
    false_values: tuple[str, ...] = ("false", "False", "FALSE", "0", "0.0", "no", "f")

    decimal: DecimalMark | None = None
    thousands: ThousandsMark | None = None
    unit: NumberUnit | None = None
    earliest: IsoDay | None = None
    latest: IsoDay | None = None

    _zone = field_validator("timezone")(checked_zone)

    @field_validator("format")
    @classmethod
    def _reads_something(cls, value: str | None) -> str | None:
        if value is None or "%" in value or value in (*COUNTED_TIMES, "ISO8601", "mixed"):
            return value
        known = ", ".join(COUNTED_TIMES)
        raise ValueError(f"'{value}' is no `strptime` format such as %d/%m/%Y, and none of {known}")

    @model_validator(mode="after")
    def _limits_of_times(self) -> Self:
        if (self.earliest or self.latest) and self.type != "timestamp":
            raise ValueError(f"`earliest` and `latest` are limits of times; the column is declared as {self.type}")
        if self.earliest is not None and self.latest is not None and self.earliest > self.latest:
            raise ValueError(f"`earliest` ({self.earliest}) lies after `latest` ({self.latest})")
        return self

    @model_validator(mode="after")
    def _marks_of_numbers(self) -> Self:
        if self.marked and self.type not in ("integer", "number"):
            named = "`unit` is" if self.unit else "`decimal` and `thousands` are marks"
            raise ValueError(f"{named} of numbers; the column is declared as {self.type}")
        require_two_marks(self.decimal, self.thousands)
        return self

    @model_validator(mode="before")
    @classmethod
    def _from_name(cls, value: Any) -> Any:
        return {"type": value} if isinstance(value, str) else value

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {"anyOf": [{"enum": list(get_args(LogicalType))}, handler(schema)]}

    @model_serializer(mode="plain")
    def _compact(self) -> Any:
        # Written as a person would write it: the bare type, or only what differs from the defaults.
        named = {name: value for name, value in self if value != type(self).model_fields[name].default}
        return self.type if set(named) == {"type"} else {name: _plain_value(value) for name, value in named.items()}

    @property
    def nulls(self) -> tuple[str, ...]:
        """Spellings that mean missing."""
        if self.null_values is not None:
            return self.null_values
        return ("",) if self.type in ("text", "category") else _NUMBER_NULLS

    @property
    def counted(self) -> bool:
        """Whether numbers count the time, as `format` says."""
        return self.format in COUNTED_TIMES

    @property
    def instant(self) -> bool:
        """Whether `format` reads instants: what it reads needs no time zone."""
        return "%z" in (self.format or "") or (self.counted and self.format != "excel_days")

    @property
    def marked(self) -> bool:
        """Whether numbers in text carry declared marks or a unit."""
        return any(each is not None for each in (self.decimal, self.thousands, self.unit))

    @property
    def stripped(self) -> bool:
        """Whether blanks around a value are removed."""
        return self.type != "text" if self.strip is None else self.strip


Schema = dict[str, ColumnSpec]


def _plain_value(value: object) -> object:
    if isinstance(value, date):
        return value.isoformat()
    return list(value) if isinstance(value, tuple) else value


def spelt(values: pa.Array | pa.ChunkedArray) -> Any:
    """Return numbers, truth values or times as text: a number has one spelling, whatever type it came in.

    A whole number is spelt as an integer (1.0 and Decimal 1.00 are "1"), others without zeros at their end; NaN and
    infinity are missing, as in a column of numbers.

    Raises:
        pa.ArrowNotImplementedError: values that have no spelling, such as lists.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    if pa.types.is_decimal(values.type):
        return pa.array([None if value is None else plain_decimal(value) for value in values.to_pylist()], pa.string())
    if not pa.types.is_floating(values.type):
        return values.cast(pa.string())
    wide = values.cast(pa.float64())
    whole = pc.and_(pc.equal(pc.floor(wide), wide), pc.less(pc.abs(wide), 2.0**63))
    integers = pc.if_else(whole, wide, pa.scalar(None, pa.float64())).cast(pa.int64()).cast(pa.string())
    others = pc.if_else(pc.is_finite(wide), values, pa.scalar(None, values.type)).cast(pa.string())
    return pc.coalesce(integers, others)


def plain_decimal(number: Decimal) -> str:
    """Return the spelling of a finite decimal number: no exponent, no zeros at its end."""
    text = f"{number:f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text == "-0" else text


def arrow_type(logical: LogicalType) -> pa.DataType:
    """Return the Arrow type that stores a logical type in partitions."""
    import pyarrow as pa

    return {
        "integer": pa.int64(),
        "number": pa.float64(),
        "text": pa.string(),
        "category": pa.string(),
        "boolean": pa.bool_(),
        "timestamp": pa.timestamp("us", tz="UTC"),
    }[logical]

from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from mlsys.schema import ColumnSpec
from mlsys.sources.reading.counted_times import times_of, what_it_counts
from mlsys.sources.reading.values import logical_values

NOON = datetime(2024, 2, 29, 12, 0, 0, 250_000, tzinfo=UTC)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
PER_SECOND = {"unix_seconds": 1, "unix_milliseconds": 1_000, "unix_microseconds": 1_000_000}
WIDTHS = (pa.int8(), pa.int16(), pa.int32(), pa.int64(), pa.uint8(), pa.uint16(), pa.uint32(), pa.uint64())


def read(values: list[Any], format_: str, *, timezone: str | None = None) -> tuple[list[datetime | None], list[int]]:
    """Return what a column of times gives, and the places of values that can't be read."""
    found, bad = logical_values(pa.array(values), ColumnSpec(type="timestamp", format=format_, timezone=timezone), "t")
    return found.to_pylist(), [] if bad is None else [i for i, each in enumerate(bad.to_pylist()) if each]


@pytest.mark.parametrize(
    ("format_", "number"),
    [("unix_seconds", 1709208000.25), ("unix_milliseconds", 1709208000250), ("unix_microseconds", 1709208000250000)],
)
def test_texts_and_numbers_count_alike(format_: str, number: float) -> None:
    assert read([number, None], format_) == ([NOON, None], [])
    assert read([f" {number} ", "", "NA"], format_) == ([NOON, None, None], [])
    assert read([f"{number}", "2024-02-29", "soon"], format_) == ([NOON, None, None], [1, 2])


def test_days_of_excel_are_local_and_rounded_to_milliseconds() -> None:
    noon = datetime(2024, 2, 29, 11, tzinfo=UTC)  # noon in Berlin
    assert read([45351.5], "excel_days", timezone="Europe/Berlin") == ([noon], [])
    assert read(["45351.5", "45351"], "excel_days", timezone="Europe/Berlin") == (
        [noon, noon - timedelta(hours=12)],
        [],
    )
    assert read([45351 + 1 / 3], "excel_days", timezone="UTC")[0] == [datetime(2024, 2, 29, 8, tzinfo=UTC)]
    assert read([60, 61], "excel_days", timezone="UTC") == ([None, datetime(1900, 3, 1, tzinfo=UTC)], [0])


@pytest.mark.parametrize("kind", WIDTHS, ids=str)
@pytest.mark.parametrize("format_", PER_SECOND)
def test_every_width_of_whole_numbers_is_read_exactly_or_refused(kind: pa.DataType, format_: str) -> None:
    bits, signed = kind.bit_width, pa.types.is_signed_integer(kind)
    ends = [-(2 ** (bits - 1)) if signed else 0, 2 ** (bits - signed) - 1, 7]
    last = 253_402_300_800 * PER_SECOND[format_]
    first = -62_135_596_800 * PER_SECOND[format_]
    wanted = [
        EPOCH + timedelta(microseconds=end * 1_000_000 // PER_SECOND[format_]) if first <= end < last else None
        for end in ends
    ]
    assert times_of(pa.array(ends, kind), format_).to_pylist() == wanted


@given(st.datetimes(timezones=st.just(UTC)))
def test_what_is_counted_comes_back(instant: datetime) -> None:
    micros = (instant - EPOCH) // timedelta(microseconds=1)
    assert times_of(pa.array([micros]), "unix_microseconds").to_pylist() == [instant]
    assert times_of(pa.array([micros // 1000]), "unix_milliseconds").to_pylist()[0] == instant.replace(
        microsecond=instant.microsecond // 1000 * 1000
    )


@given(st.lists(st.one_of(st.none(), st.floats(width=64), st.floats(1e9, 2e9)), min_size=1, max_size=5))
def test_any_number_is_a_time_or_none(numbers: list[float | None]) -> None:
    for format_ in (*PER_SECOND, "excel_days"):
        assert len(times_of(pa.array(numbers, pa.float64()), format_).to_pylist()) == len(numbers)


@pytest.mark.parametrize(("format_", "end"), [("unix_seconds", 253402300800.0), ("excel_days", 2958466.0)])
def test_the_calendar_ends_with_the_year_9999(format_: str, end: float) -> None:
    last, beyond = times_of(pa.array([end - 1, end]), format_).to_pylist()
    assert (last.year, beyond) == (9999, None)


def test_a_word_that_reads_nothing_is_refused_by_the_spec() -> None:
    with pytest.raises(ValidationError, match=r"'epoch' is no `strptime` format.*unix_seconds"):
        ColumnSpec(type="timestamp", format="epoch")


@pytest.mark.parametrize(
    ("value", "format_"),
    [
        ("1735689600", "unix_seconds"),
        (1735689600000, "unix_milliseconds"),
        (" 45658.25 ", "excel_days"),
        ("12", ""),
        ("x", ""),
    ],
)
def test_what_a_number_may_count_is_said(value: object, format_: str) -> None:
    said = what_it_counts(value)
    assert said.endswith(f"`format: {format_}`") if format_ else said == ""

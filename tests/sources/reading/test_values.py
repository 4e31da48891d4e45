"""Raw values to logical types, one spelling at a time."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlsys.errors import DataError
from mlsys.schema import ColumnSpec, arrow_type
from mlsys.sources.reading.values import logical_values

BAD = object()


def read(values, type_, raw_type=None, **fields):
    column = ColumnSpec(type=type_, **fields)
    found, bad = logical_values(pa.array(values, raw_type), column, "here")
    assert found.type == arrow_type(type_)
    flags = bad.to_pylist() if bad is not None else [False] * len(values)
    return [BAD if flag else value for value, flag in zip(found.to_pylist(), flags, strict=True)]


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        ("7", 7),
        (" 7 ", 7),
        ("+7", 7),
        ("3.0", 3),
        ("1e3", 1000),
        ("9223372036854775807", 2**63 - 1),
        ("9223372036854775808", BAD),
        ("1.5", BAD),
        ("seven", BAD),
        ("1_000", BAD),
        ("0x1f", BAD),
        ("", None),
        ("NA", None),
        ("None", None),
    ],
)
def test_integers_in_text(raw, value):
    assert read([raw, "0"], "integer") == [value, 0]


def test_long_integers_survive_a_bad_neighbour():
    assert read(["1234567890123456789", "x"], "integer") == [1234567890123456789, BAD]


LONG = 2**53 + 1  # no float has it


@pytest.mark.parametrize(
    ("values", "raw_type", "expected"),
    [
        ([f"{LONG}.0", f"{LONG}.", "-9007199254740993.00", "1.5"], None, [LONG, LONG, -LONG, BAD]),
        ([Decimal(LONG), Decimal("1.5"), Decimal(10) ** 20, None], pa.decimal128(30, 2), [LONG, BAD, BAD, None]),
        ([Decimal(10) ** 40, Decimal(LONG)], pa.decimal256(60, 2), [BAD, LONG]),
        ([LONG, 2**63, None], pa.uint64(), [LONG, BAD, None]),
        ([float(LONG), 2.0**53 - 1], pa.float64(), [BAD, 2**53 - 1]),  # rounded already: which number was it?
        (["9007199254740992e0", "1e3"], None, [BAD, 1000]),
    ],
    ids=["text", "decimals", "long decimals", "unsigned", "floats", "exponents"],
)
def test_a_whole_number_is_exact_or_refused_whatever_stands_beside_it(values, raw_type, expected):
    assert read(values, "integer", raw_type) == expected


PIECES = st.sampled_from(["1", "20", ".", "-", "+", "e", "0x", "inf", "Infinity", "NaN", "nan(1)", "_", " ", ",", "NA"])


@pytest.mark.slow
@given(st.lists(PIECES, max_size=4).map("".join), st.sampled_from(["integer", "number"]))
def test_a_number_is_read_alike_whatever_stands_beside_it(text, type_):
    alone = read([text], type_)
    for beside in ("1", "NULL", "x", "2.5"):
        assert read([text, beside], type_)[:1] == alone


DATES = st.sampled_from(["2026-01-02", "2026-1-2", "20260102", "2026-02-30", "2026"])
CLOCKS = st.sampled_from(["", "T10", " 10", " 10:20", "T10:20:30", " 10:20:30.123456789", " 24:00", " 10:20:60"])


@pytest.mark.parametrize(
    ("text", "micros"),
    [
        ("2026-01-02 10:20:30,125", 125_000),
        ("2026-01-02 10:20:30 UTC", 0),
        ("2026-01-02T10:20:30.5UTC", 500_000),
        ("2026-01-02 12:20:30 +0200", 0),
        ("2026-01-02 10:20:30,125 GMT", 125_000),
    ],
)
def test_kin_of_iso_8601_are_read(text, micros):
    instant = datetime(2026, 1, 2, 10, 20, 30, micros, tzinfo=UTC)
    assert read([text, "2026-01-02"], "timestamp", timezone="UTC")[0] == instant
    assert read([f"{text}, or so", f"{text} EST"], "timestamp", timezone="UTC") == [BAD, BAD]


OFFSETS = st.sampled_from(["", "Z", "+01:00", "-0230", "+02", " +0100", " UTC"])


@pytest.mark.slow
@given(st.tuples(DATES, CLOCKS, OFFSETS).map("".join))
def test_a_time_is_read_alike_whatever_stands_beside_it(text):
    alone = read([text], "timestamp", timezone="UTC")
    for beside in ("2026-01-01", "2026-01-01T00:00:00Z", "x", "NA"):
        assert read([text, beside], "timestamp", timezone="UTC")[:1] == alone


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        ("1.5", 1.5),
        (".5", 0.5),
        ("-2e-3", -0.002),
        ("1,5", BAD),
        ("12 kg", BAD),
        ("0x1f", BAD),
        ("nan", None),
        ("inf", None),
        ("-Inf", None),
        ("1e999", None),
        ("N/A", None),
    ],
)
def test_numbers_in_text(raw, value):
    assert read([raw, "0", "x"], "number") == [value, 0, BAD]
    assert read([raw, "0"], "number") == [value, 0]


@pytest.mark.slow
@given(st.lists(st.one_of(st.none(), st.integers(-(2**53), 2**53)), min_size=1))
def test_a_whole_number_is_spelt_alike_whatever_type_it_came_in(numbers):
    expected = [None if number is None else str(number) for number in numbers]
    assert read(numbers, "category", pa.int64()) == expected
    assert read(numbers, "category", pa.float64()) == expected
    assert read([None if number is None else Decimal(number) for number in numbers], "text", pa.decimal128(30, 4)) == (
        expected
    )


def test_own_spellings_of_missing_values():
    assert read(["-999", "-1"], "integer", null_values=("-999",)) == [None, -1]
    assert read(["unknown", "NA"], "category", null_values=("unknown",)) == [None, "NA"]


def test_categories_are_stripped_and_texts_are_not():
    assert read([" None ", "NA", " "], "category") == ["None", "NA", None]
    assert read([" a ", "", "NA"], "text") == [" a ", None, "NA"]


def test_booleans_have_known_spellings():
    assert read(["yes", "F", "0", "", "ja"], "boolean") == [True, BAD, False, None, BAD]
    assert read(["1.0", "0.0", "1", ""], "boolean") == [True, False, True, None]  # of a tool that writes holes so
    assert read(["ja", "nein"], "boolean", true_values=("ja",), false_values=("nein",)) == [True, False]


@pytest.mark.parametrize(
    ("values", "raw_type", "type_", "expected"),
    [
        ([1.0, 1.5, None], pa.float64(), "integer", [1, BAD, None]),
        ([2**63, 1], pa.uint64(), "integer", [BAD, 1]),
        ([True, False], pa.bool_(), "integer", [1, 0]),
        ([Decimal("1.50")], None, "number", [1.5]),
        ([float("nan"), float("inf"), 1.0], pa.float64(), "number", [None, None, 1.0]),
        ([2**60], pa.int64(), "number", [float(2**60)]),
        ([0, 1, 2], pa.int64(), "boolean", [False, True, BAD]),
        ([1, 2], pa.int64(), "category", ["1", "2"]),
        ([1.0, 2.5, -0.0, 1e16, None], pa.float64(), "category", ["1", "2.5", "0", "10000000000000000", None]),
        ([123_456_789_012.0, float("nan"), float("inf")], pa.float64(), "text", ["123456789012", None, None]),
        ([0.1, 3.0], pa.float32(), "category", ["0.1", "3"]),
        ([Decimal("1.00"), Decimal("1.50"), Decimal("-0.00")], None, "text", ["1", "1.5", "0"]),
        ([Decimal("0.0000000100"), Decimal("100.0000000000")], None, "text", ["0.00000001", "100"]),
        ([b"\xff"], pa.binary(), "text", [BAD]),
        ([datetime(2026, 1, 1)], pa.timestamp("us"), "number", [BAD]),
        ([None, None], pa.null(), "number", [None, None]),
        ([1_767_225_600, 10**15], pa.int64(), "timestamp", [datetime(2026, 1, 1, tzinfo=UTC), BAD]),
        ([0.5], pa.float64(), "timestamp", [datetime(1970, 1, 1, 0, 0, 0, 500_000, tzinfo=UTC)]),
        (
            [datetime(2026, 1, 1, tzinfo=UTC)],
            pa.timestamp("ns", "UTC"),
            "timestamp",
            [datetime(2026, 1, 1, tzinfo=UTC)],
        ),
    ],
)
def test_typed_values(values, raw_type, type_, expected):
    assert read(values, type_, raw_type) == expected


@pytest.mark.parametrize(
    "text",
    ["2026-01-01T23:00:00Z", "2026-01-02T00:00:00+01:00", "2026-01-02 01:00+02:00", "2026-01-01T23:00:00.000000000Z"],
)
def test_instants_in_text(text):
    assert read([text], "timestamp") == [datetime(2026, 1, 1, 23, tzinfo=UTC)]


@pytest.mark.parametrize(
    ("text", "fields", "instant"),
    [
        ("2026-01-01 24:00", {}, datetime(2026, 1, 2, tzinfo=UTC)),
        ("2026-12-31T24:00:00", {}, datetime(2027, 1, 1, tzinfo=UTC)),
        ("2026-02-28T24:00:00.000", {}, datetime(2026, 3, 1, tzinfo=UTC)),
        ("2026-01-01T24:00Z", {}, datetime(2026, 1, 2, tzinfo=UTC)),
        ("2026-01-01T24:00:00+02:00", {}, datetime(2026, 1, 1, 22, tzinfo=UTC)),
        ("2026-03-28 24:00", {"timezone": "Europe/Berlin"}, datetime(2026, 3, 28, 23, tzinfo=UTC)),
        ("2026-03-29 24:00", {"timezone": "Europe/Berlin"}, datetime(2026, 3, 29, 22, tzinfo=UTC)),
        ("31.12.2026 24:00", {"format": "%d.%m.%Y %H:%M"}, datetime(2027, 1, 1, tzinfo=UTC)),
        ("31.12.2026 24.00", {"format": "%d.%m.%Y %H.%M"}, datetime(2027, 1, 1, tzinfo=UTC)),
        ("24:00 24/12/2026", {"format": "%H:%M %d/%m/%Y"}, datetime(2026, 12, 25, tzinfo=UTC)),
        ("2026-01-01 24:01", {}, BAD),
        ("2026-01-01 24:00:01", {}, BAD),
        ("2026-01-01 24:00:00.1", {}, BAD),
        ("2026-02-30 24:00", {}, BAD),
        ("9999-12-31 24:00", {}, BAD),
        ("2026-01-01 124:00", {}, BAD),
    ],
)
def test_24_00_is_the_next_midnight(text, fields, instant):
    fields = {"timezone": "UTC", **fields}
    other = "2026-05-01T10:00" if "format" not in fields else ""
    found = read([text, other, ""], "timestamp", **fields)
    assert found[0] == instant
    assert found[2] is None
    assert BAD not in found[1:]


def test_mixed_kinds_of_timestamps_are_read_each_by_itself():
    values = ["2026-01-02 01:00", "2026-01-02T01:00:00Z", "2026-02-30", "02/01/2026", "20260102", ""]
    found = read(values, "timestamp", timezone="Europe/Berlin")
    assert found == [datetime(2026, 1, 2, 0, tzinfo=UTC), datetime(2026, 1, 2, 1, tzinfo=UTC), BAD, BAD, BAD, None]


def test_local_date_is_its_midnight():
    expected = [datetime(2026, 1, 1, 23, tzinfo=UTC)]
    assert read([date(2026, 1, 2)], "timestamp", timezone="Europe/Berlin") == expected
    assert read(["2026-01-02"], "timestamp", timezone="Europe/Berlin") == expected


def test_time_that_occurs_twice_is_the_earlier_and_time_that_never_was_the_first_after():
    found = read(["2026-10-25 02:30", "2026-03-29 02:30"], "timestamp", timezone="Europe/Berlin")
    assert found == [datetime(2026, 10, 25, 0, 30, tzinfo=UTC), datetime(2026, 3, 29, 1, tzinfo=UTC)]


def test_local_times_without_zone_are_refused():
    with pytest.raises(DataError, match="here: Local times need a time zone"):
        read(["2026-01-01 10:00"], "timestamp")

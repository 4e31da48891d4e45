"""Numbers with marks: read where they are declared, and refused with the declaration where they are not."""

from __future__ import annotations

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from mlsys.schema import ColumnSpec
from mlsys.sources.reading.number_marks import what_to_do
from mlsys.sources.reading.values import logical_values

BAD = object()
MARKS = [
    (None, None),
    (None, ","),
    (None, " "),
    (None, "'"),
    (",", None),
    (",", "."),
    (",", " "),
    (",", "'"),
    (".", ","),
]


def read(values, type_="number", **fields):
    found, bad = logical_values(pa.array(values, pa.string()), ColumnSpec(type=type_, **fields), "here")
    flags = bad.to_pylist() if bad is not None else [False] * len(values)
    return [BAD if flag else value for value, flag in zip(found.to_pylist(), flags, strict=True)]


@pytest.mark.parametrize(
    ("decimal", "thousands", "text", "value"),
    [
        (",", ".", "1.234,5", 1234.5),
        (",", ".", "-1.234.567,25", -1234567.25),
        (",", ".", "1234,5", 1234.5),
        (",", ".", ",5", 0.5),
        (",", ".", "1,5e3", 1500.0),
        (",", ".", "1.5", BAD),  # a group has three digits
        (",", ".", "1.2345", BAD),
        (",", ".", "1,234,5", BAD),
        (",", None, "1,5", 1.5),
        (",", None, "1.5", BAD),
        (",", None, "1.234,5", BAD),
        (None, ",", "1,234", 1234.0),
        (None, ",", "1,234.5", 1234.5),
        (None, ",", "12,34", BAD),
        (None, ",", ",234", BAD),
        (None, " ", "1 234.5", 1234.5),
        (None, " ", "1\xa0234", 1234.0),
        (",", " ", " 1\u202f234\u202f567,8 ", 1234567.8),
        (None, "'", "1'234.5", 1234.5),
        (None, "'", "1\u2019234", 1234.0),
        (",", ".", "", None),
        (",", ".", "NaN", None),
        (",", ".", "inf", None),
        (",", ".", "NA", None),
        (",", ".", "x", BAD),
    ],
)
def test_declared_marks(decimal, thousands, text, value):
    assert read([text, "7", None], decimal=decimal, thousands=thousands) == [value, 7.0, None]


@pytest.mark.parametrize(
    ("text", "value"), [("1.234", 1234), ("3,0", 3), ("3,5", BAD), ("9.223.372.036.854.775.807", 2**63 - 1), ("", None)]
)
def test_whole_numbers_have_marks_too(text, value):
    assert read([text, "0"], "integer", decimal=",", thousands=".") == [value, 0]


UNITS = ["%", "$", "€", "EUR", "km/h", "kg.", "US$", "m²"]


@pytest.mark.parametrize(
    ("unit", "fields", "text", "value"),
    [
        ("%", {}, "12.5%", 12.5),
        ("%", {}, " -3 % ", -3.0),
        ("%", {}, "12.5", BAD),  # a share of 1, perhaps
        ("%", {}, "12.5%%", BAD),
        ("%", {}, "%", BAD),
        ("%", {}, "1e3 %", 1000.0),
        ("%", {}, "", None),
        ("$", {"thousands": ","}, "$1,234.50", 1234.5),
        ("$", {"thousands": ","}, "-$1,234.50", -1234.5),
        ("$", {"thousands": ","}, "$-7", -7.0),
        ("$", {"thousands": ","}, "-$-7", BAD),
        ("$", {"thousands": ","}, "$7$", BAD),
        ("$", {"thousands": ","}, "€7", BAD),
        ("€", {"decimal": ",", "thousands": "."}, "1.234,5\u202f€", 1234.5),
        ("€", {"decimal": ",", "thousands": "."}, "1234.5 €", BAD),
        ("km/h", {}, "88 km/h", 88.0),
    ],
)
def test_a_declared_unit(unit, fields, text, value):
    assert read([text, f"7{unit}", None], unit=unit, **fields) == [value, 7.0, None]


@pytest.mark.slow
@given(
    st.floats(allow_nan=False, allow_infinity=False, width=32),
    st.sampled_from(MARKS),
    st.sampled_from(UNITS),
    st.booleans(),
)
def test_a_number_written_with_marks_and_unit_is_that_number(number, marks, unit, before):
    decimal, thousands = marks
    text = f"{number:,.4f}".replace(",", "T").replace(".", decimal or ".").replace("T", thousands or "")
    written = f"{unit} {text}" if before else f"{text}{unit}"
    assert read([written, text], decimal=decimal, thousands=thousands, unit=unit) == [float(f"{number:.4f}"), BAD]


@pytest.mark.slow
@given(st.text(st.sampled_from("0123456789.,' -+e%"), max_size=9), st.sampled_from(MARKS))
def test_a_unit_never_makes_another_number_of_one(text, marks):
    decimal, thousands = marks
    (value,) = read([text], decimal=decimal, thousands=thousands, unit="%")
    if value is not BAD and value is not None:
        assert text.count("%") == 1
        bare = text.replace("%", "").replace(" ", "").replace(thousands or "T", "").replace(decimal or ".", ".")
        assert value == float(bare)


@pytest.mark.slow
@given(st.floats(allow_nan=False, allow_infinity=False, width=32), st.sampled_from(MARKS))
def test_a_number_written_with_its_marks_is_that_number(number, marks):
    decimal, thousands = marks
    text = f"{number:,.4f}".replace(",", "T").replace(".", decimal or ".").replace("T", thousands or "")
    assert read([text], decimal=decimal, thousands=thousands) == [float(f"{number:.4f}")]


@pytest.mark.slow
@given(st.text(st.sampled_from("0123456789.,' -+e"), max_size=9), st.sampled_from(MARKS[1:]))
def test_marks_never_make_another_number_of_one(text, marks):
    decimal, thousands = marks
    (value,) = read([text], decimal=decimal, thousands=thousands)
    if value is not BAD and value is not None:
        bare = text.strip().replace(thousands or "T", "").replace(decimal or ".", ".")
        assert value == float(bare)


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("1.234,5", 'declare `decimal: ","` and `thousands: "."`, for the column or for a files source'),
        ("1,5", 'declare `decimal: ","`'),
        ("1,234", 'declare `thousands: ","` or `decimal: ","`'),
        ("1,234.5", 'declare `thousands: ","`'),
        ("1\xa0234", 'declare `thousands: " "`'),
        ("1 234,5", 'declare `decimal: ","` and `thousands: " "`'),
        ("1'234.50", 'declare `thousands: "\'"`'),
        ("12.5 %", 'declare `unit: "%"`'),
        ("5%", 'declare `unit: "%"`'),
        ("€ 12", 'declare `unit: "€"`'),
        ("$1,234.50", 'declare `unit: "$"` and `thousands: ","`'),
        ("-1.234,50 €", 'declare `unit: "€"` and `decimal: ","` and `thousands: "."`'),
        ("12.50 EUR", 'declare `unit: "EUR"`'),
        ("12 kg", 'declare `unit: "kg"`'),
        ("(12.50)", "begins with `-`"),
        ("12-", "begins with `-`"),
        ("\u221212", "begins with `-`"),
        ("#N/A", "a spreadsheet left an error"),
        ("#DIV/0!", "a spreadsheet left an error"),
    ],
)
def test_a_number_with_marks_is_refused_with_what_to_do(text, hint):
    assert read([text, "7"], null_values=("",)) == [BAD, 7.0]
    assert hint in what_to_do(text, ColumnSpec(type="number"))


@pytest.mark.parametrize("text", ["seven", "", "2026-01-01", "1.2.3", "1,2,3", "ab 12345 cd", b"5", 5])
def test_where_nothing_is_known_nothing_is_said(text):
    assert what_to_do(text, ColumnSpec(type="number")) == ""


def test_other_columns_get_no_hint():
    assert what_to_do("1,5", ColumnSpec(type="boolean")) == ""


def test_a_point_in_a_whole_number_may_be_a_mark_of_thousands():
    assert what_to_do("1.5", ColumnSpec(type="integer")) == ""
    assert 'declare `decimal: ","` and `thousands: "."`' in what_to_do("1.234", ColumnSpec(type="integer"))


def test_a_number_that_is_written_otherwise_is_told_the_declared_marks():
    assert what_to_do("1.5", ColumnSpec(type="number", decimal=",")) == 'declared is `decimal: ","`'


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"type": "number", "thousands": "."}, 'can\'t be both `decimal` and `thousands`; declare `decimal: ","`'),
        ({"type": "number", "decimal": ",", "thousands": ","}, 'declare `decimal: "."`'),
        ({"type": "category", "decimal": ","}, "marks of numbers; the column is declared as category"),
        ({"type": "number", "decimal": ";"}, "decimal"),
        ({"type": "category", "unit": "%"}, "`unit` is of numbers; the column is declared as category"),
        ({"type": "number", "unit": ""}, "unit"),
        ({"type": "number", "unit": "5"}, "unit"),
        ({"type": "number", "unit": "-"}, "unit"),
    ],
)
def test_marks_that_mean_nothing_are_refused(fields, message):
    with pytest.raises(ValidationError, match=message):
        ColumnSpec.model_validate(fields)


def test_marks_are_written_down_where_they_are_declared_alone():
    assert ColumnSpec(type="number").model_dump() == "number"
    assert ColumnSpec(type="number", decimal=",").model_dump() == {"type": "number", "decimal": ","}
    assert ColumnSpec(type="number", unit="%").model_dump() == {"type": "number", "unit": "%"}

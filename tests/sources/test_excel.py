"""What is particular to workbooks: sheets, headers, kinds of cells, what a spreadsheet leaves in them, damage."""

import io
import re
import sys
import zipfile
from datetime import UTC, date, datetime, time, timedelta

import pytest
from given.workbooks import Error, Formula, Sheet, Styled, compound_file, workbook, write, zipped
from pydantic import ValidationError

from mlsys.errors import DataError, UsageError
from mlsys.schema import EVENT_TIME, ColumnSpec
from mlsys.sources import SOURCES
from mlsys.sources.base import ReadRequest

HEADER = ["id", "city", "amount", "paid", "seen"]
TYPES = {"id": "integer", "city": "category", "amount": "number", "paid": "boolean", "seen": "timestamp"}
SCHEMA = {name: ColumnSpec(type=type_) for name, type_ in TYPES.items()}
MORNING = datetime(2026, 3, 1, 10, 7, 13)
ROW = [1, "Oslo", 2.5, True, MORNING]


def source(folder, **fields):
    return SOURCES.parse({"kind": "excel", "path": f"{folder}/*", "timezone": "UTC", **fields})


def read(folder, schema=SCHEMA, **fields):
    """Return the rows, and place and reason of those set aside."""
    drops = list(source(folder, **fields).read(ReadRequest(schema)))
    rows = [tuple(row.values()) for drop in drops for row in drop.table.to_pylist()]
    return rows, [(each.where.rpartition("/")[2], each.reason) for drop in drops for each in drop.rejected]


def column(folder, cells, **spec):
    """Return the values and the refusals of one column."""
    write(folder / "a.xlsx", [["n", "x"], *([number, cell] for number, cell in enumerate(cells))])
    rows, rejected = read(folder, {"n": ColumnSpec(type="integer"), "x": ColumnSpec(**spec)})
    return [row[1] for row in rows], [reason for _, reason in rejected]


def refused(folder, data, **fields):
    """Return the error of a file of these bytes."""
    (folder / "a.xlsx").write_bytes(data)
    with pytest.raises(DataError) as caught:
        read(folder, **fields)
    assert "a.xlsx" in str(caught.value)
    assert caught.value.remedy
    return str(caught.value)


def test_cells_of_every_kind(tmp_path):
    write(tmp_path / "a.xlsx", [HEADER, ROW, [2, "None", 3, False, date(2026, 3, 2)], [3, "NA", None, None, None]])
    rows, rejected = read(tmp_path)
    assert rows == [
        (1, "Oslo", 2.5, True, MORNING.replace(tzinfo=UTC)),
        (2, "None", 3.0, False, datetime(2026, 3, 2, tzinfo=UTC)),
        (3, "NA", None, None, None),
    ]
    assert rejected == []


def test_texts_are_read_as_those_of_a_csv_file(tmp_path):
    texts = ["2", " Rome ", "1.234,5", "yes", "2026-03-01T11:00+01:00"]
    write(tmp_path / "a.xlsx", [HEADER, texts, [3, "", "N/A", "t", "2026-03-02 00:00"]])
    rows, _ = read(tmp_path, decimal=",", thousands=".")
    assert rows == [
        (2, "Rome", 1234.5, True, datetime(2026, 3, 1, 10, tzinfo=UTC)),
        (3, None, None, True, datetime(2026, 3, 2, tzinfo=UTC)),
    ]


def test_dates_and_texts_in_one_column(tmp_path):
    cells = ["01.03.2026", date(2026, 3, 2), MORNING, "3/4/2026", time(10), "2026-03-05"]
    values, refusals = column(tmp_path, cells, type="timestamp", format="%d.%m.%Y")
    assert [value.date().day for value in values] == [1, 2, 1, 5]
    assert values[2] == MORNING.replace(tzinfo=UTC)
    assert ["3/4/2026" in refusals[0], "10:00:00" in refusals[1]] == [True, True]


def test_a_number_is_no_time(tmp_path):
    values, refusals = column(tmp_path, [MORNING, 46082, MORNING, MORNING], type="timestamp")
    assert values == [MORNING.replace(tzinfo=UTC)] * 3
    assert refusals == [
        "column 'x': the cell holds the number 46082: format it as a date, or declare `format` if its digits spell one"
    ]


def test_digits_that_spell_a_day(tmp_path):
    values, _ = column(tmp_path, [20260301, 20260302], type="timestamp", format="%Y%m%d")
    assert [value.day for value in values] == [1, 2]


def test_days_since_1904(tmp_path):
    (tmp_path / "a.xlsx").write_bytes(workbook(Sheet("Data", [HEADER, ROW]), from_1904=True))
    assert read(tmp_path)[0][0][4] == MORNING.replace(tzinfo=UTC)


def test_texts_in_a_table_of_their_own(tmp_path):
    data = workbook(Sheet("Data", [HEADER, ROW, [2, "<&> None", 1, "ja", " 2026-03-02"]]), shared=True)
    (tmp_path / "a.xlsx").write_bytes(data)
    schema = {**SCHEMA, "paid": ColumnSpec(type="boolean", true_values=("ja",))}
    rows, _ = read(tmp_path, schema)
    assert rows[1] == (2, "<&> None", 1.0, True, datetime(2026, 3, 2, tzinfo=UTC))
    place = data.index(b"xl/sharedStrings.xml") + 60
    assert "half written or damaged" in refused(tmp_path, data[:place] + b"\xff" + data[place + 1 :])


def test_percent_is_a_format(tmp_path):
    assert column(tmp_path, [Styled(0.25), Styled(1)], type="number") == ([0.25, 1.0], [])
    assert '`unit: "%"`' in column(tmp_path, ["25 %", 1, 2], type="number")[1][0]


def test_numbers_in_a_category_have_one_spelling(tmp_path):
    assert column(tmp_path, [1, 1.0, 1.5, "A7", True], type="category")[0] == ["1", "1", "1.5", "A7", "true"]


def test_a_duration_is_no_number(tmp_path):
    values, refusals = column(tmp_path, [timedelta(hours=30), 1, 2], type="number")
    assert (values, "1 day, 6:00:00" in refusals[0]) == ([1.0, 2.0], True)


def test_local_times_need_a_zone(tmp_path):
    write(tmp_path / "a.xlsx", [HEADER, ROW])
    with pytest.raises(DataError, match=r"column 'seen'.*need a time zone"):
        read(tmp_path, timezone=None)


def test_bad_values_are_set_aside_with_the_row_that_excel_shows(tmp_path):
    rows = [["A title"], HEADER, ROW, [], ["two", "Rome", 1, True, MORNING], ROW]
    write(tmp_path / "a.xlsx", rows, first_column=1)
    found, rejected = read(tmp_path, header_row=2)
    assert len(found) == 2
    assert rejected == [("a.xlsx, sheet 'Data', row 5", "column 'id': 'two' is not a whole number")]


def test_errors_of_formulas_are_no_missing_values(tmp_path):
    rows = [[2, Error("#N/A"), 1, True, MORNING], [3, "Rome", Error(), True, MORNING], [Error()] * 5]
    write(tmp_path / "a.xlsx", [HEADER, *[ROW] * 5, *rows])
    found, rejected = read(tmp_path)
    assert len(found) == 5
    assert [where.rpartition(" ")[2] for where, _ in rejected] == ["7", "8", "9"]
    assert (
        rejected[0][1]
        == "column 'city': the cell holds the error #N/A: mend its formula, or list it under `null_values`"
    )
    assert "#DIV/0!" in rejected[1][1]


def test_an_error_that_is_declared_is_missing(tmp_path):
    cells = [1, Error("#N/A"), Error("#REF!"), 2]
    values, refusals = column(tmp_path, cells, type="number", null_values=("", "#N/A"))
    assert (values, len(refusals)) == ([1.0, None, 2.0], 1)


def test_mostly_errors_is_the_fault_of_the_column(tmp_path):
    with pytest.raises(DataError, match=r"Most values of column 'x' can't be read: the cell holds the error #DIV/0!"):
        column(tmp_path, [1, Error(), Error()], type="number")


def test_a_formula_that_was_never_calculated_is_no_missing_value(tmp_path):
    cells = [Formula("A1*2", 7), Formula("A1&", ""), 3, 4, *(Formula("A1<2", value=v) for v in ("", "<v/>", "<v></v>"))]
    values, refusals = column(tmp_path, cells, type="number")
    assert (values, len(refusals)) == ([7.0, None, 3.0, 4.0], 3)
    assert "save it" in refusals[0]


def test_names_of_xml_may_have_a_prefix(tmp_path):
    """Some writers of other platforms give every name one; a text may look like an error's type."""
    rows = [HEADER, ['t="e"', "x", 1, True, MORNING], [2, Error(), Formula("A1"), True, MORNING], *[ROW] * 3]
    with zipfile.ZipFile(io.BytesIO(workbook(Sheet("Data", rows)))) as archive:
        parts = {name: archive.read(name).decode() for name in archive.namelist()}
    sheet = parts["xl/worksheets/sheet1.xml"]
    prefixed = re.sub(r"<(/?)(?=[a-zA-Z])", r"<\1x:", sheet).replace("xmlns=", "xmlns:x=").replace("&quot;", '"')
    for text in (sheet, prefixed):
        (tmp_path / "a.xlsx").write_bytes(zipped({**parts, "xl/worksheets/sheet1.xml": text}))
        found, rejected = read(tmp_path, {**SCHEMA, "id": ColumnSpec(type="text")})
        assert [row[0] for row in found] == ['t="e"', "1", "1", "1"]
        assert [reason[:14] for _, reason in rejected] == ["column 'city':"]


def test_merged_cells_are_no_missing_values(tmp_path):
    cells = [ROW, [2, None, 1, True, MORNING], [3, None, 1, True, MORNING], *[ROW] * 5]
    write(tmp_path / "a.xlsx", [HEADER, *cells], merged=["B2:B4", "F2:F9"])
    found, rejected = read(tmp_path)
    assert len(found) == 6
    assert [where.rpartition(" ")[2] for where, _ in rejected] == ["3", "4"]
    assert "column 'city': the cell is one of the merged cells B2:B4" in rejected[0][1]


def test_the_day_of_a_bad_row_is_known(tmp_path):
    write(tmp_path / "a.xlsx", [HEADER, *[ROW] * 3, [2, Error(), 1, True, MORNING]])
    schema = {name: SCHEMA[name] for name in ("id", "city")}
    drops = list(source(tmp_path, event_time="seen").read(ReadRequest(schema)))
    assert [row.day for drop in drops for row in drop.rejected] == [MORNING.date()]
    assert drops[0].table[EVENT_TIME].to_pylist() == [MORNING.replace(tzinfo=UTC)] * 3


def test_rows_without_a_value_are_passed_over(tmp_path):
    write(tmp_path / "a.xlsx", [[], HEADER, ROW, [None, ""], *[[Styled(None)] * 5] * 20, ROW, [Styled(None)] * 5])
    assert len(read(tmp_path)[0]) == 2


def test_the_only_visible_sheet_is_taken(tmp_path):
    sheets = [Sheet("Lists", [["x"]], state="hidden"), Sheet("Data", [HEADER, ROW])]
    (tmp_path / "a.xlsx").write_bytes(workbook(*sheets))
    assert len(read(tmp_path)[0]) == 1
    assert len(read(tmp_path, sheet=2)[0]) == 1
    assert len(read(tmp_path, sheet="Data")[0]) == 1


def test_a_sheet_is_named_where_there_are_several(tmp_path):
    data = workbook(Sheet("2025", [HEADER]), Sheet("Daten", [HEADER, ROW]))
    assert "several sheets: 1 '2025', 2 'Daten'. Name" in refused(tmp_path, data)
    assert "There is no sheet 'daten'. Did you mean 'Daten'?" in refused(tmp_path, data, sheet="daten")
    assert "meant by `sheet: '2025'`" in refused(tmp_path, data, sheet=2025)
    with pytest.raises(ValidationError, match="sheets are counted from 1"):
        source(tmp_path, sheet=0)


@pytest.mark.parametrize(
    ("rows", "fields", "words"),
    [
        ([], {}, "The sheet is empty"),
        ([HEADER, ROW], {"header_row": 9}, "row 9: The header has no names"),
        ([["Sales of 2026"], [], HEADER, ROW], {}, "the names of the columns stand in row 3.*`source.header_row: 3`"),
        ([[*HEADER, "id"], ROW], {}, "row 1: Column 'id' stands there twice"),
        ([["id", None, "amount", "paid", "seen"], ROW], {}, "no column 'city'.*columns without a name in that row: B"),
        ([["id", "citi", "amount", "paid", "seen"], ROW], {}, "Did you mean 'citi'"),
    ],
)
def test_headers_that_are_none(tmp_path, rows, fields, words):
    write(tmp_path / "a.xlsx", rows)
    with pytest.raises(DataError, match=f"(?s)a.xlsx, sheet 'Data'.*{words}"):
        read(tmp_path, **fields)


def test_a_header_may_be_of_numbers_and_blanks(tmp_path):
    write(tmp_path / "a.xlsx", [[" id ", 2026, None], [1, 5, "a note"]])
    schema = {"id": ColumnSpec(type="integer"), "2026": ColumnSpec(type="number")}
    assert read(tmp_path, schema)[0] == [(1, 5.0)]


WHOLE = workbook(Sheet("Data", [HEADER, ROW]))


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "The file is empty"),
        (b"id,city\n1,Oslo\n", "no Excel workbook.*`kind: files`"),
        (WHOLE[:-100], "half written or damaged"),
        (WHOLE[:400], "half written or damaged"),
        (WHOLE.replace(b"PK\x05\x06", b"PK\x05\x07"), "half written or damaged"),
        (compound_file("EncryptionInfo", "EncryptedPackage"), "protected by a password"),
        (compound_file("Workbook"), r"an old Excel workbook \(\.xls\)"),
        (zipped({"mimetype": "application/vnd.oasis.opendocument.spreadsheet"}), r"OpenDocument file \(\.ods\)"),
        (zipped({"[Content_Types].xml": "<Types/>", "xl/workbook.bin": ""}), r"\.xlsb"),
        (zipped({"data.csv": "id"}), "a zip archive, but no workbook"),
        (zipped({"[Content_Types].xml": "<Types/>"}), "half written or damaged"),
    ],
    ids=["empty", "text", "short", "shorter", "no end", "password", "xls", "ods", "xlsb", "zip", "no parts"],
)
def test_what_is_no_workbook_is_refused(tmp_path, data, words):
    assert re.search(words, refused(tmp_path, data))


@pytest.mark.parametrize(("part", "further"), [("xl/worksheets/sheet1.xml", 3000), ("xl/styles.xml", 60)])
def test_a_flipped_byte_is_found(tmp_path, part, further):
    rows = [[i, "Oslo", i / 7, True, MORNING] for i in range(500)]
    data = bytearray(workbook(Sheet("Data", [HEADER, *rows])))
    data[data.index(part.encode()) + further] ^= 0x55
    assert "half written or damaged" in refused(tmp_path, bytes(data))


def test_what_excel_keeps_beside_an_open_workbook_is_no_drop(tmp_path):
    write(tmp_path / "a.xlsx", [HEADER, ROW])
    (tmp_path / "~$a.xlsx").write_bytes(b"\x05Anna")
    assert len(read(tmp_path)[0]) == 1
    assert len(source(tmp_path).parts()) == 1


def test_without_its_library_the_error_names_the_extra(tmp_path, monkeypatch):
    write(tmp_path / "a.xlsx", [HEADER, ROW])
    monkeypatch.setitem(sys.modules, "python_calamine", None)
    with pytest.raises(
        UsageError, match=r"kind excel needs the package 'python_calamine'.*pip install 'mlsys\[excel\]'"
    ):
        read(tmp_path)


@pytest.mark.parametrize("tried", ["xlsx", "xls"])
def test_names_that_people_try_are_hinted(tried):
    with pytest.raises(ValueError, match="Did you mean 'excel'"):
        SOURCES.parse({"kind": tried, "path": "a"})


def test_a_header_that_stands_there_again_is_no_row(tmp_path):
    names = ["city", "kind"]
    write(tmp_path / "a.xlsx", [names, ["Oslo", "a"], names, ["Bergen", "b"]])
    rows, rejected = read(tmp_path, dict.fromkeys(names, ColumnSpec(type="category")))
    assert rows == [("Oslo", "a"), ("Bergen", "b")]
    assert len(rejected) == 1
    assert rejected[0][0].endswith("row 3")
    assert "the header stands here again" in rejected[0][1]

"""CSV records: nothing is lost between quotation marks, whoever wrote them."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from mlsys.errors import DataError
from mlsys.sources.reading import csv_file
from mlsys.sources.reading.csv_file import CsvFile, Dialect
from mlsys.sources.reading.csv_records import is_plain, looks_like_rows, records

CELLS = st.text(st.sampled_from("ab1 \",;\t'\r\né\xa0"), max_size=6)
TABLES = st.integers(1, 4).flatmap(lambda n: st.lists(st.lists(CELLS, min_size=n, max_size=n), min_size=1, max_size=8))
COLUMNS = "abcd"


def read(path: Path, **fields: object) -> tuple[list[tuple[str, ...]], list[tuple[int, str]]]:
    file = CsvFile(path, Dialect(**{"encoding": "utf-8", "separator": ",", "quote": '"', "header": None, **fields}))
    columns = file.names()
    rows = [tuple(row.values()) for batch in file.batches(columns) for row in batch.to_pylist()]
    return rows, [(int(where.rpartition(":")[2]), reason) for where, reason in file.broken()]


def written(table: list[list[str]], **fields: object) -> str:
    text = io.StringIO()
    csv.writer(text, **fields).writerows([list(COLUMNS[: len(table[0])]), *table])
    return text.getvalue()


@pytest.mark.slow
@given(TABLES, *map(st.sampled_from, ([csv.QUOTE_MINIMAL, csv.QUOTE_ALL], ["\n", "\r\n"])))
def test_what_a_csv_writer_wrote_is_read_back(tmp_path_factory, table, quoting, end) -> None:
    assume(quoting == csv.QUOTE_ALL or end == "\r\n")  # or else the writer leaves a bare \r without quotes
    text = written(table, quoting=quoting, lineterminator=end)
    found = records(io.StringIO(text, newline=""), separator=",", quote='"')
    assume(not any(looks_like_rows(record, ",", len(table[0])) for record in found))
    assume(len(table[0]) == 1 or not any([cell.strip() for cell in row] == list(COLUMNS[: len(row)]) for row in table))
    path = tmp_path_factory.mktemp("csv") / "a.csv"
    path.write_bytes(text.encode())
    assert read(path) == ([tuple(row) for row in table if any(cell.strip() for cell in row)], [])


@pytest.mark.slow
@given(TABLES)
def test_a_plain_file_is_read_alike_by_lines_and_by_records(tmp_path_factory, table) -> None:
    path = tmp_path_factory.mktemp("csv") / "a.csv"
    path.write_bytes(written(table).encode())
    file = CsvFile(path, Dialect("utf-8", ",", '"', None))
    if is_plain([path.read_bytes()], separator=",", quote='"', has_header=True):
        names = file.names()
        by_lines, by_records = file._by_lines(names), file._by_records(names)
        assert [b.to_pylist() for b in by_lines if len(b)] == [b.to_pylist() for b in by_records if len(b)]


@pytest.mark.slow
@given(st.text(st.sampled_from('a",\n\r '), max_size=60), st.integers(1, 7))
def test_a_file_is_plain_or_not_however_it_is_cut_and_a_plain_one_has_a_record_a_line(text, size) -> None:
    data = text.encode()
    cut = [data[i : i + size] for i in range(0, len(data), size)]
    plain, of_parts = (is_plain(each, separator=",", quote='"', has_header=True) for each in ([data], cut))
    assert plain == of_parts
    if plain:
        found = list(records(io.StringIO(text, newline=""), separator=",", quote='"'))
        lines = [line for line in io.StringIO(text, newline="") if line.strip("\r\n")]
        assert [record.lines for record in found] == [[line] for line in lines]
        assert not any(record.problem for record in found)


@pytest.mark.slow
@given(st.lists(st.lists(st.text(st.sampled_from('ab" '), max_size=5), min_size=4, max_size=4), max_size=12))
def test_no_line_of_a_file_that_quotes_nothing_is_lost_without_a_word(tmp_path_factory, table) -> None:
    path = tmp_path_factory.mktemp("csv") / "a.csv"
    lines = ["\t".join([*row, "a"]) for row in table]
    path.write_text("\n".join(["a\tb\tc\td\te", *lines]) + "\n")
    assert len(read(path, separator="\t", quote=None)[0]) == len(lines)
    try:
        rows, broken = read(path, separator="\t")
    except DataError as error:
        assert "quote: none" in str(error)  # noqa: PT017 - either is right
    else:
        assert len(rows) + len(broken) == len(lines)


def inches(*rows: int, column: int = 1) -> str:
    """Return 600 lines of which some have a text that begins with a quotation mark."""
    lines = ["id\tname\tother\ty"]
    for i in range(600):
        cells = [str(i), f"pipe {i}", f"b{i}", "yes"]
        cells[column] = f'" {cells[column]}' if i in rows else cells[column]
        lines.append("\t".join(cells))
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "latin-1", "utf-8-sig"])
def test_every_line_between_two_inch_marks_is_a_bad_row(tmp_path, encoding) -> None:
    path = tmp_path / "a.tsv"
    path.write_bytes(inches(100, 140).encode(encoding))
    rows, broken = read(path, separator="\t", encoding=encoding)
    assert len(rows) == 559
    assert [line for line, _ in broken] == list(range(102, 143))
    assert {reason for _, reason in broken} == {
        "text after a closing quotation mark, in the record that begins on line 102; if such marks are text here,"
        " set `source.quote: none`"
    }
    assert len(read(path, separator="\t", encoding=encoding, quote=None)[0]) == 600


def test_the_lines_of_a_record_with_too_many_fields_are_bad_rows_each(tmp_path) -> None:
    path = tmp_path / "a.tsv"
    text = inches(100).replace("b140\tyes", 'b140"\tyes')
    path.write_text(text)
    rows, broken = read(path, separator="\t")
    assert (len(rows), len(broken)) == (559, 41)
    assert broken[0] == (102, "3 fields instead of 4 (lines 102 to 142)")


def test_lines_that_a_well_closed_value_swallowed_are_bad_rows(tmp_path) -> None:
    path = tmp_path / "a.tsv"
    path.write_text(inches(100).replace("pipe 140\t", 'pipe 140"\t'))
    rows, broken = read(path, separator="\t")
    assert (len(rows), len(broken)) == (559, 41)
    assert "lines that look like rows stand in one quoted value (lines 102 to 142)" in broken[0][1]


def test_a_text_of_several_lines_is_no_row_of_rows() -> None:
    text = '1,"Dear all,\nthanks, a lot,\n\nBob",x\n'
    record = next(records(io.StringIO(text), separator=",", quote='"'))
    assert record.fields[1] == "Dear all,\nthanks, a lot,\n\nBob"
    assert not looks_like_rows(record, ",", 3)


def test_a_mark_that_is_never_closed_is_refused_with_its_line_and_the_way_out(tmp_path) -> None:
    path = tmp_path / "a.tsv"
    path.write_text(inches(100, 140, 500))
    with pytest.raises(DataError, match=r"a\.tsv:502: A quotation mark is never closed.*`quote: none`"):
        read(path, separator="\t")


def test_a_text_of_one_line_after_a_closing_mark_is_a_bad_row(tmp_path) -> None:
    path = tmp_path / "a.csv"
    path.write_text('a,b\n1,"Oslo" city\n2,Rom\n')
    rows, broken = read(path)
    assert (rows, [line for line, _ in broken]) == ([("2", "Rom")], [2])


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("blank", ["", " ", "  \t ", "\xa0", ",", " , ", '"",""', "\u202f,"])
def test_a_line_without_any_value_is_passed_over(tmp_path, blank, end) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(end.join(["a,b", "1,x", blank, "broken", "2,y", blank, blank]).encode())
    rows, broken = read(path)
    assert rows == [("1", "x"), ("2", "y")]
    assert broken == [(4, "1 fields instead of 2")]


@pytest.mark.parametrize("header", ["id , city", "\ufeffid,\xa0city\u202f", " id\t,city "])
def test_blanks_around_a_header_s_names_don_t_count(tmp_path, header) -> None:
    path = tmp_path / "a.csv"
    path.write_text(f"{header}\n1,Oslo\n", encoding="utf-8")
    file = CsvFile(path, Dialect("utf-8", ",", '"', None))
    assert file.names() == ["id", "city"]
    assert [batch.to_pylist() for batch in file.batches(["city"])] == [[{"city": "Oslo"}]]


def test_a_name_that_is_wanted_with_its_blanks_keeps_them(tmp_path) -> None:
    path = tmp_path / "a.csv"
    path.write_text(" lead,id,id \n1,2,3\n")
    file = CsvFile(path, Dialect("utf-8", ",", '"', None))
    assert file.names([" lead", "id"]) == [" lead", "id", "id "]
    assert [b.to_pylist() for b in file.batches([" lead", "id"])] == [[{" lead": "1", "id": "2"}]]


@pytest.mark.parametrize("separator", [",", "\xa6"])
def test_lines_that_end_in_a_separator_are_refused_with_the_reason(tmp_path, separator) -> None:
    path = tmp_path / "a.csv"
    path.write_text("a,b\n1,2,\n3,4\n".replace(",", separator), encoding="utf-8")
    rows, broken = read(path, separator=separator)
    assert rows == [("3", "4")]
    assert broken == [(2, "3 fields instead of 2: the line ends in a separator, and the header does not")]


@pytest.mark.parametrize("first", ["sep=;", '"a" x;b'])
def test_a_first_line_that_is_no_header_is_refused(tmp_path, first) -> None:
    path = tmp_path / "a.csv"
    path.write_text(f"{first}\na;b\n1;2\n")
    with pytest.raises(DataError, match=r"a\.csv:1: The first line is no header"):
        read(path, separator=";")


def test_a_file_that_is_not_plain_is_read_in_batches(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(csv_file, "_ROWS_AT_ONCE", 10)
    path = tmp_path / "a.csv"
    path.write_text("a,b\n" + "".join(f'{i},"x\ny"\n' for i in range(35)))
    file = CsvFile(path, Dialect("utf-8", ",", '"', None))
    assert [len(batch) for batch in file.batches(["a"])] == [10, 10, 10, 5]
    assert file.places([0, 34]) == [f"{path}:2", f"{path}:70"]


AGAIN = "the header stands here again"


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("a,b\n1,x\na,b\n2,y\n", [3]),
        ("a,b\r\n1,x\r\na,b\r\na,b\r\n2,y\r\n", [3, 4]),
        ("\n a , b\n1,x\n a , b\n2,y\n", [4]),
        ('"a","b"\n1,x\n"a","b"\n2,y', [3]),
        ("\ufeffa,b\n1,x\n\ufeffa,b\n2,y\n", [3]),
        ('a,b\n1,x\n\na,b\n2,"y"\n', [4]),
        ("a,b\n1,x\n2,y\na,b", [4]),
    ],
    ids=["lf", "crlf, twice", "blanks", "quoted", "each with its byte order mark", "empty line", "at the end"],
)
def test_a_header_that_stands_there_again_is_no_row(tmp_path: Path, text: str, lines: list[int]) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(text.encode())
    rows, broken = read(path)
    assert rows == [("1", "x"), ("2", "y")]
    assert [line for line, _ in broken] == lines
    assert all(AGAIN in reason for _, reason in broken)


def test_a_header_again_beyond_the_first_block_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv_file, "LONGEST", 16)
    path = tmp_path / "a.csv"
    path.write_text("a,b\n" + "1,x\n" * 20 + "a,b\n" + "1,x\n")
    rows, broken = read(path)
    assert (len(rows), [line for line, _ in broken]) == (21, [22])


def test_a_row_like_the_names_that_were_given_is_a_row_and_so_is_one_word(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("a,b\na,b\n")
    assert read(path, header=("a", "b")) == ([("a", "b")] * 2, [])
    path.write_text("a\na\n1\n")
    assert read(path) == ([("a",), ("1",)], [])

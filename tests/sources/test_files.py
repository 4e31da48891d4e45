"""What is particular to files: bytes, line ends, compression, broken lines, days in names."""

import bz2
import gzip
import lzma
from datetime import UTC, datetime
from unicodedata import normalize

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pydantic import ValidationError

from mlsys.errors import DataError
from mlsys.schema import EVENT_TIME, ColumnSpec
from mlsys.sources import SOURCES
from mlsys.sources.base import ReadRequest

SCHEMA = {"id": ColumnSpec(type="integer"), "city": ColumnSpec(type="category")}
TEXT = "id,city\n1,Oslo\n2,None\n3,Århus\n"


def source(folder, **fields):
    return SOURCES.parse({"kind": "files", "path": f"{folder}/*.csv", "timezone": "UTC", **fields})


def read(folder, schema=SCHEMA, **fields):
    drops = list(source(folder, **fields).read(ReadRequest(schema)))
    rows = [row for drop in drops for row in drop.table.to_pylist()]
    rejected = [(row.where.rpartition("/")[2], row.reason) for drop in drops for row in drop.rejected]
    return [tuple(row.values()) for row in rows], rejected


def _zstd(data):
    sink = pa.BufferOutputStream()
    with pa.CompressedOutputStream(sink, "zstd") as stream:
        stream.write(data)
    return sink.getvalue().to_pybytes()


@pytest.mark.parametrize(
    "data",
    [
        TEXT.encode(),
        TEXT.encode("utf-8-sig"),
        TEXT.encode("utf-16"),
        TEXT.replace("\n", "\r").encode(),
        TEXT.replace("\n", "\r\n").encode(),
        TEXT.replace("Oslo", '"Oslo"').rstrip().encode(),
        gzip.compress(TEXT.encode()),
        bz2.compress(TEXT.encode()),
        lzma.compress(TEXT.encode()),
        gzip.compress(TEXT.encode("utf-8-sig")),
    ],
    ids=["plain", "bom", "utf-16", "cr", "crlf", "quoted, no last line end", "gzip", "bzip2", "xz", "gzip with bom"],
)
def test_bytes_don_t_matter(tmp_path, data):
    (tmp_path / "a.csv").write_bytes(data)
    assert read(tmp_path) == ([(1, "Oslo"), (2, "None"), (3, "Århus")], [])


def test_zstd_is_seen_from_its_first_bytes(tmp_path):
    (tmp_path / "a.csv").write_bytes(_zstd(TEXT.encode()))
    assert len(read(tmp_path)[0]) == 3


def test_declared_encoding_is_used(tmp_path):
    (tmp_path / "a.csv").write_bytes(TEXT.encode("latin-1"))
    assert read(tmp_path, encoding="latin-1")[0][2] == (3, "Århus")


def test_wrong_encoding_is_refused_with_the_remedy(tmp_path):
    (tmp_path / "a.csv").write_bytes(TEXT.encode("latin-1"))
    with pytest.raises(DataError, match=r"a\.csv.*not in the declared encoding.*Set `source.encoding`"):
        read(tmp_path)


def test_broken_lines_are_rejected_with_their_line(tmp_path):
    (tmp_path / "a.csv").write_text('id,city\n1,"Os\nlo"\n\n2\n3,a,b\n4,Rom\n')
    rows, rejected = read(tmp_path)
    assert rows == [(1, "Os\nlo"), (4, "Rom")]
    assert rejected == [("a.csv:5", "1 fields instead of 2"), ("a.csv:6", "3 fields instead of 2")]


def test_bad_values_are_rejected_with_their_line(tmp_path):
    (tmp_path / "a.csv").write_text("id,city\n1,a\n2\n\n1.5,c\n4,d\nfour,e\n6,f\n7,g\n")
    rows, rejected = read(tmp_path)
    assert [row[0] for row in rows] == [1, 4, 6, 7]
    assert [where for where, _ in rejected] == ["a.csv:5", "a.csv:7", "a.csv:3"]
    assert rejected[0][1] == "column 'id': '1.5' is not a whole number"


@pytest.mark.slow
def test_lines_count_across_blocks(tmp_path):
    lines = [f"{i},{'x' * 90}" for i in range(40_000)]
    lines[20_000] = "broken"
    lines[39_000] = "many,x"
    (tmp_path / "a.csv").write_text("id,city\n" + "\n".join(lines))
    rows, rejected = read(tmp_path)
    assert len(rows) == 39_998
    assert sorted(where for where, _ in rejected) == ["a.csv:20002", "a.csv:39002"]


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("a.csv", gzip.compress(TEXT.encode() * 500)[:-20]),
        ("a.csv", bz2.compress(TEXT.encode() * 500)[:-20]),
        ("a.csv", lzma.compress(TEXT.encode() * 500)[:-20]),
        ("a.csv", _zstd(TEXT.encode() * 500)[:-5]),
        ("a.csv", b'id,city\n1,"Oslo\n2,Rom\n'),
        ("a.csv", b""),
        ("a.parquet", b"PAR1 this is not the rest of it"),
        ("a.parquet", b""),
    ],
    ids=["gzip", "bzip2", "xz", "zstd", "open quote", "empty", "parquet", "empty parquet"],
)
def test_half_written_file_is_refused_by_name(tmp_path, name, data):
    (tmp_path / name).write_bytes(data)
    with pytest.raises(DataError, match=name) as caught:
        read(tmp_path, path=f"{tmp_path}/*")
    assert caught.value.remedy


def test_quote_inside_a_value_is_no_open_quote(tmp_path):
    (tmp_path / "a.csv").write_text('id,city\n1,12" pipe\n2,Rom\n')
    assert read(tmp_path)[0] == [(1, '12" pipe'), (2, "Rom")]


def test_quote_none_takes_every_mark_as_text(tmp_path):
    (tmp_path / "a.csv").write_text('id\tcity\n1\t" wide\n2\t7"\n3\t"Rom"\n')
    rows, rejected = read(tmp_path, separator="auto", quote="none")
    assert (rows, rejected) == ([(1, '" wide'), (2, '7"'), (3, '"Rom"')], [])


def test_lines_between_two_open_marks_are_rejected_each_with_its_line(tmp_path):
    lines = [f"{i}\tpipe {i}" for i in range(60)]
    lines[9], lines[19] = '9\t" pipe', '19\t" pipe'
    (tmp_path / "a.csv").write_text("id\tcity\n" + "\n".join(lines) + "\n")
    rows, rejected = read(tmp_path, separator="\t")
    assert len(rows) == 49
    assert [where for where, _ in rejected] == [f"a.csv:{line}" for line in range(11, 22)]
    assert "set `source.quote: none`" in rejected[0][1]


@pytest.mark.parametrize("spelling", ["id , city", " id,city\xa0"])
def test_blanks_around_names_don_t_count_in_parquet_either(tmp_path, spelling):
    (tmp_path / "a.csv").write_text(f"{spelling}\n1,Oslo\n", encoding="utf-8")
    names = spelling.split(",")
    pq.write_table(pa.table({names[0]: [2], names[1]: ["Rom"]}), tmp_path / "b.parquet")
    assert read(tmp_path, path=f"{tmp_path}/*") == ([(1, "Oslo"), (2, "Rom")], [])


@pytest.mark.parametrize(
    ("type_", "values", "declared", "expected"),
    [
        (pa.float16(), [1.5, None], "number", [1.5, None]),
        (pa.float16(), [2.0, 1.0], "category", ["2", "1"]),
        (pa.string_view(), ["a", None], "category", ["a", None]),
        (pa.string_view(), ["1", "2"], "integer", [1, 2]),
    ],
)
def test_types_that_few_functions_know_are_read(tmp_path, type_, values, declared, expected):
    pq.write_table(
        pa.table({"x": pa.array(values, pa.float32() if type_ == pa.float16() else pa.string()).cast(type_)}),
        tmp_path / "a.csv",
    )
    assert read(tmp_path, {"x": ColumnSpec(type=declared)}, format="parquet") == ([(each,) for each in expected], [])


def test_marks_of_numbers_hold_for_all_columns_that_declare_none(tmp_path):
    (tmp_path / "a.csv").write_text('id;city;x;y\n1.000;1,5;"1.234,5";1,234.5\n2;b;7,5;x\n')
    schema = {**SCHEMA, "x": ColumnSpec(type="number"), "y": ColumnSpec(type="number", thousands=",")}
    rows, rejected = read(tmp_path, schema, separator=";", decimal=",", thousands=".")
    assert rows == [(1000, "1,5", 1234.5, 1234.5)]
    assert rejected == [("a.csv:3", "column 'y': 'x' is not a number")]


def test_marks_that_nobody_declared_are_refused_with_the_declaration(tmp_path):
    (tmp_path / "a.csv").write_text("id;city\n1.234,5;a\n")
    with pytest.raises(DataError, match=r'`schema.id`.*; declare `decimal: ","` and `thousands: "\."`'):
        read(tmp_path, separator=";")


def test_a_source_without_marks_is_stored_as_before_there_were_any():
    assert not {"decimal", "thousands"} & source("x").model_dump(mode="json").keys()
    assert source("x", decimal=",").model_dump(mode="json")["decimal"] == ","


@pytest.mark.parametrize(("declared", "in_file"), [("NFC", "NFD"), ("NFD", "NFC")])
def test_a_name_with_accents_is_found_however_they_are_composed(tmp_path, declared, in_file):
    (tmp_path / "a.csv").write_text(normalize(in_file, "id,Århus é\n1,x\n"))
    name = normalize(declared, "Århus é")
    assert read(tmp_path, {"id": ColumnSpec(type="integer"), name: ColumnSpec(type="category")}) == ([(1, "x")], [])


def test_missing_column_names_file_and_nearest(tmp_path):
    (tmp_path / "a.csv").write_text("id,town,cities\n")
    with pytest.raises(DataError, match=r"a\.csv: There is no column 'city'.*Did you mean 'cities'"):
        read(tmp_path)


def test_column_that_stands_twice_is_refused(tmp_path):
    (tmp_path / "a.csv").write_text("id,city,city\n1,a,b\n")
    with pytest.raises(DataError, match="'city' stands there twice"):
        read(tmp_path)


def test_no_matching_file_is_refused(tmp_path):
    with pytest.raises(DataError, match="No file matches"):
        read(tmp_path)


def test_file_without_header(tmp_path):
    (tmp_path / "a.csv").write_text("Oslo|1\nbroken\nRom|x\nRom|2\n")
    rows, rejected = read(tmp_path, header=("city", "id"), separator="|")
    assert rows == [(1, "Oslo"), (2, "Rom")]
    assert [where for where, _ in rejected] == ["a.csv:3", "a.csv:2"]


def test_order_of_a_date_is_never_guessed(tmp_path):
    (tmp_path / "a.csv").write_text("id,city,at\n1,a,03/04/2026\n")
    schema = {**SCHEMA, "at": ColumnSpec(type="timestamp")}
    with pytest.raises(DataError, match="ISO 8601 unless the column's `format`"):
        read(tmp_path, schema)


def test_declared_format_is_followed(tmp_path):
    (tmp_path / "a.csv").write_text("id,city,at\n1,a,03/04/2026\n")
    schema = {**SCHEMA, "at": ColumnSpec(type="timestamp", format="%d/%m/%Y")}
    assert read(tmp_path, schema)[0][0][2] == datetime(2026, 4, 3, tzinfo=UTC)


def test_only_files_of_wanted_days_are_opened(tmp_path):
    (tmp_path / "2026-01-01.csv").write_bytes(b"")
    (tmp_path / "2026-01-02.csv").write_text(TEXT)
    chosen = source(tmp_path, day_pattern=r"(\d{4}-\d{2}-\d{2})")
    drops = list(chosen.read(ReadRequest(SCHEMA, since=datetime(2026, 1, 2, tzinfo=UTC))))
    assert [str(drop.day) for drop in drops] == ["2026-01-02"]
    assert drops[0].table[EVENT_TIME].to_pylist() == [datetime(2026, 1, 2, tzinfo=UTC)] * 3


def test_day_is_not_looked_for_above_the_pattern(tmp_path):
    folder = tmp_path / "export-2020-01-01"
    folder.mkdir()
    (folder / "2026-01-02.csv").write_text(TEXT)
    assert str(source(folder, day_pattern=r"(\d{4}-\d{2}-\d{2})").newest(ReadRequest(SCHEMA)).date()) == "2026-01-02"


@pytest.mark.parametrize(("name", "message"), [("readme", "gives no day"), ("2026-02-30", "is no day")])
def test_file_without_a_day_is_refused(tmp_path, name, message):
    (tmp_path / f"{name}.csv").write_text(TEXT)
    with pytest.raises(DataError, match=message):
        read(tmp_path, day_pattern=r"(\d{4}-\d{2}-\d{2})")


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"day_pattern": "[0-9"}, "not a regular expression"),
        ({"day_pattern": r"\d+"}, "one group"),
        ({"day_pattern": r"(\d+)", "event_time": "at"}, "not from both"),
        ({"encoding": "utf-88"}, "no encoding 'utf-88'"),
        ({"separator": ",,"}, "separator"),
        ({"quote": "''"}, "quote"),
        ({"thousands": "."}, "can't be both `decimal` and `thousands`"),
        ({"separator": "'", "quote": "'"}, "can't be both `separator` and `quote`"),
    ],
)
def test_contradicting_fields_are_refused(fields, message):
    with pytest.raises(ValidationError, match=message):
        SOURCES.parse({"kind": "files", "path": "*.csv", **fields})

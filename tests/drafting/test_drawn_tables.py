"""Whatever a table holds: a valid spec, or one clear refusal."""

from __future__ import annotations

import string
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from given.odd_tables import write_csv
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mlsys.drafting.draft import Wishes, draft, spec_of
from mlsys.drafting.questions import OpenQuestion
from mlsys.drafting.summary import summary
from mlsys.drafting.target import TargetWish
from mlsys.drafting.writing import written
from mlsys.errors import MlsysError

pytestmark = pytest.mark.slow

N = 60
WORDS = st.text(string.printable + "äß名\u00a0\ufeff", max_size=12).map(lambda text: text.replace("\r", " "))
ODD = [
    "",
    "NA",
    "?",
    "-",
    "null",
    "1,5",
    "1.5",
    "1,234",
    "1.234,5",
    "01",
    "1e3",
    "inf",
    "NaN",
    "0x1f",
    "yes",
    "no",
    "true",
]
ODD += [
    "2024-01-02",
    "02/03/2024",
    "31.12.2024 23:59",
    "9999-12-31",
    "24:00",
    "{}",
    "[1]",
    "1" * 30,
    "-0",
    "5 %",
    "€ 3",
]
VALUES = st.one_of(
    st.sampled_from(ODD),
    st.integers(-(10**6), 10**6).map(str),
    st.floats(allow_nan=True, allow_infinity=True).map(str),
    st.datetimes().map(str),
    WORDS,
)
COLUMNS = st.one_of(
    st.lists(VALUES, min_size=N, max_size=N),
    st.lists(st.sampled_from(ODD), min_size=2, max_size=3).flatmap(
        lambda few: st.lists(st.sampled_from(few), min_size=N, max_size=N)
    ),
    VALUES.map(lambda value: [value] * N),
)
NAMES = st.lists(st.one_of(WORDS, st.sampled_from(["on", "y", "_key", "id", "date", "label"])), min_size=1, max_size=5)


def first_choice(question: OpenQuestion) -> str:
    return question.choices[0]


def draft_all(place: Path, target: str | None) -> None:
    try:
        found = draft("drafted", Wishes(str(place), target=TargetWish(target)), first_choice)
    except MlsysError as error:
        assert len(str(error)) < 2000  # noqa: PT017 - whichever it is, it is short
        return
    path = place.parent / "drafted.yaml"
    spec = spec_of(path, written(found, path))
    assert set(spec.feature_columns()) == set(found.features)
    assert all(len(line) < 2000 for line in summary(found))


@given(names=NAMES, data=st.data())
@settings(max_examples=80, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])
def test_of_a_csv_file(names: list[str], data: st.DataObject, tmp_path: Path, home: Path) -> None:
    pairs = [(name.replace("\n", " "), data.draw(COLUMNS)) for name in names]
    pairs.append(("outcome", data.draw(st.lists(st.sampled_from(["a", "b", ""]), min_size=N, max_size=N))))
    separator = data.draw(st.sampled_from([",", ";", "\t"]))
    path = write_csv(tmp_path / "t.csv", pairs, separator=separator, header=data.draw(st.integers(0, 9)) > 0)
    draft_all(path, data.draw(st.sampled_from(["outcome", None])))


TYPED = st.sampled_from(
    [
        pa.int8(),
        pa.uint64(),
        pa.float32(),
        pa.bool_(),
        pa.string(),
        pa.large_string(),
        pa.dictionary(pa.int32(), pa.string()),
        pa.date32(),
        pa.timestamp("ns"),
        pa.timestamp("s", "Europe/Berlin"),
        pa.time32("s"),
        pa.duration("s"),
        pa.decimal128(25, 3),
        pa.binary(),
        pa.list_(pa.int64()),
        pa.struct({"a": pa.int64()}),
        pa.null(),
    ]
)


@given(kinds=st.lists(TYPED, min_size=1, max_size=6), data=st.data())
@settings(max_examples=30, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])
def test_of_a_parquet_file(kinds: list[pa.DataType], data: st.DataObject, tmp_path: Path, home: Path) -> None:
    columns = {f"c{place}": drawn(kind, data) for place, kind in enumerate(kinds)}
    columns["outcome"] = pa.array(
        data.draw(st.lists(st.sampled_from(["a", "b", None]), min_size=N, max_size=N)), pa.string()
    )
    pq.write_table(pa.table(columns), tmp_path / "t.parquet")
    draft_all(tmp_path / "t.parquet", "outcome")


def drawn(kind: pa.DataType, data: st.DataObject) -> pa.Array:
    """Return an array of a type, some of its values missing, made of small whole numbers."""
    numbers = data.draw(st.lists(st.one_of(st.none(), st.integers(0, 100)), min_size=N, max_size=N))
    if pa.types.is_list(kind) or pa.types.is_struct(kind):
        make = (lambda n: [n]) if pa.types.is_list(kind) else (lambda n: {"a": n})
        return pa.array([None if n is None else make(n) for n in numbers], kind)
    if pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_binary(kind):
        return pa.array([None if n is None else str(n) for n in numbers], pa.string()).cast(kind)
    if pa.types.is_dictionary(kind):
        return pa.array([None if n is None else str(n) for n in numbers], pa.string()).dictionary_encode()
    if pa.types.is_null(kind):
        return pa.nulls(N)
    plain = pa.array(numbers, pa.int32() if pa.types.is_date32(kind) or pa.types.is_time32(kind) else pa.int64())
    return plain.cast(kind)


@pytest.mark.parametrize(
    "content", [b"\xff\xfe", b"\n\n\n", b"a", b"a\n", b"a,b\n1\n", b'"', b"\x00" * 50, b"PK\x03\x04", b"{\n}"]
)
def test_of_a_file_that_is_no_table(content: bytes, tmp_path: Path, home: Path) -> None:
    (tmp_path / "t.csv").write_bytes(content)
    with pytest.raises(MlsysError):
        draft("drafted", Wishes(str(tmp_path / "t.csv")), first_choice)


@pytest.mark.parametrize("names", ['"id","last, first"', '"id","full name"', '"",name', "id,name"])
def test_of_names_in_quotation_marks_above_a_line_that_is_no_row(names: str, tmp_path: Path, home: Path) -> None:
    rows = [f'{i},"a ""{i % 7}"" b",{"yes" if i % 3 else "no"}' for i in range(N)]
    (tmp_path / "t.csv").write_text("\n".join([f"{names},outcome", *rows, 'x"x,1', "1,2,3,4", ""]))
    draft_all(tmp_path / "t.csv", "outcome")

"""Drafts from Excel workbooks and from MongoDB: the table gives the same spec, their quirks are handled."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from given import mongo_server
from given.mongo_server import MongoServer
from given.odd_tables import each, plain, with_columns
from given.workbooks import Error, Sheet, compound_file, workbook

from mlsys.drafting.editing import proposal
from mlsys.drafting.file import write_new
from mlsys.drafting.questions import refuse
from mlsys.errors import DataError, UsageError

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("work")]

FIRST = datetime(2025, 1, 1)
BOUGHT = {
    "customer_id": "category",
    "amount": "number",
    "visits": "integer",
    "channel": "category",
    "bought": "category",
}


def rows(columns: dict[str, Any], *above: list[Any]) -> list[list[Any]]:
    """Return a sheet's rows: what stands above, the header, the values."""
    return [*above, list(columns), *map(list, zip(*columns.values(), strict=True))]


def dated(n: int = 400) -> dict[str, Any]:
    columns = plain(n)
    return with_columns(columns, seen=each(columns, lambda number: FIRST + timedelta(hours=6 * number)))


def book(path: Path, *sheets: Sheet) -> Path:
    path.write_bytes(workbook(*sheets))
    return path


def types(made: Any) -> dict[str, str]:
    return {name: column.type for name, column in made.spec.columns.items()}


def test_a_workbook_with_dates(drafted, tmp_path: Path) -> None:
    made = drafted(book(tmp_path / "t.xlsx", Sheet("Data", rows(dated()))))
    assert types(made) == BOUGHT | {"seen": "timestamp"}
    source = made.spec.source
    assert (source.kind, source.sheet, source.header_row, source.event_time) == ("excel", None, None, "seen")
    assert (made.spec.key, made.spec.split.kind) == (("customer_id",), "time")


def test_a_title_above_the_header(drafted, tmp_path: Path) -> None:
    made = drafted(book(tmp_path / "t.xlsx", Sheet("Data", rows(plain(), ["Customers of 2025"], [], ["as of", "May"]))))
    assert made.spec.source.header_row == 4
    assert types(made) == BOUGHT


def test_several_sheets_are_asked(drafted, tmp_path: Path) -> None:
    path = book(tmp_path / "t.xlsx", Sheet("Notes", [["read me"]]), Sheet("Data", rows(plain())))
    with pytest.raises(UsageError, match=r"2 sheets.*Say it with --table: Notes or Data"):
        drafted(path)
    assert drafted(path, table="Data").spec.source.sheet == "Data"
    assert drafted(path, ask=lambda question: question.choices[1]).spec.source.sheet == "Data"
    with pytest.raises(UsageError, match=r"no sheet 'Dat'. Did you mean 'Data'"):
        drafted(path, table="Dat")


def test_a_hidden_sheet_is_no_question(drafted, tmp_path: Path) -> None:
    path = book(tmp_path / "t.xlsx", Sheet("Lists", [["a"]], state="hidden"), Sheet("Data", rows(plain())))
    assert drafted(path).spec.source.sheet is None


def test_errors_and_merged_cells_raise_what_is_tolerated(drafted, tmp_path: Path) -> None:
    columns = plain()
    columns["amount"] = [Error() if number < 10 else value for number, value in enumerate(columns["amount"])]
    path = book(tmp_path / "t.xlsx", Sheet("Data", rows(columns), merged=["D20:D24"]))
    made = drafted(path)
    assert made.spec.checks.tolerated_share >= 14 / 400
    assert "14 values or lines can't be read" in made.text


def test_workbooks_of_a_folder(drafted, tmp_path: Path) -> None:
    columns = plain(600)
    for day in range(12):
        part = {name: values[day * 50 : day * 50 + 50] for name, values in columns.items()}
        book(tmp_path / f"sales-2025-03-{day + 1:02}.xlsx", Sheet("Data", rows(part)))
    (tmp_path / "~$sales-2025-03-01.xlsx").write_bytes(b"opened by somebody")
    made = drafted(tmp_path)
    assert made.spec.source.path.endswith("/*.xlsx")
    assert made.spec.source.day_pattern is not None
    assert made.spec.split.kind == "time"


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (compound_file("EncryptedPackage"), "protected by a password"),
        (compound_file("Workbook"), r"an old Excel workbook \(\.xls\)"),
        (workbook(Sheet("Data", [])), "The sheet is empty"),
        (workbook(Sheet("Data", [["a", "b"]])), "no rows"),
        (b"a,b\n1,2\n", "no Excel workbook"),
    ],
)
def test_workbooks_of_which_nothing_can_be_drafted(drafted, tmp_path: Path, data: bytes, said: str) -> None:
    (tmp_path / "t.xlsx").write_bytes(data)
    with pytest.raises(DataError, match=said):
        drafted(tmp_path / "t.xlsx")


def test_a_workbook_that_has_changed_is_proposed(drafted, tmp_path: Path) -> None:
    path = book(tmp_path / "t.xlsx", Sheet("Data", rows(plain(), ["A title"])))
    made = drafted(path)
    spec = tmp_path / "drafted.yaml"
    write_new(made.found, spec)
    assert proposal(spec, refuse).before == proposal(spec, refuse).after
    columns = plain()
    book(
        path,
        Sheet("Data", rows(with_columns(columns, age=each(columns, lambda number: 20 + number % 50)), ["A title"])),
    )
    assert "age: integer" in proposal(spec, refuse).after


@pytest.fixture
def server() -> Iterator[MongoServer]:
    with mongo_server.running() as mongo:
        yield mongo


def documents() -> list[dict[str, Any]]:
    """Return the table as documents: the channel in a document of its own, dates, and whole numbers."""
    columns = dated()
    found = [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]
    for row in found:
        row["seen"] = row["seen"].replace(tzinfo=UTC)
        row["place"] = {"channel": row.pop("channel"), "shop": "main"}
    return found


def test_a_collection(drafted, server: MongoServer) -> None:
    server.fill("crm", "visits", documents())
    made = drafted(f"mongodb://127.0.0.1:{server.port}/crm")
    source = made.spec.source
    assert (source.kind, source.database, source.collection) == ("mongodb", "crm", "visits")
    assert source.fields == {"place_channel": "place.channel", "place_shop": "place.shop"}
    found = types(made)
    assert (found["amount"], found["visits"], found["seen"]) == ("number", "integer", "timestamp")
    assert (made.spec.target.column, source.event_time, made.spec.split.kind) == ("bought", "seen", "time")
    assert "place_shop" in made.spec.drop  # the same value in every document
    assert "_id" not in made.spec.feature_columns()


def test_several_collections_are_asked(drafted, server: MongoServer) -> None:
    server.fill("crm", "visits", documents())
    server.fill("crm", "people", [{"name": "x"}])
    url = f"mongodb://127.0.0.1:{server.port}/crm"
    with pytest.raises(UsageError, match=r"2 collections.*--table: people or visits"):
        drafted(url)
    assert drafted(url, table="visits").spec.source.collection == "visits"
    with pytest.raises(UsageError, match=r"no collection 'visit'. Did you mean 'visits'"):
        drafted(url, table="visit")


def test_a_field_that_is_sometimes_a_list_raises_what_is_tolerated(drafted, server: MongoServer) -> None:
    found = documents()
    for document in found[100:112]:
        document["amount"] = [document["amount"], 1.0]
    found[7]["place"] = None
    server.fill("crm", "visits", found)
    made = drafted(f"mongodb://127.0.0.1:{server.port}/crm")
    assert "amount_0" not in made.spec.columns
    assert "place_channel" in made.spec.columns
    assert made.spec.checks.tolerated_share >= 12 / 400
    assert "12 values or lines can't be read" in made.text


@pytest.mark.parametrize(
    ("place", "said"),
    [
        ("mongodb://127.0.0.1:{port}", "The URL names no database"),
        ("mongodb://me:secret@127.0.0.1:{port}/crm", r"password would be written.*\$\{DB_PASSWORD\}"),
        ("mongodb://127.0.0.1:{port}/nothing", "The database has no collection"),
        ("mongodb://127.0.0.1:{port}/crm?tsl=true", "database URL can't be used"),
    ],
)
def test_places_that_hold_no_collection(drafted, server: MongoServer, place: str, said: str) -> None:
    server.fill("crm", "visits", documents())
    with pytest.raises((UsageError, DataError), match=said):
        drafted(place.format(port=server.port))

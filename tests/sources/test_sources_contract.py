"""Every source in every layout keeps the contract."""

import csv
import gzip
import sqlite3
from collections import defaultdict
from itertools import count

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from given import mongo_server, workbooks

from mlsys.snapshot.fingerprint import table_fingerprint
from mlsys.sources import SOURCES
from mlsys.testing import sources as contract

SERVERS = []


@pytest.fixture(autouse=True, scope="module")
def server():
    with mongo_server.running() as mongo:
        SERVERS.append(mongo)
        yield mongo


COLUMNS = ("id", "amount", "city", "paid", "at")


def _names(rows):
    return list(rows[0]) if rows else list(COLUMNS)


def _texts(row):
    return [value.isoformat() if hasattr(value, "isoformat") else value for value in row.values()]


def _database(rows, folder, **source):
    path = folder / "rows.db"
    with sqlite3.connect(path) as connection:
        connection.execute(f"CREATE TABLE rows ({', '.join(_names(rows))})")
        for row in rows:
            connection.execute(f"INSERT INTO rows VALUES ({', '.join('?' * len(row))})", _texts(row))
    connection.close()
    return {"kind": "sql", "url": f"sqlite:///{path}", "timezone": "UTC", "chunk_rows": 7, **source}


def _epochs(rows, folder):
    spec = _database([{**row, "at": int(row["at"].timestamp())} for row in rows], folder)
    return {**spec, "table": "rows", "event_time": "at"}


def _alchemy(rows, folder):
    spec = _database(rows, folder, table="rows", event_time="at")
    return {**spec, "url": spec["url"].replace("sqlite:", "sqlite+pysqlite:")}


def _write_csv(path, rows, opened=open, separator=","):
    with opened(path, "wt", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, delimiter=separator)
        writer.writerow(_names(rows))
        writer.writerows(_texts(row) for row in rows)


def _one_csv(rows, folder, **source):
    _write_csv(folder / "rows.csv", rows)
    return {"kind": "files", "path": f"{folder}/*.csv", "timezone": "UTC", **source}


def _zipped(rows, folder):
    _write_csv(folder / "rows.dat", rows, gzip.open, ";")
    return {"kind": "files", "path": f"{folder}/rows.dat", "separator": "auto", "event_time": "at"}


def _days(rows):
    days = defaultdict(list)
    for row in rows:
        days[row["at"].date()].append(row)
    return days


def _daily_csv(rows, folder):
    for day, members in _days(rows).items():
        _write_csv(folder / f"drop-{day}.csv", members)
    if not rows:
        _write_csv(folder / "drop-2026-03-01.csv", [])
    return {"kind": "files", "path": f"{folder}/*.csv", "day_pattern": r"(\d{4}-\d{2}-\d{2})", "timezone": "UTC"}


def _daily_parquet(rows, folder):
    for day, members in _days(rows).items() or [("2026-03-01", [])]:
        columns = {name: [row[name] for row in members] for name in _names(rows)}
        path = folder / str(day).replace("-", "/") / "part.parquet"
        path.parent.mkdir(parents=True)
        pq.write_table(pa.table(columns), path)
    pattern = r"(?P<year>\d{4})/(?P<month>\d{2})/(?P<day>\d{2})/"
    return {"kind": "files", "path": f"{folder}/**/*.parquet", "day_pattern": pattern, "timezone": "UTC"}


def _cells(rows):
    return [_names(rows), *(list(row.values()) for row in rows)]


def _one_workbook(rows, folder, **source):
    workbooks.write(folder / "rows.xlsx", _cells(rows))
    return {"kind": "excel", "path": f"{folder}/*.xlsx", "timezone": "UTC", **source}


def _as_texts(rows, folder):
    texts = [[None, *(None if cell is None else str(cell) for cell in row)] for row in _cells(rows)]
    data = workbooks.Sheet("Data", [["Rows of the shop"], [], *texts], first_column=2)
    (folder / "rows.xlsx").write_bytes(workbooks.workbook(workbooks.Sheet("Notes", [["id"], ["x"]]), data))
    return {"kind": "excel", "path": f"{folder}/rows.xlsx", "sheet": 2, "header_row": 3, "event_time": "at"}


def _daily_workbooks(rows, folder):
    for day, members in _days(rows).items() or [("2026-03-01", [])]:
        workbooks.write(folder / f"drop-{day}.xlsx", _cells(members))
    return {"kind": "excel", "path": f"{folder}/*.xlsx", "day_pattern": r"(\d{4}-\d{2}-\d{2})", "timezone": "UTC"}


def _collection(rows, folder, **source):
    """The rows in a server of their own, which the fixture stops."""
    server = SERVERS[-1]
    name = folder.name
    server.fill("shop", name, [_document(row) for row in rows])
    url = f"mongodb://127.0.0.1:{server.port}/?serverSelectionTimeoutMS=5000"
    return {"kind": "mongodb", "url": url, "database": "shop", "collection": name, "batch_size": 3, **source}


def _document(row):
    return {name: value for name, value in row.items() if value is not None}


def _nested(rows, folder):
    outside = ("id", "amount", "known")
    shaped = [
        {name: value for name, value in _document(row).items() if name in outside}
        | {"at": row["at"].isoformat(), "in": {"it": [_document(row)]}}
        for row in rows
    ]
    paths = {name: f"in.it.0.{name}" for name in ("city", "paid")}
    return _collection(shaped, folder, event_time="at", fields=paths)


LAYOUTS = {
    "sqlite table": lambda rows, folder: _database(rows, folder, table="rows", event_time="at"),
    "sqlite epochs": _epochs,
    "sqlite query": lambda rows, folder: _database(
        rows, folder, query="SELECT * FROM rows WHERE id >= :first;", params={"first": 0}, event_time="at"
    ),
    "sqlite untimed": lambda rows, folder: _database(rows, folder, table="rows"),
    "sqlalchemy table": _alchemy,
    "csv by event time": lambda rows, folder: _one_csv(rows, folder, event_time="at"),
    "csv untimed": _one_csv,
    "csv zipped, other separator": _zipped,
    "csv by file name": _daily_csv,
    "parquet by folder name": _daily_parquet,
    "excel by event time": lambda rows, folder: _one_workbook(rows, folder, event_time="at"),
    "excel untimed": _one_workbook,
    "excel of texts below a title": _as_texts,
    "excel by file name": _daily_workbooks,
    "mongodb": lambda rows, folder: _collection(rows, folder, event_time="at"),
    "mongodb untimed": _collection,
    "mongodb epochs": lambda rows, folder: _collection(
        [{**row, "at": row["at"].timestamp()} for row in rows], folder, event_time="at", filter={"id": {"$gte": 0}}
    ),
    "mongodb nested, times as texts": _nested,
}


class TestSources(contract.SourceContract):
    @pytest.fixture(params=LAYOUTS)
    def make(self, request, tmp_path, home):
        numbers = count()

        def _make(rows):
            folder = tmp_path / f"source{next(numbers)}"
            folder.mkdir()
            return SOURCES.parse(LAYOUTS[request.param](rows, folder))

        return _make


@pytest.mark.slow
def test_every_layout_gives_the_same_rows(tmp_path, home):
    found = {}
    for number, (name, layout) in enumerate(LAYOUTS.items()):
        source = SOURCES.parse(layout(contract.rows(), _folder(tmp_path, f"same{number}")))
        found[name] = table_fingerprint(contract.read_all(source).select(list(contract.SCHEMA)))
    assert len(set(found.values())) == 1, found


def test_every_member_of_the_table_is_tried(tmp_path):
    tried = {LAYOUTS[name]([], _folder(tmp_path, str(i)))["kind"] for i, name in enumerate(LAYOUTS)}
    assert tried == set(SOURCES.names())


def _folder(parent, name):
    (parent / name).mkdir()
    return parent / name

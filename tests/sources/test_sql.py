"""What is particular to databases: read-only, bound parameters, pushed-down windows, typed errors."""

import sqlite3
from datetime import UTC, datetime

import pytest
from pydantic import ValidationError

from mlsys.errors import DataError, TransientError
from mlsys.schema import EVENT_TIME, ColumnSpec
from mlsys.sources import SOURCES
from mlsys.sources.base import ReadRequest
from mlsys.sources.reading import databases

SCHEMA = {"id": ColumnSpec(type="integer"), "city": ColumnSpec(type="category")}


@pytest.fixture
def path(tmp_path):
    return tmp_path / "shop.db"


def fill(path, rows, declared="id INTEGER, city TEXT, at"):
    with sqlite3.connect(path) as connection:
        connection.execute(f"CREATE TABLE orders ({declared})")
        connection.executemany("INSERT INTO orders VALUES (?, ?, ?)", rows)
    connection.close()


def source(path, **fields):
    if "query" not in fields:
        fields = {"table": "orders", **fields}
    return SOURCES.parse({"kind": "sql", "url": f"sqlite:///{path}", "timezone": "UTC", **fields})


def read(source, **window):
    drops = list(source.read(ReadRequest(SCHEMA, **window)))
    ids = sorted(value for drop in drops for value in drop.table["id"].to_pylist())
    return ids, [row for drop in drops for row in drop.rejected]


def test_missing_file_is_an_error_and_stays_missing(path):
    with pytest.raises(DataError, match="no such database file"):
        read(source(path))
    assert not path.exists()


def test_database_is_opened_for_reading_only(path):
    fill(path, [(1, "a", "2026-01-01")])
    with databases.connected(f"sqlite:///{path}") as database, pytest.raises(DataError, match="readonly"):
        list(database.batches("DELETE FROM orders", {}, 1))


def test_no_database_at_all_is_refused(path):
    path.write_text("id,city\n1,a\n" * 100)
    with pytest.raises(DataError, match="not a database"):
        read(source(path))


def test_text_that_is_no_utf_8_is_no_lock(path):
    fill(path, [(1, "a", "2026-01-01")])
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE orders SET city = CAST(x'ff41' AS TEXT)")
    connection.close()
    with pytest.raises(DataError, match=r"Could not decode to UTF-8 column 'city'.*leave such rows out"):
        read(source(path))


def test_locked_database_may_be_tried_again(path, monkeypatch):
    fill(path, [(1, "a", "2026-01-01")])
    monkeypatch.setattr(databases, "BUSY_SECONDS", 0.01)
    writer = sqlite3.connect(path, isolation_level=None)
    writer.execute("BEGIN EXCLUSIVE")
    try:
        with pytest.raises(TransientError, match="locked") as caught:
            read(source(path))
    finally:
        writer.close()
    assert caught.value.retryable


def test_missing_table_names_the_nearest(path):
    fill(path, [])
    with pytest.raises(DataError, match=r"no table 'order'.*Did you mean 'orders'"):
        read(source(path, table="order"))


def test_missing_event_time_column_is_named(path):
    fill(path, [])
    with pytest.raises(DataError, match=r"no column 'placed'.*Known: at"):
        read(source(path, event_time="placed"))


def test_query_parameters_are_bound(path):
    fill(path, [(1, "a'; DROP TABLE orders; --", "2026-01-01"), (2, "b", "2026-01-01")])
    query = "SELECT * FROM orders WHERE city = :city"
    ids, _ = read(source(path, query=query, params={"city": "a'; DROP TABLE orders; --"}))
    assert ids == [1]


def test_local_times_need_a_zone(path):
    fill(path, [(1, "a", "2026-01-01 10:00:00")])
    with pytest.raises(DataError, match=r"(?s)Local times need a time zone.*timezone: UTC"):
        read(source(path, timezone=None, event_time="at"))


def test_offsets_need_no_zone(path):
    fill(path, [(1, "a", "2026-01-02T01:00:00+02:00")])
    drops = list(source(path, timezone=None, event_time="at").read(ReadRequest(SCHEMA)))
    assert drops[0].table[EVENT_TIME].to_pylist() == [datetime(2026, 1, 1, 23, tzinfo=UTC)]


def test_window_is_cut_in_utc(path):
    fill(path, [(1, "a", "2026-01-02 00:30"), (2, "a", "2026-01-02 01:30"), (3, "a", "2026-01-03 00:59")])
    window = {"since": datetime(2026, 1, 2, tzinfo=UTC), "until": datetime(2026, 1, 3, tzinfo=UTC)}
    ids, _ = read(source(path, timezone="Europe/Berlin", event_time="at"), **window)
    assert ids == [2, 3]


def test_seconds_among_iso_texts_are_rejected(path):
    noon = int(datetime(2026, 1, 2, 12, tzinfo=UTC).timestamp())
    fill(path, [(1, "a", "2026-01-02 10:00"), (2, "a", noon), (3, "a", "2026-01-02 11:00")])
    ids, rejected = read(source(path, event_time="at"))
    assert ids == [1, 3]
    assert str(noon) in rejected[0].reason


def test_window_uses_an_index(path):
    fill(path, [(1, "a", "2026-01-02 10:00")])
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE INDEX by_time ON orders (at)")
    connection.close()
    chosen = source(path, event_time="at")
    request = ReadRequest(SCHEMA, since=datetime(2026, 1, 2, tzinfo=UTC), until=datetime(2026, 1, 3, tzinfo=UTC))
    with chosen._open() as relation:
        condition, bounds = chosen._window(relation, request)
        sql = f"EXPLAIN QUERY PLAN SELECT id FROM orders WHERE {condition}"
        plan = [row[3] for batch in relation.database.batches(sql, bounds, 10) for row in batch]
    assert any("USING INDEX by_time" in step for step in plan)


def test_whole_reading_rejects_rows_without_time(path):
    fill(path, [(1, "a", None), (2, "a", "soon"), (3, "a", "2026-01-02 10:00")])
    ids, rejected = read(source(path, event_time="at"), until=datetime(2026, 1, 3, tzinfo=UTC))
    assert ids == [3]
    assert [row.where.rpartition("id=")[2] for row in rejected] == ["1", "2"]


def test_day_of_a_rejected_row_is_known_from_its_time(path):
    fill(path, [("x", "a", "2026-01-02 10:00"), (2, "a", "2026-01-02 10:00"), (3, "a", "2026-01-02 10:00")])
    _, rejected = read(source(path, event_time="at"))
    assert str(rejected[0].day) == "2026-01-02"


def test_times_of_another_format_are_not_pushed_down(path):
    fill(path, [(1, "a", "02.01.2026 10:00"), (2, "a", "03.01.2025 10:00")])
    schema = {**SCHEMA, "at": ColumnSpec(type="timestamp", format="%d.%m.%Y %H:%M")}
    request = ReadRequest(schema, since=datetime(2026, 1, 1, tzinfo=UTC), until=datetime(2026, 2, 1, tzinfo=UTC))
    chosen = source(path, event_time="at")
    assert [value for drop in chosen.read(request) for value in drop.table["id"].to_pylist()] == [1]
    assert chosen.newest(request) == datetime(2026, 1, 2, 10, tzinfo=UTC)


@pytest.mark.parametrize(
    ("format_", "of_a_day", "of_1970"), [("unix_milliseconds", 86_400_000, 0), ("excel_days", 1, 25_569)]
)
def test_a_window_of_counted_times_is_left_to_the_database_and_loses_nothing(path, format_, of_a_day, of_1970):
    day = (datetime(2026, 1, 2, tzinfo=UTC) - datetime(1970, 1, 1, tzinfo=UTC)).days
    numbers = [of_1970 + (day + shift / 4) * of_a_day for shift in range(-16, 17)]
    odd = [None, "", "soon", f"{numbers[0]} or so", b"x", -1e18, 1e18, "2026-01-02"]
    fill(path, [(i, "a", at) for i, at in enumerate([*numbers, *map(str, numbers), *odd])])
    schema = {**SCHEMA, "at": ColumnSpec(type="timestamp", format=format_)}
    now = datetime(2026, 1, 3, 1, tzinfo=UTC)
    window = {"since": datetime(2026, 1, 2, tzinfo=UTC), "until": datetime(2026, 1, 3, tzinfo=UTC)}
    chosen = source(path, event_time="at", timezone="UTC")
    drops = list(chosen.read(ReadRequest(schema, **window, now=now)))
    wanted = [i for i, number in enumerate(numbers) if number // of_a_day == day + of_1970 / of_a_day]
    assert sorted(each for drop in drops for each in drop.table["id"].to_pylist()) == sorted(
        [*wanted, *(i + len(numbers) for i in wanted)]
    )
    rejected = {int(row.where.rpartition("id=")[2]) for drop in drops for row in drop.rejected}
    assert set(range(2 * len(numbers), 2 * len(numbers) + len(odd))) <= rejected
    assert chosen.newest(ReadRequest(schema, now=now)) == datetime(2026, 1, 3, tzinfo=UTC)
    with chosen._open() as relation:
        condition, bounds = chosen._window(relation, ReadRequest(schema, **window, now=now))
        sql = f"SELECT COUNT(*) FROM {relation.sql} WHERE {condition}"
        ((n_read,),) = next(relation.database.batches(sql, bounds, 1))
    assert n_read < 2 * len(numbers), "what lies days away is not read"


@pytest.mark.slow
def test_unreachable_server_may_be_tried_again():
    chosen = SOURCES.parse({"kind": "sql", "url": "postgresql://u:secret@127.0.0.1:9/x", "table": "t"})
    with pytest.raises(TransientError, match="can't be reached") as caught:
        list(chosen.read(ReadRequest(SCHEMA)))
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({}, "either `table` or `query`"),
        ({"table": "t", "query": "SELECT 1"}, "either `table` or `query`"),
        ({"table": "t", "params": {"a": 1}}, "bound into a `query`"),
        ({"query": "SELECT 1", "params": {"mlsys_from": 1}}, "binds parameters of its own called `mlsys_...`"),
        ({"table": "t", "timezone": "Mars/Base"}, "No time zone 'Mars/Base'"),
    ],
)
def test_contradicting_fields_are_refused(fields, message):
    with pytest.raises(ValidationError, match=message):
        SOURCES.parse({"kind": "sql", "url": "sqlite:///x.db", **fields})


def test_odd_times_of_any_kind_come_with_every_window(path):
    odd = [
        None,
        "",
        "soon",
        "02.01.2026",
        "2026/01/02",
        "31/12/2025",
        "9999-12-31",
        "0001-01-01",
        b"x",
        1e15,
        -1e15,
        9 * 10**18,
    ]
    far = ["2025-01-01 10:00", "2026-06-01 10:00", 1_700_000_000]  # readable, of other days
    fill(path, [(i, "a", at) for i, at in enumerate([*odd, *far, "2026-01-02 10:00", *["2026-01-02 10:00"] * 20])])
    window = {"since": datetime(2026, 1, 2, tzinfo=UTC), "until": datetime(2026, 1, 3, tzinfo=UTC)}
    for indexed in (False, True):
        if indexed:
            with sqlite3.connect(path) as connection:
                connection.execute("CREATE INDEX by_time ON orders (at)")
            connection.close()
        ids, rejected = read(source(path, event_time="at"), **window)
        assert ids == list(range(len(odd) + len(far), len(odd) + len(far) + 21))
        assert {int(row.where.rpartition("=")[2]) for row in rejected} - {len(odd) + 2} == set(range(len(odd)))


def test_the_newest_time_is_none_that_is_odd_or_to_come(path, monkeypatch):
    monkeypatch.setattr("mlsys.clock.now", lambda: datetime(2026, 1, 5, 12, tzinfo=UTC))
    newest = datetime(2026, 1, 4, 10, tzinfo=UTC)
    odd = ["31/12/2025", "soon", "9999-12-31", "2062-01-01", "2026-01-05 23:00", "2026-01-06 11:00", "2026-01-04 99:00"]
    fill(path, [(1, "a", str(newest)[:19]), *((2, "a", at) for at in odd), (3, "a", 1e15), (4, "a", None)])
    assert source(path, event_time="at").newest(ReadRequest(SCHEMA)) == newest

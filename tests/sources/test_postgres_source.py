"""A real Postgres as a source: its own types of time and number, windows that it cuts, sessions that only read."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any
from uuid import uuid4

import pytest
import sqlalchemy as sa

from mlsys.errors import DataError, MlsysError, TransientError
from mlsys.schema import ColumnSpec
from mlsys.sources import SOURCES
from mlsys.sources.base import ReadRequest, Source
from mlsys.sources.reading import databases
from mlsys.testing.sources import FIRST, Row, SourceContract

DAY = timedelta(days=1)
SCHEMA = {"id": ColumnSpec(type="integer")}

LAYOUTS: dict[str, dict[str, Any]] = {
    "timestamptz": {},
    "timestamp": {"timezone": "UTC"},
    "date": {"timezone": "UTC"},
    "numeric": {},
    "no time": {"event_time": None},
    "query": {"query": "SELECT * FROM {table} WHERE id >= :first AND id::text NOT LIKE '%x%';", "params": {"first": 0}},
}


@pytest.fixture
def engine(postgres_url: str) -> Iterator[sa.Engine]:
    opened = sa.create_engine(postgres_url)
    yield opened
    opened.dispose()


@pytest.fixture
def run(engine: sa.Engine) -> Callable[..., None]:
    def _run(*statements: str) -> None:
        with engine.begin() as connection:
            for statement in statements:
                connection.exec_driver_sql(statement.replace("%", "%%"))

    return _run


@pytest.fixture
def orders(run, postgres_url) -> Callable[..., Source]:
    """Make the table `orders (id, at)` with these times, and a source that reads it."""

    def _make(times: Sequence[str | None], type_: str, **fields: Any) -> Source:
        run(f"CREATE TABLE orders (id bigint, at {type_})")
        for number, time in enumerate(times):
            run(f"INSERT INTO orders VALUES ({number}, {'NULL' if time is None else repr(time)})")
        return source(postgres_url, event_time="at", **fields)

    return _make


def source(url: str, **fields: Any) -> Source:
    if "query" not in fields:
        fields = {"table": "orders", **fields}
    return SOURCES.parse({"kind": "sql", "url": url, **fields})


def ids(chosen: Source, **window: datetime) -> list[int]:
    return sorted(
        value for drop in chosen.read(ReadRequest(SCHEMA, **window)) for value in drop.table["id"].to_pylist()
    )


@contextmanager
def statements_of(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[tuple[str, dict[str, Any]]]]:
    """Collect what is sent to the database."""
    sent: list[tuple[str, dict[str, Any]]] = []
    original = databases.SqlalchemyDatabase.batches

    def batches(self: Any, sql: str, params: Any, size: int) -> Any:
        sent.append((sql, dict(params)))
        return original(self, sql, params, size)

    with monkeypatch.context() as patched:
        patched.setattr(databases.SqlalchemyDatabase, "batches", batches)
        yield sent


class TestPostgres(SourceContract):
    @pytest.fixture(params=LAYOUTS)
    def make(self, request: pytest.FixtureRequest, engine: sa.Engine, postgres_url: str) -> Callable[..., Source]:
        layout = dict(LAYOUTS[request.param])
        numbers = count()

        def _make(rows: Sequence[Row]) -> Source:
            table = f"rows{next(numbers)}"
            write(engine, table, rows, request.param)
            fields = {"table": table, "event_time": "at", **layout}
            if "query" in layout:
                fields = {**fields, "query": layout["query"].format(table=table), "table": None}
            return SOURCES.parse({"kind": "sql", "url": postgres_url, "chunk_rows": 7, **fields})

        return _make


def write(engine: sa.Engine, table: str, rows: Sequence[Row], layout: str) -> None:
    amounts = [row["amount"] for row in rows]
    kept = layout if layout in ("timestamp", "date", "numeric") else "timestamptz"
    types = {
        "id": "integer",
        "amount": "text" if any(isinstance(amount, str) for amount in amounts) else "numeric(12, 4)",
        "city": "varchar(40)",
        "paid": "boolean",
        "at": kept,
        "known": "timestamptz",
    }
    names = list(rows[0]) if rows else ["id", "amount", "city", "paid", "at"]
    with engine.begin() as connection:
        connection.exec_driver_sql("SET TIME ZONE 'UTC'")
        connection.exec_driver_sql(f"CREATE TABLE {table} ({', '.join(f'{name} {types[name]}' for name in names)})")
        for row in rows:
            at = int(row["at"].timestamp()) if kept == "numeric" else row["at"].isoformat()
            marks = ", ".join(f":{name}" for name in names)
            connection.execute(sa.text(f"INSERT INTO {table} VALUES ({marks})"), {**row, "at": at})


class TestWindows:
    def test_a_window_is_cut_in_utc_whatever_the_session_says(self, orders, run, engine):
        run(f"ALTER DATABASE {engine.url.database} SET TIME ZONE 'Pacific/Auckland'")
        chosen = orders(
            ["2026-03-02 23:59+00", "2026-03-03 00:00+00", "2026-03-03 23:59+00", "2026-03-04 00:00+00"], "timestamptz"
        )
        assert ids(chosen, since=FIRST + 2 * DAY, until=FIRST + 3 * DAY) == [1, 2]

    def test_local_times_are_cut_by_the_declared_zone(self, orders):
        chosen = orders(
            ["2026-01-02 00:30", "2026-01-02 01:30", "2026-01-03 00:59"], "timestamp", timezone="Europe/Berlin"
        )
        assert ids(chosen, since=datetime(2026, 1, 2, tzinfo=UTC), until=datetime(2026, 1, 3, tzinfo=UTC)) == [1, 2]

    def test_local_times_need_a_zone(self, orders):
        with pytest.raises(DataError, match="Local times need a time zone"):
            ids(orders(["2026-01-02 00:30"], "timestamp"))

    @pytest.mark.parametrize("type_", ["timestamptz", "timestamp", "date"])
    def test_old_rows_stay_in_the_database(self, orders, run, engine, type_, monkeypatch):
        chosen = orders([f"{FIRST + i * DAY:%Y-%m-%d}" for i in range(30)], type_, timezone="UTC")
        run("CREATE INDEX by_time ON orders (at)", "ANALYZE orders")
        with statements_of(monkeypatch) as sent:
            assert ids(chosen, since=FIRST + 27 * DAY, until=FIRST + 28 * DAY) == [27]
        sql, bounds = sent[-1]
        with engine.connect() as connection:
            connection.exec_driver_sql("SET enable_seqscan = off")
            assert len(connection.execute(sa.text(sql), bounds).all()) <= 4
            plan = " ".join(connection.execute(sa.text(f"EXPLAIN {sql}"), bounds).scalars())
        assert "by_time" in plan

    def test_a_table_without_times_reads_as_nothing(self, orders):
        chosen = orders([None, None], "text", timezone="UTC")
        assert ids(chosen, since=FIRST, until=FIRST + DAY) == []
        assert chosen.newest(ReadRequest(SCHEMA)) is None

    def test_rows_without_time_are_rejected_by_a_whole_reading(self, orders):
        drops = list(orders([None, "2026-03-01 10:00+00"], "timestamptz").read(ReadRequest(SCHEMA, until=FIRST + DAY)))
        assert [row.where.rpartition(" ")[2] for drop in drops for row in drop.rejected] == ["id=0"]

    @pytest.mark.parametrize("driver", ["psycopg2", "psycopg"])
    @pytest.mark.parametrize("type_", ["timestamptz", "timestamp", "date"])
    def test_times_that_python_has_not_are_bad_in_their_row_alone(self, orders, run, postgres_url, driver, type_):
        far = ["infinity", "-infinity", "0044-03-15 BC", "20044-03-15"]
        orders([*far, *("2026-03-01" for _ in range(9))], type_, timezone="UTC")
        url = sa.make_url(postgres_url).set(drivername=f"postgresql+{driver}").render_as_string(hide_password=False)
        chosen = source(url, event_time="at", timezone="UTC")
        assert chosen.newest(ReadRequest(SCHEMA)) == FIRST
        for window in ({"until": FIRST + DAY}, {"since": FIRST, "until": FIRST + DAY}):
            drops = list(chosen.read(ReadRequest(SCHEMA, **window)))
            rejected = [row for drop in drops for row in drop.rejected]
            assert [(row.where.rpartition("id=")[2], row.day) for row in rejected] == [(str(n), None) for n in range(4)]
            assert all("lies outside 1900-01-01" in row.reason for row in rejected)
            assert sum(drop.table.num_rows for drop in drops) == 9


class TestTypes:
    def read(self, run, url, column: str, type_: str, logical: str) -> tuple[list[Any], list[str]]:
        run(f"CREATE TABLE orders (id serial, value {type_})", f"INSERT INTO orders (value) VALUES {column}, (NULL)")
        drops = list(source(url).read(ReadRequest({**SCHEMA, "value": ColumnSpec(type=logical, timezone=None)})))
        values = [row["value"] for drop in drops for row in drop.table.to_pylist()]
        return values, [row.reason for drop in drops for row in drop.rejected]

    @pytest.mark.parametrize(
        "case",
        [
            ("smallint", "(1)", "integer", [1, None]),
            ("numeric(20)", "(9007199254740993)", "integer", [9007199254740993, None]),
            ("numeric(8, 2)", "(3.00)", "integer", [3, None]),
            ("double precision", "(0.5), ('NaN'), ('-Infinity')", "number", [0.5, None, None, None]),
            ("numeric", "(0.25), ('NaN'), (1e30)", "number", [0.25, None, 1e30, None]),
            ("real", "(0.5)", "number", [0.5, None]),
            ("boolean", "(true), (false)", "boolean", [True, False, None]),
            ("boolean", "(true), (false)", "integer", [1, 0, None]),
            ("boolean", "(true)", "category", ["true", None]),
            ("smallint", "(1), (0)", "boolean", [True, False, None]),
            ("char(6)", "('NA'), ('')", "category", ["NA", None, None]),
            ("text", "(' a ')", "text", [" a ", None]),
            (
                "uuid",
                "('0e37df36-f698-11e6-8dd4-cb9ced3df976')",
                "text",
                ["0e37df36-f698-11e6-8dd4-cb9ced3df976", None],
            ),
            ("timestamptz", "('2026-03-01 12:00+02')", "timestamp", [datetime(2026, 3, 1, 10, tzinfo=UTC), None]),
        ],
    )
    def test_values_arrive_in_the_declared_type(self, run, postgres_url, case):
        type_, literals, logical, expected = case
        assert self.read(run, postgres_url, literals, type_, logical) == (expected, [])

    @pytest.mark.parametrize(
        ("type_", "literals", "logical"),
        [
            ("jsonb", "('{}'), ('[1]')", "text"),
            ("bytea", "('\\xff')", "category"),
            ("integer[]", "('{1}')", "integer"),
            ("interval", "('2 days')", "text"),
            ("interval", "('2 days')", "number"),
            ("timestamptz", "('2026-03-01 12:00+02')", "number"),
            ("boolean", "(true)", "timestamp"),
        ],
    )
    def test_a_type_that_does_not_fit_is_refused_by_name(self, run, postgres_url, type_, literals, logical):
        with pytest.raises(DataError, match=r"Wrong type: most values of column 'value' are not"):
            self.read(run, postgres_url, literals, type_, logical)


class TestQueries:
    def test_parameters_are_bound_never_pasted(self, run, postgres_url):
        evil = "a'; DROP TABLE orders; --"
        run("CREATE TABLE orders (id int, city text)")
        run("INSERT INTO orders VALUES (1, 'a''; DROP TABLE orders; --'), (2, '50% off: :city')")
        query = "SELECT id FROM orders WHERE city = :city OR (:all AND city LIKE '50%%' AND id::int > 0)"
        assert ids(source(postgres_url, query=query, params={"city": evil, "all": False})) == [1]
        assert ids(source(postgres_url, query=query.replace("%%", "%"), params={"city": "", "all": True})) == [2]

    def test_names_are_quoted(self, run, postgres_url):
        run('CREATE SCHEMA "Shop 1"', 'CREATE TABLE "Shop 1"."order" (id int, "share %: :x" float8, "At" timestamptz)')
        run("""INSERT INTO "Shop 1"."order" VALUES (1, 0.5, '2026-03-01 10:00+00')""")
        chosen = source(postgres_url, table="Shop 1.order", event_time="At")
        request = ReadRequest({**SCHEMA, "share %: :x": ColumnSpec(type="number")}, since=FIRST, until=FIRST + DAY)
        assert [row["share %: :x"] for drop in chosen.read(request) for row in drop.table.to_pylist()] == [0.5]

    def test_a_missing_parameter_is_one_clear_error(self, run, postgres_url):
        run("CREATE TABLE orders (id int)")
        with pytest.raises(DataError, match=r"city.*params"):
            ids(source(postgres_url, query="SELECT * FROM orders WHERE id = :city"))


class TestSessions:
    def test_a_session_only_reads(self, run, postgres_url, engine):
        run("CREATE SEQUENCE numbers")
        with pytest.raises(DataError, match="read-only transaction"):
            ids(source(postgres_url, query="SELECT nextval('numbers') AS id"))
        with engine.connect() as connection:
            assert connection.exec_driver_sql("SELECT is_called FROM numbers").scalar() is False

    @pytest.mark.parametrize("type_", ["bigint", "numeric", "text"])
    def test_a_window_of_milliseconds_is_left_to_the_server_where_it_can_tell(self, orders, type_):
        days = [FIRST + shift * DAY for shift in range(-6, 7)]
        at = [*(str(int(day.timestamp() * 1000)) for day in days), None]
        chosen = orders(at, type_)
        schema = {**SCHEMA, "at": ColumnSpec(type="timestamp", format="unix_milliseconds")}
        request = ReadRequest(schema, since=FIRST, until=FIRST + DAY, now=FIRST + 3 * DAY)
        drops = list(chosen.read(request))
        assert [each for drop in drops for each in drop.table["id"].to_pylist()] == [6]
        assert sum(len(drop.rejected) for drop in drops) == 3  # without a time, and of days to come
        assert chosen.newest(ReadRequest(schema, now=FIRST + 3 * DAY)) == FIRST + 3 * DAY
        with chosen._open() as relation:
            assert bool(chosen._window(relation, request)[0]) is (type_ != "text")

    def test_rows_come_in_chunks_from_a_cursor_of_the_server(self, run, postgres_url, engine):
        run("CREATE TABLE orders AS SELECT generate_series(1, 1000) AS id")
        drops = source(postgres_url, chunk_rows=100).read(ReadRequest(SCHEMA))
        assert next(drops).table.num_rows == 100
        with engine.connect() as connection:
            open_ones = "datname = current_database() AND query LIKE 'FETCH FORWARD %%'"
            assert connection.exec_driver_sql(f"SELECT 1 FROM pg_stat_activity WHERE {open_ones}").all() == [(1,)]
        assert sum(drop.table.num_rows for drop in drops) == 900

    def test_a_reading_that_is_left_gives_its_connection_back(self, run, postgres_url):
        run("CREATE TABLE orders AS SELECT generate_series(1, 1000) AS id")
        drops = source(postgres_url, chunk_rows=10).read(ReadRequest(SCHEMA))
        next(drops)
        drops.close()
        run("SET lock_timeout = '5s'", "DROP TABLE orders")  # fails while a session reads


class TestRefusals:
    def refused(self, chosen: Source, *, retryable: bool, parts: Sequence[str]) -> MlsysError:
        with pytest.raises(MlsysError) as caught:
            ids(chosen)
        assert caught.value.retryable is retryable
        assert "\n" not in str(caught.value)
        for part in parts:
            assert part in str(caught.value)
        return caught.value

    @pytest.mark.parametrize(
        ("fields", "missing", "nearest"),
        [
            ({"table": "order"}, "order", "orders"),
            ({"table": "sales.refund"}, "sales.refund", "sales.refunds"),
            ({"query": "SELECT * FROM ordres"}, "ordres", "orders"),
        ],
    )
    def test_a_missing_table_names_the_nearest(self, run, postgres_url, fields, missing, nearest):
        run("CREATE TABLE orders (id int)", "CREATE SCHEMA sales", "CREATE TABLE sales.refunds (id int)")
        parts = [f"There is no table '{missing}'", f"Did you mean '{nearest}'?"]
        assert isinstance(self.refused(source(postgres_url, **fields), retryable=False, parts=parts), DataError)

    def test_a_wrong_password_is_not_tried_again(self, postgres_url):
        url = sa.make_url(postgres_url).set(password="guessed")
        error = self.refused(
            source(url.render_as_string(hide_password=False)),
            retryable=False,
            parts=["password authentication failed", "source.url"],
        )
        assert "guessed" not in str(error)

    def test_a_missing_database_is_not_tried_again(self, postgres_url):
        url = sa.make_url(postgres_url).set(database="nowhere").render_as_string(hide_password=False)
        self.refused(source(url), retryable=False, parts=['database "nowhere" does not exist'])

    def test_a_table_that_may_not_be_read_is_named(self, run, postgres_url):
        guest = f"guest_{uuid4().hex}"
        run("CREATE TABLE orders (id int)", f"CREATE ROLE {guest} LOGIN PASSWORD 'welcome'")
        url = sa.make_url(postgres_url).set(username=guest, password="welcome")
        try:
            chosen = source(url.render_as_string(hide_password=False))
            self.refused(chosen, retryable=False, parts=["permission denied for table orders", "Correct `source`"])
        finally:
            run(f"DROP ROLE {guest}")

    def test_a_connection_that_breaks_may_be_tried_again(self, run, postgres_url):
        run("CREATE TABLE orders AS SELECT generate_series(1, 1000) AS id")
        drops = source(postgres_url, chunk_rows=10).read(ReadRequest(SCHEMA))
        next(drops)
        others = "datname = current_database() AND pid <> pg_backend_pid()"
        run(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {others}")
        with pytest.raises(TransientError, match="can't be reached"):
            list(drops)

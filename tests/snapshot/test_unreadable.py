"""Rows that can't be read never go without a word: they count once, for a day, whatever stands beside them."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from mlsys import clock
from mlsys.errors import DataError
from mlsys.snapshot import snapshot
from mlsys.snapshot.snapshot import Taken
from mlsys.spec import Spec, parse_dump
from mlsys.store import Store
from mlsys.testing.catalog import MemoryCatalog

FIRST = date(2026, 3, 1)
PATTERN = {"day_pattern": r"(\d{4}-\d{2}-\d{2})"}
TIMED = {"event_time": "seen", "timezone": "UTC"}
N = 100


def nth(day: int) -> date:
    return FIRST + timedelta(days=day)


def rows(day: int, n: int = N) -> list[list[str]]:
    """Return `n` rows `id, seen, x, y` of the `day`-th day."""
    return [
        [str(1000 * day + i), f"{nth(day)} 14:{i % 60:02}:00", str(i / 7), "yes" if i % 3 else "no"] for i in range(n)
    ]


def spec(source: dict[str, Any], **changes: Any) -> Spec:
    return parse_dump(
        {
            "pipeline": "visits",
            "source": source,
            "schema": {"id": "integer", "x": "number", "y": "category"},
            "key": "id",
            "target": {"column": "y", "positive": "yes"},
            "ingest": {"lookback": "3d", "settle": "0s"},
            "split": "hash",
            "models": ["logistic"],
            "gates": [{"kind": "minimum", "metric": "roc_auc", "at_least": 0.5}],
            "registries": [],
            **changes,
        }
    )


class Files:
    """A folder with one file a day."""

    def __init__(self, folder: Path, **fields: Any) -> None:
        self.folder, self.fields = folder, fields

    def spec(self, **changes: Any) -> Spec:
        return spec({"kind": "files", "path": f"{self.folder}/*.csv", **self.fields}, **changes)

    def put(self, day: int, lines: Sequence[Sequence[str]]) -> None:
        header = [] if "header" in self.fields else [["id", "seen", "x", "y"]]
        text = "".join(",".join(line) + "\n" for line in [*header, *lines])
        (self.folder / f"{nth(day)}.csv").write_text(text)


class Table:
    """A table of SQLite."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "visits.db"
        self._execute("CREATE TABLE visits (id, seen, x, y)")

    def spec(self, **changes: Any) -> Spec:
        return spec({"kind": "sql", "url": f"sqlite:///{self.path}", "table": "visits", **TIMED}, **changes)

    def put(self, day: int, lines: Sequence[Sequence[Any]]) -> None:
        self._execute("DELETE FROM visits WHERE id BETWEEN ? AND ?", [(1000 * day, 1000 * day + 999)])
        self._execute("INSERT INTO visits VALUES (?, ?, ?, ?)", [[int(line[0]), *line[1:]] for line in lines])

    def _execute(self, statement: str, values: Sequence[Sequence[Any]] = ((),)) -> None:
        with closing(sqlite3.connect(self.path)) as connection, connection:
            connection.executemany(statement, values)


@pytest.fixture(params=["day_pattern", "event_time", "header", "table"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Files | Table:
    header = {"header": ["id", "seen", "x", "y"], **TIMED}
    made = {"day_pattern": PATTERN, "event_time": TIMED, "header": header}
    return Table(tmp_path) if request.param == "table" else Files(tmp_path, **made[request.param])


@pytest.fixture(params=["event_time", "table"])
def timed(request: pytest.FixtureRequest, tmp_path: Path) -> Files | Table:
    return Table(tmp_path) if request.param == "table" else Files(tmp_path, **TIMED)


@pytest.fixture
def take(store: Store) -> Callable[..., Taken | None]:
    """Take snapshots one after the other; the catalogue remembers."""
    catalog = MemoryCatalog()
    return lambda spec, day: snapshot.take(spec, clock.cutoff_of(nth(day)), catalog=catalog, store=store)


def n_rejected(taken: Taken | None, store: Store) -> list[int]:
    assert taken is not None
    return [entry["n_rejected"] for entry in store.read_json(taken.snapshot.manifest)["partitions"]]


def broken(lines: list[list[str]]) -> list[list[str]]:
    """Make rows unreadable: a value that is no number, so that files and tables have the same fault."""
    return [[number, seen, "much", label] for number, seen, _, label in lines]


def one_field_too_many(lines: list[list[str]]) -> list[list[str]]:
    return [[*line, ""] for line in lines]


class TestADayWithoutAReadableRow:
    @pytest.mark.parametrize("first", [True, False])
    @pytest.mark.parametrize("fields", [PATTERN, TIMED, {"header": ["id", "seen", "x", "y"], **PATTERN}])
    def test_lines_with_a_field_too_many_are_refused(self, tmp_path, take, first, fields):
        place = Files(tmp_path, **fields)
        place.put(0, rows(0))
        if not first:
            take(place.spec(), 0)
        place.put(1, one_field_too_many(rows(1)))
        with pytest.raises(DataError, match=r"100 of (1|2)00 new rows.*can't be read.*5 fields instead of 4"):
            take(place.spec(), 1)

    def test_a_source_without_time_is_refused(self, tmp_path, store):
        today = clock.now().date()
        place = Files(tmp_path)
        place.put(0, one_field_too_many(rows(0)))
        with pytest.raises(DataError, match=r"100 of 100 new rows"):
            snapshot.take(place.spec(), clock.cutoff_of(today), catalog=MemoryCatalog(), store=store)

    def test_one_that_was_stored_before_is_refused_too(self, place, take):
        for day in (0, 1):
            place.put(day, rows(day))
        take(place.spec(), 1)
        place.put(1, broken(rows(1)))
        with pytest.raises(DataError, match=r"can't be read|Wrong type"):
            take(place.spec(), 1)
        place.put(2, rows(2))
        with pytest.raises(DataError, match=r"can't be read|Wrong type"):
            take(place.spec(), 2)

    def test_it_is_no_day_without_data_however_much_is_tolerated(self, tmp_path, take):
        place = Files(tmp_path, **PATTERN)
        place.put(0, rows(0))
        place.put(1, one_field_too_many(rows(1)))
        with pytest.raises(DataError, match="None of the 100 rows of 2026-03-02 can be read"):
            take(place.spec(checks={"tolerated_share": 1.0}), 1)

    def test_a_day_without_rows_stays_a_day_without_data(self, place, take):
        place.put(0, rows(0))
        assert take(place.spec(), 1) is None


class TestRowsOfNoDay:
    def test_times_spelt_otherwise_are_refused(self, timed, take):
        timed.put(0, rows(0))
        take(timed.spec(), 0)
        timed.put(1, [[number, f"{nth(1):%d/%m/%Y} 10:00", *rest] for number, _, *rest in rows(1)])
        with pytest.raises(DataError, match=r"100 of 100 new rows of 2026-03-02 .*'seen': '02/03/2026"):
            take(timed.spec(), 1)

    def test_most_times_of_a_day_are_refused(self, timed, take):
        timed.put(0, rows(0))
        take(timed.spec(), 0)
        odd = [[line[0], "soon" if i < 60 else line[1], *line[2:]] for i, line in enumerate(rows(1))]
        timed.put(1, odd)
        with pytest.raises(DataError, match=r"60 of 100 new rows of 2026-03-02 \(60\.00%\).*'soon' is not a timestamp"):
            take(timed.spec(), 1)

    def test_milliseconds_are_refused(self, tmp_path, take):
        table = Table(tmp_path)
        seconds = int(datetime(2026, 3, 1, 10, tzinfo=UTC).timestamp())
        table.put(0, [[line[0], seconds, *line[2:]] for line in rows(0)])
        take(table.spec(), 0)
        table.put(1, [[line[0], (seconds + 86_400) * 1000, *line[2:]] for line in rows(1)])
        with pytest.raises(DataError, match=r"column 'seen'"):
            take(table.spec(), 1)

    def test_they_count_once(self, timed, take, store):
        lenient = timed.spec(checks={"tolerated_share": 0.1})
        odd = [[line[0], "" if i < 5 else line[1], *line[2:]] for i, line in enumerate(rows(0))]
        timed.put(0, odd)
        assert n_rejected(take(lenient, 0), store) == [5]
        timed.put(1, rows(1, 20))
        assert n_rejected(take(lenient, 1), store) == [5, 0]
        late = [[line[0], "" if i < 5 else line[1], *line[2:]] for i, line in enumerate(rows(0, N + 1))]
        timed.put(0, late)  # the first day is made anew, with its five
        timed.put(2, [["2900", "", "1", "no"], *rows(2)])
        assert n_rejected(take(lenient, 2), store) == [5, 0, 1]

    def test_a_range_leaves_them_to_its_last_day(self, timed, store):
        for day in range(3):
            timed.put(day, [[str(1000 * day + 900), "", "1", "no"], *rows(day)])
        catalog = MemoryCatalog()
        snapshot.take_in(timed.spec(), nth(0), nth(2), catalog=catalog, store=store)
        taken = snapshot.take(timed.spec(), clock.cutoff_of(nth(2)), catalog=catalog, store=store)
        assert n_rejected(taken, store) == [0, 0, 3]


SENTINELS = ["9999-12-31 23:59:59", "0001-01-01 00:00:00", "1899-12-31 10:00:00", "2062-05-01 10:00:00"]


class TestSentinels:
    @pytest.mark.parametrize("zone", ["UTC", "America/New_York", "Europe/Berlin", "Pacific/Auckland"])
    @pytest.mark.parametrize("written", SENTINELS)
    def test_one_row_is_bad_and_the_others_are_read(self, tmp_path, take, store, zone, written):
        for place in (Table(tmp_path), Files(tmp_path, **{**TIMED, "timezone": zone})):
            place.put(0, [["900", written, "1", "no"], *rows(0)])
            lenient = place.spec(checks={"tolerated_share": 0.02})
            assert snapshot.newest_complete_day(lenient) == FIRST
            taken = take(lenient, 0)
            assert (taken.snapshot.n_rows, taken.snapshot.first_day, n_rejected(taken, store)) == (100, FIRST, [1])

    @pytest.mark.parametrize("written", SENTINELS)
    def test_any_column_of_times_has_limits(self, tmp_path, take, store, written):
        place = Files(tmp_path, **PATTERN)
        place.put(0, [["900", written, "1", "no"], *rows(0)])
        schema = {"id": "integer", "x": "number", "y": "category"}
        for zone in ("America/New_York", "Europe/Berlin"):
            seen = {"type": "timestamp", "timezone": zone}
            chosen = place.spec(schema={**schema, "seen": seen}, checks={"tolerated_share": 0.02})
            assert n_rejected(take(chosen, 0), store) == [1]

    def test_limits_can_be_widened(self, tmp_path, take, store):
        place = Files(tmp_path, **PATTERN)
        place.put(0, [["900", SENTINELS[0], "1", "no"], ["901", SENTINELS[2], "1", "no"], *rows(0)])
        seen = {"type": "timestamp", "timezone": "Europe/Berlin", "earliest": "1850-01-01", "latest": "9999-12-31"}
        taken = take(place.spec(schema={"id": "integer", "x": "number", "y": "category", "seen": seen}), 0)
        assert (taken.snapshot.n_rows, n_rejected(taken, store)) == (102, [0])

    def test_a_column_of_sentinels_says_how_to_widen(self, tmp_path, take):
        place = Files(tmp_path, **PATTERN)
        place.put(0, [[line[0], SENTINELS[0], *line[2:]] for line in rows(0)])
        seen = {"type": "timestamp", "timezone": "UTC"}
        with pytest.raises(DataError, match=r"Most times of column 'seen' lie outside 1900-01-01 to .*`latest`"):
            take(place.spec(schema={"id": "integer", "x": "number", "y": "category", "seen": seen}), 0)

    def test_tomorrow_is_not_the_newest_day(self, timed, monkeypatch):
        monkeypatch.setattr(clock, "now", lambda: datetime(2026, 3, 10, 8, tzinfo=UTC))
        timed.put(0, rows(0))
        timed.put(9, rows(9, 1))  # today, in two hours
        assert snapshot.newest_complete_day(timed.spec()) == FIRST
        timed.put(10, [["10001", "2026-03-11 07:00:00", "1", "no"]])  # not yet a day ahead of the clock
        assert snapshot.newest_complete_day(timed.spec()) == FIRST

    def test_a_file_of_a_sentinel_day_is_refused_by_name(self, tmp_path, take):
        place = Files(tmp_path, **PATTERN)
        place.put(0, rows(0))
        (tmp_path / "0001-01-01.csv").write_text("id,seen,x,y\n")
        with pytest.raises(DataError, match="lies before 1900-01-01"):
            take(place.spec(), 0)


class TestMoreOfTheKind:
    def test_sources_hold_dates_too(self, tmp_path, take, store):
        import pyarrow as pa
        import pyarrow.parquet as pq

        days = [FIRST] * 99 + [date(9999, 12, 31)]
        for times in (pa.array(days, pa.date32()), pa.array([0] * 99 + [2**50], pa.timestamp("ms"))):
            table = pa.table({"id": list(range(100)), "x": [0.5] * 100, "y": ["yes"] * 100, "since": times})
            pq.write_table(table, tmp_path / f"{FIRST}.parquet")
            source = {"kind": "files", "path": f"{tmp_path}/*.parquet", **PATTERN}
            since = {"type": "timestamp", "timezone": "America/New_York"}
            chosen = spec(
                source, schema={"id": "integer", "x": "number", "y": "category", "since": since}, pipeline="other"
            )
            assert n_rejected(take(chosen, 0), store) == [1]

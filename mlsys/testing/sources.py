"""What every source must keep. Subclass `SourceContract` in a test file and give it a fixture `make`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa
import pytest

from mlsys.errors import DataError
from mlsys.schema import ARRIVAL, EVENT_TIME, ColumnSpec, Schema, arrow_type
from mlsys.snapshot.fingerprint import table_fingerprint
from mlsys.sources.base import ReadRequest, Source

SCHEMA: Schema = {
    "id": ColumnSpec(type="integer"),
    "amount": ColumnSpec(type="number"),
    "city": ColumnSpec(type="category"),
    "paid": ColumnSpec(type="boolean"),
}
FIRST = datetime(2026, 3, 1, tzinfo=UTC)
Row = dict[str, Any]
Make = Callable[[Sequence[Row]], Source]


def rows(n_days: int = 4, per_day: int = 5) -> list[Row]:
    """Return rows of consecutive UTC days with a missing amount and categories that look like missing values."""
    cities = ("Oslo", "None", "NA", "São Paulo")
    return [
        {
            "id": day * per_day + i,
            "amount": None if i == 2 else day + i / 4,
            "city": cities[i % len(cities)],
            "paid": i % 2 == 0,
            "at": FIRST + timedelta(days=day, hours=i),
        }
        for day in range(n_days)
        for i in range(per_day)
    ]


def read_all(source: Source, request: ReadRequest | None = None) -> pa.Table:
    """Return all rows of a reading as one table."""
    tables = [drop.table for drop in source.read(request or ReadRequest(SCHEMA))]
    return pa.concat_tables(tables) if tables else pa.table({})


class SourceContract:
    """The tests. `make(rows)` returns a source that holds exactly these rows; it may be called more than once."""

    @pytest.fixture
    def make(self) -> Make:
        """Return the maker of sources; every class of this contract has its own."""
        pytest.fail("A test class of SourceContract defines the fixture `make`")

    def test_gives_the_declared_types(self, make: Make) -> None:
        """Columns come in the schema's order and types, with the event time of a timed source behind them."""
        source = make(rows())
        table = read_all(source)
        assert table.column_names == [*SCHEMA, *([EVENT_TIME] if source.timed else [])]
        assert [table.schema.field(name).type for name in SCHEMA] == [
            arrow_type(column.type) for column in SCHEMA.values()
        ]

    def test_values_survive(self, make: Make) -> None:
        """Nothing is lost or invented, and categories that look like missing values stay."""
        expected = [{name: row[name] for name in SCHEMA} for row in rows()]
        found = read_all(make(rows())).select(list(SCHEMA)).sort_by("id").to_pylist()
        assert found == expected

    def test_same_rows_same_fingerprint(self, make: Make) -> None:
        """Reading twice gives the same content."""
        assert table_fingerprint(read_all(make(rows()))) == table_fingerprint(read_all(make(rows())))

    def test_order_is_irrelevant(self, make: Make) -> None:
        """Rows in another order have the same fingerprint."""
        assert table_fingerprint(read_all(make(rows()))) == table_fingerprint(read_all(make(rows()[::-1])))

    def test_window_is_respected(self, make: Make) -> None:
        """`since` is inclusive, `until` exclusive."""
        source = make(rows())
        if not source.timed:
            pytest.skip("a source without time has no window")
        window = ReadRequest(SCHEMA, since=FIRST + timedelta(days=1), until=FIRST + timedelta(days=3))
        found = read_all(source, window).sort_by("id")["id"].to_pylist()
        assert found == [row["id"] for row in rows() if window.since <= row["at"] < window.until]  # type: ignore[operator]

    def test_newest_lies_on_the_newest_day(self, make: Make) -> None:
        """`newest` names the newest day, or nothing for a source without time."""
        source = make(rows())
        newest = source.newest(ReadRequest(SCHEMA))
        expected = (FIRST + timedelta(days=3)).date() if source.timed else None
        assert (newest.date() if newest else None) == expected

    def test_missing_column_is_refused(self, make: Make) -> None:
        """A column that is not there is an error with the nearest name."""
        request = ReadRequest({**SCHEMA, "amont": ColumnSpec(type="number")})
        with pytest.raises(DataError, match=r"amont.*Did you mean 'amount'"):
            read_all(make(rows()), request)

    def test_no_rows_is_no_error(self, make: Make) -> None:
        """An empty source reads as nothing."""
        assert read_all(make([])).num_rows == 0

    def test_bad_value_rejects_its_row_alone(self, make: Make) -> None:
        """A value that can't be read sets its row aside, with the column's name."""
        wrong = rows()
        for row in wrong:
            row["amount"] = "much" if row["id"] == 7 else str(row["amount"] or 0)
        drops = list(make(wrong).read(ReadRequest(SCHEMA)))
        rejected = [row for drop in drops for row in drop.rejected]
        assert [("'amount'" in row.reason, "'much'" in row.reason) for row in rejected] == [(True, True)]
        assert sum(drop.table.num_rows for drop in drops) == len(wrong) - 1

    def test_wrong_type_is_refused(self, make: Make) -> None:
        """A column whose values mostly don't fit is an error, not a heap of rejected rows."""
        wrong = [{**row, "amount": "much"} for row in rows()]
        with pytest.raises(DataError, match=r"Wrong type.*'amount'"):
            read_all(make(wrong))

    def test_arrival_comes_along(self, make: Make) -> None:
        """The label-arrival column is read in addition to the schema."""
        stamped = [{**row, "known": row["at"] + timedelta(days=2)} for row in rows()]
        table = read_all(make(stamped), ReadRequest(SCHEMA, arrival="known")).sort_by("id")
        assert table[ARRIVAL].to_pylist() == [row["known"] for row in stamped]

    def test_parts_stay_the_same_while_nobody_writes(self, make: Make) -> None:
        """Parts that may be half written have names of their own, and marks that only a change changes."""
        parts = make(rows()).parts()
        assert len({part.name for part in parts}) == len(parts)
        assert all(part.written.utcoffset() == timedelta(0) for part in parts)
        source = make(rows())
        assert source.parts() == source.parts()

"""The join as of a time: what was known before each row, and nothing later, whatever else the table holds."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlsys.schema import ARRIVAL, EVENT_TIME
from mlsys.snapshot.as_of import as_of
from mlsys.spec.joins import AsOfJoin, parse_join

START = datetime(2026, 3, 4, tzinfo=UTC)  # a Wednesday
TIME = pa.timestamp("us", tz="UTC")
SOURCE = {"kind": "sql", "url": "sqlite:///usage.db", "table": "usage", "event_time": "used_at"}
COLUMNS: dict[str, Any] = {
    "n_rows": "count",
    "n_known": {"take": "count", "of": "logins"},
    "logins": {"take": "sum", "of": "logins"},
    "logins_2h": {"take": "sum", "of": "logins", "window": "2h"},
    "mean_hours": {"take": "mean", "of": "hours"},
    "least": {"take": "min", "of": "hours"},
    "most": {"take": "max", "of": "logins"},
    "plan": {"take": "last", "of": "plan"},
    "idle": "age",
}


def join_of(**changes: Any) -> AsOfJoin:
    described = {
        "name": "usage",
        "source": SOURCE,
        "schema": {"who": "text", "logins": "integer", "hours": "number", "plan": "category", "loaded_at": "timestamp"},
        "key": "who",
        "window": "6h",
        "columns": COLUMNS,
    }
    return parse_join(described | changes)


def at(hours: float) -> datetime:
    return START + timedelta(hours=hours)


def rows_of(*rows: tuple[str | None, float]) -> pa.Table:
    return pa.table(
        {"who": pa.array([who for who, _ in rows], pa.string()), EVENT_TIME: pa.array([at(h) for _, h in rows], TIME)}
    )


def table_of(usage: list[dict[str, Any]]) -> pa.Table:
    """Return usage rows of `who`, `hour` and `loaded` (hours after START) with their values."""
    return pa.table(
        {
            "who": pa.array([row["who"] for row in usage], pa.string()),
            "logins": pa.array([row.get("logins") for row in usage], pa.int64()),
            "hours": pa.array([row.get("hours") for row in usage], pa.float64()),
            "plan": pa.array([row.get("plan") for row in usage], pa.string()),
            EVENT_TIME: pa.array([at(row["hour"]) for row in usage], TIME),
            ARRIVAL: pa.array([None if row.get("loaded") is None else at(row["loaded"]) for row in usage], TIME),
        }
    )


def found(join: AsOfJoin, rows: pa.Table, usage: list[dict[str, Any]]) -> dict[str, list[Any]]:
    return {name: values.to_pylist() for name, values in as_of(join, rows, table_of(usage)).items()}


def expected(join: AsOfJoin, who: str | None, when: datetime, usage: list[dict[str, Any]]) -> dict[str, Any]:
    """Say it again, one row at a time, as slowly as it can be said."""
    values: dict[str, Any] = {}
    for name, column in join.joined.items():
        counts = [
            row
            for row in usage
            if row["who"] == who
            and when - join.window_of(column) <= at(row["hour"]) < when
            and (join.known is None or (row["loaded"] is not None and at(row["loaded"]) < when))
            and (column.of is None or row[column.of] is not None)
        ]
        counts.sort(key=lambda row: (row["hour"], max(row["hour"], row["loaded"] or 0) if join.known else 0))
        seen = [row[column.of] for row in counts] if column.of else []
        values[name] = {
            "count": lambda c=counts: len(c),
            "sum": lambda s=seen: sum(s) if s else None,
            "mean": lambda s=seen: sum(s) / len(s) if s else None,
            "min": lambda s=seen: min(s, default=None),
            "max": lambda s=seen: max(s, default=None),
            "last": lambda s=seen: s[-1] if s else None,
            "age": lambda c=counts: (when - at(c[-1]["hour"])) / timedelta(days=1) if c else None,
        }[column.take]()
    return values if who is not None else dict.fromkeys(values)


_HOURS = st.integers(0, 12)
_USAGE = st.lists(
    st.fixed_dictionaries(
        {
            "who": st.sampled_from(["ann", "bob", "eve", None]),
            "hour": _HOURS,
            "loaded": st.one_of(st.none(), st.integers(0, 14)),
            "logins": st.one_of(st.none(), st.integers(-3, 9)),
            "hours": st.one_of(st.none(), st.sampled_from([-0.5, 0.0, 0.25, 8.0])),
            "plan": st.one_of(st.none(), st.sampled_from(["free", "paid"])),
        }
    ),
    max_size=25,
)
_ROWS = st.lists(st.tuples(st.sampled_from(["ann", "bob", "zoe", None]), _HOURS), max_size=8)


@pytest.mark.slow
@given(usage=_USAGE, rows=_ROWS, known=st.sampled_from([None, "loaded_at"]))
@settings(max_examples=60)
def test_it_finds_what_the_slowest_way_finds(usage, rows, known):
    join, together = join_of(known=known), []
    values = found(join, rows_of(*rows), usage)
    for place, (who, hour) in enumerate(rows):
        together.append(({name: values[name][place] for name in values}, expected(join, who, at(hour), usage)))
    assert [got for got, _ in together] == [wanted for _, wanted in together]


@pytest.mark.slow
@given(usage=_USAGE, later=_USAGE, hour=_HOURS, order=st.randoms(use_true_random=False))
@settings(max_examples=40)
def test_no_later_row_can_change_anything(usage, later, hour, order):
    join, row = join_of(known="loaded_at"), rows_of(("ann", hour), ("bob", hour))
    before = [use for use in usage if use["loaded"] is not None and max(use["hour"], use["loaded"]) < hour]
    after = [use for use in later if use["loaded"] is None or max(use["hour"], use["loaded"]) >= hour]
    mixed = [*before]
    for use in after:  # anywhere between, so that the earlier ones keep their order
        mixed.insert(order.randint(0, len(mixed)), use)
    assert found(join, row, mixed) == found(join, row, before)


def test_the_same_instant_does_not_count():
    usage = [{"who": "ann", "hour": 5, "logins": 1}, {"who": "ann", "hour": 5 - 1e-6, "logins": 10}]
    assert found(join_of(), rows_of(("ann", 5)), usage)["logins"] == [10]


def test_who_is_not_in_the_table_has_a_count_of_zero_and_who_has_no_key_has_none():
    values = found(join_of(), rows_of(("zoe", 5), (None, 5)), [{"who": None, "hour": 1}, {"who": "ann", "hour": 1}])
    assert values["n_rows"] == [0, None]
    assert values["logins"] == [None, None]
    assert values["plan"] == values["idle"] == [None, None]


def test_an_empty_table_joins_nothing():
    assert found(join_of(), rows_of(("ann", 5)), [])["n_rows"] == [0]
    assert found(join_of(), rows_of(), [])["plan"] == []


def test_what_came_late_counts_from_when_it_was_known():
    usage = [{"who": "ann", "hour": 1, "loaded": 4, "logins": 7}]
    values = found(join_of(known="loaded_at"), rows_of(("ann", 2), ("ann", 4), ("ann", 5)), usage)
    assert values["logins"] == [None, None, 7]


@pytest.mark.parametrize(("as_of_", "n_rows"), [("row", 3), ("day", 2), ("monday", 1)])
def test_a_row_may_see_its_day_or_week_begin(as_of_, n_rows):
    # Wednesday noon: usage of that morning, of Tuesday, and of the Sunday before.
    usage = [{"who": "ann", "hour": hour} for hour in (10, -20, -70)]
    assert found(join_of(as_of=as_of_, window="9d"), rows_of(("ann", 12)), usage)["n_rows"] == [n_rows]


def test_a_day_of_a_file_is_known_when_it_is_over():
    join = join_of(source={"kind": "files", "path": "usage/*.csv", "day_pattern": r"(\d+-\d+-\d+)"}, window="2d")
    usage = [{"who": "ann", "hour": 24 * day, "logins": 10**day} for day in range(4)]
    assert found(join, rows_of(("ann", 48), ("ann", 48 + 23)), usage)["logins"] == [11, 11]


def test_many_pairs_are_taken_in_parts(monkeypatch):
    random = np.random.default_rng(3)
    usage = [{"who": str(i % 5), "hour": float(h), "logins": i} for i, h in enumerate(random.uniform(0, 9, 200))]
    rows = rows_of(*[(str(i % 6), float(h)) for i, h in enumerate(random.uniform(0, 9, 60))])
    whole = found(join_of(), rows, usage)
    monkeypatch.setattr("mlsys.snapshot.as_of._PAIRS", 7)
    assert found(join_of(), rows, usage) == whole


def test_types_follow_from_what_is_taken():
    types = {name: str(values.type) for name, values in as_of(join_of(), rows_of(("ann", 1)), table_of([])).items()}
    assert types == {
        "n_rows": "int64",
        "n_known": "int64",
        "logins": "int64",
        "logins_2h": "int64",
        "mean_hours": "double",
        "least": "double",
        "most": "int64",
        "plan": "string",
        "idle": "double",
    }


def test_rows_alone_can_be_counted():
    values = found(join_of(columns={"n": "count", "idle": "age"}), rows_of(("ann", 5)), [{"who": "ann", "hour": 2}])
    assert values == {"n": [1], "idle": [0.125]}

"""Joined tables are taken in like a pipeline's own rows: once, for good, with one fingerprint, or not at all."""

from __future__ import annotations

import random
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from given.clicks import JOIN, join_clicks, make_clicks
from given.shop import day, enter, make_shop

from mlsys import clock
from mlsys.errors import DataError
from mlsys.records import Snapshot
from mlsys.snapshot import snapshot
from mlsys.snapshot.joined import table_specs
from mlsys.snapshot.partitioning import layout_of
from mlsys.snapshot.rows import read_rows
from mlsys.spec import Spec, load_spec
from mlsys.store import Store
from mlsys.testing.catalog import MemoryCatalog

DAYS = 5
COLUMNS = ["order_no", "n_items", "n_clicks", "weight", "page", "idle", "_day"]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The database of a shop with clicks."""
    home = tmp_path_factory.mktemp("clicks")
    make_shop(home, home / "pipelines", days=DAYS)
    make_clicks(home)
    return (home / "shop.db").read_bytes()


class Shop:
    """A shop with clicks, and what was taken of it."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.store = Store(home / "store")
        self.catalog = MemoryCatalog()

    def spec(self, **changes: Any) -> Spec:
        join_clicks(self.home, **changes)
        return load_spec(self.home / "pipelines" / "shop.yaml")

    def take(self, index: int = DAYS - 1, **changes: Any) -> Snapshot:
        spec = self.spec(**changes)
        taken = snapshot.take(spec, clock.cutoff_of(day(index)), catalog=self.catalog, store=self.store)
        assert taken is not None
        return taken.snapshot

    def read(self, taken: Snapshot, **how: Any) -> list[dict[str, Any]]:
        return read_rows(taken.manifest, self.store, COLUMNS, **how).to_pylist()

    def change(self, statement: str, *values: object) -> None:
        with closing(sqlite3.connect(self.home / "shop.db")) as connection, connection:
            connection.execute(statement, values)

    def versions(self, **changes: Any) -> dict[str, int]:
        (table,) = table_specs(self.spec(**changes))
        rows = self.catalog.partitions(table.pipeline, layout_of(table).fingerprint)
        return {str(row.day): row.version for row in rows}


@pytest.fixture
def shop(made: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shop:
    home = tmp_path / "home"
    make_shop(home, home / "pipelines", days=0)
    (home / "shop.db").write_bytes(made)
    enter(home, monkeypatch)
    return Shop(home)


@pytest.mark.slow
def test_each_row_has_what_was_known_before_it(shop):
    for row in shop.read(shop.take()):
        assert row["n_clicks"] == row["n_items"] == row["weight"]
        assert row["page"] == "cart"
        assert row["idle"] == pytest.approx(1 / 1440)


def test_some_days_are_read_as_among_all(shop):
    taken = shop.take()
    wanted = {day(1), day(3)}
    assert shop.read(taken, days=wanted) == [row for row in shop.read(taken) if row["_day"] in wanted]


def test_columns_can_be_read_one_by_one_and_without_key_and_time(shop):
    taken = shop.take()
    alone = read_rows(taken.manifest, shop.store, ["n_clicks"])
    assert alone.column_names == ["n_clicks"]
    assert alone["n_clicks"].to_pylist() == [row["n_clicks"] for row in shop.read(taken)]


@pytest.mark.slow
def test_later_clicks_change_neither_values_nor_fingerprint(shop):
    before = shop.take(2)
    shop.change("DELETE FROM clicks WHERE clicked_at >= ? OR loaded_at >= ?", *[str(day(3))] * 2)
    shop.catalog, rows = MemoryCatalog(), shop.read(before)
    with closing(sqlite3.connect(shop.home / "shop.db")) as connection:
        left = connection.execute("SELECT count(*) FROM clicks").fetchone()
    again = shop.take(2)
    assert left[0] > 0
    assert shop.read(again) == rows
    hidden = shop.take(2, known=None)
    assert hidden.fingerprint != again.fingerprint


@pytest.mark.slow
def test_the_order_of_clicks_plays_no_part(shop):
    before = shop.take()
    with closing(sqlite3.connect(shop.home / "shop.db")) as connection, connection:
        clicks = connection.execute("SELECT * FROM clicks").fetchall()
        random.Random(5).shuffle(clicks)
        connection.execute("DELETE FROM clicks")
        connection.executemany("INSERT INTO clicks VALUES (?, ?, ?, ?, ?)", clicks)
    shop.catalog = MemoryCatalog()
    again = shop.take()
    assert (again.fingerprint, shop.read(again)) == (before.fingerprint, shop.read(before))


def test_a_snapshot_is_read_when_the_table_is_gone(shop):
    taken = shop.take()
    before = shop.read(taken)
    shop.change("DROP TABLE clicks")
    assert shop.read(taken) == before


@pytest.mark.slow
def test_days_that_stand_are_not_read_again(shop):
    shop.take(3)
    shop.change("DELETE FROM clicks WHERE clicked_at < ?", str(day(1)))
    shop.take(4)
    assert shop.versions() == {str(day(index)): 1 for index in range(5)}


@pytest.mark.slow
def test_a_late_click_is_another_version_and_another_snapshot(shop):
    before = shop.take()
    values = shop.read(before)
    (order_no,) = {row["order_no"] for row in values if row["_day"] == day(3)} & {3007}
    # It names a time before the order, and nobody says when it came: without `known` it is believed.
    at = f"{day(3)} 00:00:00"
    shop.change("INSERT INTO clicks VALUES (?, ?, ?, 5.0, 'late')", order_no, at, at)
    after = shop.take()
    assert after.fingerprint != before.fingerprint
    assert shop.versions()[str(day(3))] == 2
    changed = [row["order_no"] for row, then in zip(shop.read(after), values, strict=True) if row != then]
    assert changed == [order_no]
    assert shop.read(before) == values


@pytest.mark.slow
def test_a_click_that_names_no_order_counts_for_none(shop):
    before = shop.take()
    shop.change("INSERT INTO clicks VALUES (NULL, ?, ?, 5.0, 'odd')", f"{day(4)} 01:00:00", f"{day(4)} 01:00:00")
    assert shop.read(shop.take()) == shop.read(before)


@pytest.mark.slow
def test_the_days_of_a_backfill_find_what_was_taken_in_for_them(shop):
    spec = shop.spec()
    snapshot.take_in(spec, day(1), day(4), catalog=shop.catalog, store=shop.store)
    assert shop.versions() == {str(day(index)): 1 for index in range(5)}
    shop.take(1)
    assert set(shop.versions().values()) == {1}


def test_a_day_without_clicks_is_nothing_unusual(shop):
    shop.change("DELETE FROM clicks WHERE clicked_at >= ?", str(day(4)))
    assert [row["n_clicks"] for row in shop.read(shop.take(), days={day(4)})][40:] == [0] * 40


@pytest.mark.parametrize(
    ("statement", "changes", "says"),
    [
        ("DROP TABLE clicks", {}, "clicks"),
        ("DELETE FROM clicks", {}, "shop.clicks: source: It has no row before the cutoff, 2026-05-06"),
        ("UPDATE clicks SET weight = 'heavy'", {}, "weight"),
        ("UPDATE clicks SET weight = 'heavy' WHERE order_no % 20 = 0", {}, "shop.clicks: source: "),
        (
            "DELETE FROM clicks WHERE clicked_at >= '2026-05-03'",
            {"max_age": "1d"},
            "may lie 1 day before the cutoff, 2026-05-06 00:00 UTC, at most. See why its rows don't come",
        ),
    ],
)
def test_a_table_that_can_not_be_joined_stops_the_run_and_stores_nothing(shop, statement, changes, says):
    shop.change(statement)
    spec = shop.spec(**changes)
    with pytest.raises(DataError) as caught:
        snapshot.take(spec, clock.cutoff_of(day(4)), catalog=shop.catalog, store=shop.store)
    assert says in str(caught.value)
    assert not shop.catalog.partitions("shop", layout_of(spec).fingerprint)


@pytest.mark.slow
def test_a_few_unreadable_clicks_are_set_aside(shop):
    shop.change("UPDATE clicks SET weight = 'heavy' WHERE order_no = 4003 AND page = 'cart'")
    rows = {row["order_no"]: row["n_clicks"] for row in shop.read(shop.take())}
    assert rows[4003] == 0


def test_times_are_compared_in_utc(shop):
    # Local times of Berlin are two hours ahead: read as such, each click lies two hours earlier.
    rows = shop.read(shop.take(source=JOIN["source"] | {"timezone": "Europe/Berlin"}, known=None))
    assert {row["page"] for row in rows} == {"yes", "no"}


@pytest.mark.slow
def test_a_run_that_broke_off_behind_the_table_is_taken_up_again(shop):
    shop.change("ALTER TABLE orders RENAME TO hidden")
    with pytest.raises(DataError, match="orders"):
        shop.take()
    assert set(shop.versions().values()) == {1}
    shop.change("ALTER TABLE hidden RENAME TO orders")
    taken = shop.take()
    assert set(shop.versions().values()) == {1}
    assert all(row["n_clicks"] == row["n_items"] for row in shop.read(taken))

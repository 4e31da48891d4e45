"""What may be wrong with a second source: bad files, none, a late one, a lock, and kill -9 while it is read."""

from __future__ import annotations

import csv
import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from given.clicks import join_clicks, make_clicks
from given.kill_points import killed_at, points_of, spread
from given.shop import day, enter, make_shop

from mlsys import clock
from mlsys.errors import DataError, TransientError
from mlsys.records import Snapshot
from mlsys.snapshot import snapshot
from mlsys.snapshot.joined import table_specs
from mlsys.snapshot.partitioning import layout_of
from mlsys.snapshot.rows import read_rows
from mlsys.sources.reading import databases
from mlsys.spec import load_spec
from mlsys.workspace import open_workspace

LAST = 3
HEADER = ("order_no", "clicked_at", "loaded_at", "weight", "page")
FILES = {"kind": "files", "path": "${MLSYS_HOME}/clicks/*.csv", "event_time": "clicked_at", "timezone": "UTC"}


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A shop of four days in SQLite, joined with clicks in files of one day each, written an hour ago."""
    home = tmp_path / "home"
    enter(home, monkeypatch)
    make_shop(home, home / "pipelines", days=LAST + 1)
    make_clicks(home)
    (home / "clicks").mkdir()
    with closing(sqlite3.connect(home / "shop.db")) as connection:
        for index in range(LAST + 1):
            rows = connection.execute("SELECT * FROM clicks WHERE date(clicked_at) = ?", [str(day(index))]).fetchall()
            write(home, index, rows)
    join_clicks(home, source=FILES)
    return home


def write(home: Path, index: int, rows: list[Any]) -> None:
    path = newest(home, index)
    with path.open("w", encoding="utf-8") as file:
        csv.writer(file).writerows([HEADER, *rows])
    written = path.stat().st_mtime - 3600
    os.utime(path, (written, written))


def newest(home: Path, index: int = LAST) -> Path:
    return home / "clicks" / f"{day(index)}.csv"


def take(home: Path) -> tuple[Snapshot, list[int]]:
    """Return the snapshot of the last day, and how many clicks each order has there."""
    with open_workspace() as work:
        spec = load_spec(home / "pipelines" / "shop.yaml")
        taken = snapshot.take(spec, clock.cutoff_of(day(LAST)), catalog=work.ledger, store=work.store)
        assert taken is not None
        rows = read_rows(taken.snapshot.manifest, work.store, ["n_clicks", "n_items"]).to_pydict()
    return taken.snapshot, rows["n_clicks"]


def stored(home: Path) -> list[Any]:
    """Return what the ledger has of the shop and of its clicks."""
    spec = load_spec(home / "pipelines" / "shop.yaml")
    with open_workspace() as work:
        tables = [spec, *table_specs(spec)]
        return [row for each in tables for row in work.ledger.partitions(each.pipeline, layout_of(each).fingerprint)]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (lambda path: path.write_bytes(b"\xf0\x28\x8c\xbc" * 900), "is not in the declared encoding"),
        (lambda path: path.write_bytes(b""), "The file is empty"),
        (lambda path: path.write_text("order_no,clicked_at,loaded_at,page\n"), "There is no column 'weight'"),
        (lambda path: [each.unlink() for each in path.parent.iterdir()], "No file matches the pattern"),
    ],
    ids=["unreadable", "empty", "without a column", "none"],
)
def test_files_that_can_not_be_joined_are_named_with_their_table(
    home: Path, spoil: Callable[[Path], object], says: str
) -> None:
    spoil(newest(home))
    with pytest.raises(DataError, match=says) as caught:
        take(home)
    assert str(caught.value).startswith(f"shop.clicks, {home / 'clicks'}")
    assert stored(home) == []


@pytest.mark.slow
def test_a_locked_second_source_may_be_tried_again(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(databases, "BUSY_SECONDS", 0.01)
    join_clicks(home)  # in SQLite
    with closing(sqlite3.connect(home / "shop.db", isolation_level=None)) as held:
        held.execute("BEGIN EXCLUSIVE")
        with pytest.raises(TransientError, match=r"shop\.clicks"):
            take(home)
    assert stored(home) == []
    assert sum(take(home)[1]) > 0


@pytest.mark.slow
def test_a_day_whose_file_is_late_counts_when_it_comes_as_another_version(home: Path) -> None:
    content = newest(home).read_bytes()
    newest(home).write_text(",".join(HEADER) + "\n", encoding="utf-8")
    before, n_before = take(home)
    newest(home).write_bytes(content)
    after, n_after = take(home)
    assert sum(n_before) < sum(n_after)
    assert before.fingerprint != after.fingerprint
    with open_workspace() as work:  # what was decided on the first one can be repeated
        assert read_rows(before.manifest, work.store, ["n_clicks"])["n_clicks"].to_pylist() == n_before


@pytest.mark.slow
def test_killed_while_the_table_is_read_or_stored_it_is_taken_up_again(home: Path) -> None:
    with open_workspace():
        pass  # the ledger is made: its own kills are tested elsewhere
    plain = {path: path.read_bytes() for path in home.rglob("*") if path.is_file()}

    def again() -> None:
        for path in sorted(home.rglob("*"), reverse=True):
            if path.is_file() and path not in plain:
                path.unlink()
        for path, content in plain.items():
            path.write_bytes(content)

    n_points = points_of(lambda: take(home))
    again()
    expected = take(home)
    for point in spread(8, over=n_points)[:-1]:
        again()
        assert killed_at(point, lambda: take(home))
        assert take(home) == expected
        assert {row.version for row in stored(home)} == {1}
        with open_workspace() as work:
            assert work.ledger.verify("shop.clicks") > 0

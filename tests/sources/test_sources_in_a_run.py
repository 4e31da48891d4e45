"""A shop that exports workbooks, or keeps its orders in MongoDB: looks, arrivals and runs as with its table."""

from __future__ import annotations

import os
import re
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from itertools import groupby
from pathlib import Path
from typing import Any

import pytest
from given import mongo_server, workbooks
from given.shop import day, edit_spec, enter, make_shop

from mlsys import clock, pipeline
from mlsys.errors import SpecError
from mlsys.planning.arrivals import survey
from mlsys.planning.plan import RunRequest
from mlsys.spec import load_spec
from mlsys.upkeep.source_looks import look
from mlsys.workspace import open_workspace

PASSWORD = "hunter22"


@pytest.fixture(autouse=True)
def shop(home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Twelve days of a shop, six hours after the last of them."""
    make_shop(home, home / "pipelines", days=12)
    enter(home, monkeypatch)
    monkeypatch.setattr(clock, "now", lambda: clock.cutoff_of(day(11)) + timedelta(hours=6))
    monkeypatch.setenv("MONGO_PASSWORD", PASSWORD)
    return home


def orders(home: Path) -> list[dict[str, Any]]:
    """Return the rows of the shop's table, with times as times."""
    with sqlite3.connect(home / "shop.db") as connection:
        connection.row_factory = sqlite3.Row
        found = [dict(row) for row in connection.execute("SELECT * FROM orders ORDER BY order_no")]
    connection.close()
    return [{**row, "placed_at": datetime.fromisoformat(row["placed_at"])} for row in found]


@contextmanager
def in_workbooks(home: Path) -> Iterator[dict[str, Any]]:
    """A workbook a day, of an hour ago."""
    (home / "incoming").mkdir()
    for date, rows in groupby(orders(home), lambda row: row["placed_at"].date()):
        members = list(rows)
        cells = [["Orders of the day"], list(members[0]), *(list(row.values()) for row in members)]
        path = workbooks.write(home / "incoming" / f"orders-{date}.xlsx", cells)
        an_hour_ago = clock.now().timestamp() - 3600
        os.utime(path, (an_hour_ago, an_hour_ago))
    yield {
        "kind": "excel",
        "path": "${MLSYS_HOME}/incoming/*.xlsx",
        "header_row": 2,
        "event_time": "placed_at",
        "timezone": "UTC",
    }


@contextmanager
def in_mongodb(home: Path) -> Iterator[dict[str, Any]]:
    """Documents in a server that asks for a password."""
    with mongo_server.running({"anna": PASSWORD}) as server:
        documents = [{**row, "placed_at": row["placed_at"].replace(tzinfo=UTC)} for row in orders(home)]
        server.fill("shop", "orders", documents)
        url = f"mongodb://anna:${{MONGO_PASSWORD}}@127.0.0.1:{server.port}/"
        yield {"kind": "mongodb", "url": url, "database": "shop", "collection": "orders", "event_time": "placed_at"}


@pytest.mark.slow
@pytest.mark.parametrize("held", [in_workbooks, in_mongodb])
def test_a_run_is_that_of_the_table(shop: Path, held: Any) -> None:
    edit_spec(shop / "pipelines", registries=["files"])
    with open_workspace() as work:
        of_table = pipeline.run(work, RunRequest("shop"))
        with held(shop) as source:
            edit_spec(shop / "pipelines", source=source)
            seen = look(load_spec(shop / "pipelines" / "shop.yaml"), work.store)
            assert (seen.ok, f"its newest complete day is {day(11)}" in seen.sentence) == (True, True)
            found = survey(work, "shop")
            assert found.ask is None or found.ask.day == day(11)
            run = pipeline.run(work, RunRequest("shop"))
        assert of_table.start.snapshot is not None
        assert run.start.snapshot is not None
        assert run.start.snapshot.fingerprint == of_table.start.snapshot.fingerprint
    kept = [path for path in shop.rglob("*") if path.is_file()]
    assert not [path for path in kept if PASSWORD.encode() in path.read_bytes()]


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("{kind: mongodb, url: a, database: b, collection: c, filter: {country: NO}}", "YAML reads a bare NO as"),
        ("{kind: mongodb, url: a, database: b, collection: c, filter: {a: {$in: [01]}}}", "YAML reads a bare 01 as"),
        ("{kind: mongodb, url: a, database: b, collection: c, filter: {at: 2026-03-01}}", "a filter is made of texts"),
        ("{kind: mongodb, url: a, database: b, collection: c, query: {}}", "no such key here"),
        ("{kind: mongodb, url: a, collection: c}", "database"),
        ("{kind: excel, path: a, sheet: 0}", "sheets are counted from 1"),
        ("{kind: excel, path: a, sheet: no}", "sheet"),
        ("{kind: xlsx, path: a}", "Did you mean 'excel'"),
    ],
)
def test_a_spec_that_can_t_be_meant_is_refused(shop: Path, source: str, words: str) -> None:
    path = shop / "pipelines" / "shop.yaml"
    path.write_text(re.sub("(?m)^source: .*$", lambda _: f"source: {source}", path.read_text()))
    with pytest.raises(SpecError, match=words):
        load_spec(path)


def test_a_damaged_workbook_is_told_by_name(shop: Path) -> None:
    with in_workbooks(shop) as source:
        edit_spec(shop / "pipelines", source=source)
        path = shop / "incoming" / f"orders-{day(11)}.xlsx"
        path.write_bytes(path.read_bytes()[:-200])
        seen = look(load_spec(shop / "pipelines" / "shop.yaml"))
    assert not seen.ok
    assert f"orders-{day(11)}.xlsx: The workbook is half written or damaged" in seen.sentence

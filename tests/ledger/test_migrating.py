"""The ledger's tables are made whole or not at all, on SQLite and on Postgres."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from given.kill_points import killed_at, points_of, spread

from mlsys.ledger import Ledger, RequestRow
from mlsys.ledger import engine as databases


def open_it(url: str) -> None:
    Ledger.open(url).close()


def request() -> RequestRow:
    return RequestRow(request_id="a", run_id="r", status="accepted", sentence="asked", mode="live", asked_by="cli")


@pytest.mark.slow
def test_a_ledger_killed_over_at_50_points_is_made_by_the_next(ledger_url: str) -> None:
    n_points = points_of(lambda: open_it(ledger_url)) if ledger_url.startswith("sqlite") else 40
    if ledger_url.startswith("sqlite"):
        Path(ledger_url.removeprefix("sqlite:///")).unlink()
    assert sum(killed_at(point, lambda: open_it(ledger_url)) for point in spread(50, over=n_points)) > 20
    ledger = Ledger.open(ledger_url)
    assert ledger.pipelines() == []
    assert databases._version(ledger.engine) == databases.HEAD
    ledger.close()


def test_a_file_that_an_older_version_was_killed_over_is_made_anew(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/mlsys.db"
    open_it(url)
    with closing(sqlite3.connect(tmp_path / "mlsys.db", isolation_level=None)) as half:
        half.execute("DROP TABLE alembic_version")
        half.execute("DROP TABLE partitions")
    ledger = Ledger.open(url)
    assert databases._version(ledger.engine) == databases.HEAD
    assert ledger.pipelines() == []
    ledger.close()


def test_rows_are_never_taken_for_an_unfinished_file(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/mlsys.db"
    ledger = Ledger.open(url)
    ledger.add_request("shop", request())
    ledger.close()
    with closing(sqlite3.connect(tmp_path / "mlsys.db", isolation_level=None)) as damaged:
        damaged.execute("DROP TABLE alembic_version")
        with pytest.raises(Exception, match="already exists"):
            Ledger.open(url)
        assert damaged.execute("SELECT count(*) FROM requests").fetchone() == (1,)

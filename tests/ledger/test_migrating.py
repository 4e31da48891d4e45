"""The ledger's tables are made whole or not at all, on SQLite and on Postgres."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from importlib.metadata import version
from pathlib import Path

import psutil
import pytest
import sqlalchemy as sa
from given.kill_points import killed_at, points_of, spread

from mlsys.errors import NotUnderstoodError
from mlsys.ledger import Ledger, NewerLedgerError, RequestRow
from mlsys.ledger import engine as databases
from mlsys.workspace import open_workspace


def open_it(url: str) -> None:
    Ledger.open(url).close()


def request() -> RequestRow:
    return RequestRow(request_id="a", run_id="r", status="accepted", sentence="asked", mode="live", asked_by="cli")


@pytest.mark.parametrize(
    "n_tried", [pytest.param(10, marks=pytest.mark.slow), pytest.param(50, marks=pytest.mark.long)]
)
def test_a_ledger_killed_over_anywhere_is_made_by_the_next(ledger_url: str, n_tried: int) -> None:
    n_points = points_of(lambda: open_it(ledger_url)) if ledger_url.startswith("sqlite") else 40
    if ledger_url.startswith("sqlite"):
        Path(ledger_url.removeprefix("sqlite:///")).unlink()
    points = spread(n_tried, over=n_points)
    assert sum(killed_at(point, lambda: open_it(ledger_url)) for point in points) > 0.4 * n_tried
    ledger = Ledger.open(ledger_url)
    assert ledger.pipelines() == {}
    assert databases._version(ledger.engine) == databases.HEAD
    ledger.close()


@pytest.mark.slow
def test_a_file_that_an_older_version_was_killed_over_is_made_anew(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/mlsys.db"
    open_it(url)
    with closing(sqlite3.connect(tmp_path / "mlsys.db", isolation_level=None)) as half:
        half.execute("DROP TABLE alembic_version")
        half.execute("DROP TABLE partitions")
    ledger = Ledger.open(url)
    assert databases._version(ledger.engine) == databases.HEAD
    assert ledger.pipelines() == {}
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
    assert str(tmp_path / "mlsys.db") not in {opened.path for opened in psutil.Process().open_files()}


def test_a_ledger_of_a_newer_version_is_refused_and_left_alone(ledger_url: str) -> None:
    ledger = Ledger.open(ledger_url)
    ledger.add_request("shop", request())
    with ledger.engine.connect() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '0042'"))
        connection.commit()
    with pytest.raises(NewerLedgerError, match=r"revision 0042, and mlsys .* knows them up to 0001: a newer mlsys"):
        Ledger.open(ledger_url)
    assert databases._version(ledger.engine) == "0042"
    ledger.close()


def test_a_newer_ledger_names_the_version_that_wrote_it(home: Path) -> None:
    with open_workspace() as work, work.ledger.engine.connect() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '0042'"))
        connection.commit()
    assert json.loads((home / "written_by.json").read_text()) == {"mlsys": version("mlsys")}
    (home / "written_by.json").write_text('{"mlsys": "99.1.0"}')
    with pytest.raises(NewerLedgerError) as caught, open_workspace():
        pass
    assert "a newer mlsys wrote it (mlsys 99.1.0)" in str(caught.value)
    assert caught.value.exit_code == 2


def test_a_row_with_a_field_of_a_newer_version_names_that_version(home: Path) -> None:
    with open_workspace() as work:
        work.ledger.add_request("shop", request())
        with work.ledger.engine.connect() as connection:
            connection.execute(sa.text("DROP TRIGGER requests_no_update"))
            connection.execute(sa.text("""UPDATE requests SET record = '{"mood":"good",' || substr(record, 2)"""))
            connection.commit()
    for newest, named in (("99.1.0", r" \(mlsys 99\.1\.0 has written to this home\)"), (version("mlsys"), "")):
        (home / "written_by.json").write_text(json.dumps({"mlsys": newest}))
        said = rf"not understood: `mood`: [\w ]+{named}\. If a newer mlsys"
        with pytest.raises(NotUnderstoodError, match=said), open_workspace() as work:
            work.ledger.requests("shop")


def test_an_older_mlsys_does_not_take_the_note_for_its_own(home: Path) -> None:
    (home / "written_by.json").write_text('{"mlsys": "99.1.0"}')
    with open_workspace():
        pass
    assert json.loads((home / "written_by.json").read_text()) == {"mlsys": "99.1.0"}

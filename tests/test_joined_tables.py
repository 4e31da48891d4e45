"""A joined table through a whole pipeline: taken in, trained on, scored with, watched, kept and cleaned up."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from given.clicks import join_clicks, make_clicks
from given.shop import day, edit_spec, enter, make_shop

from mlsys import clock, pipeline
from mlsys.monitoring.monitoring import monitor
from mlsys.planning.plan import RunRequest
from mlsys.snapshot import snapshot
from mlsys.snapshot.rows import read_rows
from mlsys.spec import resolve
from mlsys.workspace import Workspace, open_workspace

LAST = 10


def make(home: Path, **changes: Any) -> None:
    make_shop(home, home / "pipelines", days=LAST + 1)
    edit_spec(home / "pipelines", registries=["files"])
    make_clicks(home)
    join_clicks(home, **changes)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    home = tmp_path / "home"
    make(home)
    enter(home, monkeypatch)
    return home


def taken(work: Workspace, index: int = LAST) -> snapshot.Taken:
    spec = resolve(work.settings.spec_path("shop")).spec
    found = snapshot.take(spec, clock.cutoff_of(day(index)), catalog=work.ledger, store=work.store)
    assert found is not None
    return found


def change(home: Path, statement: str, *values: object) -> None:
    with closing(sqlite3.connect(home / "shop.db")) as connection, connection:
        connection.execute(statement, values)


def test_each_row_has_what_was_known_before_it(home):
    with open_workspace() as work:
        rows = read_rows(taken(work).snapshot.manifest, work.store, ["n_items", "n_clicks", "weight", "page"])
    assert rows["n_clicks"].to_pylist() == [n or 0 for n in rows["n_items"].to_pylist()]
    assert set(rows["page"].drop_null().to_pylist()) == {"cart"}
    assert max(rows["weight"].drop_null().to_pylist()) < 99


def test_a_model_learns_from_it_and_serves(home):
    with open_workspace() as work:
        finished = pipeline.run(work, RunRequest("shop", day=day(LAST - 1)))
        assert finished.version is not None
        make_shop(home, home / "pipelines", days=LAST + 2)
        make_clicks(home)
        found = monitor(work, "shop", day=day(LAST))
        assert found.n_rows

"""Runs of a backfill that Airflow starts in any order, each by itself, find the same days."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path

import pytest
from given.shop import day, edit_spec, enter, make_shop

from mlsys.errors import DataError
from mlsys.planning.plan import RunRequest, open_run
from mlsys.snapshot import snapshot
from mlsys.snapshot.ranges import DayRange
from mlsys.workspace import open_workspace

FIRST, LAST = 6, 10


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A shop of which days 0 to 10 were read; then the rows of day 5 have changed."""
    home = tmp_path / "home"
    make_shop(home, home / "pipelines", days=LAST + 1)
    edit_spec(home / "pipelines", registries=["files"], ingest={"lookback": "2d"})
    enter(home, monkeypatch)
    with open_workspace() as work:
        open_run(work, RunRequest("shop", day=day(LAST), mode="train"))
    with closing(sqlite3.connect(home / "shop.db")) as connection, connection:
        connection.execute("UPDATE orders SET basket_value = 7.5 WHERE date(placed_at) = ?", [str(day(5))])
    return home


def fingerprints(days: Iterable[int], together: DayRange | None) -> dict[int, str]:
    found = {}
    with open_workspace() as work:
        for index in days:
            request = RunRequest("shop", partition_key=str(day(index)), run_type="backfill", mode="auto")
            start = open_run(work, RunRequest(**{**vars(request), "together": together}))
            assert start.snapshot is not None
            found[index] = start.snapshot.fingerprint
    return found


def whole(name: str = "first") -> DayRange:
    return DayRange(name, day(FIRST), day(LAST))


@pytest.mark.slow
def test_days_alone_depend_on_what_was_read_before(home: Path) -> None:
    newest = fingerprints([LAST], None)
    assert fingerprints([FIRST], None).keys() == {FIRST}  # its lookback finds what has changed
    assert fingerprints([LAST], None) != newest


@pytest.mark.slow
def test_days_of_one_backfill_are_the_same_in_any_order(home: Path) -> None:
    backwards = fingerprints(range(LAST, FIRST - 1, -1), whole())
    assert fingerprints(range(FIRST, LAST + 1), whole("another")) == backwards


@pytest.mark.slow
def test_the_first_run_reads_for_all(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    taken = []
    monkeypatch.setattr(snapshot, "take_in", lambda *days, **_: taken.append(days[1:]))
    fingerprints([8, 7], whole())
    fingerprints([7], whole("another"))
    assert taken == [(day(FIRST), day(LAST))] * 2


@pytest.mark.slow
def test_a_source_that_is_refused_is_left_to_the_runs(
    home: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(*_: object, **__: object) -> int:
        raise DataError("a broken file")

    monkeypatch.setattr(snapshot, "take_in", refuse)
    assert fingerprints([8], whole()).keys() == {8}
    assert "range_not_taken_in pipeline=shop reason='a broken file.'" in caplog.text

"""Days read again: what differs becomes new versions, and the decisions that rested on the old ones are listed."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from given.shop import day

from mlsys import pipeline, replay
from mlsys.changes.restating import restate
from mlsys.errors import DataError, UsageError
from mlsys.planning.plan import RunRequest
from mlsys.snapshot.partitioning import layout_of
from mlsys.spec import resolve
from mlsys.workspace import Workspace

pytestmark = pytest.mark.slow


def corrected(home: Path, statement: str) -> None:
    with closing(sqlite3.connect(home / "shop.db")) as connection, connection:
        connection.execute(statement)


def versions(work: Workspace) -> dict[str, int]:
    layout = layout_of(resolve(work.settings.spec_path("shop")).spec).fingerprint
    return {str(row.day): row.version for row in work.ledger.partitions("shop", layout)}


def test_nothing_differs(work: Workspace) -> None:
    before = versions(work)
    found = restate(work, "shop", day(0), day(5))
    assert (found.days, found.decisions, versions(work)) == ((), (), before)
    assert found.sentence.startswith("The source tells these days as it did before")


def test_a_day_outside_the_lookback_is_read_again_and_its_decisions_are_listed(work: Workspace) -> None:
    corrected(work.home, "UPDATE orders SET n_items = n_items + 1 WHERE placed_at LIKE '2026-05-03%'")
    pipeline.run(work, RunRequest("shop", day=day(12), mode="dry"))  # does not look so far back
    assert versions(work)["2026-05-03"] == 1
    decided = {d.run_id: d for d in work.ledger.decisions("shop")}
    found = restate(work, "shop", day(0), day(4))
    assert [(each.day, each.version, each.n_rows_before, each.n_rows) for each in found.days] == [(day(2), 2, 80, 80)]
    assert versions(work)["2026-05-03"] == 2
    assert {each.run_id for each in found.decisions} == set(decided)
    assert all(each.days == (day(2),) for each in found.decisions)
    assert [each.run_id for each in found.decisions if each.serves] == [work.ledger.champion("shop").run_id]  # type: ignore[union-attr]
    # Nothing of the past changes: the runs of then are done again as they were.
    assert replay.replay(work, found.decisions[0].run_id).agreement == "identical"
    after = pipeline.run(work, RunRequest("shop", day=day(12), mode="dry"))
    assert after.start.go
    again = restate(work, "shop", day(0), day(4))
    assert again.days == ()


def test_a_day_that_is_new_and_one_that_is_gone(work: Workspace) -> None:
    corrected(work.home, "DELETE FROM orders WHERE placed_at LIKE '2026-05-02%'")
    corrected(
        work.home,
        "INSERT INTO orders SELECT order_no + 900000, replace(placed_at, '2026-05-03', '2026-04-20'), basket_value, "
        "n_items, channel, gift, returned FROM orders WHERE placed_at LIKE '2026-05-03%'",
    )
    found = restate(work, "shop", day(-11), day(4))
    assert [(each.version, each.n_rows_before, each.n_rows) for each in found.days] == [(1, None, 80), (None, 80, 0)]
    assert "of 1 day it has no row any more, and what was stored stays" in found.sentence
    assert all(each.days == (day(-11),) for each in found.decisions)
    assert versions(work)["2026-05-02"] == 1


def test_too_many_unreadable_rows_change_nothing(work: Workspace) -> None:
    before = versions(work)
    corrected(work.home, "UPDATE orders SET n_items = 'many' WHERE placed_at LIKE '2026-05-03%'")
    with pytest.raises(DataError):
        restate(work, "shop", day(0), day(4))
    assert versions(work) == before


def test_what_is_no_range_of_past_days(work: Workspace) -> None:
    with pytest.raises(UsageError, match="ends before it begins"):
        restate(work, "shop", day(4), day(3))
    with pytest.raises(UsageError, match="not over yet"):
        restate(work, "shop", day(0), day(40000))

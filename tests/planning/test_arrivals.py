"""Which days wait for a run, and which run answers them: a table of the shop's orders."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from given.shop import day, edit_spec, enter, make_shop

from mlsys import clock, pipeline
from mlsys.errors import UsageError
from mlsys.planning.arrivals import Survey, survey
from mlsys.planning.plan import RunRequest
from mlsys.workspace import Workspace, open_workspace

pytestmark = pytest.mark.slow


@pytest.fixture
def home(shop: Path) -> Path:
    """The shop: champion of day 10, day 11 seen by a run for the record alone, and day 12 by none."""
    return shop


def change(home: Path, statement: str) -> None:
    with sqlite3.connect(home / "shop.db") as connection:
        connection.execute(statement)
    connection.close()


def states(found: Survey) -> dict[str, str]:
    return {str(state.day): state.state for state in found.days}


def retrain(work: Workspace, index: int) -> None:
    pipeline.run(work, RunRequest("shop", day=day(index)))


def test_days_that_arrived_since_are_one_run_about_the_newest(home: Path, work: Workspace) -> None:
    found = survey(work, "shop")
    assert found.ask is not None
    assert found.ask.day == day(12)
    assert f"new: {day(11)}, {day(12)}" in found.ask.reason
    assert states(found) == {str(day(10)): "answered", str(day(11)): "asked", str(day(12)): "asked"}
    assert found.counts == {"answered": 11, "asked": 2}


def test_what_was_answered_is_not_asked_again(home: Path, work: Workspace) -> None:
    retrain(work, 12)
    found = survey(work, "shop")
    assert found.ask is None
    assert found.counts == {"answered": 13}


def test_the_same_data_ask_with_the_same_id_and_other_data_with_another(home: Path, work: Workspace) -> None:
    first, again = survey(work, "shop").ask, survey(work, "shop").ask
    assert first == again
    change(
        home, f"DELETE FROM orders WHERE order_no = (SELECT max(order_no) FROM orders WHERE placed_at < '{day(13)}')"
    )
    other = survey(work, "shop").ask
    assert other is not None
    assert first is not None
    assert other.request_id != first.request_id


def test_a_run_under_way_is_waited_for(home: Path, work: Workspace) -> None:
    found = survey(work, "shop", under_way="scheduled__2026-05-13")
    assert found.ask is None
    assert found.counts["waiting"] == 2
    state = found.of(day(12))
    assert state is not None
    assert "scheduled__2026-05-13 is under way" in state.sentence


@pytest.mark.parametrize(("ended", "state"), [("failed", "failed"), ("success", "answered")])
def test_a_run_that_was_asked_for_is_not_asked_for_again(home: Path, work: Workspace, ended, state) -> None:
    found = survey(work, "shop", state_of=lambda _: ended)
    assert found.ask is None
    assert found.counts[state] >= 2


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO orders SELECT 999999, placed_at, 1.0, 1, 'web', gift, 'no' FROM orders WHERE order_no = 10000",
        "UPDATE orders SET n_items = n_items + 1 WHERE order_no = 10000",
    ],
    ids=["late", "changed"],
)
def test_a_late_or_changed_row_is_answered_by_the_newest_day(home: Path, work: Workspace, statement) -> None:
    retrain(work, 12)
    change(home, statement)
    found = survey(work, "shop")
    assert found.ask is not None
    assert (found.ask.day, found.ask.reason) == (day(12), f"Data arrived (late or changed: {day(10)})")
    retrain(work, 12)
    assert survey(work, "shop").ask is None


def test_a_row_in_front_of_the_lookback_asks_for_nothing(home: Path, work: Workspace) -> None:
    retrain(work, 12)
    change(home, "UPDATE orders SET n_items = n_items + 1 WHERE order_no = 1000")
    assert survey(work, "shop").ask is None


def test_a_day_that_is_not_over_waits_unless_somebody_vouches_for_it(home: Path, work: Workspace, monkeypatch) -> None:
    noon = datetime.combine(day(12), datetime.min.time(), UTC) + timedelta(hours=12)
    monkeypatch.setattr(clock, "now", lambda: noon)
    found, vouched = survey(work, "shop"), survey(work, "shop", announced=day(12))
    assert found.ask is not None
    assert vouched.ask is not None
    assert (found.ask.day, vouched.ask.day) == (day(11), day(12))


def test_a_simulated_or_dry_run_answers_nothing(home: Path, work: Workspace) -> None:
    pipeline.run(work, RunRequest("shop", day=day(12), mode="simulate"))
    pipeline.run(work, RunRequest("shop", day=day(12), mode="dry"))
    asked = survey(work, "shop").ask
    assert asked is not None
    assert asked.day == day(12)


def test_too_few_new_rows_are_an_answer_until_there_are_more(home: Path, work: Workspace) -> None:
    edit_spec(home / "pipelines", ingest={"lookback": "3d", "settle": "0s", "min_new_rows": 1000})
    retrain(work, 12)
    assert work.ledger.requests("shop")[-1].reason == "too_few_new_rows"
    assert survey(work, "shop").ask is None
    make_shop(home, home / "pipelines", days=14)
    assert survey(work, "shop").ask is not None


def test_another_spec_is_no_drop(home: Path, work: Workspace) -> None:
    retrain(work, 12)
    edit_spec(home / "pipelines", key=["order_no", "channel"])
    assert survey(work, "shop").ask is None


def test_a_refused_run_is_not_tried_with_the_same_data(home: Path, work: Workspace) -> None:
    change(home, f"UPDATE orders SET basket_value = -1 WHERE placed_at >= '{day(12)}'")
    with pytest.raises(Exception, match="refused"):
        retrain(work, 12)
    found = survey(work, "shop")
    assert found.ask is None
    assert found.counts["failed"] == 3
    change(home, f"UPDATE orders SET basket_value = 30 WHERE placed_at >= '{day(12)}'")
    assert survey(work, "shop").ask is not None


@pytest.mark.parametrize("statement", ["n_items = 'many'", "placed_at = strftime('%d/%m/%Y', placed_at)"])
def test_a_newest_day_that_cant_be_read_is_told_once(home: Path, work: Workspace, statement) -> None:
    retrain(work, 11)
    change(home, f"UPDATE orders SET {statement} WHERE placed_at >= '{day(12)}'")
    found = survey(work, "shop")
    assert found.ask is None
    assert len(found.news) == 1
    assert "can't be read" in found.news[0]
    assert survey(work, "shop").news == ()


def test_an_unknown_pipeline_is_refused(home: Path, work: Workspace) -> None:
    with pytest.raises(UsageError, match="no pipeline 'shp'"):
        survey(work, "shp")


@pytest.fixture
def labelled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Workspace]:
    """A shop that learns a day later whether an order came back, with a champion of day 11."""
    home = tmp_path / "labelled"
    make_shop(home, home / "pipelines", days=13)
    enter(home, monkeypatch)
    change(home, "ALTER TABLE orders ADD COLUMN known_at TEXT")
    change(home, "UPDATE orders SET known_at = datetime(placed_at, '+1 day')")
    schema = {
        "order_no": "integer", "basket_value": "number", "n_items": "integer", "channel": "category",
        "gift": "boolean", "returned": "category", "known_at": {"type": "timestamp", "timezone": "UTC"},
    }  # fmt: skip
    edit_spec(home / "pipelines", registries=["files"], schema=schema, label={"arrival": "known_at"})
    monkeypatch.setattr(clock, "now", lambda: clock.cutoff_of(day(11)) + timedelta(hours=6))
    with open_workspace() as work:
        retrain(work, 11)
        yield work


def test_labels_that_arrive_after_the_cutoff_ask_for_nothing(labelled: Workspace) -> None:
    assert survey(labelled, "shop").ask is None
    change(
        labelled.home, f"UPDATE orders SET known_at = '{day(12)} 05:00:00' WHERE order_no >= 11000 AND order_no < 11040"
    )
    assert survey(labelled, "shop").ask is None


def test_a_label_that_changes_what_was_known_asks(labelled: Workspace) -> None:
    change(labelled.home, "UPDATE orders SET returned = 'no' WHERE order_no >= 10000 AND order_no < 10040")
    asked = survey(labelled, "shop").ask
    assert asked is not None
    assert asked.reason == f"Data arrived (late or changed: {day(10)})"


def test_a_source_without_time_asks_once_for_each_content(home: Path, work: Workspace) -> None:
    source = {"kind": "sql", "url": "sqlite:///${MLSYS_HOME}/shop.db", "table": "orders"}
    edit_spec(home / "pipelines", source=source, split={"kind": "hash", "validation": 0.2, "holdout": 0.2})
    pipeline.run(work, RunRequest("shop"))
    assert survey(work, "shop").ask is None
    change(home, "UPDATE orders SET n_items = n_items + 1 WHERE order_no = 1000")
    asked = survey(work, "shop").ask
    assert asked is not None
    assert asked.day == clock.now().date()
    pipeline.run(work, RunRequest("shop"))
    assert survey(work, "shop").ask is None

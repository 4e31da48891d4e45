"""Rules about a joined table: judged with the pipeline's own, told by the table's name, and no reason to lose a row."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from given.clicks import join_clicks, make_clicks
from given.shop import day, edit_spec, enter, make_shop

from mlsys import clock
from mlsys.records import CheckReport, CheckResult, Snapshot
from mlsys.snapshot import snapshot
from mlsys.snapshot.rows import read_rows
from mlsys.spec import Spec, load_spec
from mlsys.store import Store
from mlsys.testing.catalog import MemoryCatalog
from mlsys.validation import validation

LAST = 2
HEAVY = {"kind": "between", "column": "weight", "min": 0, "max": 100}
KEYED = {"kind": "not_null", "column": "order_no"}


class Clicks:
    """A shop of three days joined with its clicks, without rules of its own."""

    def __init__(self, home: Path) -> None:
        self.home, self.store, self.catalog = home, Store(home / "store"), MemoryCatalog()
        make_shop(home, home / "pipelines", days=LAST + 1)
        make_clicks(home)
        edit_spec(home / "pipelines", checks={"rules": []})

    def change(self, statement: str) -> None:
        with closing(sqlite3.connect(self.home / "shop.db")) as connection, connection:
            connection.execute(statement)

    def taken(self, *rules: dict[str, Any], **changes: Any) -> tuple[Spec, Snapshot]:
        join_clicks(self.home, **({"rules": list(rules)} if rules else {}), **changes)
        spec = load_spec(self.home / "pipelines" / "shop.yaml")
        taken = snapshot.take(spec, clock.cutoff_of(day(LAST)), catalog=self.catalog, store=self.store)
        assert taken is not None
        return spec, taken.snapshot

    def validate(self, *rules: dict[str, Any], **changes: Any) -> CheckReport:
        return validation.validate(*self.taken(*rules, **changes), store=self.store, home=self.home)


@pytest.fixture
def clicks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Clicks:
    home = tmp_path / "home"
    enter(home, monkeypatch)
    return Clicks(home)


def result(report: CheckReport, start: str) -> CheckResult:
    (found,) = (each for each in report.results if each.name.startswith(f"clicks: {start}"))
    return found


def of_two_items(clicks: Clicks) -> int:
    """Return an order of the last day with two clicks before it."""
    with closing(sqlite3.connect(clicks.home / "shop.db")) as connection:
        found = connection.execute("SELECT order_no FROM orders WHERE n_items = 2 AND order_no >= 2000").fetchone()
    return int(found[0])


@pytest.mark.slow
def test_a_few_rows_that_break_a_rule_are_told_of_and_joined_all_the_same(clicks):
    order_no = of_two_items(clicks)
    clicks.change(f"UPDATE clicks SET weight = 500 WHERE order_no = {order_no} AND page = 'cart'")
    report = clicks.validate(HEAVY)
    broken = result(report, "weight between")
    assert (report.state, broken.state, report.n_quarantined) == ("pass", "fail", 0)
    assert broken.n_failed == 2
    assert broken.examples[0] == f"weight 500.0 (order_no {order_no})"
    assert report.n_checks == 1
    _, taken = clicks.taken(HEAVY)
    rows = read_rows(taken.manifest, clicks.store, ["order_no", "weight"]).to_pylist()
    assert {row["order_no"]: row["weight"] for row in rows}[order_no] == 1000.0


@pytest.mark.slow
def test_more_of_them_than_are_tolerated_stop_the_run(clicks):
    clicks.change("UPDATE clicks SET weight = -1 WHERE order_no % 20 = 0")
    report = clicks.validate(HEAVY)
    assert report.state == "fail"
    assert report.results[0].name == "clicks: at most 1.00% of the rows are bad"
    assert report.results[0].sentence.endswith("are bad, 1.00% is tolerated")
    assert clicks.validate(HEAVY, tolerated_share=0.2).state == "pass"
    assert clicks.validate({**HEAVY, "severity": "warning"}).state == "pass"


@pytest.mark.slow
def test_a_row_that_is_known_later_is_not_one_without_a_key(clicks):
    report = clicks.validate(KEYED)
    assert result(report, "order_no").state == "pass"  # those loaded a day late have none in this snapshot
    clicks.change("UPDATE clicks SET order_no = NULL WHERE order_no = 1007")
    assert (result(clicks.validate(KEYED), "order_no").n_failed or 0) > 3


@pytest.mark.slow
def test_a_table_that_has_become_empty_or_old_is_found_by_rules_about_all_of_it(clicks):
    clicks.change(f"DELETE FROM clicks WHERE clicked_at >= '{day(LAST)}' AND order_no % 10 > 0")
    counted = clicks.validate({"kind": "row_count", "min_rows": 200})
    assert (counted.state, result(counted, "at least").state) == ("fail", "fail")
    assert str(day(LAST)) in result(counted, "at least").sentence
    clicks.change(f"DELETE FROM clicks WHERE clicked_at >= '{day(1)}'")
    clicks.catalog = MemoryCatalog()
    old = clicks.validate({"kind": "recency", "max_age": "1d"})
    assert (old.state, result(old, "newest event").state) == ("fail", "fail")


@pytest.mark.slow
def test_rows_that_could_not_be_read_stand_on_the_card_also_without_rules(clicks):
    clicks.change(f"UPDATE clicks SET weight = 'heavy' WHERE order_no = {of_two_items(clicks)} AND page = 'cart'")
    report = clicks.validate()
    unread = result(report, "every row of the source can be read")
    assert (report.state, unread.severity, unread.n_failed) == ("pass", "warning", 2)


@pytest.mark.slow
def test_rules_change_neither_the_manifest_nor_the_fingerprint(clicks):
    _, plain = clicks.taken()
    _, ruled = clicks.taken(HEAVY)
    assert (ruled.manifest, ruled.fingerprint) == (plain.manifest, plain.fingerprint)


@pytest.mark.slow
def test_partitions_that_were_judged_are_not_judged_again(clicks, monkeypatch):
    before = clicks.validate(HEAVY, KEYED)
    monkeypatch.setattr("mlsys.validation.partition_checks.run_suite", lambda *_, **__: pytest.fail("it looked again"))
    assert clicks.validate(HEAVY, KEYED).results == before.results

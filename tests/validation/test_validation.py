from __future__ import annotations

import shutil
import sqlite3
from pathlib import Path
from typing import Any

import pytest
import yaml
from given.shop import ROWS_PER_DAY, day, edit_spec, make_shop

from mlsys import clock
from mlsys.errors import SpecError
from mlsys.records import BadRows, CheckReport, Snapshot
from mlsys.snapshot import snapshot
from mlsys.snapshot.rows import read_rows
from mlsys.spec import Spec, load_spec
from mlsys.store import Store
from mlsys.testing.catalog import MemoryCatalog
from mlsys.validation import data_docs, validation
from mlsys.validation.partition_checks import Examination, examine

BETWEEN = {"kind": "between", "column": "basket_value", "min": 0}
N_DAYS = 3


class Shop:
    """A shop of some days, its catalog, and ways to break its data and rules."""

    def __init__(self, home: Path, store: Store) -> None:
        self.home, self.store, self.catalog = home, store, MemoryCatalog()
        self.pipelines = home / "pipelines"
        make_shop(home, self.pipelines, days=N_DAYS)

    def sql(self, statement: str) -> None:
        with sqlite3.connect(self.home / "shop.db") as connection:
            connection.execute(statement)
        connection.close()

    def spoil(self, n: int, *, on: int = N_DAYS - 1, column: str = "basket_value", value: str = "-1") -> None:
        self.sql(
            f"UPDATE orders SET {column} = {value} WHERE rowid IN (SELECT rowid FROM orders"
            f" WHERE date(placed_at) = '{day(on)}' ORDER BY order_no LIMIT {n})"
        )

    def spec(self, *rules: dict[str, Any], tolerated: float = 0.02) -> Spec:
        edit_spec(self.pipelines, checks={"tolerated_share": tolerated, "rules": list(rules)})
        return load_spec(self.pipelines / "shop.yaml")

    def take(self, spec: Spec, last: int = N_DAYS - 1) -> Snapshot:
        taken = snapshot.take(spec, clock.cutoff_of(day(last)), catalog=self.catalog, store=self.store)
        assert taken is not None
        return taken.snapshot

    def validate(self, *rules: dict[str, Any], tolerated: float = 0.02, last: int = N_DAYS - 1) -> CheckReport:
        spec = self.spec(*rules, tolerated=tolerated)
        return validation.validate(spec, self.take(spec, last), store=self.store, home=self.home)


@pytest.fixture
def shop(home: Path, store: Store) -> Shop:
    return Shop(home, store)


@pytest.fixture
def looked_at(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many partitions each validation had to look at; those seen before are remembered."""
    counts: list[int] = []

    def counting(*args: Any, **keywords: Any) -> Examination:
        found = examine(*args, **keywords)
        counts.append(found.n_partitions)
        return found

    monkeypatch.setattr(validation, "examine", counting)
    return counts


def result(report: CheckReport, kind: str) -> Any:
    return next(item for item in report.results if item.kind == kind)


@pytest.mark.slow
def test_good_data_passes(shop: Shop) -> None:
    report = shop.validate(BETWEEN, {"kind": "not_null", "column": "channel"})
    assert (report.state, report.n_quarantined, report.quarantine) == ("pass", 0, None)
    assert (report.n_rows, report.n_partitions) == (N_DAYS * ROWS_PER_DAY, N_DAYS)
    assert (report.n_checks, report.n_own, report.n_judged) == (2, 1, 3)
    assert len(shop.store.read_json(report.details)["results"]) == report.n_judged


@pytest.mark.slow
def test_bad_rows_are_set_aside_with_reason_and_key(shop: Shop) -> None:
    shop.spoil(2)
    report = shop.validate(BETWEEN, tolerated=0.05)
    assert (report.state, report.n_quarantined) == ("pass", 2)
    found = result(report, "between")
    assert (found.state, found.n_failed) == ("fail", 2)
    assert all(example.startswith("basket_value -1.0 (order_no ") for example in found.examples)
    rows = shop.store.read_json(report.details)["rows"]
    assert [row["reasons"] for row in rows] == [["basket_value at least 0"]] * 2
    assert {row["day"] for row in rows} == {str(day(N_DAYS - 1))}


@pytest.mark.slow
def test_the_quarantine_names_exactly_the_bad_rows(shop: Shop) -> None:
    shop.spoil(2, on=0)
    shop.spoil(1, on=2)
    spec = shop.spec(BETWEEN, tolerated=0.05)
    taken = shop.take(spec)
    report = validation.validate(spec, taken, store=shop.store, home=shop.home)
    quarantine = shop.store.read_json(report.quarantine)
    start, bad = 0, []
    values = read_rows(taken.manifest, shop.store, ["basket_value"])["basket_value"].to_pylist()
    for partition in shop.store.read_json(taken.manifest)["partitions"]:
        bad += [start + offset for offset in quarantine.get(partition["fingerprint"], [])]
        start += partition["n_rows"]
    assert bad == [position for position, value in enumerate(values) if value < 0]
    assert len(bad) == 3


@pytest.mark.slow
def test_too_many_bad_rows_stop_the_run(shop: Shop) -> None:
    shop.spoil(20)
    report = shop.validate(BETWEEN)
    assert report.state == "fail"
    assert report.results[0].kind == "tolerated_share"
    assert "20 of 80 rows of the newest day (25.00%) are bad" in report.results[0].sentence
    assert report.quarantined_share == 0.25
    assert report.bad == BadRows(n_bad=20, n_rows=80, of="newest day")


@pytest.mark.slow
def test_a_validation_stores_its_details_and_nothing_else(shop: Shop) -> None:
    spec = shop.spec(BETWEEN)
    taken = shop.take(spec)
    before = {path.name for path in shop.store.root.rglob("*") if path.is_file()}
    report = validation.validate(spec, taken, store=shop.store, home=shop.home)
    added = {path.name for path in shop.store.root.rglob("*") if path.is_file()} - before
    assert added == {shop.store.path(report.details).name}


@pytest.mark.slow
def test_asking_again_about_refused_data_does_not_let_it_through(shop: Shop, looked_at: list[int]) -> None:
    shop.spoil(20)
    assert shop.validate(BETWEEN, tolerated=0.1).state == "fail"
    again = shop.validate(BETWEEN, tolerated=0.1)
    assert (again.state, looked_at[-1]) == ("fail", 0)


@pytest.mark.slow
def test_a_warning_is_reported_and_changes_nothing(shop: Shop) -> None:
    shop.spoil(40)
    report = shop.validate({**BETWEEN, "severity": "warning"})
    assert (report.state, report.n_quarantined) == ("pass", 0)
    assert result(report, "between").n_failed == 40


@pytest.mark.slow
def test_the_severity_of_a_rule_may_change_without_reading_again(shop: Shop, looked_at: list[int]) -> None:
    shop.spoil(40)
    shop.validate({**BETWEEN, "severity": "warning"})
    report = shop.validate(BETWEEN)
    assert (report.state, looked_at[-1]) == ("fail", 0)


@pytest.mark.slow
def test_only_new_partitions_are_read(shop: Shop, looked_at: list[int]) -> None:
    shop.validate(BETWEEN, last=N_DAYS - 2)
    report = shop.validate(BETWEEN)
    assert looked_at == [N_DAYS - 1, 1]
    assert (report.n_rows, report.n_partitions) == (N_DAYS * ROWS_PER_DAY, N_DAYS)


@pytest.mark.slow
def test_a_new_rule_is_asked_of_all_partitions(shop: Shop, looked_at: list[int]) -> None:
    shop.validate(BETWEEN)
    shop.validate(BETWEEN, {"kind": "between", "column": "n_items", "max": 100})
    assert looked_at == [N_DAYS, N_DAYS]


@pytest.mark.slow
def test_old_bad_rows_stay_set_aside(shop: Shop, looked_at: list[int]) -> None:
    shop.spoil(1, on=0)
    shop.validate(BETWEEN, last=0)
    report = shop.validate(BETWEEN)
    assert (looked_at[-1], report.n_quarantined) == (N_DAYS - 1, 1)


@pytest.mark.slow
def test_the_same_data_and_rules_give_the_same_digests(shop: Shop, tmp_path: Path) -> None:
    shop.spoil(2)
    first = shop.validate(BETWEEN)
    shop.validate(BETWEEN, last=0)
    second = shop.validate(BETWEEN)
    assert (first.details, first.quarantine, first.results) == (second.details, second.quarantine, second.results)


@pytest.mark.slow
def test_a_damaged_cache_entry_is_found_again(shop: Shop, looked_at: list[int]) -> None:
    shop.spoil(1)
    before = shop.validate(BETWEEN)
    for path in (shop.home / "cache" / "checks").iterdir():
        path.write_text('{"rules": [')
    after = shop.validate(BETWEEN)
    assert (after.details, looked_at[-1]) == (before.details, N_DAYS)


def test_a_failed_rule_about_the_snapshot_stops_the_run(shop: Shop) -> None:
    report = shop.validate({"kind": "row_count", "min_rows": 1000})
    assert report.state == "fail"
    assert report.results[0].sentence == f"80 rows on {day(N_DAYS - 1)}"


def test_a_rule_without_rows_needs_no_great_expectations(shop: Shop, looked_at: list[int]) -> None:
    report = shop.validate({"kind": "row_count", "min_rows": 10}, {"kind": "recency", "max_age": "36h"})
    assert (report.state, looked_at, report.data_docs) == ("pass", [0], None)


def test_a_wrong_type_stops_the_run_without_naming_rows(shop: Shop) -> None:
    report = shop.validate({"kind": "of_type", "column": "n_items", "type": "text"})
    assert (report.state, report.n_quarantined) == ("fail", 0)
    assert result(report, "of_type").sentence == "found int64"


def broken_outcomes(monkeypatch: pytest.MonkeyPatch) -> None:
    from dataclasses import replace

    from mlsys.validation import partition_checks
    from mlsys.validation.gx_suite import SuiteOutcome, run_suite

    def broken(*args: Any, **kwargs: Any) -> Any:
        run = run_suite(*args, **kwargs)
        return replace(run, outcomes=(SuiteOutcome("error", message="can't compare"), *run.outcomes[1:]))

    monkeypatch.setattr(partition_checks, "run_suite", broken)


def test_a_critical_rule_that_cannot_be_applied_is_an_error(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    broken_outcomes(monkeypatch)
    report = shop.validate(BETWEEN)
    assert report.state == "error"
    assert report.results[0].sentence == "the rule could not be applied: can't compare"


@pytest.mark.slow
def test_an_error_is_not_remembered(shop: Shop, monkeypatch: pytest.MonkeyPatch, looked_at: list[int]) -> None:
    with monkeypatch.context() as patched:
        broken_outcomes(patched)
        shop.validate(BETWEEN)
    report = shop.validate(BETWEEN)
    assert (report.state, looked_at[-1]) == ("pass", N_DAYS)


def test_a_warning_that_cannot_be_applied_stops_nothing(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    broken_outcomes(monkeypatch)
    report = shop.validate({**BETWEEN, "severity": "warning"})
    assert report.state == "pass"
    assert result(report, "between").state == "error"


def test_a_rule_that_does_not_suit_its_column_is_a_wrong_spec(shop: Shop) -> None:
    with pytest.raises(SpecError, match="category"):
        shop.validate({"kind": "between", "column": "channel", "min": 0})


@pytest.mark.slow
def test_the_page_lies_where_the_report_says(shop: Shop) -> None:
    report = shop.validate(BETWEEN)
    assert (shop.home / str(report.data_docs)).name == "index.html"
    page = shop.home / data_docs.page_path("shop", clock.cutoff_of(day(N_DAYS - 1)))
    assert "basket_value" in page.read_text()


@pytest.mark.slow
def test_pages_of_earlier_days_stay_and_are_listed(shop: Shop) -> None:
    shop.validate(BETWEEN, last=0)
    report = shop.validate(BETWEEN)
    index = (shop.home / str(report.data_docs)).read_text()
    for last in (0, N_DAYS - 1):
        page = data_docs.page_path("shop", clock.cutoff_of(day(last)))
        assert (shop.home / page).exists()
        assert page.removeprefix("data_docs/shop/") in index


@pytest.mark.slow
def test_the_order_of_days_leaves_no_trace_in_the_report(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    reports = []
    for order in ((0, 1, 2), (2, 1, 0)):
        place = tmp_path / str(order[0])
        monkeypatch.setenv("MLSYS_HOME", str(place))
        shop = Shop(place, Store(place / "store"))
        shop.spoil(2, on=1)
        found = {last: shop.validate(BETWEEN, tolerated=0.05, last=last) for last in order}
        reports.append([found[last].dump() for last in sorted(order)])
    assert reports[0] == reports[1]


@pytest.mark.slow
def test_whether_the_page_is_written_already_leaves_no_trace(shop: Shop) -> None:
    before = shop.validate(BETWEEN)
    shutil.rmtree(shop.home / data_docs.FOLDER)  # as long as another process is about to write it
    assert shop.validate(BETWEEN) == before


@pytest.mark.slow
def test_a_page_that_cannot_be_written_is_said_and_costs_no_result(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    shop.spoil(1)
    monkeypatch.setattr(data_docs, "write_page", full)
    report = shop.validate(BETWEEN)
    assert (report.state, report.n_quarantined, report.data_docs) == ("pass", 1, None)
    assert "No space left" in result(report, "data_docs").sentence


@pytest.mark.slow
def test_a_report_with_many_rules_fits_into_a_record(shop: Shop) -> None:
    rules = [{"kind": "between", "column": "basket_value", "min": 1000 + i, "severity": "warning"} for i in range(60)]
    report = shop.validate(*rules)
    assert report.n_checks == 60
    assert report.dump()
    assert len(shop.store.read_json(report.details)["results"]) == 61


@pytest.mark.slow
def test_every_logical_type_reaches_its_check(shop: Shop) -> None:
    columns = yaml.safe_load((shop.pipelines / "shop.yaml").read_text())["schema"]
    report = shop.validate(*({"kind": "of_type", "column": name} for name in columns))
    assert report.state == "pass"

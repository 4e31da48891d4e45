"""`mlsys backfill` on the shop."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing

import pytest
from given.shop import day

pytestmark = pytest.mark.slow

RANGE = ("--from", str(day(9)), "--to", str(day(11)))


def test_it_tells_the_days_the_answer_and_the_report(mlsys, changed) -> None:
    answer = mlsys("backfill", "shop", *RANGE)
    assert answer.code == 0
    assert answer.out.startswith(f"shop, {day(9)} to {day(11)}, mode simulate: 3 done.\n")
    path = changed / "reports" / "shop" / "walk-forward.html"
    assert f"Walk-forward report: {path}" in answer.out
    assert path.is_file()
    assert "ROC AUC within days  ROC AUC all rows  Log loss  Accuracy" in answer.out
    assert "+ better, - worse than never retraining beyond chance" in answer.out


def test_as_json_it_is_one_object(mlsys, changed) -> None:
    answer = mlsys("backfill", "shop", *RANGE, "--json", "--backwards", "--parallel", "1")
    found = json.loads(answer.out)
    assert found["counts"] == {"done": 3}
    assert [item["day"] for item in found["days"]] == [str(day(n)) for n in (9, 10, 11)]
    assert found["report"]["json_path"] == "reports/shop/walk-forward.json"
    details = json.loads((changed / "reports" / "shop" / "walk-forward.json").read_text())
    views = {strategy["name"]: strategy["views"] for strategy in details["strategies"]}
    assert {strategy["name"]: strategy["views"] for strategy in found["report"]["strategies"]} == views
    metrics = ["roc_auc", "roc_auc", "log_loss", "accuracy", "f1", "precision", "recall"]
    assert [view["metric"] for view in views["never"]] == metrics


def test_training_for_the_record_makes_no_report_and_no_champion(mlsys, changed, work) -> None:
    before = work.ledger.champion_changes("shop")
    answer = mlsys("backfill", "shop", *RANGE, "--mode", "train")
    assert answer.out == f"shop, {day(9)} to {day(11)}, mode train: 3 done.\n"
    assert not (changed / "reports" / "shop" / "walk-forward.html").exists()
    assert work.ledger.champion_changes("shop") == before


def test_a_failed_day_is_named_and_gives_its_exit_code(mlsys, changed) -> None:
    with closing(sqlite3.connect(changed / "shop.db")) as connection, connection:
        connection.execute("UPDATE orders SET basket_value = -1 WHERE order_no IN (10001, 10002, 10003)")
    answer = mlsys("backfill", "shop", *RANGE)
    assert answer.code == 3
    assert "2 done, 1 failed" in answer.out
    assert str(day(10)) in answer.out
    assert "basket_value" in answer.out
    assert answer.last_line == "mlsys: exit code 3 (data refused)"


def test_a_wrong_day_is_refused(mlsys, changed) -> None:
    answer = mlsys("backfill", "shop", "--from", "2026-5-9", "--to", str(day(11)))
    assert answer.code == 2
    assert "--from" in answer.err


def test_a_failed_day_on_a_terminal_is_told_as_it_stands(monkeypatch) -> None:
    from datetime import date

    from mlsys.backfill.backfill import DayOutcome
    from mlsys.cli.backfilling import Progress

    monkeypatch.setenv("FORCE_COLOR", "1")
    progress = Progress()
    assert progress.live
    progress.begin([date(2026, 3, 9)])
    sentence = "/data/[/old]/x.csv: there is no column [red]"
    with progress._bar.console.capture() as said:
        progress.end(DayOutcome(day=date(2026, 3, 9), status="failed", sentence=sentence))
    progress.stop()
    assert "there is no column [red]" in said.get()


def test_live_is_no_mode_of_a_backfill(mlsys, changed) -> None:
    assert mlsys("backfill", "shop", *RANGE, "--mode", "live").code == 2

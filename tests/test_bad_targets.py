"""Targets of which nothing can be learnt cost one error; some bad rows are left out, and the card says so."""

from __future__ import annotations

import re
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from given.shop import edit_spec, enter, make_shop

from mlsys.cli.main import invoke
from mlsys.workspace import open_workspace

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("logging_as_before")]

PRICE: dict[str, Any] = {
    "target": {"column": "basket_value", "task": "regression"},
    "metrics": {"primary": "rmse", "replicates": 200},
    "models": ["mean", "ridge"],
    "checks": {"tolerated_share": 0.02},
    "gates": ["better_than_champion"],
    "registries": ["files"],
}


@pytest.fixture
def shop(home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A shop of thirteen days in which nothing ran yet."""
    make_shop(home, home / "pipelines", days=13)
    enter(home, monkeypatch)
    return home


def alter(home: Path, statement: str) -> None:
    with sqlite3.connect(home / "shop.db") as connection:
        connection.execute(statement)
    connection.close()


@pytest.mark.parametrize(
    ("statement", "changes", "parts"),
    [
        ("returned = 'order ' || order_no || ' is back'", {}, ("column returned", "The target has ", "classes")),
        ("basket_value = 20.0", PRICE, ("column basket_value", "labelled rows have the same number", "20.0")),
        ("basket_value = 9e999", PRICE, ("column basket_value", "No row has a label")),
        ("basket_value = 'about ' || basket_value", PRICE, ("Wrong type", "'basket_value'")),
    ],
    ids=["free text", "constant", "infinite everywhere", "text for numbers"],
)
def test_a_target_of_which_nothing_can_be_learnt_is_one_error(
    shop: Path, capfd: pytest.CaptureFixture[str], statement: str, changes: dict[str, Any], parts: tuple[str, ...]
) -> None:
    alter(shop, f"UPDATE orders SET {statement}")
    edit_spec(shop / "pipelines", **changes)
    assert invoke(["run", "shop"]) == 3
    said = [line for line in capfd.readouterr().err.splitlines() if line.startswith("mlsys: ")]
    assert all(part in said[0] for part in parts), said
    assert len(said) == 2  # the error, and what its exit code means
    with open_workspace() as work:
        assert work.ledger.decisions("shop") == []
        assert work.ledger.champion("shop") is None


def test_infinite_numbers_of_some_rows_are_rows_without_a_label(shop: Path) -> None:
    alter(shop, "UPDATE orders SET basket_value = 9e999 WHERE order_no % 10 = 0")
    edit_spec(shop / "pipelines", **PRICE)
    assert invoke(["run", "shop"]) == 0
    (card,) = (shop / "reports" / "shop").glob("shop-*.html")
    assert re.search(r"left out: no label\D*104\b", card.read_text(encoding="utf-8"))


def test_a_class_of_one_row_is_inconclusive_and_says_why(shop: Path) -> None:
    alter(shop, "UPDATE orders SET returned = 'no' WHERE order_no <> (SELECT max(order_no) FROM orders)")
    edit_spec(shop / "pipelines", registries=["files"])
    assert invoke(["run", "shop"]) == 0
    with open_workspace() as work:
        decision = work.ledger.decisions("shop")[-1]
        assert work.ledger.champion("shop") is None
    assert decision.outcome == "inconclusive"
    assert "training rows are of one class, 'no': nothing can be learnt from them" in decision.sentence

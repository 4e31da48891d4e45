"""A change of the schema through the command line, when the source has dropped its old days."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
import yaml
from given.shop import day, edit_spec

from mlsys.cli.main import invoke
from mlsys.workspace import open_workspace

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("logging_as_before")]


@pytest.fixture
def home(shop: Path) -> Path:
    """The shop, whose table has lost the first four days that are stored."""
    with closing(sqlite3.connect(shop / "shop.db")) as connection, connection:
        connection.execute(f"DELETE FROM orders WHERE placed_at < '{day(4)}'")
    return shop


def retype(home: Path, logical: str) -> None:
    schema = yaml.safe_load((home / "pipelines" / "shop.yaml").read_text())["schema"]
    edit_spec(home / "pipelines", schema={**schema, "n_items": logical})


def test_what_can_be_carried_is(home: Path, capfd: pytest.CaptureFixture[str]) -> None:
    retype(home, "number")
    assert invoke(["preview", "shop"]) == 0
    assert "Carries over: 4 days (320 rows) that the source no longer has" in capfd.readouterr().out
    assert invoke(["check", "shop"]) == 0
    assert invoke(["run", "shop", "--day", str(day(12))]) == 0
    with open_workspace() as work:
        assert "4 days (320 rows) no longer in the source carried over" in work.ledger.requests("shop")[-1].sentence
    assert invoke(["preview", "shop"]) == 0
    assert "Carries over" not in capfd.readouterr().out


def test_a_loss_is_said_before_and_wants_a_word(home: Path, capfd: pytest.CaptureFixture[str]) -> None:
    retype(home, "category")
    assert invoke(["preview", "shop"]) == 0
    said = capfd.readouterr().out
    assert "Would lose: 4 days (320 rows) that the source no longer has, and wants `--accept-loss`" in said
    assert "their column 'n_items' is integer, not category" in said
    for command in (["check", "shop"], ["run", "shop", "--day", str(day(12))]):
        assert invoke(command) == 3
        assert "4 days (320 rows) that are stored" in "".join(capfd.readouterr())
    assert invoke(["run", "shop", "--day", str(day(12)), "--accept-loss"]) == 0
    with open_workspace() as work:
        asked = work.ledger.requests("shop")[-1]
    assert asked.parameters["accept_loss"] is True
    assert "4 days (320 rows) no longer in the source given up" in asked.sentence


def test_a_home_that_did_not_keep_its_layouts_knows_them_from_its_specs(home: Path) -> None:
    with open_workspace() as work:
        layout = work.ledger.newest_layout("shop")
        assert layout is not None
        work.store.path(layout).unlink()
    retype(home, "number")
    assert invoke(["run", "shop", "--day", str(day(12))]) == 0
    with open_workspace() as work:
        assert "carried over" in work.ledger.requests("shop")[-1].sentence

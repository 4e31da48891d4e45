"""`mlsys init` as a command: what it prints and writes, what it asks on a terminal, and a run of what it wrote."""

from __future__ import annotations

import json
from pathlib import Path

import click
import pytest
from given.odd_tables import each, plain, times, with_columns, write_csv

from mlsys.cli import drafts
from mlsys.cli.main import commands


@pytest.fixture
def table(fresh: Path, tmp_path: Path) -> Path:
    """A table of 1,500 rows of 30 days, in a folder of its own."""
    columns = plain(1500)
    return write_csv(
        tmp_path / "orders.csv", with_columns(columns, placed=times(columns, "%Y-%m-%d %H:%M", hours=0.48))
    )


@pytest.mark.slow
def test_it_says_what_it_found_and_what_comes_next(mlsys, table: Path, fresh: Path) -> None:
    answer = mlsys("init", "orders", "--from", str(table))
    assert answer.code == 0
    assert "target   bought: 'yes' of two classes" in answer.out
    assert "split    time" in answer.out
    assert answer.out.rstrip().endswith("then: mlsys check orders")
    assert (fresh / "pipelines" / "orders.yaml").read_text().startswith("# Drafted from 1,500 rows")


@pytest.mark.slow
def test_json(mlsys, table: Path) -> None:
    found = json.loads(mlsys("init", "orders", "--from", str(table), "--json").out)
    assert found["pipeline"] == "orders"
    assert found["drop"] == {}
    assert Path(found["spec"]).is_file()


@pytest.mark.slow
def test_nothing_is_overwritten(mlsys, table: Path) -> None:
    mlsys("init", "orders", "--from", str(table))
    answer = mlsys("init", "orders", "--from", str(table))
    assert answer.code == 2
    assert "There is a spec already" in answer.err
    assert "`mlsys init --edit orders`" in answer.err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("Orders", "--from", "x.csv"), "A pipeline's name is"),
        (("orders",), "Name the table with --from"),
        (("orders", "--from", "x.csv", "--out", "other.yaml"), "is called orders.yaml"),
        (("--edit", "orders"), "There is no pipeline 'orders'"),
    ],
)
def test_wrong_usage(mlsys, fresh: Path, arguments: tuple[str, ...], message: str) -> None:
    answer = mlsys("init", *arguments)
    assert answer.code == 2
    assert message in answer.err


def test_without_a_terminal_a_question_is_refused(mlsys, table: Path, tmp_path: Path) -> None:
    columns = plain()
    two = write_csv(tmp_path / "two.csv", with_columns(columns, churned=each(columns, lambda n: n % 2)))
    answer = mlsys("init", "two", "--from", str(two))
    assert answer.code == 2
    assert "Say it with --target: churned, bought" in answer.err


def test_on_a_terminal_it_asks(monkeypatch: pytest.MonkeyPatch, fresh: Path, tmp_path: Path) -> None:
    from click.testing import CliRunner

    monkeypatch.setattr(drafts, "_ask", lambda: drafts._on_terminal)
    columns = plain()
    two = write_csv(tmp_path / "two.csv", with_columns(columns, churned=each(columns, lambda n: n % 2)))
    found = CliRunner().invoke(commands, ["init", "two", "--from", str(two)], input="nonsense\nbought\n")
    assert found.exit_code == 0, found.output
    assert "Which column is to be predicted?" in found.output
    assert "column: bought" in (fresh / "pipelines" / "two.yaml").read_text()


@pytest.mark.slow
def test_edit_shows_a_diff_and_writes_it_when_told(mlsys, table: Path, fresh: Path) -> None:
    mlsys("init", "orders", "--from", str(table))
    spec = fresh / "pipelines" / "orders.yaml"
    assert mlsys("init", "--edit", "orders").out == "orders: nothing has changed\n"
    columns = plain(1500)
    more = {"placed": times(columns, "%Y-%m-%d %H:%M", hours=0.48), "gift": each(columns, lambda n: n % 3 == 0)}
    write_csv(table, with_columns(columns, **more))
    before = spec.read_text()
    answer = mlsys("init", "--edit", "orders")
    assert "gift: new, boolean" in answer.out
    assert "+  gift: boolean" in answer.out
    assert spec.read_text() == before
    assert mlsys("init", "--edit", "orders", "--yes").out.endswith("Next: mlsys check orders\n")
    assert "  gift: boolean\n" in spec.read_text()
    assert mlsys("check", "orders").out == "orders: ok\n"


@pytest.mark.slow
def test_what_it_writes_runs_as_it_is(mlsys, table: Path) -> None:
    mlsys("init", "orders", "--from", str(table))
    answer = mlsys("run", "orders", "--set", "registries=[files]")
    assert answer.code == 0, answer.err
    assert "PROMOTE" in answer.out


@pytest.mark.slow
def test_a_table_without_time_or_key_runs_as_it_is(mlsys, fresh: Path, tmp_path: Path) -> None:
    columns = plain(1500)
    del columns["customer_id"]
    mlsys("init", "plain", "--from", str(write_csv(tmp_path / "plain.csv", columns, separator=";", encoding="utf-16")))
    answer = mlsys("run", "plain", "--set", "registries=[files]")
    assert answer.code == 0, answer.err
    assert "PROMOTE" in answer.out


def test_the_options_are_those_of_the_questions() -> None:
    known = {option for parameter in drafts.init.params for option in parameter.opts}
    assert {"--target", "--task", "--time", "--table", "--dates", "--decimal", "--positive"} <= known
    assert isinstance(drafts.init, click.Command)

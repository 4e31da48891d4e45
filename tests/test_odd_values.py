"""Odd values through the command line: one of them stops no model, and nothing of it goes without a word."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import yaml
from given.shop import day, edit_spec

from mlsys.cli.main import invoke
from mlsys.monitoring.scoring import score
from mlsys.workspace import open_workspace

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("logging_as_before")]

MODELS = ["logistic", {"kind": "random_forest", "n_estimators": 20}, {"kind": "xgboost", "n_estimators": 20}]


def alter(home: Path, statement: str) -> None:
    with closing(sqlite3.connect(home / "shop.db")) as connection, connection:
        connection.execute(statement)


def test_numbers_beyond_float32_stop_no_model_no_judgement_and_no_scores(shop: Path, capfd: Any) -> None:
    edit_spec(shop / "pipelines", models=MODELS)
    for index, value in ((2, "1e300"), (11, "-1e39"), (12, "1e308")):  # training, the champion's holdout, the new day
        alter(
            shop,
            f"UPDATE orders SET basket_value = {value} WHERE rowid IN"
            f" (SELECT rowid FROM orders WHERE date(placed_at) = '{day(index)}' LIMIT 1)",
        )
    assert invoke(["check", "shop"]) == 0
    assert "values of 'basket_value' are larger than models can hold: they count as missing" in capfd.readouterr().out
    assert invoke(["run", "shop", "--day", str(day(12))]) == 0
    assert "failed" not in capfd.readouterr().out
    with open_workspace() as work:
        assert score(work, "shop", day=day(12)).n_rows > 0


def test_lines_between_two_inch_marks_are_refused_with_the_way_out(shop: Path, capfd: Any) -> None:
    spec = yaml.safe_load((shop / "pipelines" / "shop.yaml").read_text())
    lines = [f"{i}\tpipe {i}\t{i % 7}\t{'yes' if i % 3 else 'no'}" for i in range(600)]
    for i in (100, 140):
        lines[i] = lines[i].replace("\t", '\t" ', 1)
    (shop / "pipes.tsv").write_text("id\tname\tx\ty\n" + "\n".join(lines) + "\n")
    source = {"kind": "files", "path": "${MLSYS_HOME}/pipes.tsv", "separator": "auto"}
    schema = {"id": "integer", "name": "text", "x": "integer", "y": "category"}
    spec |= {"pipeline": "pipes", "source": source, "schema": schema, "key": "id", "split": {"kind": "hash"}}
    spec |= {"target": {"column": "y", "positive": "yes"}, "checks": {}, "models": ["logistic"], "drop": ["name"]}
    path = shop / "pipelines" / "pipes.yaml"
    path.write_text(yaml.safe_dump(spec))
    for command in (["check", "pipes"], ["run", "pipes"]):
        assert invoke(command) == 3
        said = "".join(capfd.readouterr())
        assert "41 of 600" in said
        assert "text after a closing quotation mark, in the record that begins on line 102" in said
        assert "set `source.quote: none`" in said
    source["quote"] = "none"
    path.write_text(yaml.safe_dump(spec))
    assert invoke(["check", "pipes"]) == 0
    assert invoke(["run", "pipes"]) == 0

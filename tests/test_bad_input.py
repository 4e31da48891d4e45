"""Bad input costs one clear error and changes nothing: through `mlsys run`, on a home whose champion has to stay."""

from __future__ import annotations

import gzip
import re
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from given.shop import day, edit_spec
from given.untouched import TABLES, State, but_for_a_request, state_of

from mlsys.cli.main import invoke

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("logging_as_before")]

NEW_DAY = str(day(12))
VISITS = """
pipeline: visits
source: {kind: files, path: "${MLSYS_HOME}/visits/*", day_pattern: "(\\\\d{4}-\\\\d{2}-\\\\d{2})"}
schema: {visit: integer, pages: integer, country: category, bought: category}
key: visit
target: {column: bought, positive: "yes"}
checks: {tolerated_share: 0}
split: {kind: time, validation_days: 1, holdout_days: 1}
models: [prior, logistic]
gates: [{kind: minimum, metric: roc_auc, at_least: 0.6}]
registries: [files]
"""


@dataclass(frozen=True)
class Answer:
    """The exit code of a run, and what it printed of the error (one line each) besides its log."""

    code: int
    said: list[str]


@pytest.fixture
def run(capfd: pytest.CaptureFixture[str]) -> Callable[..., Answer]:
    def run(*arguments: str, pipeline: str = "shop") -> Answer:
        code = invoke(["run", pipeline, *arguments])
        errors = capfd.readouterr().err
        return Answer(code, [line for line in errors.splitlines() if line.startswith("mlsys: ")])

    return run


@pytest.fixture
def visits(shop: Path) -> Path:
    """A second pipeline of daily CSV files, beside the shop."""
    (shop / "pipelines" / "visits.yaml").write_text(VISITS)
    folder = shop / "visits"
    folder.mkdir()
    for index in range(3):
        rows = [f"{index * 100 + i},{i % 7},{'de' if i % 3 else 'ie'},{'yes' if i % 2 else 'no'}" for i in range(50)]
        (folder / f"{day(index)}.csv").write_text("visit,pages,country,bought\n" + "\n".join(rows) + "\n")
    return folder


def alter(home: Path, *statements: str) -> None:
    with closing(sqlite3.connect(home / "shop.db")) as connection, connection:
        for statement in statements:
            connection.execute(statement)


def refused(answer: Answer, code: int, *parts: str) -> None:
    """Hold an answer to one clear sentence, the right exit code, and that code in the last line."""
    assert answer.code == code
    assert len(answer.said) == 2
    for part in parts:
        assert part in answer.said[0]
    assert answer.said[1].startswith(f"mlsys: exit code {code} (")


def only_a_failed_run(before: State, after: State) -> None:
    """Hold the ledger to what a failure after the snapshot leaves: the request, the run, and what was read."""
    more = {table: after.rows[table] - before.rows[table] for table in TABLES}
    assert (more["requests"], more["runs"]) == (1, 2)
    for table in ("candidates", "evaluations", "decisions", "champion_changes"):
        assert more[table] == 0
    assert (after.champion, after.registry) == (before.champion, before.registry)


# -- before the snapshot: not one row, not one file -----------------------------------------------------------

BROKEN_DATABASES: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "missing table": (
        ("ALTER TABLE orders RENAME TO order_lines",),
        ("shop.db", "There is no table 'orders'", "Correct `source.table`"),
    ),
    "missing column": (
        ("ALTER TABLE orders RENAME COLUMN gift TO present",),
        ("shop.db, table orders", "gift", "Correct `schema`"),
    ),
    "missing time column": (
        ("ALTER TABLE orders RENAME COLUMN placed_at TO ordered_at",),
        ("shop.db, table orders", "placed_at", "Correct `schema`"),
    ),
    "wrong type": (
        (f"UPDATE orders SET n_items = 'many' WHERE date(placed_at) = '{NEW_DAY}'",),
        ("shop: source", f"80 of 80 new rows of {NEW_DAY}", "order_no=", "n_items", "many", "Correct the"),
    ),
}


@pytest.mark.parametrize("name", BROKEN_DATABASES)
def test_a_source_that_is_refused_changes_nothing(shop, run, name) -> None:
    statements, parts = BROKEN_DATABASES[name]
    alter(shop, *statements)
    before = state_of(shop)
    refused(run("--day", NEW_DAY), 3, *parts)
    assert state_of(shop) == but_for_a_request(before)


@pytest.mark.parametrize(
    ("damage", "part"),
    [
        (lambda file: file.unlink(), "There is no such database file"),
        (lambda file: file.write_bytes(file.read_bytes()[:6000]), "SQLite refuses"),
        (lambda file: file.write_text("no database at all, " * 100), "SQLite refuses: file is not a database"),
    ],
    ids=["missing", "half-written", "unreadable"],
)
def test_a_damaged_database_file_changes_nothing(shop, run, damage, part) -> None:
    damage(shop / "shop.db")
    before = state_of(shop)
    refused(run("--day", NEW_DAY), 3, "shop.db", part)
    assert state_of(shop) == but_for_a_request(before)


def test_a_locked_source_may_pass_and_changes_nothing(shop, run, monkeypatch) -> None:
    monkeypatch.setattr("mlsys.sources.reading.databases.BUSY_SECONDS", 0.05)
    before = state_of(shop)
    with closing(sqlite3.connect(shop / "shop.db", isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        refused(run("--day", NEW_DAY), 4, "shop.db", "locked by another process", "Try again")
        other.execute("ROLLBACK")
    assert state_of(shop) == but_for_a_request(before)


def test_a_locked_ledger_may_pass_and_promotes_nothing(shop, run, monkeypatch) -> None:
    monkeypatch.setattr("mlsys.ledger.engine._BUSY_SECONDS", 0.05)
    before = state_of(shop)
    with closing(sqlite3.connect(shop / "mlsys.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        refused(run("--day", NEW_DAY), 4, "The ledger's database does not answer", "locked", "try again")
        other.execute("ROLLBACK")
    after = state_of(shop)
    assert (after.rows, after.champion, after.registry) == (before.rows, before.champion, before.registry)


def test_a_home_of_another_database_is_left_alone(shop, run, monkeypatch) -> None:
    before = state_of(shop)
    monkeypatch.setenv("MLSYS_DATABASE", "postgresql://u:secret@127.0.0.1:9/mlsys")
    answer = run("--day", NEW_DAY)
    refused(answer, 2, "MLSYS_DATABASE", "This home keeps its ledger in", "another MLSYS_HOME")
    assert "secret" not in answer.said[0]
    assert state_of(shop) == before


WRONG_SPECS: dict[str, tuple[dict[str, Any], tuple[str, ...]]] = {
    "unknown key": ({"modles": ["logistic"]}, ("shop.yaml", "modles: no such key here", "Did you mean 'models'?")),
    "unknown key inside": (
        {"split": {"kind": "time", "validation_days": 2, "holdout_days": 3, "gap": 1}},
        ("shop.yaml", "split.gap: no such key here"),
    ),
    "unknown model": (
        {"models": [{"kind": "logistc"}]},
        ("shop.yaml", "models.0: ", "No model named 'logistc'", "Did you mean 'logistic'?"),
    ),
    "unknown metric": (
        {"metrics": {"primary": "rocauc"}},
        ("shop.yaml", "metrics.primary", "Did you mean 'roc_auc'?"),
    ),
    "unknown column": ({"key": "order_nr"}, ("shop.yaml", "key.0", "no column 'order_nr'", "Did you mean 'order_no'?")),
    "wrong type": ({"training": {"seed": "lucky"}}, ("shop.yaml", "training.seed: must be a whole number", "'lucky'")),
    "unset variable": (
        {"source": {"kind": "sql", "url": "postgresql://u:${NO_SUCH_PASSWORD}@h/db", "table": "t", "event_time": "at"}},
        ("The variable NO_SUCH_PASSWORD is not set", "Set NO_SUCH_PASSWORD"),
    ),
    "rule for another type": (
        {"checks": {"rules": [{"kind": "matches", "column": "n_items", "regex": "x"}]}},
        ("shop.yaml", "checks.rules.0", "n_items is of type integer"),
    ),
}


@pytest.mark.parametrize("name", WRONG_SPECS)
def test_a_wrong_spec_changes_nothing(shop, run, name) -> None:
    changes, parts = WRONG_SPECS[name]
    edit_spec(shop / "pipelines", **changes)
    before = state_of(shop)
    refused(run("--day", NEW_DAY), 2, *parts)
    assert state_of(shop) == but_for_a_request(before)


def test_yaml_that_is_none_is_refused_with_its_line(shop, run) -> None:
    (shop / "pipelines" / "shop.yaml").write_text("pipeline: shop\nmodels: [logistic\n")
    before = state_of(shop)
    refused(run(), 2, "shop.yaml:", "Not valid YAML")
    assert state_of(shop) == but_for_a_request(before)


@pytest.mark.parametrize(
    ("arguments", "parts"),
    [
        (["--day", "2026-5-13"], ("day: A day is a UTC date", "'2026-5-13'", "YYYY-MM-DD")),
        (["--day", "2026-02-30"], ("No such day", "'2026-02-30'")),
        (["--set", "models.0.n_trees=3"], ("--set: models.0.n_trees: no such key here",)),
        (["--set", "models.7.C=3"], ("No key `models.7.C`",)),
        (["--set", "models.0.C"], ("--set", "key.path=value")),
        (["--set", "models.0.C=strong"], ("--set: models.0.C: ", "must be a number", "'strong'")),
        (["--set", "no.such.key=1"], ("no: ", "no such key here")),
    ],
)
def test_a_wrong_run_parameter_changes_nothing(shop, run, arguments, parts) -> None:
    before = state_of(shop)
    refused(run(*arguments), 2, *parts)
    assert state_of(shop) == but_for_a_request(before)


def test_an_unknown_pipeline_changes_nothing(shop, run) -> None:
    before = state_of(shop)
    refused(run(pipeline="shpo"), 2, "There is no pipeline 'shpo'", "Did you mean 'shop'?")
    assert state_of(shop) == before


# -- files ----------------------------------------------------------------------------------------------------


def _gzip_half(path: Path) -> None:
    whole = gzip.compress(path.read_bytes())
    path.with_suffix(".csv.gz").write_bytes(whole[: len(whole) // 2])
    path.unlink()


def _parquet_half(path: Path) -> None:
    columns = {"visit": [1], "pages": [1], "country": ["de"], "bought": ["no"]}
    pq.write_table(pa.table(columns), path.with_suffix(".parquet"))
    path.unlink()
    whole = path.with_suffix(".parquet").read_bytes()
    path.with_suffix(".parquet").write_bytes(whole[: len(whole) // 2])


BROKEN_FILES: dict[str, tuple[Callable[[Path], object], tuple[str, ...]]] = {
    "corrupt lines": (
        lambda path: path.write_text(path.read_text().replace("00,", "00,1,2,3,4,", 1).replace("01,", "x,", 1)),
        ("visits: source", "new rows", "can't be read", f"{day(2)}.csv:2: 8 fields instead of 4", "Correct the data"),
    ),
    "no readable line": (lambda p: p.write_text(re.sub(",(no|yes)", r",,\1", p.read_text())), ("50 of 50 new rows",)),
    "half-written line": (
        lambda path: path.write_text("".join(path.read_text().splitlines(keepends=True)[:20])[:-9]),
        ("visits: source", "1 of 19 new rows of", "can't be read", f"{day(2)}.csv:20: "),
    ),
    "bytes of another encoding": (
        lambda path: path.write_bytes(path.read_bytes().replace(b"de", b"\xff\xfe")),
        (f"{day(2)}.csv", "encoding"),
    ),
    "empty file": (lambda path: path.write_text(""), (f"{day(2)}.csv", "empty")),
    "half a gzip file": (_gzip_half, (f"{day(2)}.csv.gz",)),
    "half a Parquet file": (_parquet_half, (f"{day(2)}.parquet",)),
    "missing column": (
        lambda path: path.write_text(path.read_text().replace("country", "land")),
        (f"{day(2)}.csv", "country", "Correct `schema`"),
    ),
    "no day in the name": (
        lambda path: path.rename(path.with_name("newest.csv")),
        ("newest.csv", "The file's name gives no day", "source.day_pattern"),
    ),
}


@pytest.mark.parametrize("name", BROKEN_FILES)
def test_a_broken_file_changes_nothing(shop, visits, run, name) -> None:
    damage, parts = BROKEN_FILES[name]
    damage(visits / f"{day(2)}.csv")
    before = state_of(shop)
    refused(run(pipeline="visits"), 3, *parts)
    assert state_of(shop) == but_for_a_request(before)


def test_no_file_at_all_changes_nothing(shop, visits, run) -> None:
    shutil.rmtree(visits)
    before = state_of(shop)
    refused(run(pipeline="visits"), 3, "visits/*", "No file matches the pattern", "Correct `source.path`")
    assert state_of(shop) == but_for_a_request(before)


def test_a_few_broken_lines_are_counted_and_the_run_goes_on(shop, visits, run) -> None:
    mapping = yaml.safe_load(VISITS) | {"checks": {"tolerated_share": 0.05}}
    (shop / "pipelines" / "visits.yaml").write_text(yaml.safe_dump(mapping))
    path = visits / f"{day(2)}.csv"
    path.write_text(path.read_text() + "299,1\n")
    assert run(pipeline="visits").code == 0


# -- after the snapshot: a failed run, and nothing else -------------------------------------------------------

REFUSED_DATA: dict[str, tuple[tuple[str, ...], dict[str, Any], tuple[str, ...]]] = {
    "all of one class": (
        ("UPDATE orders SET returned = 'no'",),
        {},
        ("column returned", "All labelled rows are of one class: 'no'", "rows of the other class"),
    ),
    "no label at all": (
        ("UPDATE orders SET returned = NULL",),
        {},
        ("column returned", "No row has a label", "labels arrive"),
    ),
    "a third class": (
        ("UPDATE orders SET returned = 'maybe' WHERE order_no % 10 = 0",),
        {},
        ("column returned", "The target has 3 classes", "'maybe'"),
    ),
    "another name of the positive class": (
        (),
        {"target": {"column": "returned", "positive": "Yes"}},
        ("column returned", "The positive class 'Yes' does not occur", "Did you mean 'yes'?"),
    ),
    "too many bad rows": (
        ("UPDATE orders SET basket_value = -1 WHERE order_no % 10 = 0",),
        {},
        ("shop, check `", f"The data of {NEW_DAY} was refused", "are bad", "mlsys report shop-"),
    ),
    "duplicate keys": (
        (f"INSERT INTO orders SELECT * FROM orders WHERE date(placed_at) = '{NEW_DAY}'",),
        {"checks": {"rules": [{"kind": "unique_key"}]}},
        ("shop, check `", f"The data of {NEW_DAY} was refused", "key"),
    ),
}


@pytest.mark.parametrize("name", REFUSED_DATA)
def test_refused_data_leaves_a_failed_run_and_nothing_else(shop, run, name) -> None:
    statements, changes, parts = REFUSED_DATA[name]
    alter(shop, *statements)
    # All days are read again, so that the damage is in all of them.
    edit_spec(shop / "pipelines", ingest={"lookback": "30d", "settle": "0s"}, **changes)
    before = state_of(shop)
    refused(run("--day", NEW_DAY), 3, *parts)
    only_a_failed_run(before, state_of(shop))


def test_asking_again_about_refused_data_is_refused_again(shop, run) -> None:
    alter(shop, f"UPDATE orders SET basket_value = -1 WHERE order_no % 10 = 0 AND date(placed_at) = '{NEW_DAY}'")
    first = run("--day", NEW_DAY)
    before = state_of(shop)
    again = run("--day", NEW_DAY)
    assert (first.code, again.code) == (3, 3)
    assert again.said == first.said
    only_a_failed_run(before, state_of(shop))
    assert state_of(shop).rows["partitions"] == before.rows["partitions"]


def test_missing_labels_of_some_rows_are_no_error(shop, run) -> None:
    alter(shop, f"UPDATE orders SET returned = NULL WHERE order_no % 5 = 0 AND date(placed_at) = '{NEW_DAY}'")
    before = state_of(shop)
    assert run("--day", NEW_DAY).code == 0
    assert state_of(shop).rows["decisions"] == before.rows["decisions"] + 1


# -- nothing to do is no error --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("index", "changes", "sentence"),
    [
        (10, {}, "skipped (unchanged): The champion"),
        (40, {}, f"skipped (no_data_for_day): The source has no rows of {day(40)}"),
        (12, {"ingest": {"settle": "0s", "min_new_rows": 161}}, "skipped (too_few_new_rows): 160 new rows"),
    ],
    ids=["unchanged", "no_data_for_day", "too_few_new_rows"],
)
def test_a_skip_says_why_and_leaves_only_its_request(shop, capfd, index, changes, sentence) -> None:
    if changes:
        edit_spec(shop / "pipelines", **changes)
    before = state_of(shop)
    assert invoke(["run", "shop", "--day", str(day(index))]) == 0
    assert sentence in capfd.readouterr().out
    after = state_of(shop)
    assert after.rows["requests"] == before.rows["requests"] + 1
    for table in ("runs", "candidates", "evaluations", "decisions", "champion_changes"):
        assert after.rows[table] == before.rows[table]


def test_an_empty_source_is_a_skip(shop, capfd) -> None:
    alter(shop, "DELETE FROM orders")
    assert invoke(["run", "shop"]) == 0
    assert "skipped (no_data_for_day)" in capfd.readouterr().out

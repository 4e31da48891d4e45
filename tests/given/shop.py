"""A small pipeline to test against: orders of a shop, and whether they were returned.

Its table is nothing like the samples (other names, other types, a yes/no target), it trains in a second, and its truth
is known: `returned` depends on basket, items and channel, and from `CHANGE` on the channels' effects are swapped.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import yaml

if TYPE_CHECKING:
    import pytest

    from mlsys.workspace import Workspace

FIRST_DAY = date(2026, 5, 1)
CHANGE = 12
ROWS_PER_DAY = 80

SPEC = """
pipeline: shop
description: Will this order come back?
source: {kind: sql, url: "sqlite:///${MLSYS_HOME}/shop.db", table: orders, event_time: placed_at, timezone: UTC}
schema:
  order_no: integer
  basket_value: number
  n_items: integer
  channel: category
  gift: boolean
  returned: category
key: order_no
target: {column: returned, positive: "yes"}
ingest: {lookback: 3d, settle: 0s}
checks:
  tolerated_share: 0.02
  rules:
    - {kind: between, column: basket_value, min: 0}
    - {kind: not_null, column: channel}
split: {kind: time, validation_days: 2, holdout_days: 3}
models:
  - {kind: logistic}
  - {kind: prior}
metrics: {primary: roc_auc, replicates: 200}
gates:
  - {kind: minimum, metric: roc_auc, at_least: 0.6}
  - {kind: min_rows, rows: 100, per_class: 10}
  - {kind: better_than_champion}
explanations: {enabled: false}
"""


def make_shop(home: Path, pipelines: Path, *, days: int) -> None:
    """Write `shop.db` below `home` with the first `days` days, and the spec into `pipelines` if there is none."""
    home.mkdir(parents=True, exist_ok=True)
    pipelines.mkdir(parents=True, exist_ok=True)
    if not (pipelines / "shop.yaml").exists():
        (pipelines / "shop.yaml").write_text(SPEC, encoding="utf-8")
    with sqlite3.connect(home / "shop.db") as connection:
        connection.execute(
            "CREATE TABLE IF NOT EXISTS orders (order_no INTEGER, placed_at TEXT, basket_value REAL, n_items INTEGER, "
            "channel TEXT, gift TEXT, returned TEXT)"
        )
        (known,) = connection.execute("SELECT count(DISTINCT date(placed_at)) FROM orders").fetchone()
        for index in range(known, days):
            connection.executemany("INSERT INTO orders VALUES (?, ?, ?, ?, ?, ?, ?)", _orders(index))
    connection.close()


FILES = {"kind": "files", "path": "${MLSYS_HOME}/incoming/*.csv", "day_pattern": r"(\d{4}-\d{2}-\d{2})"}
_HEADER = "order_no,placed_at,basket_value,n_items,channel,gift,returned\n"


def drop(home: Path, index: int, *, named: date | None = None, age: float = 3600, cut: int = 0) -> Path:
    """Write the day `index` as a CSV file for a spec with the source `FILES`.

    Args:
        home: the file is written into its folder `incoming`.
        index: the day, counted from 0.
        named: the date that the file's name gives.
        age: seconds since it was written.
        cut: characters that are missing at its end, as in a file that is still being written.
    """
    path = home / "incoming" / f"orders-{named or day(index)}.csv"
    path.parent.mkdir(parents=True, exist_ok=True)
    text = _HEADER + "".join(",".join(map(str, row)) + "\n" for row in _orders(index))
    path.write_text(text[: len(text) - cut], encoding="utf-8")
    written = path.stat().st_mtime - age
    os.utime(path, (written, written))
    return path


def enter(home: Path, patched: pytest.MonkeyPatch) -> None:
    """Make `home`, with the specs in its folder `pipelines` and its ledger in SQLite, the home of this process."""
    for name, value in (("HOME", home), ("DATABASE", "sqlite"), ("PIPELINES", home / "pipelines")):
        patched.setenv(f"MLSYS_{name}", str(value))


def enter_copy(template: Path, home: Path, patched: pytest.MonkeyPatch) -> Path:
    """Make `home` a copy of a prepared home, and the home of this process; return it."""
    shutil.copytree(template, home, symlinks=True)
    enter(home, patched)
    return home


def promoted_shop(home: Path, *, days: int, index: int) -> Path:
    """Make a shop with `days` days of data, of which a live run about the day `index` has made a champion."""
    import pytest

    from mlsys import pipeline
    from mlsys.planning.plan import RunRequest
    from mlsys.workspace import open_workspace

    make_shop(home, home / "pipelines", days=days)
    edit_spec(home / "pipelines", registries=["files"])
    with pytest.MonkeyPatch.context() as patched:
        enter(home, patched)
        with open_workspace() as work:
            first = pipeline.run(work, RunRequest("shop", day=day(index)))
    assert first.version is not None
    assert first.version.changed
    return home


def day(index: int) -> date:
    """Return the date of the day `index`, counted from 0."""
    return FIRST_DAY + timedelta(days=index)


def edit_spec(pipelines: Path, **changes: object) -> None:
    """Replace top-level keys of the shop's spec."""
    path = pipelines / "shop.yaml"
    mapping = yaml.safe_load(path.read_text(encoding="utf-8"))
    path.write_text(yaml.safe_dump({**mapping, **changes}, sort_keys=False), encoding="utf-8")


def served(home: Path) -> str:
    """Return the folder in the file registry that the shop's `best_model.joblib` points into."""
    return (home / "registry" / "shop" / "best_model.joblib").readlink().parts[0]


def newest_run(work: Workspace) -> str:
    """Return the run that decided last about the shop."""
    return work.ledger.decisions("shop")[-1].run_id


def _orders(index: int) -> list[tuple[object, ...]]:
    rng = np.random.default_rng([7, index])
    n = ROWS_PER_DAY
    basket = rng.lognormal(3.5, 0.6, n)
    items = rng.integers(1, 9, n)
    channel = rng.choice(["web", "app", "store"], n)
    sign = 1.0 if index < CHANGE else -1.0
    effect = np.select([channel == "web", channel == "app"], [2, -2], 0)
    logit = 0.02 * (basket - 38) + 0.2 * (items - 4.5) + sign * effect
    returned = rng.random(n) < 1 / (1 + np.exp(-logit))
    seconds = np.sort(rng.integers(0, 86400, n))
    return [
        (
            index * 1000 + row,
            f"{day(index)} {seconds[row] // 3600:02d}:{seconds[row] // 60 % 60:02d}:{seconds[row] % 60:02d}",
            round(float(basket[row]), 2),
            int(items[row]),
            str(channel[row]),
            "true" if rng.random() < 0.1 else "false",
            "yes" if returned[row] else "no",
        )
        for row in range(n)
    ]

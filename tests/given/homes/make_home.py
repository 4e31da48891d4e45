"""Make a home for this folder: a shop of a few weeks with all that a home gathers, by this release's own commands.

    .venv/bin/python tests/given/homes/make_home.py sqlite|embedded <new folder> <commit>-<kind>.tar.xz

One archive shows what homes of that commit are like. It is made once and never again: later code has to open it.
"""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
from datetime import date, timedelta
from pathlib import Path

import numpy as np
from pack_home import pack

FIRST, CHANGE, ROWS = date(2026, 5, 1), 12, 60
LAST = 24  # one day more than any run has seen

SPEC = """
pipeline: shop
description: Will this order come back?
owner: returns
tags: [small]
source: {kind: sql, url: "sqlite:///${MLSYS_HOME}/shop.db", table: orders, event_time: placed_at, timezone: UTC}
schema:
  order_no: integer
  basket_value: number
  n_items: integer
  channel: category
  gift: boolean
  known_at: timestamp
  returned: category
key: order_no
target: {column: returned, positive: "yes"}
label: {arrival: known_at}
ingest: {lookback: 3d, settle: 0s}
checks:
  tolerated_share: 0.04
  rules:
    - {kind: between, column: basket_value, min: 0}
    - {kind: not_null, column: channel}
    - {kind: row_count, min_rows: 30}
split: {kind: time, validation_days: 2, holdout_days: 3, train_window_days: 7}
features: {kind: tabular, clip: 10}
models:
  - {kind: logistic}
  - {kind: random_forest, n_estimators: 8, max_depth: 3}
  - {kind: hist_gradient_boosting, max_iter: 8, max_leaf_nodes: 4}
  - {kind: xgboost, n_estimators: 12, max_depth: 2, learning_rate: 0.3}
  - {kind: prior}
metrics: {primary: roc_auc, replicates: 200}
gates:
  - {kind: minimum, metric: roc_auc, at_least: 0.6}
  - {kind: min_rows, rows: 100, per_class: 10}
  - {kind: better_than_champion}
  - data_quality
  - {kind: freshness, max_age: 3d}
monitors:
  watch:
    - {kind: feature_drift, window: 3d, min_rows: 50}
    - {kind: score_drift, window: 3d, min_rows: 50}
    - {kind: live_metric, window: 3d, min_labels: 50, per_class: 10}
  ask_after: 2
  of: 3
notify: {email: [returns@shop.example], webhook: true}
registries: [mlflow, files]
"""
FILES = """
pipeline: shop_files
description: The same orders, as the shop exports them
source: {kind: files, path: "${MLSYS_HOME}/incoming/*.csv", event_time: placed_at, timezone: UTC}
schema: {order_no: text, basket_value: number, n_items: integer, channel: category, gift: boolean, returned: category}
key: order_no
target: {column: returned, positive: "yes"}
ingest: {lookback: 3d, settle: 0s}
checks: {tolerated_share: 0.04, rules: [{kind: unique_key, max_share: 0}]}
split: {kind: hash, validation: 0.2, holdout: 0.3}
models: [{kind: logistic}, {kind: prior}]
metrics: {primary: roc_auc, replicates: 200}
gates: [{kind: minimum, metric: roc_auc, at_least: 0.55}, {kind: min_rows, rows: 50, per_class: 10}]
registries: [files]
"""
COLUMNS = "order_no, placed_at, basket_value, n_items, channel, gift, returned, known_at"


def day(index: int) -> date:
    """Return the date of a day, counted from 0."""
    return FIRST + timedelta(days=index)


def orders(index: int) -> list[tuple[object, ...]]:
    """Return the orders of a day; from the day `CHANGE` on the channels mean the opposite."""
    rng = np.random.default_rng([11, index])
    basket, items = rng.lognormal(3.5, 0.6, ROWS), rng.integers(1, 9, ROWS)
    channel = rng.choice(["web", "app", "store"], ROWS)
    effect = np.select([channel == "web", channel == "app"], [2, -2], 0) * (1 if index < CHANGE else -1)
    returned = rng.random(ROWS) < 1 / (1 + np.exp(-0.02 * (basket - 38) - 0.2 * (items - 4.5) - effect))
    seconds = np.sort(rng.integers(0, 86400, ROWS))
    gift = rng.random(ROWS) < 0.1
    rows = []
    for i in range(ROWS):
        at = f"{seconds[i] // 3600:02d}:{seconds[i] // 60 % 60:02d}:{seconds[i] % 60:02d}"
        known = f"{day(index + (i % 10 == 0))} 23:59:00"  # one label in ten comes a day later
        value, gifts, back = round(float(basket[i]), 2), str(bool(gift[i])).lower(), "yes" if returned[i] else "no"
        rows.append((index * 1000 + i, f"{day(index)} {at}", value, int(items[i]), str(channel[i]), gifts, back, known))
    return rows


def write_data(home: Path) -> None:
    """Write the shop's database, its exported files and the specs."""
    (home / "pipelines").mkdir(parents=True)
    (home / "incoming").mkdir()
    (home / "pipelines" / "shop.yaml").write_text(SPEC.lstrip(), encoding="utf-8")
    (home / "pipelines" / "shop_files.yaml").write_text(FILES.lstrip(), encoding="utf-8")
    with sqlite3.connect(home / "shop.db") as shop:
        shop.execute(
            "CREATE TABLE orders (order_no INTEGER, placed_at TEXT, basket_value REAL, n_items INTEGER, "
            "channel TEXT, gift TEXT, returned TEXT, known_at TEXT)"
        )
        for index in range(LAST + 1):
            shop.executemany("INSERT INTO orders VALUES (?, ?, ?, ?, ?, ?, ?, ?)", orders(index))
        shop.execute("UPDATE orders SET basket_value = -1 WHERE order_no = 10005")  # one bad row is set aside
        shop.execute("UPDATE orders SET channel = NULL WHERE order_no / 1000 = 16")  # a day that is refused
    shop.close()
    for first in range(0, 12, 4):
        lines = [COLUMNS.replace(" ", "")]
        lines += [",".join(map(str, row)) for index in range(first, first + 4) for row in orders(index)]
        (home / "incoming" / f"orders-{day(first)}.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")


def mend_refused_day(home: Path) -> None:
    """Give the refused day its rows as they should have been."""
    with sqlite3.connect(home / "shop.db") as shop:
        shop.executemany("UPDATE orders SET channel = ? WHERE order_no = ?", [(r[4], r[0]) for r in orders(16)])
    shop.close()


def mlsys(*arguments: str, code: int = 0) -> str:
    """Run one of the product's commands and return what it printed."""
    done = subprocess.run([sys.executable, "-m", "mlsys", *arguments], capture_output=True, text=True, check=False)
    if done.returncode != code:
        raise SystemExit(f"mlsys {' '.join(arguments)}: exit code {done.returncode}\n{done.stdout}\n{done.stderr}")
    return done.stdout


def run(index: int, *more: str, ends: str, name: str = "shop") -> str:
    """Retrain about a day, which has to end as the story wants it, and return the run."""
    said = json.loads(mlsys("run", name, "--day", str(day(index)), "--json", *more))
    found = said["decision"]["outcome"] if said["decision"] else said["reason"]
    if found != ends:
        raise SystemExit(f"{name} {day(index)}: {found} instead of {ends}: {said['sentence']}")
    return str(said["run_id"])


def live(home: Path) -> None:
    """Let the shop live for three weeks: every kind of run, and what stands beside the runs."""
    run(9, ends="promote")  # the first champion, 1.0.0
    run(9, ends="unchanged")
    run(10, ends="reject")  # and one row set aside
    run(11, "--mode", "train", ends="historical")
    watch(9, 10, 11, 13, 14, 15)  # it alarms twice
    mlsys("run", "shop", "--day", str(day(16)), code=3)  # refused data
    mend_refused_day(home)
    run(16, ends="reject")
    run(19, ends="reject")
    run(20, "--mode", "dry", ends="promote")
    trained = run(21, "--set", "training.refit=true", "--mode", "train", ends="historical")
    mlsys("promote", "shop", trained, "--reason", "The newest customers count")
    watch(22)
    mlsys("rollback", "shop", "--reason", "A refitted model was not wanted")
    watch(22)
    mlsys("backfill", "shop", "--from", str(day(14)), "--to", str(day(18)))
    run(22, ends="promote")
    run(23, ends="promote")
    run(8, name="shop_files", ends="promote")
    tell(home)
    mlsys("doctor")


def watch(*indices: int) -> None:
    """Let the champion score days, and the monitors look at them."""
    from mlsys.monitoring.monitoring import monitor
    from mlsys.workspace import open_workspace

    with open_workspace() as work:
        for index in indices:
            monitor(work, "shop", day=day(index))


def tell(home: Path) -> None:
    """Leave one notice that was delivered and one that waits."""
    from mlsys import clock
    from mlsys.notification.outbox import Channel, Notice, Outbox, key_of

    outbox, channel = Outbox(home), Channel(kind="email", to="returns@shop.example")
    for number, deliver in (("1", True), ("2", False)):
        notice = Notice(
            key=key_of("ended", "retrain_shop", number), event="rejected", pipeline="shop", at=clock.now(),
            sentence="Rejected: the champion stays.", day=str(day(23)), outcome="reject", dag_run=f"manual__{number}",
            links={"airflow": "http://127.0.0.1:8080/dags/retrain_shop"},
        )  # fmt: skip
        outbox.put(notice, [channel])
        if deliver:
            outbox.deliver(lambda *_: None)


if __name__ == "__main__":
    kind, place, archive = sys.argv[1], Path(sys.argv[2]).resolve(), Path(sys.argv[3]).resolve()
    os.environ |= {"MLSYS_HOME": str(place), "MLSYS_DATABASE": kind, "MLSYS_PIPELINES": str(place / "pipelines")}
    place.mkdir(parents=True)
    os.chdir(place)  # where MLflow says its runs without an experiment would go
    write_data(place)
    live(place)
    pack(place, archive)

"""A small pipeline of several classes to test against: bottles of a cellar, and of which grape each one is.

Its truth is known: the chance of each grape follows from colour and acid, and from `NEW` on a grape arrives that
nobody has heard of before. Names are chosen so that alphabetical order is neither that of the numbers nor of the truth.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pandas as pd

FIRST_DAY = date(2026, 5, 1)
NEW = 14
ROWS_PER_DAY = 90
GRAPES, LATE = ("syrah", "malbec", "Pinot noir"), "assyrtiko"
COLUMNS = ("bottle", "filled_at", "colour", "acid", "region", "grape")
# What a bottle of each grape is like: the mean of colour and acid.
_LIKE = {"syrah": (2.0, 0.0), "malbec": (0.5, 1.5), "Pinot noir": (-1.0, 0.0), "assyrtiko": (-1.0, 4.0)}

SPEC = """
pipeline: cellar
description: Of which grape is this bottle?
source: {kind: sql, url: "sqlite:///${MLSYS_HOME}/cellar.db", table: bottles, event_time: filled_at, timezone: UTC}
schema:
  bottle: integer
  colour: number
  acid: number
  region: category
  grape: category
key: bottle
target: {column: grape, task: multiclass}
ingest: {lookback: 3d, settle: 0s}
split: {kind: time, validation_days: 2, holdout_days: 3}
models:
  - prior
  - logistic
  - {kind: xgboost, n_estimators: 30, max_depth: 3}
metrics: {replicates: 100}
gates:
  - {kind: minimum, metric: log_loss, at_most: 0.9}
  - {kind: min_rows, rows: 100, per_class: 10}
  - {kind: better_than_champion}
monitors:
  watch:
    - {kind: live_metric, window: 3d, min_labels: 100, per_class: 10, tolerance: 0.1}
    - {kind: score_drift, window: 3d, min_rows: 100}
"""


def make_cellar(home: Path, *, days: int) -> None:
    """Write `cellar.db` below `home` with the first `days` days, and the spec into its folder `pipelines`."""
    (home / "pipelines").mkdir(parents=True, exist_ok=True)
    spec = home / "pipelines" / "cellar.yaml"
    if not spec.exists():
        spec.write_text(SPEC, encoding="utf-8")
    with closing(sqlite3.connect(home / "cellar.db")) as connection, connection:
        connection.execute(f"CREATE TABLE IF NOT EXISTS bottles ({', '.join(COLUMNS)})")
        (known,) = connection.execute("SELECT count(DISTINCT date(filled_at)) FROM bottles").fetchone()
        for index in range(known, days):
            rows = bottles(index).itertuples(index=False)
            connection.executemany("INSERT INTO bottles VALUES (?, ?, ?, ?, ?, ?)", rows)


def day(index: int) -> date:
    """Return the date of the day `index`, counted from 0."""
    return FIRST_DAY + timedelta(days=index)


def bottles(index: int) -> pd.DataFrame:
    """Return the bottles of a day, `(ROWS_PER_DAY, len(COLUMNS))`."""
    random, n = np.random.default_rng([11, index]), ROWS_PER_DAY
    there = grapes_of(index)
    grape = random.choice(there, n, p=_shares(there))
    like = np.array([_LIKE[each] for each in grape]) + random.normal(size=(n, 2))
    seconds = np.sort(random.integers(0, 86_400, n))
    values = {
        "bottle": index * 1000 + np.arange(n),
        "filled_at": [str(pd.Timestamp(day(index)) + pd.Timedelta(seconds=int(s))) for s in seconds],
        "colour": like[:, 0].round(4),
        "acid": like[:, 1].round(4),
        "region": random.choice(["north", "south"], n),
        "grape": grape,
    }
    return pd.DataFrame(values, columns=list(COLUMNS)).astype({"grape": object, "region": object})


def grapes_of(index: int) -> tuple[str, ...]:
    """Return the grapes that there are on a day."""
    return (*GRAPES, LATE) if index >= NEW else GRAPES


def true_probabilities(rows: pd.DataFrame, grapes: Sequence[str]) -> np.ndarray:
    """Return `(n_rows, n_grapes)` chance of each grape, by Bayes' theorem."""
    seen = rows[["colour", "acid"]].to_numpy(dtype="float64")
    distance = np.stack([((seen - np.array(_LIKE[each])) ** 2).sum(axis=1) for each in grapes], axis=1)
    weight = np.array(_shares(grapes)) * np.exp(-distance / 2)
    found: np.ndarray = weight / weight.sum(axis=1, keepdims=True)
    return found


def _shares(grapes: Sequence[str]) -> list[float]:
    shares = [{"syrah": 0.5, "malbec": 0.3, "Pinot noir": 0.2, LATE: 0.2}[each] for each in grapes]
    return [share / sum(shares) for share in shares]

"""The table of the reference job: id, day of 365, 22 numbers, 5 categories, target; 3 to 5 % missing in 8 numbers."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import numpy as np
import pandas as pd

TABLE = "observations"
NUMBERS = [f"x{i:02d}" for i in range(22)]
HOLED = NUMBERS[:8]
CATEGORIES = [f"c{i}" for i in range(5)]
LEVELS = {name: [f"{name}_{level}" for level in range(4 + 4 * i)] for i, name in enumerate(CATEGORIES)}
N_DAYS = 365
HOLDOUT_DAYS = VALIDATION_DAYS = 73


def write(path: Path, n_rows: int, seed: int = 7) -> None:
    """Write the table to a new SQLite database at `path`; the same arguments give the same rows."""
    frame = make(n_rows, seed)
    with sqlite3.connect(path) as connection:
        frame.to_sql(TABLE, connection, index=False)


def make(n_rows: int, seed: int = 7) -> pd.DataFrame:
    """Return the rows; the target depends on six numbers and two categories, by a logistic model with noise."""
    random = np.random.default_rng(seed)
    numbers = random.normal(size=(n_rows, len(NUMBERS)))
    codes = {name: random.integers(0, len(levels), n_rows) for name, levels in LEVELS.items()}
    score = numbers[:, :6] @ np.array([0.9, -0.7, 0.5, 0.4, -0.3, 0.2]) + 0.8 * numbers[:, 0] * numbers[:, 8]
    score += 0.25 * (codes["c0"] - 1.5) - 0.15 * (codes["c1"] % 3)
    y = random.random(n_rows) < 1 / (1 + np.exp(-(score - 0.6)))
    for position in range(len(HOLED)):
        numbers[random.random(n_rows) < 0.03 + 0.02 * position / (len(HOLED) - 1), position] = np.nan
    days = np.datetime64("2025-01-01") + np.sort(random.integers(0, N_DAYS, n_rows))
    return pd.DataFrame(
        {
            "id": np.arange(n_rows),
            "day": days.astype(str),
            **{name: numbers[:, i] for i, name in enumerate(NUMBERS)},
            **{name: np.array(levels)[codes[name]] for name, levels in LEVELS.items()},
            "target": np.where(y, "yes", "no"),
        }
    )

"""Rows of a known world with two models' answers, for what gates measure: whether one is worse, and where, is known."""

from __future__ import annotations

import numpy as np

from mlsys.gates.measuring import JudgedRows
from mlsys.metrics.scores import Scored
from mlsys.schema import ColumnSpec
from mlsys.testing.gate_material import rows_of

COLUMNS = {"letter": ColumnSpec(type="category"), "number": ColumnSpec(type="number")}
NOISE = 0.7


def logistic(z: np.ndarray) -> np.ndarray:
    p: np.ndarray = 1 / (1 + np.exp(-z))
    return p


def judged_rows(
    n_rows: int, seed: int, *, worse_on_b: float = 0.0, remembers: float = 0.0, per_group: int = 0
) -> JudgedRows:
    """Return rows in which both models err alike, each by its own luck.

    Args:
        n_rows: how many.
        seed: of rows and of both models' luck.
        worse_on_b: by so much more the challenger errs where `letter` is b.
        remembers: how much of the labels the champion knows, as one that was fitted on these rows does.
        per_group: rows of a group that share both models' luck; 0 where rows are independent.
    """
    random = np.random.default_rng(seed)
    letter, x = random.choice(list("abcd"), n_rows).astype(object), random.normal(size=n_rows)
    z = 1.5 * x - 0.4
    group = np.arange(n_rows) // per_group if per_group else None
    y = (random.random(n_rows) < logistic(z)).astype("int8")

    def luck() -> np.ndarray:
        if group is None:
            return random.normal(0, NOISE, n_rows)
        found: np.ndarray = random.normal(0, NOISE, group.max() + 1)[group]
        return found

    new = z + luck() + worse_on_b * (letter == "b") * random.choice([-1, 1], n_rows)
    old = z + luck() + remembers * (2 * y - 1)
    columns = {"letter": letter, "number": np.where(random.random(n_rows) < 0.05, np.nan, x)}
    return rows_of(Scored(y, logistic(new)), Scored(y, logistic(old)), columns, group)

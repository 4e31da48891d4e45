"""Questions of an explanation, on rows and models whose truth is known."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from mlsys.explanation.asked import Asked
from mlsys.metrics import METRICS
from mlsys.models import MODELS
from mlsys.schema import ColumnSpec
from mlsys.spec.blocks import Explanations
from mlsys.targets import TARGETS

COLUMNS = {
    "strong": ColumnSpec(type="number"),
    "weak": ColumnSpec(type="number"),
    "noise": ColumnSpec(type="number"),
    "brand": ColumnSpec(type="category"),
    "https": ColumnSpec(type="boolean"),
}


class Known:
    """A model whose weights are known: `strong` 2, `weak` 0.5, brand `bolt` 1, https that is missing 0.25."""

    classes_ = np.array([0, 1])

    def logits(self, rows: pd.DataFrame) -> np.ndarray:
        found: np.ndarray = (
            2.0 * rows["strong"] + 0.5 * rows["weak"] + 1.0 * (rows["brand"] == "bolt") + 0.25 * rows["https"].isna()
        ).to_numpy(dtype="float64")
        return found

    def predict_proba(self, rows: pd.DataFrame) -> np.ndarray:
        p = 1 / (1 + np.exp(0.5 - self.logits(rows)))
        return np.column_stack([1 - p, p])

    def predict(self, rows: pd.DataFrame) -> np.ndarray:
        return self.logits(rows)


def frame_of(n_rows: int, *, seed: int = 0) -> pd.DataFrame:
    random = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "strong": random.normal(size=n_rows),
            "weak": random.normal(size=n_rows),
            "noise": random.normal(size=n_rows),
            "brand": pd.Series(random.choice(["acme", "bolt", None], n_rows, p=[0.6, 0.3, 0.1]), dtype=object),
            "https": random.choice([0.0, 1.0, np.nan], n_rows, p=[0.4, 0.5, 0.1]),
        }
    )


def asked(
    n_rows: int = 1000,
    *,
    seed: int = 0,
    task: str = "binary",
    metric: str = "",
    frame: pd.DataFrame | None = None,
    pipeline: Any = None,
    model: Any = "logistic",
    ranked: Sequence[str] | None = None,
    columns: dict[str, ColumnSpec] | None = None,
    **settings: Any,
) -> Asked:
    """Return what is asked of a model, `Known` unless another one is given, whose labels come from `Known`."""
    rows = frame_of(n_rows, seed=seed) if frame is None else frame
    given = {"column": "y", "task": task, **({"positive": "yes"} if task == "binary" else {})}
    target = TARGETS.parse(given)
    random, known = np.random.default_rng(seed + 1000), pipeline or Known()
    answers = target.answers(known, rows)
    if task == "binary":
        y = (random.random(len(rows)) < answers).astype("int8")
    else:
        y = answers + random.normal(size=len(rows))
    there = columns or {name: column for name, column in COLUMNS.items() if name in rows}
    return Asked(
        target=target,
        model=MODELS.parse(model),
        pipeline=known,
        rows=rows,
        predictions=target.predictions.of(y, answers, threshold=0.5),
        metric=METRICS.parse(metric or target.primary),
        columns=there,
        ranked=ranked or list(there),
        classes=[],
        settings=Explanations(**settings),
        seed=seed,
    )
